"""Requests as handlers see them: what they hold, and others like them."""

import gzip
import warnings
from typing import Any

import pytest

from pronghorn import web
from pronghorn.io.stream import StreamReader
from pronghorn.server.request import payload_error
from pronghorn.signals import Signal
from pronghorn.testing import TestClient, TestServer
from pronghorn.testing.memory import make_request
from pronghorn.wire.errors import ProtocolError

ORIGIN = [("Host", "example.org:81")]


def test_what_only_an_application_gives() -> None:
    request = make_request()
    with pytest.raises(RuntimeError, match="application"):
        _ = request.app
    with pytest.raises(RuntimeError, match="routed"):
        _ = request.match_info


def test_it_is_a_mapping() -> None:
    request = make_request()
    key = web.RequestKey("key", str)
    request[key] = "value"
    assert dict(request) == {key: "value"}
    assert key not in make_request()


def test_a_key_that_is_not_for_requests_warns() -> None:
    request = make_request()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", web.NotAppKeyWarning)
        for each in (request, request, make_request()):
            each["of a kind that warns"] = "once for all"
    assert [(warning.category, warning.filename) for warning in caught] == [(web.NotAppKeyWarning, __file__)]
    assert request["of a kind that warns"] == "once for all"


def test_payload_errors_keep_their_status() -> None:
    error = payload_error(ProtocolError("too long", 431))
    assert isinstance(error, web.RequestPayloadError)
    assert (str(error), error.status_hint) == ("too long", 431)
    assert web.RequestPayloadError("x").status_hint == 400


def test_it_is_equal_to_itself_alone() -> None:
    first, second = make_request(), make_request()
    assert first == first  # noqa: PLR0124 - that is the question
    assert first != second
    assert len({first, second}) == 2
    assert bool(first)


def test_the_documented_constructor() -> None:
    given = make_request(target="/x", headers=ORIGIN)
    state: dict[Any, Any] = {}
    request = web.Request(
        given.head,
        b"",
        given.protocol,
        given.writer,
        None,
        None,
        client_max_size=7,
        client_max_fields=8,
        state=state,
        scheme="https",
        host="other",
        remote="192.0.2.1",
    )
    key = web.RequestKey("key", int)
    request[key] = 1
    assert state == {key: 1}
    assert (request.client_max_size, request.client_max_fields) == (7, 8)
    assert (str(request.url), request.secure, request.remote) == ("https://other/x", True, "192.0.2.1")
    with pytest.raises(ValueError, match="host"):
        web.Request(given.head, b"", given.protocol, given.writer, host="a/b")


def test_where_the_answer_goes() -> None:
    request = make_request()
    assert request.writer is request.exchange is request._payload_writer
    assert request.protocol is request._protocol is request._connection


def test_any_attribute_may_be_set() -> None:
    class Mine(web.Request):
        ATTRS = web.Request.ATTRS | {"user"}

    given = make_request()
    request = Mine(given.head, b"", given.protocol, given.writer)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        request.user = "me"  # type: ignore[attr-defined]  # as untyped programs do


def test_message_is_an_old_name() -> None:
    request = make_request("POST", "/a?b", ORIGIN)
    with pytest.warns(DeprecationWarning, match=r"request\.message"):
        message = request.message
    assert (message.method, message.path, message.url) == ("POST", "/a?b", request.rel_url)
    assert request._message == message


async def test_prepare_signals_are_told_in_order() -> None:
    told: list[tuple[str, object, object]] = []

    def signal_of(*names: str) -> Signal[Any, Any]:
        signal: Signal[Any, Any] = Signal()
        for name in names:

            async def tell(request: object, response: object, name: str = name) -> None:
                told.append((name, request, response))

            signal.append(tell)
        signal.freeze()
        return signal

    request, response = make_request(), web.Response()
    await request._prepare_hook(response)
    request.prepare_signals = (signal_of("a", "b"), signal_of("c"))
    await request._prepare_hook(response)
    assert told == [("a", request, response), ("b", request, response), ("c", request, response)]


# Clones


def test_a_clone_is_the_same_request() -> None:
    request = make_request("POST", "/a?b=c", [*ORIGIN, ("X-A", "1"), ("Cookie", "a=1")], b"body")
    clone = request.clone()
    assert clone is not request
    assert type(clone) is web.Request
    for name in (
        "method", "version", "rel_url", "url", "raw_path", "headers", "raw_headers", "cookies", "host",
        "scheme", "remote", "keep_alive", "client_max_size", "client_max_fields", "protocol", "writer",
    ):  # fmt: skip
        assert getattr(clone, name) == getattr(request, name), name


