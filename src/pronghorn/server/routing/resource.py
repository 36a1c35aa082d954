"""Resources: a path pattern, and what answers each method on it."""

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Final

from yarl import URL

from ..request import Request
from .match_info import UrlMappingMatchInfo
from .paths import SLASH, comparable, decoded, path_of, quoted, requoted
from .pattern import escaped, parse
from .route import ANY_METHOD, AbstractResource, ExpectHandler, Handler, ResourceRoute

__all__ = [
    "NO_PARTS",
    "AbstractResource",
    "DynamicResource",
    "Found",
    "PlainResource",
    "PrefixResource",
    "Resource",
    "make_resource",
]

NO_PARTS: Final[Mapping[str, str]] = {}

Found = tuple[UrlMappingMatchInfo | None, set[str]]


class Resource(AbstractResource):
    """A path pattern with its routes, at most one for each method."""

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._routes: dict[str, ResourceRoute] = {}

    def __iter__(self) -> Iterator[ResourceRoute]:
        return iter(self._routes.values())

    def __len__(self) -> int:
        return len(self._routes)

    def add_route(
        self, method: str, handler: Handler, *, expect_handler: ExpectHandler | None = None
    ) -> ResourceRoute:
        """Answer ``method`` ("*" for all) with ``handler``: see `AbstractRoute`.

        RuntimeError if the method is taken or the application has started.
        """
        route = ResourceRoute(method, handler, self, expect_handler=expect_handler)
        self.register_route(route)
        return route

    def register_route(self, route: ResourceRoute) -> None:
        """Take a route that is made already."""
        if self.is_frozen:
            raise RuntimeError("the router is frozen: the application has started")
        if not isinstance(route, ResourceRoute):
            raise TypeError(f"route: expected a ResourceRoute, got {route!r}")
        self.expect_free(route.method)
        self._routes[route.method] = route

    def expect_free(self, method: str) -> None:
        """RuntimeError if a route for ``method`` would never be asked."""
        if method in self._routes or ANY_METHOD in self._routes:
            raise RuntimeError(f"{method} {self.canonical} has a handler already: {self._routes!r}")

    async def resolve(self, request: Request) -> Found:
        parts = self._match(path_of(request))
        if parts is None:
            return None, set()
        route = self._routes.get(request.method) or self._routes.get(ANY_METHOD)
        return None if route is None else UrlMappingMatchInfo(parts, route), set(self._routes)

    @abstractmethod
    def _match(self, path: str) -> Mapping[str, str] | None:
        """The named parts of a comparable ``path`` that fits, or None."""


