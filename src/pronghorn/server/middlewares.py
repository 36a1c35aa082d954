"""Middlewares: what stands between a request and its handler.

A middleware is a coroutine function of the request and of the handler behind it, marked by `middleware`.
Without the mark it is of the old style: a coroutine function of the application and the handler, which gives
a handler.
"""

import re
import warnings
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import update_wrapper
from typing import Any, Final, TypeVar

from yarl import URL

from .errors import HTTPMove, HTTPPermanentRedirect
from .request import Request
from .response import StreamResponse
from .routing.paths import SLASH

Handler = Callable[[Any], Awaitable[StreamResponse]]
Middleware = Callable[[Any, Handler], Awaitable[StreamResponse]]
#: Puts a middleware in front of a handler.
Link = Callable[[Handler], Handler]

FuncT = TypeVar("FuncT", bound=Callable[..., Any])

_SLASHES: Final = re.compile("//+")
_LEADING_SLASHES: Final = re.compile(r"^[/\\]+")


def middleware(f: FuncT) -> FuncT:
    """Mark ``f`` as a middleware of the request and the handler."""
    f.__middleware_version__ = 1  # type: ignore[attr-defined]  # functions have attributes
    return f


def make_link(function: Any, app: Any) -> Link:
    """What puts ``function``, a middleware of ``app``, in front of a handler.

    TypeError for what can't be called. One of the old style works, and warns.
    """
    if not callable(function):
        raise TypeError(f"middlewares: expected coroutine functions, got {function!r}")
    if getattr(function, "__middleware_version__", None) == 1:
        return lambda handler: _in_front(function, handler)
    warnings.warn(
        f"old-style middleware {function!r}: expected it to be decorated with @web.middleware",
        DeprecationWarning,
        stacklevel=2,
    )
    return lambda handler: _made_by(function, app, handler)


def _in_front(function: Middleware, handler: Handler) -> Handler:
    def call(request: Request) -> Awaitable[StreamResponse]:
        return function(request, handler)

    # What a handler has been marked with is to be seen by the middlewares in front of all others, too.
    return update_wrapper(call, handler)


def _made_by(factory: Callable[[Any, Handler], Awaitable[Handler]], app: Any, handler: Handler) -> Handler:
    async def call(request: Request) -> StreamResponse:
        made = await factory(app, handler)
        if not callable(made):
            raise TypeError(
                f"middleware {factory!r}: without @web.middleware it is called with the application and a "
                f"handler, and expected to return a handler, got {type(made).__name__}"
            )
        return await made(request)

    return update_wrapper(call, handler)


def chain(handler: Handler, links: Iterable[Link]) -> Handler:
    """``handler`` behind ``links``, of which the first is outermost."""
    for link in reversed(tuple(links)):
        handler = link(handler)
    return handler


def normalize_path_middleware(
    *,
    append_slash: bool = True,
    remove_slash: bool = False,
    merge_slashes: bool = True,
    redirect_class: type[HTTPMove] = HTTPPermanentRedirect,
) -> Middleware:
    """A middleware that redirects a path that leads nowhere to one that leads somewhere.

    With ``merge_slashes`` several slashes become one, with ``append_slash`` one is put at the end, with
    ``remove_slash`` it is taken away; the query stays. AssertionError for both of the last two.
    """
    if append_slash and remove_slash:
        raise AssertionError("normalize_path_middleware: expected append_slash or remove_slash, got both")

    def spellings(path: str) -> Iterator[str]:
        merged = _SLASHES.sub(SLASH, path)
        if merge_slashes:
            yield merged
        if append_slash and not path.endswith(SLASH):
            yield path + SLASH
            if merge_slashes:
                yield merged + SLASH
        if remove_slash and path.endswith(SLASH):
            yield path[:-1]
            if merge_slashes:
                yield merged[:-1]

    @middleware
    async def normalize_path(request: Request, handler: Handler) -> StreamResponse:
        url = request.rel_url
        # "*" and the authority that CONNECT names are no paths.
        if request.match_info.http_exception is not None and url.raw_path.startswith(SLASH):
            for spelling in dict.fromkeys(spellings(url.raw_path)):
                # "//host" and, to browsers, "/\\host" would lead to another host.
                path = _LEADING_SLASHES.sub(SLASH, spelling) or SLASH
                other = URL.build(path=path, query_string=url.raw_query_string, encoded=True)
                match = await request.app.router.resolve(request.clone(rel_url=other))
                if match.http_exception is None:
                    raise redirect_class(other)
        return await handler(request)

    return normalize_path
