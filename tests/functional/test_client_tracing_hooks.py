"""Hooks that fail, hang, take their time, or find things changed then: nothing is left of the request."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from pronghorn import (
    ClientConnectionError,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    ServerDisconnectedError,
    TCPConnector,
)

from .listening import (
    CHUNK,
    CREATE,
    CREATED,
    DEQUEUED,
    END,
    FAILED,
    HEADERS,
    HIT,
    MISS,
    QUEUED,
    RECEIVED,
    RESOLVE,
    RESOLVED,
    REUSED,
    START,
    Listener,
    forever,
    nothing_connected,
    nothing_left,
)
from .scripted import OK, PATIENCE, Peer, Script, Scripted, answering, scripted, turns, until

CONNECTING = [CREATE, MISS, RESOLVE, RESOLVED, HIT, CREATED, REUSED, QUEUED, DEQUEUED]
BEFORE_THE_HEAD = [*CONNECTING, HEADERS, CHUNK]
ALL = [START, *BEFORE_THE_HEAD, END, RECEIVED, FAILED]

ERROR = LookupError("no such thing")


async def fail() -> None:
    raise ERROR


async def pieces() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


async def upload(session: ClientSession, url: str, **options: Any) -> bytes:
    async with asyncio.timeout(PATIENCE), session.post(url, data=pieces(), **options) as response:
        return await response.read()


class Stage:
    """A server, and a traced session of one connection; a request is led to an event where its hook acts."""

    def __init__(self, server: Scripted, listener: Listener, session: ClientSession) -> None:
        self.url = server.url().replace("127.0.0.1", "localhost")
        self.server = server
        self.listener = listener
        self.session = session
        self.released = asyncio.Event()
        self.tasks: list[asyncio.Task[bytes]] = []

    async def lead_to(
        self, event: str, do: Callable[[], Awaitable[None]], **options: Any
    ) -> "asyncio.Task[bytes]":
        """A request whose hook for ``event`` does so; done, or about to be, when the event is there."""
        url = self.url
        if event in {REUSED, HIT}:
            await upload(self.session, url)
            if event == HIT:
                await self._lose()
        elif event in {QUEUED, DEQUEUED}:
            await self._hold()
        elif event == FAILED:
            url += "fail"
        self.listener.forget()
        self.listener.at, self.listener.do = event, do
        task = asyncio.create_task(upload(self.session, url, **options))
        if event == DEQUEUED:
            await until(lambda: QUEUED in self.listener.events)
            await self._let_go()
        await until(lambda: event in self.listener.events)
        return task

    async def _lose(self) -> None:
        """The connection is lost, and what was found out for it is known still."""
        self.server.peers[-1].close()
        await nothing_connected(self.session)

    async def _hold(self) -> None:
        held = await self.session.get(self.url + "hold")
        self.tasks.append(asyncio.create_task(held.read()))

    async def _let_go(self) -> None:
        self.released.set()
        await asyncio.gather(*self.tasks)

    async def clear(self) -> None:
        """Nothing is left of the request, and the next one works."""
        self.listener.at = ""
        await self._let_go()
        await nothing_left(self.session)
        assert await upload(self.session, self.url) == b"ok"

    async def serve(self, peer: Peer) -> None:
        while True:
            request = await peer.request()
            if request.target == "/fail":
                await peer.send(b"nonsense\r\n\r\n")
            elif request.target == "/hold":
                await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
                await self.released.wait()
                await peer.send(b"ok")
            else:
                await peer.send(OK)


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    async def serve(peer: Peer) -> None:
        await stage.serve(peer)

    listener = Listener()
    async with scripted(serve) as server, listener.session(TCPConnector(limit=1)) as session:
        stage = Stage(server, listener, session)
        yield stage


# One that fails


@pytest.mark.parametrize("event", [event for event in ALL if event != FAILED])
async def test_its_error_is_that_of_the_request(event: str) -> None:
    async with staged() as stage:
        task = await stage.lead_to(event, fail)
        with pytest.raises(LookupError) as caught:
            await task
        assert caught.value is ERROR
        events = stage.listener.events
        # Of a request that was not begun, and one that had ended, no failure is told.
        assert (FAILED in events) is (event not in {START, RECEIVED})
        if FAILED in events:
            assert stage.listener.of(FAILED).exception is ERROR
        await stage.clear()


async def test_one_for_failures_does_not_hide_the_failure() -> None:
    async with staged() as stage:
        with pytest.raises(LookupError) as caught:
            await (await stage.lead_to(FAILED, fail))
        assert caught.value is ERROR
        assert isinstance(ERROR.__context__, ClientResponseError)
        await stage.clear()


async def test_where_a_request_begins_nothing_has_been_sent() -> None:
    """Not even where an idle connection is at hand: who refuses a request there has not made it."""
    for event in (START, *CONNECTING):
        async with staged() as stage:
            task = await stage.lead_to(event, fail)
            with pytest.raises(LookupError):
                await task
            targets = [request.target for request in stage.server.requests]
            assert targets.count("/") == (1 if event in {REUSED, HIT} else 0)
            await stage.clear()


async def test_while_a_body_is_sent_who_reads_the_answer_is_told() -> None:
    early = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(early)
        await peer.rest()

    async def fail_after_the_answer() -> None:
        await until(lambda: END in listener.events)
        raise ERROR

    listener = Listener(at=CHUNK, do=fail_after_the_answer)
    async with scripted(script) as server, listener.session() as session:
        async with session.post(server.url(), data=pieces()) as response:
            with pytest.raises(LookupError):
                await response.read()
        await nothing_left(session)


async def test_a_body_that_could_not_be_told_can_be_read_again() -> None:
    listener = Listener(at=RECEIVED, do=fail)
    async with scripted(OK) as server, listener.session() as session, session.get(server.url()) as response:
        with pytest.raises(LookupError):
            await response.read()
        listener.at = ""
        assert await response.read() == b"ok"


async def test_what_failed_meanwhile_is_forgotten() -> None:
    """The exchange fails while the hook is at work, and then the hook: the loop does not complain."""
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))

    async def fail_later() -> None:
        server.peers[0].reset()
        await nothing_left(session)
        raise LookupError("mine")

    async def sit(peer: Peer) -> None:
        await peer.rest()

    listener = Listener(at=HEADERS, do=fail_later)
    async with scripted(sit) as server, listener.session() as session:
        with pytest.raises(LookupError, match="mine"):
            await session.get(server.url())
    listener.forget()  # and with the error the frames that hold on to what failed
    gc.collect()
    assert complaints == []


async def test_an_answer_that_nobody_gets_is_given_up() -> None:
    async def begin(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
        await peer.rest()

    listener = Listener(at=END, do=fail)
    async with scripted(begin) as server, listener.session() as session:
        with pytest.raises(LookupError):
            await session.get(server.url())
        await nothing_left(session)
        await until(lambda: server.peers[0].has_left)
        assert listener.of(END).response.closed


# One that hangs


@pytest.mark.parametrize("event", ALL)
async def test_it_can_be_cancelled(event: str) -> None:
    async with staged() as stage:
        task = await stage.lead_to(event, forever)
        await turns()
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await stage.clear()


PHASES = {**dict.fromkeys(CONNECTING, "pool"), **dict.fromkeys([MISS, RESOLVE, RESOLVED, HIT], "dns")}


@pytest.mark.parametrize("event", BEFORE_THE_HEAD)
async def test_the_total_timeout_ends_it(event: str) -> None:
    async with staged() as stage:
        port = stage.server.port
        phases = {**PHASES, CREATED: f"connect, 127.0.0.1:{port}"}
        words = "The request took longer than its total of 0.05 s, while traced"
        if event in phases:
            words = f"No connection to localhost:{port} within 0.05 s (total): {phases[event]}"
        task = await stage.lead_to(event, forever, timeout=0.05)
        with pytest.raises(TimeoutError) as caught:
            await task
        assert not isinstance(caught.value, ConnectionTimeoutError)
        if event != CHUNK:
            assert str(caught.value) == words
        else:  # the body is sent beside the exchange, whose own deadline it is
            assert str(caught.value) == "The request took longer than its total of 0.05 s"
        assert isinstance(stage.listener.of(FAILED).exception, TimeoutError)
        await stage.clear()


async def test_a_timeout_of_the_hook_is_the_hooks() -> None:
    async def time_out() -> None:
        raise TimeoutError("mine")

    for event in (CREATE, HEADERS):
        async with staged() as stage:
            with pytest.raises(TimeoutError, match=r"^mine$"):
                await (await stage.lead_to(event, time_out, timeout=PATIENCE))
            await stage.clear()


@pytest.mark.parametrize("event", [START, CREATE, RESOLVE, RESOLVED, CREATED, REUSED, HEADERS, END, FAILED])
async def test_a_request_that_is_closed_waits_for_nothing(event: str) -> None:
    """As when a loop is torn down: a closed coroutine can't wait any more, and no failure is told."""

    class ClosedAtTheEvent:
        def __await__(self) -> Generator[Any, Any, None]:
            request = session.get(url)
            resume = partial(request.send, None)
            while True:
                future = resume()
                if event in listener.events:
                    break
                try:
                    yield future
                except Exception as error:  # noqa: BLE001 - whatever it is, it is the request that has to handle it
                    resume = partial(request.throw, error)
                else:
                    resume = partial(request.send, None)
            request.close()

    script: Script = answering(b"nonsense\r\n\r\n") if event == FAILED else OK
    listener = Listener()
    async with scripted(script) as server, listener.session() as session:
        url = server.url().replace("127.0.0.1", "localhost")
        if event == REUSED:
            await upload(session, url)
            listener.forget()
        listener.at, listener.do = event, forever
        await ClosedAtTheEvent()
        assert listener.events[-1] == event
        await nothing_left(session)


