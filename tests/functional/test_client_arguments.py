"""Arguments of other types: who gives them is told which it was, and nothing is sent."""

import asyncio
from contextlib import closing
from typing import Any

import pytest

from pronghorn import ClientSession, CookieJar, TCPConnector, UploadTracker
from pronghorn.wire.limits import DecodeLimits

from .listening import nothing_left, text
from .scripted import OK, scripted
from .sites import Site, to

OTHERS: dict[str, tuple[Any, ...]] = {
    "url": (5, None, b"http://127.0.0.1/", object()),
    "method": (5, None, b"GET", "", "GET\r\n", "G T", "\u0130"),
    "params": (5, b"a=b", object(), {"a": None}, {"a": True}, {"a": object()}, [5]),
    "data": (5, 5.5, object()),
    "headers": (5, "x", b"x", object(), [5], {"a": 5}, {5: "a"}, {"a": None}),
    "skip_auto_headers": (5, object(), [5], [None], b"Accept"),
    "cookies": (5, "a=b", b"a=b", object(), [5], ["ab"], [("a",)], {"a": object()}, {"a": None}),
    "timeout": ("5", b"5", object(), True, -1, float("nan"), [5]),
    "compress": (5, b"gzip", object(), "rot13", "identity"),
    "upload_tracker": (5, "x", object(), UploadTracker),
    "raise_for_status": (5, "no", object(), [True]),
    "max_redirects": ("5", 5.5, None, True, -1, object()),
    "auth": (5, "user:pass", ("user", "pass"), object()),
    "middlewares": (5, object(), "x", [5], [None]),
    "proxy": (5, b"http://a.test", object(), "", "a.test", "ftp://a.test", "http://"),
    # Without a proxy they say nothing, and have to be what they are all the same.
    "proxy_auth": (5, "user:pass", ("user", "pass"), object()),
    "proxy_headers": (5, "x", object(), [5], {"a": 5}),
    "server_hostname": (5, b"a.test", [1], object()),
    "ssl": (5, "x", object(), None.__class__),
    "fingerprint": (5, "x", b"", b"x", object()),
    "ssl_context": (5, "x", object()),
    "read_bufsize": ("5", 5.5, True, 0, -1, object()),
    "max_line_size": ("5", 5.5, True, 0, -1, object()),
    "max_field_size": ("5", 5.5, True, 0, -1, object()),
    "max_headers": ("5", 5.5, True, 0, -1, object()),
}


@pytest.mark.filterwarnings("ignore:(fingerprint|ssl_context) is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", OTHERS)
async def test_arguments_of_a_request_are_named(name: str) -> None:
    async with scripted(OK) as server, ClientSession() as session:
        for value in OTHERS[name]:
            for data in (b"x", None):
                options = {"method": "POST", "url": server.url(), "data": data, name: value}
                with pytest.raises((TypeError, ValueError), match=name):
                    await session.request(**options)
        await nothing_left(session)
        assert server.requests == []
        assert await text(session, server.url()) == "ok"


OTHERS_OF_A_SESSION: dict[str, tuple[Any, ...]] = {
    "base_url": (
        5,
        b"http://a.test/",
        "",
        "path",
        "/path",
        "a.test",
        "http://a.test/path",
        "http://a.test:x/",
    ),
    "connector": (5, "x", object(), TCPConnector),
    "cookie_jar": (5, "x", {}, object(), CookieJar),
    "headers": OTHERS["headers"],
    "skip_auto_headers": OTHERS["skip_auto_headers"],
    "cookies": OTHERS["cookies"],
    "json_serialize": (5, None, "x", object()),
    "json_serialize_bytes": (5, "x", object()),
    "fallback_charset_resolver": (5, "utf-8", object()),
    "raise_for_status": OTHERS["raise_for_status"],
    "decode_limits": (5, None, "x", object(), DecodeLimits),
    "loop": (5, "x", object(), asyncio.AbstractEventLoop),
    "request_class": (5, "x", object, object()),
    "response_class": (5, "x", object, object()),
    "timeout": OTHERS["timeout"],
    "read_timeout": OTHERS["timeout"],
    "conn_timeout": OTHERS["timeout"],
    "ssl_shutdown_timeout": OTHERS["timeout"],
    "auth": OTHERS["auth"],
    "proxy": OTHERS["proxy"],
    "proxy_auth": OTHERS["proxy_auth"],
    "proxy_headers": OTHERS["proxy_headers"],
    "trace_configs": (5, "x", object(), [5], ["x"]),
    "version": (5, "1.1", (1, 2), 1.1, object()),
    "middlewares": OTHERS["middlewares"],
    "read_bufsize": OTHERS["read_bufsize"],
    "max_line_size": OTHERS["max_line_size"],
    "max_field_size": OTHERS["max_field_size"],
    "max_headers": OTHERS["max_headers"],
}


