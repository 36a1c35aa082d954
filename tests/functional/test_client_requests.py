"""What a request looks like on the wire."""

import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict, istr
from yarl import URL

from pronghorn import ClientResponseError, ClientSession, InvalidURL, NonHttpUrlClientError
from pronghorn.testing.mock_connector import MockConnector

from .listening import text
from .scripted import OK, Request, Scripted, answering, scripted

VERBS = ("get", "options", "head", "post", "put", "patch", "delete")


async def sent(
    method: str = "POST", path: str = "/", *, session: dict[str, Any] | None = None, **options: Any
) -> Request:
    """The one request that these options make."""
    async with scripted(OK) as server, ClientSession(**(session or {})) as client:
        async with client.request(method, server.url(path), **options) as response:
            assert response.status == 200
        (request,) = server.requests
        return request


@pytest.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted(OK) as running:
        yield running


@pytest.mark.parametrize("verb", VERBS)
async def test_verbs_can_be_awaited_and_entered(server: Scripted, verb: str) -> None:
    async with ClientSession() as session:
        make = getattr(session, verb)
        response = await make(server.url("/a"))
        assert response.status == 200
        response.release()
        async with make(server.url("/b")) as response:
            assert response.status == 200
            assert response.method == verb.upper()
            assert await response.read() == (b"" if verb == "head" else b"ok")
        async with await make(server.url("/c")) as response:
            assert response.status == 200
    assert [(request.method, request.target) for request in server.requests] == [
        (verb.upper(), "/a"),
        (verb.upper(), "/b"),
        (verb.upper(), "/c"),
    ]


async def test_methods_are_upper_cased_and_may_be_unheard_of() -> None:
    assert (await sent("propfind")).method == "PROPFIND"


async def test_url_may_be_a_yarl_url(server: Scripted) -> None:
    async with ClientSession() as session, session.get(URL(server.url("/ü?q=1#part"))) as response:
        assert str(response.url) == server.url("/%C3%BC?q=1")
        assert response.real_url.fragment == "part"
    assert server.requests[0].target == "/%C3%BC?q=1"


@pytest.mark.parametrize(
    ("path", "params", "target"),
    [
        ("/", {"a": "1"}, "/?a=1"),
        ("/", {"a": 1, "b": 2.5}, "/?a=1&b=2.5"),
        ("/", {"a": ["1", "2"]}, "/?a=1&a=2"),
        ("/", [("a", "1"), ("a", "2")], "/?a=1&a=2"),
        ("/", (("b", "ü &"),), "/?b=%C3%BC+%26"),
        ("/", "a=%30&b", "/?a=%30&b"),
        ("/?x=1", {"a": "1"}, "/?x=1&a=1"),
        ("/?x=1", "a=%30", "/?x=1&a=%30"),
        ("/?x=1", [("x", "2")], "/?x=1&x=2"),
        ("/?x=1#f", "a=1", "/?x=1&a=1"),
        ("/?x=1", None, "/?x=1"),
        ("/?x=1", {}, "/?x=1"),
    ],
)
async def test_params_join_the_query(path: str, params: object, target: str) -> None:
    assert (await sent("GET", path, params=params)).target == target


async def test_fields_sent_unasked() -> None:
    request = await sent("GET")
    assert request.fields["Accept"] == "*/*"
    assert request.fields["Accept-Encoding"] == "gzip, deflate, br, zstd"
    assert request.fields["User-Agent"].startswith("Python/")
    assert request.fields.getall("Host") == [request.fields["Host"]]
    assert request.fields["Host"].startswith("127.0.0.1:")
    assert set(request.fields) == {"Host", "User-Agent", "Accept", "Accept-Encoding"}


