"""What a session, or a request, is told to take of a response; base URLs that keep their path."""

import asyncio
import gc
import gzip
import json
from typing import Any

import pytest

from pronghorn import ClientResponseError, ClientSession, InvalidUrlClientError

from .scripted import OK, Peer, answering, scripted, until

KIB = 1024
TEXT = b"what was compressed " * 50
CODED = gzip.compress(TEXT)
LONG_LINE = b"HTTP/1.1 200 " + b"a" * 100 + b"\r\nContent-Length: 2\r\n\r\nok"
LONG_FIELD = b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 10_000 + b"\r\nContent-Length: 2\r\n\r\nok"
MANY_FIELDS = b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 150 + b"Content-Length: 2\r\n\r\nok"


def with_length(body: bytes, fields: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (fields, len(body), body)


async def read(answer: bytes, of_session: dict[str, Any], of_request: dict[str, Any]) -> bytes:
    async with (
        scripted(answer) as server,
        ClientSession(**of_session) as session,
        session.get(server.url(), **of_request) as response,
    ):
        return await response.read()


@pytest.mark.parametrize(
    ("of_session", "of_request", "body"),
    [
        ({}, {}, TEXT),
        ({}, {"auto_decompress": False}, CODED),
        ({"auto_decompress": False}, {}, CODED),
        ({"auto_decompress": False}, {"auto_decompress": True}, TEXT),
    ],
)
async def test_auto_decompress(of_session: Any, of_request: Any, body: bytes) -> None:
    answer = with_length(CODED, b"Content-Encoding: gzip\r\n")
    assert await read(answer, of_session, of_request) == body
    half = len(answer) - 20

    async def in_two(peer: Peer) -> None:
        await peer.request()
        peer.writer.write(answer[:half])
        await peer.writer.drain()
        await asyncio.sleep(0)
        peer.writer.write(answer[half:])

    async with (
        scripted(in_two) as server,
        ClientSession(**of_session) as session,
        session.get(server.url(), **of_request) as response,
    ):
        assert await response.read() == body


@pytest.mark.parametrize(
    ("answer", "name", "fewer", "enough"),
    [
        (LONG_LINE, "max_line_size", 112, 113),
        (LONG_FIELD, "max_field_size", 10_004, 10_005),
        (MANY_FIELDS, "max_headers", 150, 151),
    ],
    ids=["line", "field", "fields"],
)
@pytest.mark.parametrize("whose", ["session", "request"])
async def test_heads_are_bounded(answer: bytes, name: str, fewer: int, enough: int, whose: str) -> None:
    def options(value: int) -> tuple[dict[str, int], dict[str, int]]:
        return ({name: value}, {}) if whose == "session" else ({}, {name: value})

    assert await read(answer, *options(enough)) == b"ok"
    with pytest.raises(ClientResponseError, match=r"longer than|more than") as caught:
        await read(answer, *options(fewer))
    assert caught.value.status == 400


async def test_bounds_are_those_of_one_request() -> None:
    async with scripted(answering(LONG_FIELD, LONG_FIELD, OK)) as server, ClientSession() as session:
        async with session.get(server.url(), max_field_size=20_000) as response:
            assert len(response.headers["X-A"]) == 10_000
        with pytest.raises(ClientResponseError, match="longer than 8190 bytes"):
            await session.get(server.url())


@pytest.mark.parametrize("whose", ["session", "request"])
async def test_a_small_buffer_lets_the_server_wait(whose: str) -> None:
    size = 4 * KIB * KIB
    of_session = {"read_bufsize": 16 * KIB} if whose == "session" else {}
    of_request = {"read_bufsize": 16 * KIB} if whose == "request" else {}

    async with (
        scripted(with_length(bytes(size))) as server,
        ClientSession(**of_session) as session,
        session.get(server.url(), **of_request) as response,
    ):
        connection = response.connection
        if connection is None:
            pytest.fail("the whole body is here")
        await until(lambda: connection.channel.is_reading_paused)
        assert connection.exchange.unread < 256 * KIB
        assert len(await response.read()) == size


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("read_bufsize", 0, ValueError),
        ("read_bufsize", "1", TypeError),
        ("max_line_size", -1, ValueError),
        ("max_field_size", 1.5, TypeError),
        ("max_headers", None, TypeError),
    ],
)
async def test_bounds_are_checked(name: str, value: Any, kind: type[Exception]) -> None:
    if value is not None:
        with pytest.raises(kind, match=f"^{name}: expected"):
            ClientSession(**{name: value})
        async with ClientSession() as session:
            with pytest.raises(kind, match=f"^{name}: expected"):
                await session.get("http://127.0.0.1:1/", **{name: value})


