"""One connection of a server, without sockets: what is received in which pieces, and what is written when.

The same over real sockets: functional/test_server_*.py.
"""

import asyncio
import gc
import weakref
from itertools import pairwise
from typing import Any

import pytest

from pronghorn import web
from pronghorn.wire.limits import Limits

from .peer import GET, MemoryConnection, MemoryTransport, eventually, in_memory

CLOSING_GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def post(body: bytes = b"", *, length: int | None = None, more: bytes = b"") -> bytes:
    return b"POST / HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n%b" % (
        more,
        len(body) if length is None else length,
        body,
    )


async def hello(request: web.BaseRequest) -> web.Response:
    return web.Response(text=f"hello {request.path}")


async def echo(request: web.BaseRequest) -> web.Response:
    return web.Response(body=await request.read())


class Gate:
    """A handler that waits until it is told to answer."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.entered = 0
        self.cancelled = 0

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.entered += 1
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return web.Response(text="through")


async def answered(connection: MemoryConnection, count: int = 1) -> None:
    await eventually(lambda: connection.sent.count(b"HTTP/1.1 ") >= count, f"{count} answers")


async def over(connection: MemoryConnection) -> None:
    await eventually(lambda: connection.is_over, "the end of the connection")


# One after the other


async def test_a_request_is_answered_in_one_write() -> None:
    connection = await in_memory(hello)
    connection.feed(GET)
    await answered(connection)
    head, _, body = connection.sent.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == b"hello /"
    connection.feed(GET)
    await answered(connection, 2)
    connection.transport.abort()


async def test_a_request_in_single_bytes() -> None:
    connection = await in_memory(echo)
    for byte in post(b"hello"):
        connection.feed(bytes([byte]))
        await asyncio.sleep(0)
    await answered(connection)
    assert connection.sent.endswith(b"hello")
    connection.transport.abort()


async def test_answers_come_in_the_order_of_requests() -> None:
    connection = await in_memory(hello)
    connection.feed(b"".join(GET.replace(b" / ", b" /%d " % number) for number in range(200)))
    await answered(connection, 200)
    at = [connection.sent.find(b"hello /%d" % number) for number in range(200)]
    assert at == sorted(at)
    assert -1 not in at
    connection.transport.abort()


async def test_others_have_their_turn_in_a_burst() -> None:
    connection = await in_memory(hello)
    connection.feed(GET * 200)
    assert connection.sent.count(b"HTTP/1.1 ") <= 16
    counts = []
    while not counts or counts[-1] < 200:
        await asyncio.sleep(0)
        counts.append(connection.sent.count(b"HTTP/1.1 "))
    assert max(after - before for before, after in pairwise(counts)) <= 16
    connection.transport.abort()


async def test_no_two_requests_are_handled_at_once() -> None:
    gate = Gate()
    connection = await in_memory(gate)
    connection.feed(GET * 3)
    await eventually(lambda: gate.entered)
    await asyncio.sleep(0)
    assert gate.entered == 1
    gate.open.set()
    await answered(connection, 3)
    connection.transport.abort()


# How much is held


async def test_requests_behind_a_slow_handler_are_bounded() -> None:
    gate = Gate()
    connection = await in_memory(gate)
    sent = 0
    while connection.transport.is_reading and sent < 10_000:
        connection.feed(GET * 10)
        sent += 10
    assert sent * len(GET) < 100 * 1024
    gate.open.set()
    await answered(connection, sent)
    assert connection.transport.is_reading
    connection.transport.abort()


async def test_requests_behind_a_slow_reader_are_bounded() -> None:
    async def big(request: web.BaseRequest) -> web.Response:
        return web.Response(body=bytes(100 * 1024))

    connection = await in_memory(big, limits=Limits(pipelined=2000))
    connection.transport.is_stalled = True
    connection.feed(GET)
    await answered(connection)
    sent = 0
    while connection.transport.is_reading and sent < 10_000:
        connection.feed(GET * 10)
        sent += 10
        await asyncio.sleep(0)
    assert sent * len(GET) < 4000
    assert connection.sent.count(b"HTTP/1.1 ") == 1
    connection.transport.take()
    await answered(connection, sent + 1)
    connection.transport.abort()


async def test_a_body_that_nobody_reads_is_bounded() -> None:
    gate = Gate()
    connection = await in_memory(gate)
    connection.feed(post(length=1 << 30))
    fed = 0
    while connection.transport.is_reading and fed < 1 << 24:
        connection.feed(bytes(64 * 1024))
        fed += 64 * 1024
    assert fed <= 512 * 1024
    connection.transport.abort()
    await over(connection)
    gate.open.set()


async def test_a_reader_lets_the_body_go_on() -> None:
    async def count(request: web.BaseRequest) -> web.Response:
        size = 0
        async for piece in request.content.iter_any():
            size += len(piece)
        return web.Response(text=str(size))

    connection = await in_memory(count)
    total = 4 * 1024 * 1024
    connection.feed(post(length=total))
    for _ in range(total // (64 * 1024)):
        await eventually(lambda: connection.transport.is_reading)
        connection.feed(bytes(64 * 1024))
    await answered(connection)
    assert connection.sent.endswith(b"%d" % total)
    connection.transport.abort()


async def test_nothing_is_parsed_while_the_peer_does_not_read() -> None:
    handled = 0

    async def big(request: web.BaseRequest) -> web.Response:
        nonlocal handled
        handled += 1
        return web.Response(body=bytes(100 * 1024))

    connection = await in_memory(big)
    connection.transport.is_stalled = True
    connection.feed(GET * 5)
    await answered(connection)
    for _ in range(10):
        await asyncio.sleep(0)
    assert handled == 1
    connection.transport.take()
    await answered(connection, 5)
    connection.transport.abort()


# A body that the handler did not want


async def test_a_small_rest_is_passed_over() -> None:
    connection = await in_memory(hello)
    connection.feed(post(b"x", length=1000))
    await answered(connection)
    connection.feed(b"x" * 999 + GET)
    await answered(connection, 2)
    connection.transport.abort()


async def test_a_large_rest_ends_the_connection() -> None:
    connection = await in_memory(hello)
    connection.feed(post(b"x", length=1 << 20))
    await answered(connection)
    connection.feed(bytes(65 * 1024))
    assert connection.transport.has_ended
    assert not connection.transport.was_aborted
    connection.feed_eof()
    await over(connection)


async def test_after_the_end_nothing_is_answered() -> None:
    connection = await in_memory(hello)
    connection.feed(post(b"x", length=100_000))
    await answered(connection)
    connection.feed(bytes(99_999) + GET)
    if connection.transport.has_ended:
        for _ in range(5):
            await asyncio.sleep(0)
        assert connection.sent.count(b"HTTP/1.1 ") == 1
    else:
        await answered(connection, 2)
    connection.transport.abort()
    await over(connection)


async def test_a_coding_that_nobody_reads_is_never_undone() -> None:
    connection = await in_memory(hello)
    connection.feed(post(b"no gzip", more=b"Content-Encoding: gzip\r\n"))
    await answered(connection)
    assert b" 200 OK" in connection.sent
    connection.transport.abort()


@pytest.mark.parametrize("cut", [0, 4], ids=["whole", "in-pieces"])
async def test_codings_stay_if_the_server_is_told_so(cut: int) -> None:
    connection = await in_memory(echo, auto_decompress=False)
    wire = post(b"as it is", more=b"Content-Encoding: gzip\r\n")
    connection.feed(wire[: len(wire) - cut])
    if cut:
        connection.feed(wire[-cut:])
    await answered(connection)
    assert connection.sent.endswith(b"as it is")
    connection.transport.abort()


# The end of input


@pytest.mark.parametrize("count", [1, 5, 200])
async def test_what_was_asked_before_the_end_is_answered(count: int) -> None:
    connection = await in_memory(hello)
    connection.feed(GET * count)
    connection.feed_eof()
    await answered(connection, count)
    await over(connection)
    assert connection.sent.count(b"HTTP/1.1 ") == count


async def test_a_slow_answer_outlives_the_end_of_input() -> None:
    gate = Gate()
    connection = await in_memory(gate)
    connection.feed(GET * 3)
    connection.feed_eof()
    await eventually(lambda: gate.entered)
    gate.open.set()
    await answered(connection, 3)
    await over(connection)


async def test_a_slow_reader_has_its_answers_after_the_end_of_input() -> None:
    async def big(request: web.BaseRequest) -> web.Response:
        return web.Response(body=bytes(100 * 1024))

    connection = await in_memory(big)
    connection.transport.is_stalled = True
    connection.feed(GET * 3)
    await answered(connection)
    connection.feed_eof()
    connection.transport.take()
    await answered(connection, 3)
    await over(connection)


async def test_the_end_while_idle_closes() -> None:
    connection = await in_memory(hello)
    connection.feed(GET)
    await answered(connection)
    connection.feed_eof()
    await over(connection)


# A client that goes away


async def test_a_handler_outlives_its_client() -> None:
    gate = Gate()
    connection = await in_memory(gate)
    connection.feed(GET)
    await eventually(lambda: gate.entered)
    (served,) = connection.server.connections
    task = served.task
    connection.transport.abort()
    await over(connection)
    gate.open.set()
    assert task is not None
    await task
    assert gate.cancelled == 0
    assert connection.sent == b""


async def test_a_handler_that_is_to_be_cancelled() -> None:
    gate = Gate()
    connection = await in_memory(gate, handler_cancellation=True)
    connection.feed(GET)
    await eventually(lambda: gate.entered)
    connection.transport.abort()
    await eventually(lambda: gate.cancelled)
    assert connection.is_over


async def test_the_reader_of_a_body_is_told(caplog: pytest.LogCaptureFixture) -> None:
    errors: list[Exception] = []

    async def read(request: web.BaseRequest) -> web.Response:
        try:
            await request.read()
        except Exception as error:
            errors.append(error)
            raise
        return web.Response()

    connection = await in_memory(read)
    connection.feed(post(b"x", length=10))
    await asyncio.sleep(0)
    connection.transport.abort()
    await eventually(lambda: errors)
    assert isinstance(errors[0], web.RequestPayloadError)
    await asyncio.sleep(0)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_nothing_is_left_of_a_request_whose_answer_was_raised() -> None:
    left: list[weakref.ref[Any]] = []

    async def refuse(request: web.BaseRequest) -> web.Response:
        left.append(weakref.ref(request))
        raise web.HTTPNotFound

    connection = await in_memory(refuse)
    gc.disable()
    try:
        connection.feed(GET)
        await answered(connection)
        # By its references alone: a collector may be long in coming.
        await eventually(lambda: left[0]() is None, "its end")
    finally:
        gc.enable()
    connection.transport.abort()


# Deadlines


async def test_a_stalled_stream_is_given_up() -> None:
    errors: list[BaseException] = []

    async def stream(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(64 * 1024))
        except BaseException as error:
            errors.append(error)
            raise

    connection = await in_memory(stream, write_timeout=0.05)
    connection.transport.is_stalled = True
    connection.feed(GET)
    await over(connection)
    await eventually(lambda: errors)
    assert isinstance(errors[0], ConnectionError)


async def test_a_stalled_answer_is_given_up() -> None:
    async def big(request: web.BaseRequest) -> web.Response:
        return web.Response(body=bytes(1 << 20))

    for request in (GET, CLOSING_GET):
        connection = await in_memory(big, write_timeout=0.05)
        connection.transport.is_stalled = True
        connection.feed(request)
        await over(connection)
        assert connection.transport.was_aborted


@pytest.mark.parametrize("request_head", [GET, CLOSING_GET], ids=["kept", "closing"])
async def test_a_steady_reader_is_not_given_up(request_head: bytes) -> None:
    async def big(request: web.BaseRequest) -> web.Response:
        return web.Response(body=bytes(1 << 20))

    connection = await in_memory(big, write_timeout=0.1)
    transport = connection.transport
    transport.is_stalled = True
    connection.feed(request_head)
    await answered(connection)
    loop = asyncio.get_running_loop()
    start = loop.time()
    while transport.get_write_buffer_size() > 64 * 1024:
        deadline = loop.time() + 0.02
        await eventually(lambda deadline=deadline: loop.time() >= deadline)  # type: ignore[misc]  # a lambda
        transport.take(32 * 1024)
    assert loop.time() - start > 0.3
    assert not transport.was_aborted
    transport.take()
    transport.abort()
    await over(connection)


@pytest.mark.parametrize(
    ("setting", "received"),
    [
        ("head_timeout", b""),
        ("head_timeout", b"GET / HTTP/1.1\r\nHos"),
        ("keepalive_timeout", GET),
        ("head_timeout", GET + b"GE"),
        ("body_timeout", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123"),
    ],
)
async def test_a_silent_peer_is_given_up(setting: str, received: bytes) -> None:
    connection = await in_memory(hello, **{setting: 0.05})
    if received:
        connection.feed(received)
    await eventually(lambda: connection.is_over or connection.transport.has_ended)
    connection.transport.abort()
    await over(connection)


async def test_no_deadline_while_the_handler_works() -> None:
    gate = Gate()
    settings: dict[str, Any] = dict.fromkeys(("head_timeout", "keepalive_timeout", "body_timeout"), 0.02)
    connection = await in_memory(gate, **settings)
    connection.feed(GET)
    loop = asyncio.get_running_loop()
    start = loop.time()
    await eventually(lambda: loop.time() > start + 0.1)
    assert not connection.is_over
    gate.open.set()
    await answered(connection)
    await over(connection)


# A connection that never comes about


async def test_a_connection_without_a_transport_is_not_kept() -> None:
    """What a failed TLS handshake leaves: a protocol that was made, and no transport."""
    server = web.Server(hello)
    server()
    assert server.connections == []


async def test_a_connection_that_comes_after_shutdown_began() -> None:
    server = web.Server(hello)
    channel = server()
    server.pre_shutdown()
    transport = MemoryTransport(channel)
    channel.connection_made(transport)
    await eventually(transport.is_closing)
    async with asyncio.timeout(5):
        await server.shutdown(60)