@pytest.mark.parametrize(
    ("defaults", "own", "field", "values"),
    [
        ({"X-A": "1"}, None, "X-A", ["1"]),
        ({"X-A": "1"}, {"X-B": "2"}, "X-A", ["1"]),
        ({"X-A": "1"}, {"x-a": "2"}, "X-A", ["2"]),
        ([("X-A", "1"), ("X-A", "2")], None, "X-A", ["1", "2"]),
        ([("X-A", "1"), ("X-A", "2")], [("X-A", "3"), ("X-A", "4")], "X-A", ["3", "4"]),
        ({"User-Agent": "mine"}, None, "User-Agent", ["mine"]),
        (None, {"user-agent": "mine"}, "User-Agent", ["mine"]),
        (None, CIMultiDict({"Host": "other"}), "Host", ["other"]),
        ({"Host": "other"}, None, "Host", ["other"]),
        ({"Host": "other"}, {"X-B": "2"}, "Host", ["other"]),
        ({"Content-Type": "text/mine"}, None, "Content-Type", ["text/mine"]),
        ({"Content-Type": "text/mine"}, {"X-B": "2"}, "Content-Type", ["text/mine"]),
        ({"Content-Type": "text/mine"}, {"Content-Type": "text/ours"}, "Content-Type", ["text/ours"]),
        (None, {"X-A": "\u00fc"}, "X-A", ["\u00c3\u00bc"]),
    ],
)
async def test_headers_of_session_and_request(defaults: Any, own: Any, field: str, values: list[str]) -> None:
    request = await sent(data=b"x", session={"headers": defaults}, headers=own)
    assert request.fields.getall(field) == values


@pytest.mark.parametrize("where", ["session", "request"])
async def test_connection_close_is_sent_once_and_obeyed(where: str) -> None:
    headers = {"Connection": "close"}
    async with scripted(OK) as server:
        session_headers, own = (headers, None) if where == "session" else (None, headers)
        async with ClientSession(headers=session_headers) as session:
            for _ in range(2):
                async with session.get(server.url(), headers=own) as response:
                    await response.read()
        assert [request.fields.getall("Connection") for request in server.requests] == [["close"]] * 2
        assert len(server.peers) == 2


BODIES: list[tuple[Any, bytes, str | None, str]] = [
    (b"bytes", b"bytes", "5", "application/octet-stream"),
    (bytearray(b"array"), b"array", "5", "application/octet-stream"),
    (memoryview(b"view"), b"view", "4", "application/octet-stream"),
    ("t\u00e9xt", "t\u00e9xt".encode(), "5", "text/plain; charset=utf-8"),
    ({"a": "1", "b": ["\u00fc", "3"]}, b"a=1&b=%C3%BC&b=3", "16", "application/x-www-form-urlencoded"),
    ([("a", 1), ("a", 2.5)], b"a=1&a=2.5", "9", "application/x-www-form-urlencoded"),
    (b"", b"", "0", "application/octet-stream"),
    ({}, b"", "0", "application/x-www-form-urlencoded"),
]


@pytest.mark.parametrize(("data", "body", "length", "content_type"), BODIES)
async def test_data_at_hand(data: Any, body: bytes, length: str | None, content_type: str) -> None:
    request = await sent(data=data)
    assert request.body == body
    assert request.fields["Content-Length"] == length
    assert request.fields["Content-Type"] == content_type


async def test_no_data_is_length_zero_where_a_body_is_usual() -> None:
    assert (await sent("POST")).fields["Content-Length"] == "0"
    assert "Content-Length" not in (await sent("GET")).fields


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 3_000_000])
async def test_bytes_of_any_size(size: int) -> None:
    request = await sent(data=bytes(size))
    assert len(request.body) == size
    assert request.fields["Content-Length"] == str(size)


async def test_open_files_are_streamed_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"x" * 700_000)
    with path.open("rb") as file:
        file.seek(100_000)
        request = await sent(data=file)
        assert file.closed
    assert request.body == b"x" * 600_000
    assert request.fields["Content-Length"] == "600000"
    assert request.fields["Content-Type"] == "text/html"


