from typing import Any

import pytest

from pronghorn.client.connector import TCPConnector
from pronghorn.client.session import ClientSession, RequestContext
from pronghorn.client.timeouts import DEFAULT_TIMEOUT, ClientTimeout


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


def test_headers_are_a_copy_and_a_view() -> None:
    given = {"X-A": "1"}
    session = ClientSession(headers=given)
    given["X-A"] = "2"
    assert session.headers["X-A"] == "1"
    with pytest.raises(TypeError):
        session.headers["X-A"] = "3"  # type: ignore[index]  # what is tested


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


async def test_a_connector_that_is_not_owned_is_left_open() -> None:
    connector = TCPConnector()
    await ClientSession(connector=connector, connector_owner=False).close()
    assert not connector.closed
    await connector.close()


def test_no_field_of_the_session_is_shared_with_another() -> None:
    one, other = ClientSession(headers={"A": "1"}), ClientSession()
    assert "A" not in other.headers
    assert one.connector is not other.connector