@pytest.mark.parametrize("name", OTHERS_OF_A_SESSION)
def test_arguments_of_a_session_are_named(name: str) -> None:
    """And nothing is left of the session that was not made."""
    for value in OTHERS_OF_A_SESSION[name]:
        with pytest.raises((TypeError, ValueError), match=f"^{name}"):
            ClientSession(**{name: value})


OTHERS_OF_A_CONNECTOR: dict[str, tuple[Any, ...]] = {
    "ssl_shutdown_timeout": OTHERS["timeout"],
    "local_addr": (5, "127.0.0.1", object(), ("127.0.0.1",), ("127.0.0.1", "0"), (5, 0), ("::1", 0, 0, 0, 0)),
    "interleave": ("1", 1.5, True, -1, object()),
    "happy_eyeballs_delay": ("1", True, -1, float("nan"), object()),
    "ttl_dns_cache": ("1", True, object()),
    "dns_cache_max_size": ("1", 1.5, True, object()),
    "socket_factory": (5, "x", object()),
    "proxy_ssl": (5, "x", object()),
    "loop": (5, "x", object(), asyncio.AbstractEventLoop),
}


@pytest.mark.parametrize("name", OTHERS_OF_A_CONNECTOR)
def test_arguments_of_a_connector_are_named(name: str) -> None:
    for value in OTHERS_OF_A_CONNECTOR[name]:
        with pytest.raises((TypeError, ValueError), match=f"^{name}: expected "):
            TCPConnector(**{name: value})


def test_what_says_nothing_is_no_mistake() -> None:
    loop = asyncio.new_event_loop()
    with closing(loop):
        TCPConnector(
            loop=loop,
            local_addr=("::1", 0, 0, 0),  # type: ignore[arg-type]  # sockets of IPv6 have four parts
            interleave=0,
            happy_eyeballs_delay=None,
            ttl_dns_cache=None,
            ssl_shutdown_timeout=None,
        )
        ClientSession(loop=loop, raise_for_status=False, ssl_shutdown_timeout=0, proxy_headers={"A": "1"})


async def test_no_limit_is_a_limit_of_redirects() -> None:
    site = Site({f"/{at}": to(f"/{at + 1}") for at in range(12)})
    async with scripted(site) as server, ClientSession() as session:
        assert await text(session, server.url("/0"), max_redirects=0) == "ok"


@pytest.mark.parametrize("value", [object(), {"a": object()}, {1: {2}}, b"x"])
async def test_what_is_not_json_is_not_sent(value: Any) -> None:
    async with scripted(OK) as server, ClientSession() as session:
        with pytest.raises(TypeError, match="JSON serializable"):
            await session.post(server.url(), json=value)
        await nothing_left(session)
        assert server.peers == []


@pytest.mark.parametrize("where", ["session", "request"])
async def test_what_raises_for_a_status_is_awaited(where: str) -> None:
    given: Any = {"raise_for_status": lambda response: None}
    of_session, of_request = (given, {}) if where == "session" else ({}, given)
    async with scripted(OK) as server, ClientSession(**of_session) as session:
        with pytest.raises(TypeError, match=r"^raise_for_status: expected a coroutine function"):
            await session.get(server.url(), **of_request)
        await nothing_left(session)