async def test_text_files_are_sent_as_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("z\u00fc\u00df", encoding="utf-16")
    with path.open(encoding="utf-16") as file:
        request = await sent(data=file)
    assert request.body.decode() == "z\u00fc\u00df"


@pytest.mark.parametrize(
    ("data", "length", "content_type"),
    [
        (io.BytesIO(b"content"), "7", "application/octet-stream"),
        (io.StringIO("content"), "7", "text/plain; charset=utf-8"),
    ],
)
async def test_files_in_memory(data: Any, length: str | None, content_type: str) -> None:
    request = await sent(data=data)
    assert request.body == b"content"
    assert request.fields.get("Content-Length") == length
    assert request.fields["Content-Type"] == content_type


async def test_async_iterables_are_chunked() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        yield b""
        yield b"two"
        yield bytes(300_000)

    request = await sent(data=pieces())
    assert request.fields["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in request.fields
    assert request.body == b"onetwo" + bytes(300_000)


async def test_an_async_iterable_of_known_length_is_not_chunked() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    request = await sent(data=pieces(), headers={"Content-Length": "6"})
    assert "Transfer-Encoding" not in request.fields
    assert request.body == b"onetwo"


async def test_the_content_of_one_response_is_the_body_of_another_request() -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n"
    async with scripted(answering(long, bytes(200_000), bytes(200_000), then="stay"), OK) as server:
        async with (
            ClientSession() as session,
            session.get(server.url("/from")) as source,
            session.post(server.url("/to"), data=source.content) as response,
        ):
            assert await response.text() == "ok"
        assert server.requests[1].body == bytes(400_000)


async def test_json() -> None:
    request = await sent(json={"a": [1, None]})
    assert request.body == b'{"a": [1, null]}'
    assert request.fields.getall("Content-Type") == ["application/json"]


async def test_json_type_can_be_another() -> None:
    given = await sent(json={}, headers={"content-type": "application/vnd.api+json"})
    assert given.fields.getall("Content-Type") == ["application/vnd.api+json"]
    default = await sent(json={}, session={"headers": {"Content-Type": "application/vnd.api+json"}})
    assert default.fields.getall("Content-Type") == ["application/vnd.api+json"]


async def test_json_serialize() -> None:
    assert (await sent(json={}, session={"json_serialize": lambda value: "mine"})).body == b"mine"


async def test_chunked_can_be_asked_for() -> None:
    request = await sent(data=b"abc", headers={"Transfer-Encoding": "chunked"})
    assert request.fields.getall("Transfer-Encoding") == ["chunked"]
    assert "Content-Length" not in request.fields
    assert request.body == b"abc"


@pytest.mark.parametrize(
    ("method", "options", "kind", "name"),
    [
        (5, {}, TypeError, "method"),
        ("GET", {"params": {"a": True}}, TypeError, "params"),
        ("GET", {"params": 5}, TypeError, "params"),
        ("GET", {"params": {"a": None}}, TypeError, "params"),
        ("GET", {"headers": 5}, TypeError, "headers"),
        ("GET", {"headers": {"X-A": 5}}, TypeError, "X-A"),
        ("GET", {"headers": {"Content-Length": 5}}, TypeError, "(?i)content-length|headers"),
        ("GET", {"headers": {"Connection": None}}, TypeError, "(?i)connection|headers"),
        ("GET", {"headers": {"Content-Length": "5"}}, ValueError, "Content-Length"),
        ("POST", {"data": b"x", "headers": {"Content-Length": "-1"}}, ValueError, "Content-Length"),
        ("POST", {"headers": {"Transfer-Encoding": "gzip"}}, ValueError, "Transfer-Encoding"),
        ("POST", {"data": 5}, TypeError, "data"),
        ("POST", {"data": object()}, TypeError, "data"),
        ("POST", {"data": {"a": object()}}, TypeError, "form|data"),
        ("POST", {"data": b"x", "json": {}}, ValueError, "data and json"),
        ("GET", {"timeout": "5"}, TypeError, "timeout"),
        ("GET", {"timeout": -5}, ValueError, "timeout"),
        ("GET", {"unheard_of": 5}, TypeError, "unheard_of"),
        ("", {}, ValueError, "method"),
    ],
)
async def test_mistakes_are_named_and_nothing_is_sent(
    server: Scripted, method: Any, options: dict[str, Any], kind: type[Exception], name: str
) -> None:
    async with ClientSession() as session:
        with pytest.raises(kind, match=name):
            await session.request(method, server.url(), **options)
    assert not any(peer.requests for peer in server.peers)


@pytest.mark.parametrize("options", [{}, {"params": {"a": "1"}}, {"params": "a=1"}])
@pytest.mark.parametrize("url", [5, None, b"http://127.0.0.1/"])
async def test_an_url_of_another_type_is_refused(url: Any, options: dict[str, Any]) -> None:
    async with ClientSession() as session:
        with pytest.raises(TypeError, match="url"):
            await session.get(url, **options)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("/path", InvalidURL),
        ("", InvalidURL),
        ("http://", InvalidURL),
        ("http://:80/", InvalidURL),
        ("http://host:port/", InvalidURL),
        ("http://host:99999/", InvalidURL),
        ("ftp://host/", NonHttpUrlClientError),
        ("file:///etc/passwd", NonHttpUrlClientError),
    ],
)
async def test_an_url_that_cannot_be_requested(url: str, kind: type[Exception]) -> None:
    async with ClientSession() as session:
        with pytest.raises(kind) as caught:
            await session.get(url)
    assert isinstance(caught.value, ValueError)


