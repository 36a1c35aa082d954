"""Sessions and responses that begin and end where they should not, too."""

import asyncio
import gc
import socketserver
import threading
from collections.abc import Iterator

import pytest

from pronghorn import ClientConnectionError, ClientResponse, ClientSession, TCPConnector

from .scripted import OK, PATIENCE, Peer, answering, scripted, silent, turns, until

LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"


async def test_close_closes_what_is_idle_and_waits_for_it() -> None:
    async with scripted(OK) as server:
        session = ClientSession()
        async with session.get(server.url()) as response:
            await response.read()
        connector = session.connector
        assert connector is not None
        (connection,) = connector._connections
        await session.close()
        assert connection.channel.is_lost
        assert session.closed
        assert connector.closed
        await until(lambda: server.peers[0].has_left)


async def test_close_twice_and_at_once() -> None:
    async with scripted(OK) as server:
        session = ClientSession()
        async with session.get(server.url()) as response:
            await response.read()
        await asyncio.gather(session.close(), session.close())
        await session.close()


async def test_who_is_cancelled_while_closing_cancels_nobody_else() -> None:
    async with scripted(OK) as server:
        connector = TCPConnector()
        session = ClientSession(connector=connector)
        async with session.get(server.url()) as response:
            await response.read()

        async def close() -> None:
            await connector.close()

        one, other = asyncio.create_task(close()), asyncio.create_task(close())
        await asyncio.sleep(0)
        one.cancel()
        await asyncio.wait([one, other])
        assert one.cancelled()
        assert not other.cancelled()
        await close()
        await session.close()


async def test_closing_is_done_at_the_call() -> None:
    async with scripted(OK) as server:
        connector = TCPConnector()
        async with ClientSession(connector=connector) as session:
            async with session.get(server.url()) as response:
                await response.read()
            connector.close()
            assert connector.closed
            assert session.closed
            await until(lambda: server.peers[0].has_left)


async def test_use_after_close() -> None:
    async with ClientSession() as session:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        await session.get("http://127.0.0.1/")
    with pytest.raises(RuntimeError, match="closed"):
        async with session.post("http://127.0.0.1/"):
            pass
    assert session.connector is None


async def test_use_after_its_connector_was_closed() -> None:
    connector = TCPConnector()
    async with ClientSession(connector=connector) as session:
        await connector.close()
        with pytest.raises(RuntimeError, match="closed"):
            await session.get("http://127.0.0.1/")


@pytest.mark.parametrize("phase", ["head", "body"])
async def test_closing_with_requests_in_flight_fails_them(phase: str) -> None:
    script = silent if phase == "head" else answering(LONG, b"x", then="stay")
    async with scripted(script) as server:
        session = ClientSession()

        async def fetch() -> bytes:
            async with session.get(server.url()) as response:
                return await response.read()

        task = asyncio.create_task(fetch())
        await until(lambda: server.requests)
        await turns(20)
        await session.close()
        done, _ = await asyncio.wait([task], timeout=1)
        task.cancel()
        assert done, "the request hangs"
        assert isinstance(task.exception(), ClientConnectionError)
        await until(lambda: server.peers[0].has_left)


async def test_closing_while_a_connection_is_made_fails_its_request() -> None:
    async with scripted(OK) as server:
        session = ClientSession()
        task = asyncio.create_task(session.get(server.url())._coroutine)
        await asyncio.sleep(0)
        await session.close()
        await asyncio.wait([task], timeout=PATIENCE)
        assert isinstance(task.exception(), ClientConnectionError)
        await turns(20)  # the server may have a connection that it has not heard of yet
        await until(lambda: all(peer.has_left for peer in server.peers))


async def test_closing_in_the_turn_in_which_an_upload_begins() -> None:
    async with scripted(OK, silent) as server:
        session = ClientSession()
        async with session.get(server.url()) as response:
            await response.read()
        async with asyncio.timeout(1):
            with pytest.raises(ClientConnectionError):
                await asyncio.gather(session.post(server.url(), data=bytes(200_000)), session.close())
        gc.collect()
        await turns()


async def test_a_connector_that_is_not_owned_stays_open() -> None:
    async with scripted(OK) as server, TCPConnector() as connector:
        for _ in range(2):
            async with (
                ClientSession(connector=connector, connector_owner=False) as session,
                session.get(server.url()) as response,
            ):
                await response.read()
            assert session.closed
        assert not connector.closed
        assert len(server.peers) == 1, "shared"