# One that takes its time


@pytest.mark.parametrize("event", ALL)
async def test_the_request_goes_on_after_it(event: str) -> None:
    async with staged() as stage:
        task = await stage.lead_to(event, lambda: turns(20))
        if event == FAILED:
            with pytest.raises(ClientResponseError):
                await task
        else:
            if event == QUEUED:
                await stage._let_go()
            assert await task == b"ok"
        await stage.clear()


async def test_an_answer_that_came_meanwhile_is_kept() -> None:
    """Its connection may even have served another request by then."""

    async def ask_another() -> None:
        listener.at = ""
        await until(lambda: session.connector and session.connector._pool.idle)
        assert await (await session.get(server.url("/other"))).text() == "other"

    async def script(peer: Peer) -> None:
        while True:
            target = (await peer.request()).target[1:].encode()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target))

    listener = Listener(at=HEADERS, do=ask_another)
    async with scripted(script) as server, listener.session(timeout=ClientTimeout(sock_read=60)) as session:
        async with session.get(server.url("/first")) as response:
            assert await response.text() == "first"
        assert len(server.peers) == 1
        assert session.connector is not None
        (connection,) = session.connector._connections
        assert not connection._gap.is_running
        await nothing_left(session)


async def test_a_body_is_not_begun_when_the_answer_failed_meanwhile() -> None:
    begun: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        begun.append(1)
        yield b"x"

    async def outlast_it() -> None:
        await nothing_left(session)

    listener = Listener(at=HEADERS, do=outlast_it)

    async def leave(peer: Peer) -> None:
        await peer.head()
        peer.reset()

    async with scripted(leave) as server, listener.session() as session:
        with pytest.raises(ServerDisconnectedError):
            await session.post(server.url(), data=body())
        await turns()
        assert begun == []
        assert CHUNK not in listener.events


