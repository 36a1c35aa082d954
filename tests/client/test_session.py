import asyncio
from typing import Any

import pytest

from pronghorn.client.context import RequestContext
from pronghorn.client.session import ClientSession
from pronghorn.client.tcp import TCPConnector
from pronghorn.client.timeouts import DEFAULT_TIMEOUT, ClientTimeout
from pronghorn.io.dial import Address


def test_is_made_outside_a_loop() -> None:
    session = ClientSession()
    assert not session.closed
    assert isinstance(session.connector, TCPConnector)
    assert session.timeout == DEFAULT_TIMEOUT
    assert dict(session.headers) == {}


def test_options_can_be_read_back() -> None:
    connector = TCPConnector()
    session = ClientSession(connector=connector, headers={"X-A": "1"}, timeout=5)
    assert session.connector is connector
    assert session.headers.getall("x-a") == ["1"]
    assert session.timeout == ClientTimeout(total=5)


def test_timeout_may_be_off() -> None:
    assert ClientSession(timeout=None).timeout == ClientTimeout()


@pytest.mark.parametrize(
    ("older", "timeout"),
    [
        ({"read_timeout": 5}, ClientTimeout(total=5, sock_connect=30)),
        ({"read_timeout": None}, ClientTimeout(sock_connect=30)),
        ({"conn_timeout": 3}, ClientTimeout(total=300, connect=3, sock_connect=30)),
        ({"read_timeout": 0, "conn_timeout": 0}, ClientTimeout(sock_connect=30)),
    ],
)
def test_older_names_of_timeouts(older: dict[str, Any], timeout: ClientTimeout) -> None:
    with pytest.warns(DeprecationWarning, match="ClientTimeout") as warned:
        session = ClientSession(**older)
    assert warned[0].filename == __file__
    assert session.timeout == timeout
    with pytest.raises(ValueError, match="timeout: expected it alone"):
        ClientSession(timeout=ClientTimeout(), **older)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"connector": "tcp"}, "connector"),
        ({"timeout": "5"}, "timeout"),
        ({"headers": 5}, "headers"),
        ({"headers": {"X-A": 5}}, "headers"),
        ({"unheard_of": 1}, "unheard_of"),
    ],
)
def test_mistakes_are_named(options: dict[str, Any], name: str) -> None:
    with pytest.raises(TypeError, match=name):
        ClientSession(**options)


def test_only_keywords() -> None:
    with pytest.raises(TypeError):
        ClientSession(TCPConnector())  # type: ignore[misc]  # what is tested


def test_plain_with_is_refused() -> None:
    with pytest.raises(TypeError), ClientSession():  # type: ignore[attr-defined]  # what is tested
        pass


def test_headers_are_a_copy() -> None:
    given = {"X-A": "1"}
    session = ClientSession(headers=given)
    given["X-A"] = "2"
    assert session.headers["x-a"] == "1"


async def test_a_request_is_a_coroutine_and_can_be_closed_unused() -> None:
    async with ClientSession() as session:
        request = session.get("http://127.0.0.1/")
        assert isinstance(request, RequestContext)
        request.close()


async def test_close() -> None:
    session = ClientSession()
    await session.close()
    await session.close()
    assert session.closed
    assert session.connector is None
    assert "closed" in repr(session)
    with pytest.raises(RuntimeError, match="Session is closed"):
        await session.get("http://127.0.0.1/")


async def test_detach() -> None:
    session = ClientSession()
    connector = session.connector
    assert connector is not None
    session.detach()
    session.detach()
    assert session.closed
    assert session.connector is None
    await session.close()
    assert not connector.closed
    await connector.close()


def test_loop_before_there_is_one() -> None:
    given = asyncio.new_event_loop()
    session = ClientSession(loop=given)
    with pytest.warns(DeprecationWarning, match="get_running_loop"):
        assert session.loop is given
    given.close()
    with (
        pytest.warns(DeprecationWarning, match="get_running_loop"),
        pytest.raises(RuntimeError, match="no running event loop"),
    ):
        _ = session.loop


async def test_loop_is_that_of_the_connector_or_the_running_one() -> None:
    running, other = asyncio.get_running_loop(), asyncio.new_event_loop()
    async with ClientSession() as session, ClientSession(loop=other) as bound:
        assert bound.connector is not None
        bound.connector.take(Address("here", 80), may_be_stale=True)  # binds it to this loop
        for one in (session, bound):
            with pytest.warns(DeprecationWarning, match="get_running_loop") as warned:
                assert one.loop is running
            assert warned[0].filename == __file__
    other.close()


async def test_a_connector_that_is_not_owned_is_left_open() -> None:
    connector = TCPConnector()
    await ClientSession(connector=connector, connector_owner=False).close()
    assert not connector.closed
    await connector.close()


def test_no_field_of_the_session_is_shared_with_another() -> None:
    one, other = ClientSession(headers={"A": "1"}), ClientSession()
    assert "A" not in other.headers
    assert one.connector is not other.connector