async def test_a_response_that_is_dropped_warns_and_leaks_no_place() -> None:
    async with (
        scripted(answering(LONG, b"x", then="stay"), OK) as server,
        ClientSession(connector=TCPConnector(limit=1)) as session,
    ):
        responses = [await session.get(server.url())]
        with pytest.warns(ResourceWarning, match="Unclosed response"):
            responses.clear()
        async with asyncio.timeout(PATIENCE), session.get(server.url()) as response:
            assert await response.text() == "ok"
        await until(lambda: server.peers[0].has_left)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_dropped_response_leaks_no_place_where_warnings_are_errors() -> None:
    async with (
        scripted(answering(LONG, b"x", then="stay"), OK) as server,
        ClientSession(connector=TCPConnector(limit=1)) as session,
    ):
        response = await session.get(server.url())
        del response
        gc.collect()
        async with asyncio.timeout(1), session.get(server.url()) as response:
            assert await response.text() == "ok"


async def test_content_that_outlives_its_response_does_not_hang() -> None:
    async with scripted(answering(LONG, b"x", then="stay")) as server, ClientSession() as session:
        with pytest.warns(ResourceWarning, match="Unclosed response"):
            content = (await session.get(server.url())).content
        async with asyncio.timeout(1):
            with pytest.raises(ClientConnectionError):
                await content.read()


async def test_a_whole_response_may_be_dropped() -> None:
    async with scripted(OK) as server, ClientSession() as session:
        for _ in range(2):
            await session.get(server.url())
            gc.collect()
        assert len(server.peers) == 1


async def test_a_session_that_is_dropped_warns() -> None:
    async with scripted(OK) as server:
        connector = TCPConnector()
        sessions = [ClientSession(connector=connector)]
        await _text(sessions[0], server.url())
        with pytest.warns(ResourceWarning, match="Unclosed client session"):
            sessions.clear()
        await connector.close()


class _Keeping(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while line := self.rfile.readline().strip():
            while self.rfile.readline().strip():
                pass
            self.wfile.write(LONG + b"x" if b"/unfinished" in line else OK)


@pytest.fixture
def threaded_url() -> Iterator[str]:
    """A server that no loop owns."""

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), _Keeping) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


async def _text(session: ClientSession, url: str) -> str:
    async with asyncio.timeout(PATIENCE), session.get(url) as response:
        return await response.text()


# What a loop leaves open when it is closed is closed, and told of, when it is collected.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("options", [{}, {"limit": 1}, {"keepalive_timeout": None}])
def test_a_session_made_outside_a_loop_serves_two_in_turn(threaded_url: str, options: dict[str, int]) -> None:
    session = ClientSession(connector=TCPConnector(**options))
    for _ in range(2):
        assert asyncio.run(_text(session, threaded_url)) == "ok"
        gc.collect()
    asyncio.run(session.close())
    gc.collect()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_session_can_be_closed_when_its_loop_is(threaded_url: str) -> None:
    session = ClientSession()
    assert asyncio.run(_text(session, threaded_url)) == "ok"
    asyncio.run(session.close())
    assert session.closed
    del session
    gc.collect()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_response_that_outlives_its_loop_can_be_dropped(threaded_url: str) -> None:
    session = ClientSession()

    async def unread(session: ClientSession) -> ClientResponse:
        return await session.get(threaded_url + "unfinished")

    responses = [asyncio.run(unread(session))]
    with pytest.warns(ResourceWarning, match="Unclosed response"):
        responses.clear()
    asyncio.run(session.close())
    del session
    gc.collect()


async def test_a_second_living_loop_is_refused_by_name(threaded_url: str) -> None:
    session = ClientSession()
    await _text(session, threaded_url)
    with pytest.raises(RuntimeError, match=r"belongs to .* used on"):
        await asyncio.to_thread(asyncio.run, _text(session, threaded_url))
    assert await _text(session, threaded_url) == "ok"
    await session.close()


async def test_peers_that_vanish_while_idle_free_their_places() -> None:
    async def polite(peer: Peer) -> None:
        await peer.answer(OK)
        peer.close()

    async with scripted(polite) as server, ClientSession(connector=TCPConnector(limit=1)) as session:
        for _ in range(5):
            async with session.get(server.url()) as response:
                await response.read()
            connector = session.connector
            assert connector is not None
            await until(lambda connector=connector: connector._pool.open_count == 0)