def test_what_a_clone_can_replace() -> None:
    request = make_request("POST", "/a?b=c", [*ORIGIN, ("Cookie", "a=1")])
    _ = request.cookies, request.headers, request.rel_url, request.forwarded
    clone = request.clone(
        method="PUT",
        rel_url="/z?q=1",
        headers={"X-B": "2", "Cookie": "b=2"},
        scheme="https",
        host="other:8443",
        remote="198.51.100.1",
        client_max_size=5,
        client_max_fields=6,
    )
    assert (clone.method, clone.path, clone.query["q"]) == ("PUT", "/z", "1")
    assert dict(clone.headers) == {"X-B": "2", "Cookie": "b=2"}
    assert clone.raw_headers == ((b"X-B", b"2"), (b"Cookie", b"b=2"))
    assert clone.cookies == {"b": "2"}
    assert str(clone.url) == "https://other:8443/z?q=1"
    assert (clone.secure, clone.remote) == (True, "198.51.100.1")
    assert (clone.client_max_size, clone.client_max_fields) == (5, 6)
    assert str(request.url) == "http://example.org:81/a?b=c"
    assert (request.method, request.cookies, request.remote) == ("POST", {"a": "1"}, None)
    assert request.client_max_size == 1024**2


def test_a_path_of_a_clone_stays_one() -> None:
    clone = make_request(headers=ORIGIN).clone(rel_url="//evil/x")
    assert (clone.path, str(clone.url)) == ("//evil/x", "http://example.org:81//evil/x")


@pytest.mark.parametrize(
    "given", [{"host": "a/b"}, {"host": "u@a"}, {"scheme": "http://evil?"}, {"rel_url": "x"}, {"host": ""}]
)
def test_what_no_request_can_have_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        make_request().clone(**given)  # type: ignore[arg-type]  # the names vary


def test_a_clone_has_a_mapping_of_its_own() -> None:
    first, second = web.RequestKey("first", int), web.RequestKey("second", int)
    request = make_request()
    request[first] = 1
    clone = request.clone()
    clone[second] = 2
    assert dict(clone) == {first: 1, second: 2}
    assert dict(request) == {first: 1}


@pytest.mark.parametrize("streams", [False, True])
async def test_a_clone_shares_the_body(streams: bool) -> None:
    body: bytes | StreamReader = b"abc"
    if streams:
        body = StreamReader()
        body.feed_data(b"abc")
        body.feed_eof()
    request = make_request("POST", "/", ORIGIN, body)
    assert await request.content.read(1) == b"a"
    clone = request.clone()
    assert await clone.content.read(1) == b"b"
    assert await request.content.read() == b"c"


async def test_a_clone_with_other_fields_reads_the_body_as_it_came() -> None:
    def request() -> web.Request:
        return make_request("POST", "/", [("Content-Encoding", "gzip")], gzip.compress(b"abc"))

    assert await request().clone(headers={}).read() == b"abc"
    assert await request().clone().read() == b"abc"
    plain = make_request("POST", "/", ORIGIN, b"abc")
    assert await plain.clone(headers={"Content-Encoding": "gzip"}).read() == b"abc"


async def test_no_clone_after_the_body_was_read() -> None:
    read = make_request("POST", "/", ORIGIN, b"abc")
    await read.read()
    form = make_request("POST", "/", [("Content-Type", "application/x-www-form-urlencoded")], b"a=1")
    await form.post()
    for request in (read, form):
        with pytest.raises(RuntimeError, match="read"):
            request.clone()
    without = make_request()
    await without.post()
    assert dict(await without.clone().post()) == {}


async def test_a_clone_in_a_middleware() -> None:
    seen: list[web.Request] = []

    @web.middleware
    async def secure(request: web.Request, handler: Any) -> web.StreamResponse:
        seen.append(request)
        response: web.StreamResponse = await handler(request.clone(scheme="https", remote="192.0.2.1"))
        return response

    async def handler(request: web.Request) -> web.Response:
        seen.append(request)
        text = f"{request.url} {request.remote} {request.match_info['name']} {await request.text()}"
        return web.Response(text=text)

    app = web.Application(middlewares=[secure])
    app.router.add_post("/{name}", handler)
    async with TestClient(TestServer(app)) as client, client.post("/x", data=b"body") as response:
        assert (await response.text()).endswith("/x 192.0.2.1 x body")
        assert (await response.text()).startswith("https://127.0.0.1:")
    assert seen[0] is not seen[1]
    assert seen[0].app is seen[1].app is app
    assert seen[0].match_info is seen[1].match_info


# The applications


async def test_config_dict() -> None:
    shared, outer, inner = web.AppKey("shared", str), web.AppKey("outer", str), web.AppKey("inner", str)
    seen: list[list[tuple[Any, str]]] = []

    @web.middleware
    async def look(request: web.Request, handler: Any) -> web.StreamResponse:
        seen.append(sorted(request.config_dict.items()))
        response: web.StreamResponse = await handler(request)
        return response

    async def handler(request: web.Request) -> web.Response:
        seen.append(sorted(request.config_dict.items()))
        assert request.config_dict[shared] == "sub"
        assert request.config_dict[outer] == "root"
        with pytest.raises(TypeError):
            request.config_dict[shared] = ""  # type: ignore[index]  # that it is refused is the point
        return web.Response()

    root, sub = web.Application(middlewares=[look]), web.Application()
    root[shared], root[outer] = "root", "root"
    sub[shared], sub[inner] = "sub", "sub"
    sub.router.add_get("/", handler)
    root.add_subapp("/sub", sub)
    async with TestClient(TestServer(root)) as client, client.get("/sub/") as response:
        assert response.status == 200
    assert seen == [
        sorted([(outer, "root"), (shared, "root")]),
        sorted([(inner, "sub"), (outer, "root"), (shared, "sub")]),
    ]
