"""The router: plain paths by one look-up, dynamic ones by their fixed beginning, longest first."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from yarl import URL

from ..errors import HTTPException, HTTPMethodNotAllowed, HTTPNotFound
from ..matching import AbstractMatchInfo
from ..request import Request
from ..response import StreamResponse
from .resource import (
    NO_PARTS,
    DynamicResource,
    ExpectHandler,
    Handler,
    PlainResource,
    Resource,
    Route,
    UrlMappingMatchInfo,
    make_resource,
)

_SLASH: Final = "/"
_ENCODED_SLASH: Final = re.compile("%2[Ff]")


class AbstractRouter(ABC):
    """What an application asks for the handler of a request."""

    _is_frozen: bool = False

    @property
    def frozen(self) -> bool:
        """The application has started: nothing can be added."""
        return self._is_frozen

    def freeze(self) -> None:
        """Allow no further change."""
        self._is_frozen = True

    @abstractmethod
    async def resolve(self, request: Request) -> AbstractMatchInfo:
        """Find the handler; a refusal is a match too, whose handler raises it."""


class RouteDefinition(Protocol):
    """What `UrlDispatcher.add_routes` takes."""

    def register(self, router: "UrlDispatcher") -> Any: ...


class Refusal(AbstractMatchInfo):
    """No route: the handler raises why."""

    def __init__(self, error: HTTPException) -> None:
        self._error = error

    @property
    def http_exception(self) -> HTTPException:
        return self._error

    @property
    def handler(self) -> Handler:
        return self._refuse

    async def _refuse(self, request: Request) -> StreamResponse:
        raise self._error


class UrlDispatcher(AbstractRouter, Mapping[str, Resource]):
    """The default router. As a mapping: the named resources.

    A plain path wins over every pattern; among patterns the longest fixed beginning,
    up to a "/", wins, and then the order of registration. A path that fits while its
    method does not goes on looking; if nothing answers, that is 405, otherwise 404.
    """

    def __init__(self) -> None:
        self._resources: list[Resource] = []
        self._named: dict[str, Resource] = {}
        self._plain: dict[str, PlainResource] = {}
        #: Patterns by the fixed segments that they begin with.
        self._dynamic: dict[str, list[DynamicResource]] = {}
        self._longest_prefix = 0

    # Looking up

    async def resolve(self, request: Request) -> AbstractMatchInfo:
        head = request.head
        path, _, _ = head.target.partition("?")
        if path[0] != _SLASH:
            path = request.rel_url.raw_path
        if "%" in path:
            path = _normal_form(path)
        method = head.method
        plain = self._plain.get(path)
        if plain is not None:
            route = plain.routes.get(method) or plain.find(method)
            if route is not None:
                return UrlMappingMatchInfo(NO_PARTS, route)
        allowed = set() if plain is None else set(plain.routes)
        found = self._find_dynamic(path, method, allowed)
        if found is not None:
            return found
        return Refusal(HTTPMethodNotAllowed(method, allowed) if allowed else HTTPNotFound())

    def _find_dynamic(self, path: str, method: str, allowed: set[str]) -> UrlMappingMatchInfo | None:
        prefix = path
        if len(path) > self._longest_prefix:
            # No pattern begins with more than this: a path of a thousand slashes costs no thousand look-ups.
            prefix = path[: max(0, path.rfind(_SLASH, 0, self._longest_prefix + 1))] or _SLASH
        while True:
            for resource in self._dynamic.get(prefix, ()):
                parts = resource.match(path)
                if parts is None:
                    continue
                route = resource.find(method)
                if route is not None:
                    return UrlMappingMatchInfo(parts, route)
                allowed.update(resource.routes)
            if prefix == _SLASH or not prefix:
                return None
            prefix = prefix.rpartition(_SLASH)[0] or _SLASH

    # Adding

    def add_resource(self, path: str, *, name: str | None = None) -> Resource:
        """The resource for ``path``: a new one, or the last registered if it has the same path and name."""
        if self._resources:
            last = self._resources[-1]
            if last.path == path and last.name == name:
                return last
        resource = make_resource(path, name=name)
        self.register_resource(resource)
        return resource

    def register_resource(self, resource: Resource) -> None:
        """Add a resource. RuntimeError after `freeze`; ValueError for a name that is taken or is not one."""
        if self._is_frozen:
            raise RuntimeError("the router is frozen: the application has started")
        name = resource.name
        if name is not None:
            _check_name(name)
            if name in self._named:
                raise ValueError(f"name: {name!r} is taken by {self._named[name].canonical}")
            self._named[name] = resource
        self._resources.append(resource)
        if isinstance(resource, PlainResource):
            known = self._plain.setdefault(resource.canonical, resource)
            if known is not resource:
                resource.routes = known.routes
        elif isinstance(resource, DynamicResource):
            prefix = resource.prefix.rpartition(_SLASH)[0] or _SLASH
            self._dynamic.setdefault(prefix, []).append(resource)
            self._longest_prefix = max(self._longest_prefix, len(prefix))
        else:
            raise TypeError(f"resource: expected a plain or a dynamic one, got {resource!r}")

    def add_route(
        self,
        method: str,
        path: str,
        handler: Handler,
        *,
        name: str | None = None,
        expect_handler: ExpectHandler | None = None,
    ) -> Route:
        """Answer ``method`` ("*" for all) on ``path`` with ``handler``."""
        return self.add_resource(path, name=name).add_route(method, handler, expect_handler=expect_handler)

    def add_get(
        self,
        path: str,
        handler: Handler,
        *,
        name: str | None = None,
        expect_handler: ExpectHandler | None = None,
        allow_head: bool = True,
    ) -> Route:
        """Answer GET, and HEAD with the same handler unless ``allow_head`` is False."""
        resource = self.add_resource(path, name=name)
        route = resource.add_route("GET", handler, expect_handler=expect_handler)
        if allow_head:
            resource.add_route("HEAD", handler, expect_handler=expect_handler)
        return route

    def add_head(
        self,
        path: str,
        handler: Handler,
        *,
        name: str | None = None,
        expect_handler: ExpectHandler | None = None,
    ) -> Route:
        """Answer HEAD."""
        return self.add_route("HEAD", path, handler, name=name, expect_handler=expect_handler)

    def add_options(
        self,
        path: str,
        handler: Handler,
        *,
        name: str | None = None,
        expect_handler: ExpectHandler | None = None,
    ) -> Route:
        """Answer OPTIONS."""
        return self.add_route("OPTIONS", path, handler, name=name, expect_handler=expect_handler)

    def add_post(
        self,
        path: str,
        handler: Handler,
        *,
        name: str | None = None,
        expect_handler: ExpectHandler | None = None,
    ) -> Route:
        """Answer POST."""
        return self.add_route("POST", path, handler, name=name, expect_handler=expect_handler)

    def add_put(
        self,
        path: str,
        handler: Handler,
        *,
        name: str | None = None,
        expect_handler: ExpectHandler | None = None,
    ) -> Route:
        """Answer PUT."""
        return self.add_route("PUT", path, handler, name=name, expect_handler=expect_handler)

    def add_patch(
        self,
        path: str,
        handler: Handler,
        *,
        name: str | None = None,
        expect_handler: ExpectHandler | None = None,
    ) -> Route:
        """Answer PATCH."""
        return self.add_route("PATCH", path, handler, name=name, expect_handler=expect_handler)

    def add_delete(
        self,
        path: str,
        handler: Handler,
        *,
        name: str | None = None,
        expect_handler: ExpectHandler | None = None,
    ) -> Route:
        """Answer DELETE."""
        return self.add_route("DELETE", path, handler, name=name, expect_handler=expect_handler)

    def add_routes(self, routes: Iterable[RouteDefinition]) -> list[Any]:
        """Register each definition, in order; return what each made."""
        return [route.register(self) for route in routes]

    def freeze(self) -> None:
        """Allow no further resource, and no further route of one."""
        super().freeze()
        for resource in self._resources:
            resource.is_frozen = True

    # Listing

    def resources(self) -> list[Resource]:
        """All resources, in the order of registration."""
        return list(self._resources)

    def routes(self) -> list[Route]:
        """All routes, in the order of registration."""
        # Resources of one plain path share their routes.
        return list(dict.fromkeys(route for resource in self._resources for route in resource))

    def named_resources(self) -> Mapping[str, Resource]:
        """The resources that have a name."""
        return dict(self._named)

    def __getitem__(self, name: str) -> Resource:
        return self._named[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)


def _normal_form(path: str) -> str:
    """``path`` as yarl quotes it, as patterns are: %7E is "~", %c3 is %C3; %2F separates nothing."""
    parts = (URL.build(path=part, encoded=True).path for part in _ENCODED_SLASH.split(path))
    return "%2F".join(URL.build(path=part).raw_path for part in parts)


def _check_name(name: str) -> None:
    for part in name.replace(".", ":").replace("-", ":").split(":"):
        if not part.isidentifier():
            raise ValueError(f"name: expected identifiers joined by '.', ':' or '-', got {name!r}")
