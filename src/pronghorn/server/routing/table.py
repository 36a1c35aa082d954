"""Routes written down before there is a router: as calls, and as decorators."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from .dispatcher import UrlDispatcher
from .resource import ANY_METHOD, ExpectHandler, Handler, Route

_HandlerT = TypeVar("_HandlerT", bound=Handler)


@dataclass(frozen=True, slots=True)
class RouteDef:
    """A route to be."""

    method: str
    path: str
    handler: Handler
    name: str | None = None
    expect_handler: ExpectHandler | None = None
    allow_head: bool = False

    def register(self, router: UrlDispatcher) -> Route:
        """Add the route to ``router``."""
        if self.allow_head:
            return router.add_get(self.path, self.handler, name=self.name, expect_handler=self.expect_handler)
        return router.add_route(
            self.method, self.path, self.handler, name=self.name, expect_handler=self.expect_handler
        )


def route(
    method: str,
    path: str,
    handler: Handler,
    *,
    name: str | None = None,
    expect_handler: ExpectHandler | None = None,
) -> RouteDef:
    """Answer ``method`` on ``path``."""
    return RouteDef(method, path, handler, name, expect_handler)


def get(
    path: str,
    handler: Handler,
    *,
    name: str | None = None,
    expect_handler: ExpectHandler | None = None,
    allow_head: bool = True,
) -> RouteDef:
    """Answer GET on ``path``, and HEAD unless ``allow_head`` is False."""
    return RouteDef("GET", path, handler, name, expect_handler, allow_head)


def head(
    path: str, handler: Handler, *, name: str | None = None, expect_handler: ExpectHandler | None = None
) -> RouteDef:
    """Answer HEAD on ``path``."""
    return RouteDef("HEAD", path, handler, name, expect_handler)


def options(
    path: str, handler: Handler, *, name: str | None = None, expect_handler: ExpectHandler | None = None
) -> RouteDef:
    """Answer OPTIONS on ``path``."""
    return RouteDef("OPTIONS", path, handler, name, expect_handler)


def post(
    path: str, handler: Handler, *, name: str | None = None, expect_handler: ExpectHandler | None = None
) -> RouteDef:
    """Answer POST on ``path``."""
    return RouteDef("POST", path, handler, name, expect_handler)


def put(
    path: str, handler: Handler, *, name: str | None = None, expect_handler: ExpectHandler | None = None
) -> RouteDef:
    """Answer PUT on ``path``."""
    return RouteDef("PUT", path, handler, name, expect_handler)


def patch(
    path: str, handler: Handler, *, name: str | None = None, expect_handler: ExpectHandler | None = None
) -> RouteDef:
    """Answer PATCH on ``path``."""
    return RouteDef("PATCH", path, handler, name, expect_handler)


def delete(
    path: str, handler: Handler, *, name: str | None = None, expect_handler: ExpectHandler | None = None
) -> RouteDef:
    """Answer DELETE on ``path``."""
    return RouteDef("DELETE", path, handler, name, expect_handler)


class RouteTableDef(Sequence[RouteDef]):
    """Routes collected by decorators: ``@routes.get("/")`` above a handler."""

    def __init__(self) -> None:
        self._items: list[RouteDef] = []

    def __repr__(self) -> str:
        return f"<RouteTableDef count={len(self._items)}>"

    @overload
    def __getitem__(self, index: int) -> RouteDef: ...
    @overload
    def __getitem__(self, index: slice) -> list[RouteDef]: ...
    def __getitem__(self, index: int | slice) -> RouteDef | list[RouteDef]:
        return self._items[index]

    def __iter__(self) -> Iterator[RouteDef]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def _collect(
        self, make: Callable[..., RouteDef], path: str, **options: Any
    ) -> Callable[[_HandlerT], _HandlerT]:
        def collect(handler: _HandlerT) -> _HandlerT:
            self._items.append(make(path, handler, **options))
            return handler

        return collect

    def route(
        self, method: str, path: str, *, name: str | None = None, expect_handler: ExpectHandler | None = None
    ) -> Callable[[_HandlerT], _HandlerT]:
        """Answer ``method`` on ``path`` with the decorated handler."""
        return self._collect(
            lambda path, handler: route(method, path, handler, name=name, expect_handler=expect_handler), path
        )

    def get(
        self,
        path: str,
        *,
        name: str | None = None,
        expect_handler: ExpectHandler | None = None,
        allow_head: bool = True,
    ) -> Callable[[_HandlerT], _HandlerT]:
        """Answer GET, and HEAD unless ``allow_head`` is False."""
        return self._collect(get, path, name=name, expect_handler=expect_handler, allow_head=allow_head)

    def head(
        self, path: str, *, name: str | None = None, expect_handler: ExpectHandler | None = None
    ) -> Callable[[_HandlerT], _HandlerT]:
        """Answer HEAD."""
        return self._collect(head, path, name=name, expect_handler=expect_handler)

    def options(
        self, path: str, *, name: str | None = None, expect_handler: ExpectHandler | None = None
    ) -> Callable[[_HandlerT], _HandlerT]:
        """Answer OPTIONS."""
        return self._collect(options, path, name=name, expect_handler=expect_handler)

    def post(
        self, path: str, *, name: str | None = None, expect_handler: ExpectHandler | None = None
    ) -> Callable[[_HandlerT], _HandlerT]:
        """Answer POST."""
        return self._collect(post, path, name=name, expect_handler=expect_handler)

    def put(
        self, path: str, *, name: str | None = None, expect_handler: ExpectHandler | None = None
    ) -> Callable[[_HandlerT], _HandlerT]:
        """Answer PUT."""
        return self._collect(put, path, name=name, expect_handler=expect_handler)

    def patch(
        self, path: str, *, name: str | None = None, expect_handler: ExpectHandler | None = None
    ) -> Callable[[_HandlerT], _HandlerT]:
        """Answer PATCH."""
        return self._collect(patch, path, name=name, expect_handler=expect_handler)

    def delete(
        self, path: str, *, name: str | None = None, expect_handler: ExpectHandler | None = None
    ) -> Callable[[_HandlerT], _HandlerT]:
        """Answer DELETE."""
        return self._collect(delete, path, name=name, expect_handler=expect_handler)


__all__ = [
    "ANY_METHOD",
    "RouteDef",
    "RouteTableDef",
    "delete",
    "get",
    "head",
    "options",
    "patch",
    "post",
    "put",
    "route",
]
