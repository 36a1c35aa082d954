"""Routes written down before there is a router: as calls, and as decorators."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from .dispatcher import UrlDispatcher
from .route import ANY_METHOD, AbstractRoute, Handler

_HandlerT = TypeVar("_HandlerT", bound=Handler)


class AbstractRouteDef(ABC):
    """Routes to be."""

    @abstractmethod
    def register(self, router: UrlDispatcher) -> list[AbstractRoute]:
        """Add them to ``router``; return them."""


@dataclass(frozen=True, slots=True, repr=False)
class RouteDef(AbstractRouteDef):
    """A route to be; ``kwargs`` are further arguments of the router's method for it."""

    method: str
    path: str
    handler: Handler
    kwargs: dict[str, Any]

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in sorted(self.kwargs.items()))
        name = getattr(self.handler, "__name__", repr(self.handler))
        return f"<RouteDef {self.method} {self.path} -> {name!r}{options}>"

    def register(self, router: UrlDispatcher) -> list[AbstractRoute]:
        if self.method == "GET":
            return [router.add_get(self.path, self.handler, **self.kwargs)]
        return [router.add_route(self.method, self.path, self.handler, **self.kwargs)]


@dataclass(frozen=True, slots=True, repr=False)
class StaticDef(AbstractRouteDef):
    """A folder of files to be; ``kwargs`` are further arguments of `UrlDispatcher.add_static`."""

    prefix: str
    path: str | os.PathLike[str]
    kwargs: dict[str, Any]

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in sorted(self.kwargs.items()))
        return f"<StaticDef {self.prefix} -> {self.path}{options}>"

    def register(self, router: UrlDispatcher) -> list[AbstractRoute]:
        return list(router.add_static(self.prefix, self.path, **self.kwargs))


def route(method: str, path: str, handler: Handler, **kwargs: Any) -> RouteDef:
    """Answer ``method`` on ``path``; further arguments of this and the following are those of `add_route`."""
    return RouteDef(method, path, handler, kwargs)


def head(path: str, handler: Handler, **kwargs: Any) -> RouteDef:
    """Answer HEAD on ``path``."""
    return route("HEAD", path, handler, **kwargs)


def options(path: str, handler: Handler, **kwargs: Any) -> RouteDef:
    """Answer OPTIONS on ``path``."""
    return route("OPTIONS", path, handler, **kwargs)


def get(
    path: str, handler: Handler, *, name: str | None = None, allow_head: bool = True, **kwargs: Any
) -> RouteDef:
    """Answer GET on ``path``, and HEAD unless ``allow_head`` is False."""
    return route("GET", path, handler, name=name, allow_head=allow_head, **kwargs)


def post(path: str, handler: Handler, **kwargs: Any) -> RouteDef:
    """Answer POST on ``path``."""
    return route("POST", path, handler, **kwargs)


def put(path: str, handler: Handler, **kwargs: Any) -> RouteDef:
    """Answer PUT on ``path``."""
    return route("PUT", path, handler, **kwargs)


def patch(path: str, handler: Handler, **kwargs: Any) -> RouteDef:
    """Answer PATCH on ``path``."""
    return route("PATCH", path, handler, **kwargs)


def delete(path: str, handler: Handler, **kwargs: Any) -> RouteDef:
    """Answer DELETE on ``path``."""
    return route("DELETE", path, handler, **kwargs)


def view(path: str, handler: Handler, **kwargs: Any) -> RouteDef:
    """Answer every method on ``path`` with a class of `View`."""
    return route(ANY_METHOD, path, handler, **kwargs)


def static(prefix: str, path: str | os.PathLike[str], **kwargs: Any) -> StaticDef:
    """Serve the files below the folder ``path``; further arguments are those of `StaticResource`."""
    return StaticDef(prefix, path, kwargs)


class RouteTableDef(Sequence[AbstractRouteDef]):
    """Routes collected by decorators: ``@routes.get("/")`` above a handler."""

    def __init__(self) -> None:
        self._items: list[AbstractRouteDef] = []

    def __repr__(self) -> str:
        return f"<RouteTableDef count={len(self._items)}>"

    @overload
    def __getitem__(self, index: int) -> AbstractRouteDef: ...
    @overload
    def __getitem__(self, index: slice) -> list[AbstractRouteDef]: ...
    def __getitem__(self, index: int | slice) -> AbstractRouteDef | list[AbstractRouteDef]:
        return self._items[index]

    def __iter__(self) -> Iterator[AbstractRouteDef]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def route(self, method: str, path: str, **kwargs: Any) -> Callable[[_HandlerT], _HandlerT]:
        """Answer ``method`` on ``path`` with the decorated handler; ``kwargs`` are those of `add_route`."""

        def collect(handler: _HandlerT) -> _HandlerT:
            self._items.append(RouteDef(method, path, handler, kwargs))
            return handler

        return collect

    def head(self, path: str, **kwargs: Any) -> Callable[[_HandlerT], _HandlerT]:
        """Answer HEAD."""
        return self.route("HEAD", path, **kwargs)

    def get(self, path: str, **kwargs: Any) -> Callable[[_HandlerT], _HandlerT]:
        """Answer GET, and HEAD unless ``allow_head=False``."""
        return self.route("GET", path, **kwargs)

    def post(self, path: str, **kwargs: Any) -> Callable[[_HandlerT], _HandlerT]:
        """Answer POST."""
        return self.route("POST", path, **kwargs)

    def put(self, path: str, **kwargs: Any) -> Callable[[_HandlerT], _HandlerT]:
        """Answer PUT."""
        return self.route("PUT", path, **kwargs)

    def patch(self, path: str, **kwargs: Any) -> Callable[[_HandlerT], _HandlerT]:
        """Answer PATCH."""
        return self.route("PATCH", path, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> Callable[[_HandlerT], _HandlerT]:
        """Answer DELETE."""
        return self.route("DELETE", path, **kwargs)

    def options(self, path: str, **kwargs: Any) -> Callable[[_HandlerT], _HandlerT]:
        """Answer OPTIONS."""
        return self.route("OPTIONS", path, **kwargs)

    def view(self, path: str, **kwargs: Any) -> Callable[[_HandlerT], _HandlerT]:
        """Answer every method with the decorated class of `View`."""
        return self.route(ANY_METHOD, path, **kwargs)

    def static(self, prefix: str, path: str | os.PathLike[str], **kwargs: Any) -> None:
        """Serve the files below the folder ``path``."""
        self._items.append(StaticDef(prefix, path, kwargs))


__all__ = [
    "AbstractRouteDef",
    "RouteDef",
    "RouteTableDef",
    "StaticDef",
    "delete",
    "get",
    "head",
    "options",
    "patch",
    "post",
    "put",
    "route",
    "static",
    "view",
]
