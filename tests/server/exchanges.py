"""Exchanges in memory, and what responses leave in them."""

from typing import Any

from pronghorn import web
from pronghorn.testing.memory import MemoryExchange, make_request


def exchange_of(request: web.Request) -> MemoryExchange:
    """TypeError where it is not one in memory."""
    if not isinstance(request.exchange, MemoryExchange):
        raise TypeError("expected an exchange in memory")
    return request.exchange


async def send(response: web.StreamResponse, **request: Any) -> MemoryExchange:
    """What has been sent when all of ``response`` has; the request is made by `make_request`."""
    asked = make_request(**request)
    await response.prepare(asked)
    await response.write_eof()
    return exchange_of(asked)
