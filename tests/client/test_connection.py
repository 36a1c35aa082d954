import asyncio
import inspect

import pytest

from pronghorn.client.connection import (
    ClientConnection,
    MalformedResponse,
    Received,
    payload_error,
)
from pronghorn.client.errors import (
    ClientOSError,
    ClientPayloadError,
    ServerDisconnectedError,
    SocketTimeoutError,
)
from pronghorn.client.terms import Terms
from pronghorn.client.timeouts import ClientTimeout
from pronghorn.wire.errors import ProtocolError

from .wired import NO_TIMEOUT, OK, Keeper, connected, transport_of

FIELDS = (("Host", "here"),)
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"


def begin(
    connection: ClientConnection,
    timeout: ClientTimeout = NO_TIMEOUT,
    method: str = "GET",
    body: bytes | None = b"",
) -> "asyncio.Task[Received]":
    connection.begin(Terms(timeout), timeout.total)
    connection.exchange.head(method, "/", FIELDS, len(body) if body is not None else None, body=body)

    async def receive_head() -> Received:
        return await connection.expect_head()

    return asyncio.create_task(receive_head())


async def started(
    connection: ClientConnection, timeout: ClientTimeout = NO_TIMEOUT
) -> "asyncio.Task[Received]":
    task = begin(connection, timeout)
    await asyncio.sleep(0)
    return task


async def test_a_whole_answer_gives_the_connection_back() -> None:
    keeper = Keeper()
    connection = connected(keeper)
    task = await started(connection)
    connection.channel.data_received(OK)
    assert keeper.taken_back == [connection]
    assert (await task)[0].body == b"ok"
    assert connection.is_reusable
    assert not connection.is_lent


async def test_content_after_the_head_keeps_the_connection_lent_until_its_end() -> None:
    keeper = Keeper()
    connection = connected(keeper)
    task = await started(connection)
    connection.channel.data_received(LONG + b"01234")
    _, content, _ = await task
    assert content is not None
    assert connection.is_lent
    connection.channel.data_received(b"56789")
    assert keeper.taken_back == [connection]
    assert await content.read() == b"0123456789"


async def test_one_exchange_follows_the_other() -> None:
    keeper = Keeper()
    connection = connected(keeper)
    for number in range(1, 4):
        task = await started(connection)
        connection.channel.data_received(OK)
        await task
        assert connection.uses == number
        assert len(keeper.taken_back) == number


@pytest.mark.parametrize("bytes_after", [b"HTTP/1.1 200 OK\r\n", b"x"])
async def test_bytes_after_the_answer_spoil_the_connection(bytes_after: bytes) -> None:
    keeper = Keeper()
    connection = connected(keeper)
    task = await started(connection)
    connection.channel.data_received(OK + bytes_after)
    assert (await task)[0].body == b"ok"
    assert not connection.is_reusable


async def test_bytes_while_idle_abort_the_connection() -> None:
    connection = connected(Keeper())
    connection.channel.data_received(OK)
    assert transport_of(connection).ending == "aborted"


@pytest.mark.parametrize("option", [b"close", b"Keep-Alive, CLOSE"])
async def test_close_is_obeyed(option: bytes) -> None:
    connection = connected(Keeper())
    task = await started(connection)
    connection.channel.data_received(
        b"HTTP/1.1 200 OK\r\nConnection: %b\r\nContent-Length: 0\r\n\r\n" % option
    )
    await task
    assert not connection.is_reusable


async def test_a_malformed_head_is_told_at_once() -> None:
    connection = connected(Keeper())
    task = await started(connection)
    connection.channel.data_received(b"SSH-2.0-OpenSSH\r\n")
    with pytest.raises(MalformedResponse):
        await task
    assert transport_of(connection).ending == "aborted"


async def test_a_close_before_the_answer_is_a_disconnection() -> None:
    connection = connected(Keeper())
    task = await started(connection)
    connection.channel.eof_received()
    with pytest.raises(ServerDisconnectedError):
        await task


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, ServerDisconnectedError),
        (ConnectionResetError(), ServerDisconnectedError),
        (OSError(113, "no route"), ClientOSError),
    ],
)
async def test_a_loss_before_the_answer(error: Exception | None, expected: type[Exception]) -> None:
    keeper = Keeper()
    connection = connected(keeper)
    task = await started(connection)
    connection.channel.connection_lost(error)
    with pytest.raises(expected):
        await task
    assert keeper.losses == [connection]


