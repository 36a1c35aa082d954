"""The router: from a request to the route that answers it."""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from keyword import iskeyword
from typing import Any, Final, Protocol

from ..errors import HTTPMethodNotAllowed, HTTPNotFound
from ..matching import AbstractMatchInfo
from ..request import Request
from .index import PathIndex
from .listing import ResourcesView, RoutesView
from .match_info import MatchInfoError, UrlMappingMatchInfo
from .paths import SLASH, path_of
from .resource import (
    NO_PARTS,
    AbstractResource,
    DynamicResource,
    Found,
    Resource,
    make_resource,
)
from .route import ANY_METHOD, AbstractRoute, ExpectHandler, Handler, ResourceRoute
from .static import CHUNK_SIZE, StaticResource
from .subapp import MatchedSubAppResource

_NAME_SEPARATORS: Final = re.compile(r"[.:-]")


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

    def post_init(self, app: Any) -> None:
        """Called once with the application that this was made for."""

    @abstractmethod
    async def resolve(self, request: Request) -> AbstractMatchInfo:
        """Find the handler; a refusal is a match too, whose handler raises it."""


class RouteDefinition(Protocol):
    """What `UrlDispatcher.add_routes` takes."""

    def register(self, router: "UrlDispatcher") -> list[AbstractRoute]: ...