SPLITTERS = ["\r", "\n", "\r\n", "\0"]


@pytest.mark.parametrize("splitter", SPLITTERS)
@pytest.mark.parametrize(
    "where", ["method", "path", "query", "host", "params", "encoded", "name", "value", "session"]
)
async def test_what_would_split_a_message_raises_before_a_byte_leaves(
    server: Scripted, where: str, splitter: str
) -> None:
    evil = f"a{splitter}X-Evil: 1"
    method, url, options, defaults = "GET", server.url(), {}, None
    match where:
        case "method":
            method = evil
        case "path":
            url = server.url(f"/{evil}")
        case "query":
            url = server.url(f"/?q={evil}")
        case "host":
            url = f"http://127.0.0.1{splitter}:{server.port}/"
        case "params":
            options["params"] = f"q={evil}"
        case "encoded":
            url = URL(server.url(f"/{evil}"), encoded=True)
        case "name":
            options["headers"] = {evil: "1"}
        case "value":
            options["headers"] = {"X-A": evil}
        case _:
            defaults = {"X-A": evil}
    with pytest.raises(ValueError, match=r"."):
        async with ClientSession(headers=defaults) as session:
            await session.request(method, url, **options)
    assert not any(peer.requests for peer in server.peers)


# Credentials in the URL

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("user_info", "credentials"),
    [("ada:secret", "ada:secret"), ("ada", "ada:"), (":secret", ":secret"), ("a%3Ab%40c:d%2Fe", None)],
)
async def test_credentials_in_the_url_are_sent_and_told_to_nobody(
    user_info: str, credentials: str | None
) -> None:
    async with scripted(NOT_FOUND) as server, ClientSession() as session:
        url = server.url().replace("http://", f"http://{user_info}@")
        if credentials is None:  # a colon in the login can't be told from the one behind it
            with pytest.raises(InvalidURL) as refused:
                await session.get(url)
            assert "secret" not in str(refused.value)
            return
        with pytest.raises(ClientResponseError) as caught:
            (await session.get(url)).raise_for_status()
    (request,) = server.requests
    expected = "Basic " + base64.b64encode(credentials.encode()).decode()
    assert request.fields["Authorization"] == expected
    assert "@" not in request.target
    info = caught.value.request_info
    assert "secret" not in f"{caught.value} {info.url} {info.real_url}"