async def test_the_server_is_not_to_blame_for_it() -> None:
    """Nothing comes, since the body waits for the hook."""

    async def outlast_sock_read() -> None:
        assert session.connector is not None
        (connection,) = session.connector._connections
        struck = connection._gap.at
        await until(lambda: connection._gap.at > struck)

    listener = Listener(at=HEADERS, do=outlast_sock_read)
    async with scripted(OK) as server, listener.session(timeout=ClientTimeout(sock_read=0.01)) as session:
        assert await upload(session, server.url()) == b"ok"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_idle_connection_that_goes_meanwhile_is_not_used(method: str) -> None:
    async def lose() -> None:
        server.peers[0].close()
        await nothing_connected(session)

    listener = Listener(at=REUSED, do=lose)
    async with scripted(OK) as server, listener.session() as session:
        for _ in range(2):
            async with session.request(method, server.url()) as response:
                assert await response.text() == "ok"
        assert listener.events[-6:] == [REUSED, CREATE, CREATED, HEADERS, END, RECEIVED]
        assert [len(peer.requests) for peer in server.peers] == [1, 1]
        await nothing_left(session)


async def test_nor_one_whose_turn_came() -> None:
    async with staged() as stage:

        async def lose() -> None:
            stage.server.peers[0].close()
            await nothing_connected(stage.session)

        assert await (await stage.lead_to(DEQUEUED, lose)) == b"ok"
        events = [event for event in stage.listener.events if event != RECEIVED]
        assert events[:5] == [START, QUEUED, DEQUEUED, CREATE, HIT]
        await stage.clear()


async def test_a_new_connection_that_goes_meanwhile() -> None:
    async def lose() -> None:
        await until(lambda: server.peers)
        server.peers[0].close()
        await nothing_connected(session)

    listener = Listener(at=CREATED, do=lose)
    async with scripted(OK) as server, listener.session() as session:
        with pytest.raises(ClientConnectionError):
            await session.get(server.url())
        await nothing_left(session)


@pytest.mark.parametrize("event", [*CONNECTING, HEADERS])
async def test_a_connector_that_is_closed_meanwhile(event: str) -> None:
    async with staged() as stage:
        connector = stage.session.connector

        async def close() -> None:
            assert connector is not None
            await connector.close()

        with pytest.raises(ClientConnectionError):
            await (await stage.lead_to(event, close))
        assert connector is not None
        await until(lambda: not connector._connections)
        assert connector._pool.waiting == []
        await asyncio.gather(*stage.tasks, return_exceptions=True)


async def test_who_takes_his_time_in_the_queue_keeps_his_turn() -> None:
    async with staged() as stage:
        dawdling = asyncio.Event()
        first = await stage.lead_to(QUEUED, dawdling.wait)
        stage.listener.at = ""
        second = asyncio.create_task(upload(stage.session, stage.url + "second"))
        await until(lambda: stage.session.connector and len(stage.session.connector._pool.waiting) == 2)
        await stage._let_go()
        await turns(10)
        assert not second.done()
        dawdling.set()
        assert await first == await second == b"ok"
        assert [request.target for request in stage.server.requests] == ["/hold", "/", "/second"]
