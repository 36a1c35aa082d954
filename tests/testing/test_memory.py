"""One contract for every exchange, over HTTP/1.1 on a transport and over memory."""

import asyncio
from collections.abc import Callable

import pytest

from pronghorn.io.channel import Channel
from pronghorn.io.exchange import Exchange, Http1Exchange
from pronghorn.io.stream import StreamReader
from pronghorn.testing import MemoryExchange
from pronghorn.testing.memory import make_request
from pronghorn.wire.events import (
    Data,
    End,
    Event,
    HttpVersion10,
    InformationalHead,
    ResponseHead,
)
from pronghorn.wire.http1.connection import Http1Connection
from pronghorn.wire.roles import CLIENT, SERVER

from ..io.fakes import WRITE_BUFFER, FakeTransport, Recorder, settle


class OnTransport:
    """A server's exchange, whose peer reads by `take`."""

    def __init__(self, method: str) -> None:
        machine = Http1Connection(SERVER)
        self._channel = Channel(asyncio.get_running_loop(), machine, Recorder())
        self._transport = FakeTransport(self._channel)
        self._peer = Http1Connection(CLIENT)
        self._transport.receive(self._peer.send_head(method, "/", [("Host", "a")], None, body=b""))
        self._events: list[Event] = []
        self.exchange: Exchange = Http1Exchange(self._channel, machine)

    def take(self) -> None:
        self._events += self._peer.feed(self._transport.take())

    @property
    def head(self) -> tuple[int, str, dict[str, str]] | None:
        self.take()
        for event in self._events:
            if type(event) is ResponseHead:
                fields = {name: value for name, value in event.headers.items() if name.startswith("X-")}
                return event.status, event.reason, fields
        return None

    @property
    def informationals(self) -> list[tuple[int, str]]:
        self.take()
        return [(event.status, event.reason) for event in self._events if type(event) is InformationalHead]

    @property
    def content(self) -> bytes:
        self.take()
        bodies = (event.body or b"" for event in self._events if type(event) is ResponseHead)
        return b"".join(bodies) + b"".join(event.chunk for event in self._events if isinstance(event, Data))

    @property
    def is_whole(self) -> bool:
        """As far as our side knows: the peer can tell in most cases, not in those without content."""
        self.take()
        machine = self._channel.machine
        assert isinstance(machine, Http1Connection)
        return machine.writing.name == "DONE"

    @property
    def trailers(self) -> list[tuple[str, str]]:
        self.take()
        ends = [event for event in self._events if isinstance(event, End) and event.trailers]
        return [(str(name), value) for end in ends for name, value in end.trailers.items()]


class InMemory:
    def __init__(self, method: str) -> None:
        exchange = make_request(method).exchange
        assert isinstance(exchange, MemoryExchange)
        self._memory = exchange
        self.exchange: Exchange = exchange

    def take(self) -> None:
        self._memory.take()

    @property
    def head(self) -> tuple[int, str, dict[str, str]] | None:
        sent = self._memory.sent
        return None if sent is None else (int(sent.first), sent.second, dict(sent.fields))

    @property
    def informationals(self) -> list[tuple[int, str]]:
        return self._memory.informationals

    @property
    def content(self) -> bytes:
        return bytes(self._memory.content)

    @property
    def is_whole(self) -> bool:
        return self._memory.has_ended

    @property
    def trailers(self) -> list[tuple[str, str]]:
        return list(self._memory.trailers)


Rig = OnTransport | InMemory
Make = Callable[[str], Rig]


@pytest.fixture(params=[OnTransport, InMemory], ids=["http1", "memory"])
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = request.param
    return made


@pytest.fixture
async def rig(make: Make) -> Rig:
    return make("GET")


# What is sent


async def test_a_whole_message_at_once(rig: Rig) -> None:
    rig.exchange.head(200, "Fine", [("X-A", "1")], None, body=b"content")
    assert rig.head == (200, "Fine", {"X-A": "1"})
    assert rig.content == b"content"
    assert rig.is_whole


@pytest.mark.parametrize("length", [None, 7])
async def test_a_message_in_pieces(rig: Rig, length: int | None) -> None:
    rig.exchange.head(200, "Fine", [("X-A", "1")], length)
    assert rig.head == (200, "Fine", {"X-A": "1"})
    for piece in (b"con", b"", b"tent"):
        rig.exchange.data(piece)
    await settle()
    assert not rig.is_whole
    assert rig.content == b"content"
    rig.exchange.end()
    assert rig.is_whole


async def test_trailers(rig: Rig) -> None:
    rig.exchange.head(200, "OK", [], None)
    rig.exchange.end([("X-Sum", "5")])
    assert rig.trailers == [("X-Sum", "5")]