async def test_json_as_bytes() -> None:
    def serialize(value: Any) -> bytes:
        return json.dumps(value, separators=(",", ":")).encode()

    async with (
        scripted(OK) as server,
        ClientSession(json_serialize_bytes=serialize) as session,
        session.post(server.url(), json={"a": [1, 2]}),
    ):
        pass
    assert server.requests[0].body == b'{"a":[1,2]}'
    assert server.requests[0].fields["Content-Type"] == "application/json"


async def test_options_can_be_read_back() -> None:
    async def check(response: object) -> None:
        pass

    session = ClientSession()
    assert session.json_serialize is json.dumps
    assert (session.connector_owner, session.raise_for_status, session.auto_decompress) == (True, False, True)
    session = ClientSession(
        json_serialize=repr, connector_owner=False, raise_for_status=check, auto_decompress=False
    )
    assert session.json_serialize is repr
    assert session.raise_for_status is check
    assert (session.connector_owner, session.auto_decompress) == (False, False)


@pytest.mark.parametrize(
    ("url", "target"),
    [("users", "/api/v1/users"), ("/users?a=1", "/api/v1/users?a=1"), ("", "/api/v1/"), ("/", "/api/v1/")],
)
async def test_a_base_that_keeps_its_path(url: str, target: str) -> None:
    async with scripted(OK) as server, ClientSession(server.url("/api/v1"), keep_base_path=True) as session:
        async with session.get(url) as response:
            assert response.url.raw_path_qs == target
        async with session.get(server.url("/elsewhere")):
            pass
    assert [request.target for request in server.requests] == [target, "/elsewhere"]


async def test_nothing_leads_out_of_a_base_that_keeps_its_path() -> None:
    async with ClientSession("http://127.0.0.1:1/api/", keep_base_path=True) as session:
        with pytest.raises(InvalidUrlClientError, match="expected a path below /api/"):
            await session.get("../users")


async def test_a_base_is_joined_as_rfc_3986_has_it() -> None:
    async with scripted(OK) as server, ClientSession(server.url("/api/")) as session:
        for url in ("users", "/users", "../users"):
            async with session.get(url):
                pass
    assert [request.target for request in server.requests] == ["/api/users", "/users", "/users"]


class Session(ClientSession):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)


@pytest.mark.parametrize("kind", [ClientSession, Session])
async def test_an_unclosed_session_says_where_it_was_made(kind: type[ClientSession]) -> None:
    async with scripted(OK) as server:
        sessions = [kind()]
        line = test_an_unclosed_session_says_where_it_was_made.__code__.co_firstlineno + 3
        async with sessions[0].get(server.url()) as response:
            await response.read()
        connector = sessions[0].connector
        if connector is None:
            pytest.fail("expected a connector")
        with pytest.warns(ResourceWarning) as warned:
            sessions.clear()
        assert f"made at {__file__}:{line}" in str(warned[0].message)
        await connector.close()


async def test_a_session_that_was_never_used_need_not_be_closed() -> None:
    sessions = [ClientSession()]
    sessions.clear()
    gc.collect()
    with pytest.raises(ValueError, match="version"):
        ClientSession(version="1.1")  # type: ignore[arg-type]  # what is tested
    gc.collect()