class PlainResource(Resource):
    """A path without variable parts."""

    def __init__(self, path: str, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._given = path
        self._path = requoted(path)
        self._compared = comparable(self._path)

    def __repr__(self) -> str:
        return f"<PlainResource {_shown(self._name)}{self.canonical}>"

    @property
    def canonical(self) -> str:
        # No path is "/", unless there is a prefix.
        return self._path or SLASH

    @property
    def compared(self) -> str:
        """The path, comparable."""
        return self._compared or SLASH

    def raw_match(self, path: str) -> bool:
        return path == self._given

    def add_prefix(self, prefix: str) -> None:
        self._path = prefix + self._path
        self._compared = comparable(self._path)

    def _match(self, path: str) -> Mapping[str, str] | None:
        return NO_PARTS if path == self.compared else None

    def get_info(self) -> dict[str, Any]:
        return {"path": self.canonical}

    def url_for(self, **kwargs: str) -> URL:
        if kwargs:
            raise TypeError(f"url_for: {self.canonical} has no parts, got {sorted(kwargs)}")
        return URL.build(path=self.canonical, encoded=True)


class DynamicResource(Resource):
    """A path with variable parts: ``{name}`` is a segment or a piece of it, ``{name:regex}`` whatever fits.

    The parts of a path are decoded, but for what would change its meaning, before they are compared, and
    wholly when they are handed out. Percent-encoded text in a pattern stands for what it encodes.
    ValueError for an unbalanced brace, a part named twice or a regular expression that does not compile.
    """

    def __init__(self, path: str, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self._given = path
        pattern = parse(path)
        try:
            self._pattern = re.compile(pattern.regex)
        except re.error as error:
            raise ValueError(f"path: {path!r} has a bad pattern: {error}") from error
        self._template = pattern.template
        self._linear = re.compile(pattern.linear_regex)
        self._runs = pattern.runs
        self._segments = pattern.segments
        #: Each named group is a part.
        self._is_simple = len(self._linear.groupindex) == len(pattern.names) and not self._runs

    def __repr__(self) -> str:
        return f"<DynamicResource {_shown(self._name)}{self._template}>"

    @property
    def canonical(self) -> str:
        return self._template

    @property
    def segments(self) -> tuple[str | None, ...] | None:
        """The comparable segments of its paths, None for those that vary; None if their number does."""
        return self._segments

    def raw_match(self, path: str) -> bool:
        return path == self._given

    def add_prefix(self, prefix: str) -> None:
        self._template = prefix + self._template
        self._pattern = re.compile(escaped(prefix) + self._pattern.pattern)
        self._linear = re.compile(escaped(prefix) + self._linear.pattern)
        if self._segments is not None:
            self._segments = (*comparable(prefix).split(SLASH), *self._segments[1:])

    def _match(self, path: str) -> Mapping[str, str] | None:
        found = self._linear.fullmatch(path)
        if found is None:
            return None
        parts = found.groupdict()
        if self._is_simple and "%" not in path:
            return parts
        if not all(run.share_out(parts) for run in self._runs):
            return None
        # A group in a regular expression of the user's may have taken no part.
        return {name: decoded(parts[name] or "") for name in self._pattern.groupindex}

    def get_info(self) -> dict[str, Any]:
        return {"formatter": self._template, "pattern": self._pattern}

    def url_for(self, **kwargs: str) -> URL:
        parts = {}
        for name, value in kwargs.items():
            if not isinstance(value, str):
                raise TypeError(f"url_for: expected a str for {name}, got {type(value).__name__}")
            parts[name] = quoted(value)
        path = self._template.format_map(parts)
        # To a browser, what begins with two slashes or more is another host. Encoded, they lead back here.
        first = len(path) - len(path.lstrip(SLASH))
        if first > 1:
            path = SLASH + "%2F" * (first - 1) + path[first:]
        return URL.build(path=path, encoded=True)


class PrefixResource(AbstractResource):
    """What is below a path. ValueError for a ``prefix`` that does not begin with "/"."""

    def __init__(self, prefix: str, *, name: str | None = None) -> None:
        if prefix and not prefix.startswith(SLASH):
            raise ValueError(f"prefix: expected it to begin with '/', got {prefix!r}")
        super().__init__(name=name)
        self._set_prefix(requoted(prefix).rstrip(SLASH))

    @property
    def canonical(self) -> str:
        return self._prefix

    def add_prefix(self, prefix: str) -> None:
        self._set_prefix(prefix + self._prefix)

    def raw_match(self, prefix: str) -> bool:
        return False

    @property
    def index_key(self) -> str:
        return self._compared or SLASH

    def _set_prefix(self, prefix: str) -> None:
        self._prefix = prefix
        self._prefix2 = prefix + SLASH
        self._compared = comparable(prefix)


def make_resource(path: str, *, name: str | None = None) -> PlainResource | DynamicResource:
    """The resource for a path pattern; ValueError unless it is empty or begins with "/"."""
    if path and not path.startswith(SLASH):
        raise ValueError(f"path: expected it to begin with '/', got {path!r}")
    if "{" in path or "}" in path:
        return DynamicResource(path, name=name)
    return PlainResource(path, name=name)


def _shown(name: str | None) -> str:
    return "" if name is None else f"{name!r} "
