"""Resources and routes: a path pattern, and what answers each method on it."""

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from yarl import URL

from ..matching import AbstractMatchInfo
from ..response import StreamResponse

Handler = Callable[[Any], Awaitable[StreamResponse]]
#: Called before the handler if the client waits for 100 (Continue); a response that it returns is the answer.
ExpectHandler = Callable[[Any], Awaitable[StreamResponse | None]]

#: Stands for every method.
ANY_METHOD: Final = "*"
_METHOD: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PART: Final = re.compile(
    r"\{(?P<name>[_a-zA-Z][_a-zA-Z0-9]*)(?::(?P<pattern>[^{}]*(?:\{[^{}]*\}[^{}]*)*))?\}"
)
_SEGMENT: Final = r"[^{}/]+"


class Route:
    """One method on one resource."""

    __slots__ = ("expect_handler", "handler", "method", "resource")

    def __init__(
        self, method: str, handler: Handler, resource: "Resource", expect_handler: ExpectHandler | None = None
    ) -> None:
        self.method = method
        self.handler = handler
        self.resource = resource
        self.expect_handler = expect_handler

    def __repr__(self) -> str:
        return f"<Route {self.method} {self.resource.canonical} -> {self.handler!r}>"

    @property
    def name(self) -> str | None:
        """The name of the resource."""
        return self.resource.name

    def url_for(self, **parts: str) -> URL:
        """The path of the resource with ``parts`` filled in."""
        return self.resource.url_for(**parts)


class UrlMappingMatchInfo(dict[str, str], AbstractMatchInfo):
    """What the path said, by name, and the route that it chose."""

    __slots__ = ("route",)

    def __init__(self, parts: Mapping[str, str], route: Route) -> None:
        if parts:
            dict.update(self, parts)
        self.route = route

    @property
    def handler(self) -> Handler:
        return self.route.handler

    @property
    def expect_handler(self) -> ExpectHandler | None:
        return self.route.expect_handler

    def __repr__(self) -> str:
        return f"<MatchInfo {dict(self)!r}: {self.route!r}>"


class Resource(ABC):
    """A path pattern with its routes, at most one for each method."""

    def __init__(self, path: str, name: str | None) -> None:
        #: The pattern as it was given.
        self.path = path
        self.name = name
        self.routes: dict[str, Route] = {}
        self.is_frozen = False

    def __iter__(self) -> Iterator[Route]:
        return iter(self.routes.values())

    def __len__(self) -> int:
        return len(self.routes)

    def add_route(
        self, method: str, handler: Handler, *, expect_handler: ExpectHandler | None = None
    ) -> Route:
        """Answer ``method`` ("*" for all) with ``handler``, a coroutine function of the request.

        ``expect_handler`` is asked first if the client waits for 100 (Continue).
        RuntimeError if the method is taken, ValueError if it is not a token, TypeError for another handler.
        """
        if self.is_frozen:
            raise RuntimeError("the router is frozen: the application has started")
        if not _METHOD.fullmatch(method):
            raise ValueError(f"method: expected a token, got {method!r}")
        method = method.upper()
        if method in self.routes or ANY_METHOD in self.routes:
            raise RuntimeError(f"{method} {self.canonical} has a handler already: {self.routes!r}")
        if not callable(handler):
            raise TypeError(f"handler: expected a coroutine function, got {handler!r}")
        if expect_handler is not None and not callable(expect_handler):
            raise TypeError(f"expect_handler: expected a coroutine function, got {expect_handler!r}")
        route = self.routes[method] = Route(method, handler, self, expect_handler)
        return route

    def find(self, method: str) -> Route | None:
        """The route for ``method``."""
        return self.routes.get(method) or self.routes.get(ANY_METHOD)

    @property
    @abstractmethod
    def canonical(self) -> str:
        """The pattern, percent-encoded, as it was registered."""

    @abstractmethod
    def match(self, path: str) -> Mapping[str, str] | None:
        """The named parts of a raw ``path`` that fits, or None."""

    @abstractmethod
    def url_for(self, **parts: str) -> URL:
        """The path with ``parts`` filled in and quoted; KeyError for a missing one."""


NO_PARTS: Final[Mapping[str, str]] = {}


class PlainResource(Resource):
    """A path without variable parts."""

    def __init__(self, path: str, *, name: str | None = None) -> None:
        super().__init__(path, name)
        self._path = URL.build(path=path).raw_path

    @property
    def canonical(self) -> str:
        return self._path

    def match(self, path: str) -> Mapping[str, str] | None:
        return NO_PARTS if path == self._path else None

    def url_for(self, **parts: str) -> URL:
        if parts:
            raise KeyError(f"{self._path} has no parts, got {sorted(parts)}")
        return URL.build(path=self._path, encoded=True)


class DynamicResource(Resource):
    """A path with variable parts: ``{name}`` is a segment, ``{name:regex}`` whatever fits.

    ValueError for an unbalanced brace, a part named twice or a regular expression that does not compile.
    """

    def __init__(self, path: str, *, name: str | None = None) -> None:
        super().__init__(path, name)
        pattern, template, place = "", "", 0
        for part in _PART.finditer(path):
            fixed = _fixed_text(path[place : part.start()])
            pattern += re.escape(fixed)
            template += fixed.replace("{", "{{").replace("}", "}}")
            pattern += f"(?P<{part['name']}>{part['pattern'] or _SEGMENT})"
            template += f"{{{part['name']}}}"
            place = part.end()
        fixed = _fixed_text(path[place:])
        try:
            self._pattern = re.compile(pattern + re.escape(fixed))
        except re.error as error:
            raise ValueError(f"path: {path!r} has a bad pattern: {error}") from error
        self._template = template + fixed
        #: What every path that fits begins with.
        self.prefix = _fixed_text(path[: path.index("{")])

    @property
    def canonical(self) -> str:
        return self._template

    def match(self, path: str) -> Mapping[str, str] | None:
        found = self._pattern.fullmatch(path)
        if found is None:
            return None
        return {name: unquote(value) for name, value in found.groupdict("").items()}

    def url_for(self, **parts: str) -> URL:
        quoted = {}
        for name, value in parts.items():
            if not isinstance(value, str):
                raise TypeError(f"url_for: expected a str for {name}, got {type(value).__name__}")
            quoted[name] = URL.build(path="/" + value).raw_path[1:]
        return URL.build(path=self._template.format_map(quoted), encoded=True)


def make_resource(path: str, *, name: str | None = None) -> PlainResource | DynamicResource:
    """The resource for a path pattern; ValueError unless it is empty or begins with "/"."""
    if path and not path.startswith("/"):
        raise ValueError(f"path: expected it to begin with '/', got {path!r}")
    if "{" in path or "}" in path:
        return DynamicResource(path, name=name)
    return PlainResource(path or "/", name=name)


def _fixed_text(text: str) -> str:
    if "{" in text or "}" in text:
        raise ValueError(f"path: expected {{name}} or {{name:regex}}, got {text!r}")
    return URL.build(path=text).raw_path if text else ""