async def test_credentials_that_the_request_names_itself_win() -> None:
    async with scripted(NOT_FOUND) as server, ClientSession() as session:
        url = server.url().replace("http://", "http://ada:secret@")
        await session.get(url, headers={"authorization": "Bearer token"})
    assert server.requests[0].fields.getall("Authorization") == ["Bearer token"]


# Fields that are not made up

MADE_UP = {"User-Agent", "Accept", "Accept-Encoding", "Content-Type"}


@pytest.mark.parametrize(
    ("session", "request_", "left"),
    [
        ((), None, MADE_UP),
        (("User-Agent",), None, MADE_UP - {"User-Agent"}),
        ((), ["user-agent", istr("ACCEPT")], {"Accept-Encoding", "Content-Type"}),
        (["Accept"], ("Content-Type",), {"User-Agent", "Accept-Encoding"}),
        ((), "Accept-Encoding", MADE_UP - {"Accept-Encoding"}),
        (MADE_UP, None, set()),
        # What frames the message, and says where it goes, is not to be left out.
        ((), ["Host", "Content-Length"], MADE_UP),
    ],
)
@pytest.mark.parametrize("headers", [None, {"X-Mine": "1"}])
async def test_skip_auto_headers(session: Any, request_: Any, left: set[str], headers: Any) -> None:
    request = await sent(
        session={"skip_auto_headers": session}, skip_auto_headers=request_, headers=headers, data=b"abc"
    )
    names = [name.title() for name in request.fields]
    assert sorted(name for name in names if name in MADE_UP) == sorted(left)
    assert names.count("Host") == names.count("Content-Length") == 1


async def test_skipping_leaves_what_is_given() -> None:
    mine = {"User-Agent": "mine", "Content-Type": "text/plain"}
    request = await sent(session={"headers": mine, "skip_auto_headers": MADE_UP}, data=b"abc")
    assert request.fields["User-Agent"] == "mine"
    assert request.fields["Content-Type"] == "text/plain"
    request = await sent(headers=mine, skip_auto_headers=MADE_UP, data=b"abc")
    assert request.fields.getall("User-Agent") == ["mine"]
    assert request.fields.getall("Content-Type") == ["text/plain"]
    request = await sent(session={"headers": mine}, skip_auto_headers=["Accept"], data=b"abc")
    assert request.fields.getall("User-Agent") == ["mine"]


async def test_skip_auto_headers_of_a_session() -> None:
    async with ClientSession(skip_auto_headers=["User-Agent", "ACCEPT"]) as session:
        assert session.skip_auto_headers == {"user-agent", "accept"}
    async with ClientSession() as session:
        assert session.skip_auto_headers == frozenset()


@pytest.mark.parametrize("names", [[b"Accept"], [1], [None]])
async def test_skip_auto_headers_takes_names(server: Scripted, names: Any) -> None:
    with pytest.raises(TypeError, match="skip_auto_headers: expected names of fields"):
        ClientSession(skip_auto_headers=names)
    async with ClientSession() as session:
        with pytest.raises(TypeError, match="skip_auto_headers: expected names of fields"):
            await session.get(server.url(), skip_auto_headers=names)


@pytest.mark.parametrize("url", ["/x%7e?a=%2f", "http://a.test/x%7e?a=%2f"])
async def test_a_rule_is_for_what_is_spelt_like_it(url: str) -> None:
    mock = MockConnector()
    mock.add("GET", url, body=b"ok")
    async with ClientSession(connector=mock) as session:
        assert await text(session, "http://a.test/x%7e?a=%2f") == "ok"
    assert str(mock.requests[0].url) == "http://a.test/x%7e?a=%2f"
    with pytest.raises(InvalidURL):
        mock.add("GET", "http://a.test:x/")
