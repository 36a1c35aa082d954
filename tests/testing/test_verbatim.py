from collections.abc import AsyncIterator

import pytest

from pronghorn.testing import MemoryExchange
from pronghorn.testing.memory import make_request
from pronghorn.testing.verbatim import VerbatimResponse


def answered() -> tuple[MemoryExchange, VerbatimResponse]:
    return MemoryExchange(), VerbatimResponse(status=201, reason="So", headers=[("x-a", "1"), ("X-A", "2")])


async def pieces() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


@pytest.mark.parametrize("kind", ["list", "asynchronous"])
async def test_fields_and_pieces_are_sent_as_they_are(kind: str) -> None:
    exchange, response = answered()
    await response.send_pieces(
        make_request(exchange=exchange), [b"one", b"two"] if kind == "list" else pieces()
    )
    assert exchange.sent is not None
    assert (exchange.sent.first, exchange.sent.second) == (201, "So")
    assert list(exchange.sent.fields.items()) == [("x-a", "1"), ("X-A", "2")]
    assert exchange.sent.length is None
    assert exchange.content == b"onetwo"
    assert exchange.has_ended


async def test_framing_fields_are_kept_to() -> None:
    exchange = MemoryExchange()
    response = VerbatimResponse(headers=[("Content-Length", "3"), ("Connection", "close"), ("X-A", "1")])
    await response.send_pieces(make_request(exchange=exchange), [b"one"])
    assert exchange.sent is not None
    assert list(exchange.sent.fields.items()) == [("X-A", "1")]
    assert (exchange.sent.length, exchange.sent.is_persistent) == (3, False)
