"""Applications in applications: below a path, or behind a rule."""

from collections.abc import Iterator
from typing import Any, Protocol

from yarl import URL

from ..errors import HTTPMethodNotAllowed
from ..request import Request
from .domain import AbstractRuleMatching
from .paths import SLASH, path_of
from .resource import AbstractResource, Found, PrefixResource
from .route import AbstractRoute


class Routed(Protocol):
    """What is needed of an application."""

    @property
    def router(self) -> Any: ...


class PrefixedSubAppResource(PrefixResource):
    """Everything below ``prefix`` belongs to ``app``, what it does not find included."""

    def __init__(self, prefix: str, app: Routed) -> None:
        super().__init__(prefix)
        self._app = app
        self._move(self._prefix)

    def __repr__(self) -> str:
        return f"<PrefixedSubAppResource {self._prefix} -> {self._app!r}>"

    def __iter__(self) -> Iterator[AbstractRoute]:
        return iter(self._app.router.routes())

    def __len__(self) -> int:
        return len(self._app.router.routes())

    def add_prefix(self, prefix: str) -> None:
        super().add_prefix(prefix)
        self._move(prefix)

    def _move(self, prefix: str) -> None:
        router = self._app.router
        resource: AbstractResource
        for resource in router.resources():
            router.unindex_resource(resource)
            resource.add_prefix(prefix)
            router.index_resource(resource)

    async def resolve(self, request: Request) -> Found:
        path = path_of(request)
        if not path.startswith(self._compared) or path[len(self._compared) :][:1] not in ("", SLASH):
            return None, set()
        return await self._resolve_inside(request)

    async def _resolve_inside(self, request: Request) -> Found:
        match = await self._app.router.resolve(request)
        match.add_app(self._app)
        error = match.http_exception
        return match, set(error.allowed_methods) if isinstance(error, HTTPMethodNotAllowed) else set()

    def get_info(self) -> dict[str, Any]:
        return {"app": self._app, "prefix": self._prefix}

    def url_for(self, *args: str, **kwargs: str) -> URL:
        """RuntimeError: the application's own resources have paths."""
        raise RuntimeError("url_for: not of a sub-application, its resources have paths")


class MatchedSubAppResource(PrefixedSubAppResource):
    """Every request that a rule matches belongs to ``app``."""

    def __init__(self, rule: AbstractRuleMatching, app: Routed) -> None:
        PrefixResource.__init__(self, "")
        self._app = app
        self._rule = rule

    def __repr__(self) -> str:
        return f"<MatchedSubAppResource {self._rule.canonical} -> {self._app!r}>"

    @property
    def canonical(self) -> str:
        return self._rule.canonical

    async def resolve(self, request: Request) -> Found:
        if not await self._rule.match(request):
            return None, set()
        return await self._resolve_inside(request)

    def get_info(self) -> dict[str, Any]:
        return {"app": self._app, "rule": self._rule}