@pytest.mark.parametrize("what", ["eof", "loss", "total", "gap"])
async def test_content_that_breaks_in_the_turn_of_its_head_fails_its_reader(what: str) -> None:
    connection = connected(Keeper())
    task = await started(connection, ClientTimeout(total=0.001, sock_read=0.001))
    connection.channel.data_received(LONG + b"01234")
    match what:
        case "eof":
            connection.channel.eof_received()
        case "loss":
            connection.channel.connection_lost(ConnectionResetError())
        case "total":
            connection._run_out()
        case _:
            connection._run_out_of_data()
    _, content, _ = await task
    assert content is not None
    async with asyncio.timeout(1):
        with pytest.raises((ClientPayloadError, TimeoutError)) as caught:
            await content.read()
    # Ours, with its reason; not that of the watch above.
    assert str(caught.value)


async def test_an_answer_that_has_begun_forbids_another_try() -> None:
    connection = connected(Keeper())
    task = await started(connection)
    connection.channel.data_received(OK)
    await task
    task = await started(connection)
    assert connection.may_repeat
    connection.channel.data_received(b"H")
    assert not connection.may_repeat
    task.cancel()


async def test_a_fresh_connection_is_not_tried_again() -> None:
    connection = connected(Keeper())
    task = await started(connection)
    assert not connection.may_repeat
    task.cancel()


async def test_a_cancelled_wait_leaves_an_answer_to_nobody() -> None:
    connection = connected(Keeper())
    task = await started(connection)
    task.cancel()
    await asyncio.wait([task])
    connection.channel.data_received(LONG)
    assert not connection.is_lent
    assert transport_of(connection).ending == "aborted"


async def test_sock_read_strikes_while_waiting_and_names_itself() -> None:
    connection = connected(Keeper())
    task = await started(connection, ClientTimeout(sock_read=0.01))
    with pytest.raises(SocketTimeoutError, match=r"0\.01 s \(sock_read\)"):
        await task
    assert transport_of(connection).ending == "aborted"


async def test_sock_read_waits_for_a_slow_reader() -> None:
    connection = connected(Keeper())
    task = await started(connection, ClientTimeout(sock_read=60))
    connection.channel.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(600_000))
    await task
    assert not transport_of(connection).is_reading
    connection._run_out_of_data()
    assert connection.is_lent
    connection.abandon()


async def test_content_beyond_the_high_water_mark_pauses_reading() -> None:
    connection = connected(Keeper())
    task = await started(connection)
    connection.channel.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(600_000))
    _, content, _ = await task
    assert content is not None
    assert not transport_of(connection).is_reading
    await content.read(590_000)
    assert transport_of(connection).is_reading
    connection.abandon()


class Halting:
    """Written to by a payload; gives up when told."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    async def write(self) -> None:
        await asyncio.sleep(0)
        raise self.error


@pytest.mark.parametrize("error", [ValueError("mine"), OSError(5, "mine"), ConnectionResetError("mine")])
async def test_the_error_of_a_body_is_told_as_it_is(error: Exception) -> None:
    connection = connected(Keeper())
    task = begin(connection, method="POST", body=None)
    connection.send_body(Halting(error).write())
    async with asyncio.timeout(1):
        with pytest.raises(type(error)) as caught:
            await task
    assert caught.value is error
    assert transport_of(connection).ending == "aborted"
    assert b"0\r\n\r\n" not in transport_of(connection).written


async def test_a_body_that_is_cancelled_from_within_fails_the_exchange() -> None:
    connection = connected(Keeper())
    task = begin(connection, method="POST", body=None)
    connection.send_body(Halting(asyncio.CancelledError()).write())
    done, _ = await asyncio.wait([task], timeout=1)
    task.cancel()
    assert done, "nobody told who waits for the answer"


async def test_a_body_that_never_began_is_not_left_unawaited() -> None:
    connection = connected(Keeper())
    task = begin(connection, method="POST", body=None)
    write = Halting(ValueError()).write()
    connection.send_body(write)
    connection.abandon()  # before the sender had a turn
    task.cancel()
    await asyncio.wait([task])
    try:
        assert inspect.getcoroutinestate(write) == inspect.CORO_CLOSED
    finally:
        write.close()


def test_what_a_reader_of_a_broken_body_is_told() -> None:
    assert str(payload_error(ProtocolError("bad"))) == "bad"
    assert type(payload_error(ProtocolError("bad"))) is ClientPayloadError