async def test_informational_responses_come_first(rig: Rig) -> None:
    rig.exchange.informational(103, "Early Hints", [("Link", "</a>")])
    rig.exchange.informational(100, "Continue")
    rig.exchange.head(204, "No Content", [], None, body=b"")
    assert rig.informationals == [(103, "Early Hints"), (100, "Continue")]
    assert rig.head == (204, "No Content", {})


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_content_that_the_message_may_not_carry_is_dropped(
    make: Make, method: str, status: int
) -> None:
    """However much of it there is: nobody will read it."""
    rig = make(method)
    rig.exchange.head(status, "", [], None)
    async with asyncio.timeout(10):
        for _ in range(10):
            rig.exchange.data(b"x" * WRITE_BUFFER)
            await rig.exchange.drain()
    rig.exchange.end()
    assert rig.content == b""
    assert rig.is_whole


async def test_a_whole_message_that_may_carry_no_content(make: Make) -> None:
    rig = make("HEAD")
    rig.exchange.head(200, "OK", [], None, body=b"content")
    assert rig.content == b""
    assert rig.is_whole


# What is refused


async def test_out_of_order(rig: Rig) -> None:
    exchange = rig.exchange
    for early in (lambda: exchange.data(b"x"), exchange.end):
        with pytest.raises(RuntimeError):
            early()
    exchange.head(200, "OK", [], None)
    for again in (
        lambda: exchange.head(200, "OK", [], None),
        lambda: exchange.head(200, "OK", [], None, body=b""),
        lambda: exchange.informational(100, "Continue"),
    ):
        with pytest.raises(RuntimeError):
            again()
    exchange.data(b"x")
    exchange.end()
    for late in (lambda: exchange.data(b"x"), exchange.end, lambda: exchange.head(200, "OK", [], None)):
        with pytest.raises(RuntimeError):
            late()
    assert rig.content == b"x"


async def test_more_content_than_was_declared(rig: Rig) -> None:
    rig.exchange.head(200, "OK", [], 5)
    rig.exchange.data(b"abc")
    with pytest.raises(ValueError, match="Content-Length"):
        rig.exchange.data(b"def")
    await settle()
    assert rig.content == b"abc"
    assert not rig.is_whole


async def test_less_content_than_was_declared(rig: Rig) -> None:
    rig.exchange.head(200, "OK", [], 5)
    rig.exchange.data(b"abc")
    with pytest.raises(ValueError, match="Content-Length"):
        rig.exchange.end()
    assert not rig.is_whole


@pytest.mark.parametrize(
    ("first", "second", "fields", "length"),
    [
        (200, "OK", [("X-A", "a\r\nX-B: b")], None),
        (200, "OK", [("X-A", "a\0")], None),
        (200, "OK", [("X A", "a")], None),
        (200, "OK", [("", "a")], None),
        (200, "OK\r\nX-A: b", [], None),
        (200, "OK", [], -1),
        (100, "Continue", [], None),
        (101, "Switching Protocols", [], None),
    ],
)
async def test_a_head_outside_the_grammar(
    rig: Rig, first: int, second: str, fields: list[tuple[str, str]], length: int | None
) -> None:
    """Nothing has left: another answer can be given."""
    with pytest.raises(ValueError, match=r"."):
        rig.exchange.head(first, second, fields, length)
    assert rig.head is None
    rig.exchange.head(500, "Failed", [], None, body=b"")
    assert rig.head == (500, "Failed", {})


@pytest.mark.parametrize("status", [99, 101, 200, 404])
async def test_what_is_not_informational(rig: Rig, status: int) -> None:
    with pytest.raises(ValueError, match="informational"):
        rig.exchange.informational(status, "")
    assert rig.informationals == []


async def test_a_trailer_outside_the_grammar(rig: Rig) -> None:
    rig.exchange.head(200, "OK", [], None)
    for trailer in (("X-A", "a\r\n"), ("Content-Length", "5")):
        with pytest.raises(ValueError, match=r"."):
            rig.exchange.end([trailer])
    assert not rig.is_whole


# Flow control


async def test_sendable(rig: Rig) -> None:
    rig.exchange.head(200, "OK", [], None)
    rig.take()
    room = rig.exchange.sendable
    assert room == WRITE_BUFFER
    rig.exchange.data(b"x" * 1000)
    assert room - 1100 < rig.exchange.sendable <= room - 1000
    await settle()
    assert room - 1100 < rig.exchange.sendable <= room - 1000
    rig.exchange.data(b"x" * 2 * WRITE_BUFFER)
    assert rig.exchange.sendable == 0
    rig.take()
    assert rig.exchange.sendable == room


