"""What stands between a session and its connections: each is given the request, and the handler behind it."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from .outgoing import ClientRequest
from .response import ClientResponse

#: Sends a request: the next middleware, or the session itself. May be called more than once.
ClientHandlerType = Callable[[ClientRequest], Awaitable[ClientResponse]]
#: ``async def middleware(request, handler)``: its own response, or that of ``await handler(request)``.
ClientMiddlewareType = Callable[[ClientRequest, ClientHandlerType], Awaitable[ClientResponse]]


def as_middlewares(middlewares: Iterable[ClientMiddlewareType]) -> tuple[ClientMiddlewareType, ...]:
    """``middlewares`` as they are kept; TypeError for what can't be called."""
    if not isinstance(middlewares, Iterable):
        raise TypeError(f"middlewares: expected an iterable of functions, got {middlewares!r}")
    kept = tuple(middlewares)
    for middleware in kept:
        if not callable(middleware):
            raise TypeError(f"middlewares: expected functions (request, handler), got {middleware!r}")
    return kept


def build_client_middlewares(
    handler: ClientHandlerType, middlewares: Iterable[ClientMiddlewareType]
) -> ClientHandlerType:
    """``handler`` behind ``middlewares``, the first of which is called first."""
    for middleware in reversed(tuple(middlewares)):
        handler = partial(_call, middleware, handler)
    return handler


def _call(
    middleware: ClientMiddlewareType, handler: ClientHandlerType, request: ClientRequest
) -> Awaitable[ClientResponse]:
    return middleware(request, handler)