class UrlDispatcher(AbstractRouter, Mapping[str, AbstractResource]):
    """The default router. As a mapping: the named resources.

    Sub-applications behind a rule are asked first. Then the longest fixed beginning, in whole segments, wins,
    and among resources with the same the order of registration. Where a path fits and its method does not, it
    goes on looking; if nothing answers, that is 405, otherwise 404.
    """

    NAME_SPLIT_RE = _NAME_SEPARATORS

    def __init__(self) -> None:
        self._resources: list[AbstractResource] = []
        self._named_resources: dict[str, AbstractResource] = {}
        self._index = PathIndex()
        self._plain = self._index.plain
        #: Those that no path leads to.
        self._ruled: list[MatchedSubAppResource] = []

    # Looking up

    async def resolve(self, request: Request) -> UrlMappingMatchInfo:
        if self._ruled and (found := await self._find_by_rule(request)) is not None:
            return found
        head = request.head
        path, _, _ = head.target.partition("?")
        if "%" in path or path[:1] != SLASH:
            path = path_of(request)
        method = head.method
        for plain in self._plain.get(path, ()):
            route = plain._routes.get(method) or plain._routes.get(ANY_METHOD)
            if route is not None:
                return UrlMappingMatchInfo(NO_PARTS, route)
        allowed: set[str] = set()
        for resource in self._index.candidates(path):
            if type(resource) is DynamicResource:
                # What its `resolve` does, without finding out the path again.
                parts = resource._match(path)
                if parts is None:
                    continue
                route = resource._routes.get(method) or resource._routes.get(ANY_METHOD)
                if route is not None:
                    return UrlMappingMatchInfo(parts, route)
                allowed.update(resource._routes)
                continue
            answer: Found = await resource.resolve(request)
            found, methods = answer
            if found is not None:
                return found
            allowed |= methods
        return MatchInfoError(HTTPMethodNotAllowed(method, allowed) if allowed else HTTPNotFound())

    async def _find_by_rule(self, request: Request) -> UrlMappingMatchInfo | None:
        for ruled in self._ruled:
            found, _ = await ruled.resolve(request)
            if found is not None:
                return found
        return None

    # Adding

    def add_resource(self, path: str, *, name: str | None = None) -> Resource:
        """The resource for ``path``: a new one, or the last registered if it has the same path and name."""
        if self._resources:
            last = self._resources[-1]
            if isinstance(last, Resource) and last.name == name and last.raw_match(path):
                return last
        resource = make_resource(path, name=name)
        self.register_resource(resource)
        return resource

    def register_resource(self, resource: AbstractResource) -> None:
        """Add a resource.

        RuntimeError after `freeze`; TypeError for what is not one; ValueError for a name that is taken, or
        is no identifiers joined by ".", ":" or "-".
        """
        if not isinstance(resource, AbstractResource):
            raise TypeError(f"resource: expected an AbstractResource, got {resource!r}")
        if self._is_frozen:
            raise RuntimeError("the router is frozen: the application has started")
        name = resource.name
        if name is not None:
            _check_name(name)
            if name in self._named_resources:
                raise ValueError(f"name: {name!r} is taken by {self._named_resources[name].canonical}")
            self._named_resources[name] = resource
        self._resources.append(resource)
        self.index_resource(resource)

    def index_resource(self, resource: AbstractResource) -> None:
        """Let requests find ``resource``, behind the others."""
        if isinstance(resource, MatchedSubAppResource):
            self._ruled.append(resource)
        else:
            self._index.add(resource)

    def unindex_resource(self, resource: AbstractResource) -> None:
        """Let no request find ``resource`` any more: what is to be done before its path changes.

        ValueError if none could.
        """
        if isinstance(resource, MatchedSubAppResource):
            self._ruled.remove(resource)
        else:
            self._index.remove(resource)

    def add_route(
        self,
        method: str,
        path: str,
        handler: Handler,
        *,
        name: str | None = None,
        expect_handler: ExpectHandler | None = None,
    ) -> ResourceRoute:
        """Answer ``method`` ("*" for all) on ``path`` with ``handler``."""
        resource = self.add_resource(path, name=name)
        return resource.add_route(method, handler, expect_handler=expect_handler)

    def add_static(
        self,
        prefix: str,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        expect_handler: ExpectHandler | None = None,
        chunk_size: int = CHUNK_SIZE,
        show_index: bool = False,
        follow_symlinks: bool = False,
        append_version: bool = False,
    ) -> StaticResource:
        """Serve the files below the folder ``path``: see `StaticResource`."""
        resource = StaticResource(
            prefix,
            path,
            name=name,
            expect_handler=expect_handler,
            chunk_size=chunk_size,
            show_index=show_index,
            follow_symlinks=follow_symlinks,
            append_version=append_version,
        )
        self.register_resource(resource)
        return resource

    def add_get(
        self, path: str, handler: Handler, *, name: str | None = None, allow_head: bool = True, **kwargs: Any
    ) -> ResourceRoute:
        """Answer GET, and HEAD with the same handler unless ``allow_head`` is False."""
        resource = self.add_resource(path, name=name)
        if allow_head:
            resource.expect_free("GET")
            resource.add_route("HEAD", handler, **kwargs)
        return resource.add_route("GET", handler, **kwargs)

    def add_head(self, path: str, handler: Handler, **kwargs: Any) -> ResourceRoute:
        """Answer HEAD. Further arguments of this and of the following are those of `add_route`."""
        return self.add_route("HEAD", path, handler, **kwargs)

    def add_options(self, path: str, handler: Handler, **kwargs: Any) -> ResourceRoute:
        """Answer OPTIONS."""
        return self.add_route("OPTIONS", path, handler, **kwargs)

    def add_post(self, path: str, handler: Handler, **kwargs: Any) -> ResourceRoute:
        """Answer POST."""
        return self.add_route("POST", path, handler, **kwargs)

    def add_put(self, path: str, handler: Handler, **kwargs: Any) -> ResourceRoute:
        """Answer PUT."""
        return self.add_route("PUT", path, handler, **kwargs)

    def add_patch(self, path: str, handler: Handler, **kwargs: Any) -> ResourceRoute:
        """Answer PATCH."""
        return self.add_route("PATCH", path, handler, **kwargs)

    def add_delete(self, path: str, handler: Handler, **kwargs: Any) -> ResourceRoute:
        """Answer DELETE."""
        return self.add_route("DELETE", path, handler, **kwargs)

    def add_view(self, path: str, handler: Handler, **kwargs: Any) -> ResourceRoute:
        """Answer every method with a class of `View`."""
        return self.add_route(ANY_METHOD, path, handler, **kwargs)

    def add_routes(self, routes: Iterable[RouteDefinition]) -> list[AbstractRoute]:
        """Register each definition, in order; return the routes."""
        return [route for definition in routes for route in definition.register(self)]

    def freeze(self) -> None:
        """Allow no further resource, and no further route of one."""
        super().freeze()
        for resource in self._resources:
            resource.freeze()

    # Listing

    def resources(self) -> ResourcesView:
        """All resources, in the order of registration."""
        return ResourcesView(self._resources)

    def routes(self) -> RoutesView:
        """All routes, in the order of registration."""
        return RoutesView(self._resources)

    def named_resources(self) -> Mapping[str, AbstractResource]:
        """The resources that have a name."""
        return dict(self._named_resources)

    def __getitem__(self, name: str) -> AbstractResource:
        return self._named_resources[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named_resources)

    def __len__(self) -> int:
        return len(self._named_resources)


def _check_name(name: str) -> None:
    for part in _NAME_SEPARATORS.split(name):
        if not part.isidentifier() or iskeyword(part):
            raise ValueError(f"name: expected identifiers joined by '.', ':' or '-', got {name!r}")