async def test_a_whole_message_takes_room_as_well(rig: Rig) -> None:
    rig.exchange.head(200, "OK", [], None, body=b"x" * 2 * WRITE_BUFFER)
    assert rig.exchange.sendable == 0
    rig.take()
    assert rig.exchange.sendable == WRITE_BUFFER


async def test_draining_with_room_returns_at_once(rig: Rig) -> None:
    rig.exchange.head(200, "OK", [], None)
    rig.exchange.data(b"x" * 1000)
    with pytest.raises(StopIteration):
        rig.exchange.drain().send(None)  # type: ignore[attr-defined]  # a coroutine, like every async function's


async def test_draining_waits_for_room(rig: Rig) -> None:
    rig.exchange.head(200, "OK", [], None)
    rig.exchange.data(b"x" * 2 * WRITE_BUFFER)
    drains = [asyncio.create_task(rig.exchange.drain()) for _ in range(3)]
    await settle()
    assert not any(task.done() for task in drains)
    drains.pop().cancel()
    await settle()
    rig.take()
    await asyncio.gather(*drains)


async def test_reset(rig: Rig) -> None:
    rig.exchange.head(200, "OK", [], None)
    rig.exchange.data(b"x" * 2 * WRITE_BUFFER)
    drains = [asyncio.create_task(rig.exchange.drain()) for _ in range(2)]
    await settle()
    rig.exchange.reset("a handler failed")
    rig.exchange.reset("and again")
    for task in drains:
        with pytest.raises(ConnectionResetError):
            await task
    with pytest.raises(ConnectionResetError):
        await rig.exchange.drain()
    for use in (lambda: rig.exchange.data(b"x"), rig.exchange.end):
        with pytest.raises(ConnectionResetError):
            use()


async def test_reset_before_the_head(rig: Rig) -> None:
    rig.exchange.reset("nobody listens")
    await settle()
    with pytest.raises(ConnectionResetError):
        rig.exchange.informational(100, "Continue")
    with pytest.raises(ConnectionResetError):
        rig.exchange.head(200, "OK", [], None)


# What the memory keeps for the test


async def test_take_gives_what_was_not_taken() -> None:
    exchange = MemoryExchange()
    exchange.head(200, "OK", [], None)
    exchange.data(b"abc")
    assert exchange.take() == b"abc"
    assert exchange.take() == b""
    exchange.data(b"def")
    assert exchange.take() == b"def"
    assert bytes(exchange.content) == b"abcdef"


async def test_take_gives_a_whole_message_s_content() -> None:
    exchange = MemoryExchange()
    exchange.head(200, "OK", [], None, body=b"abc")
    assert exchange.take() == b"abc"


async def test_what_was_sent() -> None:
    exchange = MemoryExchange()
    exchange.head(200, "OK", [("A", "1"), ("a", "2")], 3, is_persistent=False)
    assert exchange.sent is not None
    assert (exchange.sent.first, exchange.sent.second, exchange.sent.length) == (200, "OK", 3)
    assert exchange.sent.fields.getall("A") == ["1", "2"]
    assert not exchange.sent.is_persistent
    exchange.reset("over")
    assert exchange.reset_reason == "over"


async def test_what_was_read() -> None:
    exchange = MemoryExchange()
    stream = StreamReader(exchange)
    stream.feed_data(b"abcdef")
    await stream.read(2)
    assert exchange.read == 2


# Requests


async def test_a_request() -> None:
    request = make_request("POST", "/a%20b?c=d", {"Host": "example.test", "X-A": "1"}, b"body")
    assert (request.method, request.path, request.query["c"]) == ("POST", "/a b", "d")
    assert request.headers["x-a"] == "1"
    assert request.raw_headers == ((b"Host", b"example.test"), (b"X-A", b"1"))
    assert await request.read() == b"body"
    assert str(request.url) == "http://example.test/a%20b?c=d"
    assert request.transport is None
    assert request.remote is None


async def test_a_request_whose_body_comes_in_pieces() -> None:
    stream = StreamReader()
    request = make_request("POST", body=stream)
    reading = asyncio.create_task(request.text())
    for piece in (b"on", b"e"):
        await settle()
        stream.feed_data(piece)
    stream.feed_eof()
    assert await reading == "one"


async def test_a_request_s_defaults() -> None:
    request = make_request()
    assert (request.method, request.path, request.host) == ("GET", "/", "test")
    assert request.keep_alive
    assert not request.body_exists
    assert not make_request(version=HttpVersion10).keep_alive
    exchange = MemoryExchange()
    assert make_request(exchange=exchange).exchange is exchange
