"""Routes: what answers a method on a resource, and what a resource is to them."""

import inspect
import re
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sized
from functools import wraps
from typing import Any, Final

from yarl import URL

from ..errors import HTTPException
from ..request import Request
from ..response import StreamResponse
from ..view import AbstractView
from .paths import SLASH, comparable, folder_of

#: A coroutine function of the request, or a class of `AbstractView`.
Handler = Callable[[Any], Awaitable[StreamResponse]]
#: Called before the handler if the client waits for 100 (Continue); a response that it returns is the answer.
ExpectHandler = Callable[[Any], Awaitable[StreamResponse | None]]

#: Stands for every method.
ANY_METHOD: Final = "*"
_PACKAGE: Final = __name__.partition(".")[0]
#: What can be a method: a token (RFC 9110 section 9.1).
HTTP_METHOD_RE: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class AbstractResource(Sized, Iterable["AbstractRoute"]):
    """Something at a path, or below it. Iterating gives its routes."""

    #: Nothing can be added any more.
    is_frozen: bool = False

    def __init__(self, *, name: str | None = None) -> None:
        self._name = name

    @property
    def name(self) -> str | None:
        """What `UrlDispatcher` knows it by."""
        return self._name

    @property
    @abstractmethod
    def canonical(self) -> str:
        """The path or its pattern, percent-encoded; parts are ``{name}``."""

    @abstractmethod
    def url_for(self, **kwargs: str) -> URL:
        """The path with its parts filled in and quoted."""

    # Any: a match knows its route, so what says what a match is imports this.
    @abstractmethod
    async def resolve(self, request: Request) -> tuple[Any, set[str]]:
        """What answers ``request``, and the methods that would be allowed.

        The former is a `UrlMappingMatchInfo`, or None if nothing does.
        """

    @abstractmethod
    def add_prefix(self, prefix: str) -> None:
        """Move it below ``prefix``, which is percent-encoded and does not end in "/"."""

    @abstractmethod
    def get_info(self) -> dict[str, Any]:
        """Of what kind it is and where, for tools."""

    def freeze(self) -> None:
        """Allow no further route."""
        self.is_frozen = True

    @abstractmethod
    def raw_match(self, path: str) -> bool:
        """``path`` is the pattern that this was made of."""

    @property
    def index_key(self) -> str:
        """The fixed segments, comparable, that all its paths begin with: what the router finds it by."""
        fixed, brace, _ = self.canonical.partition("{")
        return comparable(folder_of(fixed) if brace else fixed.rstrip(SLASH)) or SLASH


class AbstractRoute(ABC):
    """One method and what answers it.

    ``handler`` is a coroutine function of the request or a class of `AbstractView`; ``expect_handler`` is
    asked first if the client waits for 100 (Continue), and what it returns, if anything, is the answer.
    ValueError for a method that is not a token, TypeError for a handler that can't be called.
    """

    def __init__(
        self,
        method: str,
        handler: Handler,
        *,
        expect_handler: ExpectHandler | None = None,
        resource: AbstractResource | None = None,
    ) -> None:
        if not HTTP_METHOD_RE.fullmatch(method):
            raise ValueError(f"method: expected a token, got {method!r}")
        if expect_handler is not None and not _is_coroutine_function(expect_handler):
            raise TypeError(f"expect_handler: expected a coroutine function, got {expect_handler!r}")
        self._method = method.upper()
        self._handler = _as_handler(handler)
        self._expect_handler = expect_handler
        self._resource = resource

    @property
    def method(self) -> str:
        """The method; "*" is every one."""
        return self._method

    @property
    def handler(self) -> Handler:
        """What answers."""
        return self._handler

    @property
    def expect_handler(self) -> ExpectHandler | None:
        """What is asked first if the client waits for 100 (Continue)."""
        return self._expect_handler

    @property
    def resource(self) -> AbstractResource | None:
        """Where the route is."""
        return self._resource

    @property
    @abstractmethod
    def name(self) -> str | None:
        """The name of the resource."""

    @abstractmethod
    def get_info(self) -> dict[str, Any]:
        """What the resource says of itself."""

    @abstractmethod
    def url_for(self, *args: str, **kwargs: str) -> URL:
        """The path of the resource with its parts filled in."""

    async def handle_expect_header(self, request: Any) -> StreamResponse | None:
        """Ask the `expect_handler`; without one the client is told to go on when its body is read."""
        return None if self._expect_handler is None else await self._expect_handler(request)


class ResourceRoute(AbstractRoute):
    """One method on one resource."""

    _resource: AbstractResource

    def __init__(
        self,
        method: str,
        handler: Handler,
        resource: AbstractResource,
        *,
        expect_handler: ExpectHandler | None = None,
    ) -> None:
        super().__init__(method, handler, expect_handler=expect_handler, resource=resource)

    def __repr__(self) -> str:
        return f"<ResourceRoute [{self._method}] {self._resource!r} -> {self._handler!r}>"

    @property
    def resource(self) -> AbstractResource:
        return self._resource

    @property
    def name(self) -> str | None:
        return self._resource.name

    def get_info(self) -> dict[str, Any]:
        return self._resource.get_info()

    def url_for(self, *args: str, **kwargs: str) -> URL:
        return self._resource.url_for(*args, **kwargs)


class SystemRoute(AbstractRoute):
    """What stands where no route was found: its handler raises why."""

    def __init__(self, http_exception: HTTPException) -> None:
        # There is nothing to check, and who asks for what is not there should cost little.
        self._http_exception = http_exception
        self._method = ANY_METHOD
        self._handler = self._handle
        self._expect_handler = None
        self._resource = None

    def __repr__(self) -> str:
        return f"<SystemRoute {self.status}: {self.reason}>"

    @property
    def name(self) -> None:
        return None

    @property
    def status(self) -> int:
        """The status code of the refusal."""
        return self._http_exception.status

    @property
    def reason(self) -> str:
        """Its reason phrase."""
        return self._http_exception.reason

    def get_info(self) -> dict[str, Any]:
        return {"http_exception": self._http_exception}

    def url_for(self, *args: str, **kwargs: str) -> URL:
        raise RuntimeError(f"url_for: there is no path to what was not found ({self.status})")

    async def _handle(self, request: Any) -> StreamResponse:
        raise self._http_exception


def _as_handler(handler: Handler) -> Handler:
    if _is_coroutine_function(handler):
        return handler
    if isinstance(handler, type) and issubclass(handler, AbstractView):
        return handler
    if (
        not callable(handler)
        or isinstance(handler, type)
        or inspect.isgeneratorfunction(handler)
        or inspect.isasyncgenfunction(handler)
    ):
        raise TypeError(f"handler: expected a coroutine function or a class of AbstractView, got {handler!r}")
    warnings.warn(
        f"Bare functions are deprecated, use async ones: {handler!r}", DeprecationWarning, _users_level()
    )
    return _awaiting(handler)


def _users_level() -> int:
    """The stacklevel of the code that called into this package, by whichever way."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    return level


def _is_coroutine_function(function: object) -> bool:
    """``function`` is one, or an object that is called as one."""
    if isinstance(function, type):
        return False
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(type(function), "__call__", None)  # noqa: B004  # not whether it can be called, but how
    )


def _awaiting(handler: Callable[[Any], Any]) -> Handler:
    @wraps(handler)
    async def handle(request: Any) -> StreamResponse:
        result = handler(request)
        response: StreamResponse = await result if inspect.isawaitable(result) else result
        return response

    return handle
