"""Who is believed about the client, and what."""

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pronghorn import web
from pronghorn.server.trusted_proxies import trusted_proxies
from pronghorn.testing import TestServer
from pronghorn.testing.memory import make_request

from ..worktime import LINEAR, growth
from .peer import PATIENCE, Peer, connect

PROXIES = ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"]
X_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")

Fields = Iterable[tuple[str, str]]
Origin = tuple[str | None, str, str]


class Transport(asyncio.Transport):
    """One that has a socket of some family, and nothing else."""

    def __init__(self, family: socket.AddressFamily) -> None:
        super().__init__({"socket": socket.socket(family)})


def request_of(fields: Fields, peer: Any = ("10.0.0.1", 1)) -> web.Request:
    request = make_request(headers=[("Host", "inner"), *fields])
    request._connection.peername = peer  # type: ignore[misc]  # that of memory can be set
    return request


async def origin_of(request: web.Request, middleware: Any) -> Origin:
    """Address, scheme and host of ``request``, as its handler sees them."""
    answer = web.Response()

    async def handler(got: web.Request) -> web.Response:
        assert got is request
        return answer

    assert await middleware(request, handler) is answer
    return request.remote, request.scheme, request.host


async def x_forwarded(fields: Fields, peer: Any = ("10.0.0.1", 1), **options: Any) -> Origin:
    return await origin_of(request_of(fields, peer), trusted_proxies(PROXIES, fields=X_FORWARDED, **options))


async def forwarded(field: str, peer: Any = ("10.0.0.1", 1)) -> Origin:
    return await origin_of(
        request_of([("Forwarded", field)], peer), trusted_proxies(PROXIES, fields="Forwarded")
    )


# X-Forwarded-*


@pytest.mark.parametrize(
    ("field", "remote"),
    [
        ("198.51.100.7", "198.51.100.7"),
        # one proxy behind another
        ("198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("198.51.100.7,192.0.2.1 ,\t10.0.0.2", "198.51.100.7"),
        # what the client wrote itself is not looked at
        ("10.9.9.9, 198.51.100.7", "198.51.100.7"),
        ("203.0.113.1, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("nonsense, 198.51.100.7", "198.51.100.7"),
        # a client that is inside
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        # forms of addresses
        ("198.51.100.7:4711", "198.51.100.7"),
        ("2001:DB9:0::7", "2001:db9::7"),
        ("[2001:db9::7]", "2001:db9::7"),
        ("[2001:db9::7]:4711", "2001:db9::7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, ::ffff:10.0.0.2", "198.51.100.7"),
        ("198.51.100.7, 2001:db8::1", "198.51.100.7"),
        # an entry that is none ends the walk
        ("198.51.100.7, nonsense", "10.0.0.1"),
        ("198.51.100.7, nonsense, 10.0.0.2", "10.0.0.2"),
        ("198.51.100.7, ", "10.0.0.1"),
        ("", "10.0.0.1"),
        ("unknown", "10.0.0.1"),
        ("_hidden", "10.0.0.1"),
        ("unix:", "10.0.0.1"),
        ("198.51.100.7:x", "10.0.0.1"),
        ("198.51.100.7:123456", "10.0.0.1"),
        ("198.51.100.07", "10.0.0.1"),
        ("198.51.100", "10.0.0.1"),
        ("3323000327", "10.0.0.1"),
        ("198.51.100.\u0667", "10.0.0.1"),
        ("[198.51.100.7]x", "10.0.0.1"),
        ("fe80::1%eth0", "10.0.0.1"),
        ('"198.51.100.7"', "10.0.0.1"),
        ("198.51.100.7/32", "10.0.0.1"),
    ],
)
async def test_the_address_of_the_client(field: str, remote: str) -> None:
    assert await x_forwarded([("X-Forwarded-For", field)]) == (remote, "http", "inner")


async def test_several_fields_are_one_list() -> None:
    given = [
        ("X-Forwarded-For", "203.0.113.1"),
        ("x-forwarded-for", "198.51.100.7"),
        ("X-Forwarded-For", "10.0.0.2"),
    ]
    assert (await x_forwarded(given))[0] == "198.51.100.7"


@pytest.mark.parametrize(
    ("field", "scheme"),
    [
        ("https", "https"), ("HTTPS", "https"), ("http", "http"), ("wss", "https"), ("ws", "http"),
        # the proxy that is nearest wrote the last one
        ("https, http", "http"), ("http,https", "https"),
        ("", "http"), ("ftp", "http"), ("https://evil/", "http"), ("https,", "http"), ("http\u0455", "http"),
    ],
)  # fmt: skip
async def test_the_scheme(field: str, scheme: str) -> None:
    assert await x_forwarded([("X-Forwarded-Proto", field)]) == ("10.0.0.1", scheme, "inner")


@pytest.mark.parametrize(
    ("field", "host"),
    [
        ("example.org", "example.org"), ("example.org:8443", "example.org:8443"), ("[::1]:80", "[::1]:80"),
        ("evil, example.org", "example.org"),
        ("", "inner"), ("a/b", "inner"), ("u@a", "inner"), ("a b", "inner"), ("a:99999", "inner"),
        ("a,", "inner"),
    ],
)  # fmt: skip
async def test_the_host(field: str, host: str) -> None:
    assert await x_forwarded([("X-Forwarded-Host", field)]) == ("10.0.0.1", "http", host)


async def test_the_url_is_made_of_it() -> None:
    request = request_of(
        [
            ("X-Forwarded-For", "198.51.100.7"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "example.org"),
        ]
    )
    await origin_of(request, trusted_proxies(PROXIES, fields=X_FORWARDED))
    assert str(request.url) == "https://example.org/"
    assert request.secure


async def test_only_the_fields_that_are_named_are_believed() -> None:
    given = [
        ("X-Forwarded-For", "198.51.100.7"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "example.org"),
        ("Forwarded", "for=203.0.113.1;proto=https;host=other"),
    ]
    seen = {
        name: await origin_of(request_of(given), trusted_proxies(PROXIES, fields=name))
        for name in (*X_FORWARDED, "Forwarded", "x-forwarded-for")
    }
    assert seen == {
        "X-Forwarded-For": ("198.51.100.7", "http", "inner"),
        "X-Forwarded-Proto": ("10.0.0.1", "https", "inner"),
        "X-Forwarded-Host": ("10.0.0.1", "http", "example.org"),
        "Forwarded": ("203.0.113.1", "https", "other"),
        "x-forwarded-for": ("198.51.100.7", "http", "inner"),
    }


async def test_without_the_fields_nothing_changes() -> None:
    assert await x_forwarded([]) == ("10.0.0.1", "http", "inner")
    assert await origin_of(request_of([]), trusted_proxies(PROXIES, fields="Forwarded")) == (
        "10.0.0.1",
        "http",
        "inner",
    )


# Forwarded


@pytest.mark.parametrize(
    ("field", "origin"),
    [
        ("for=198.51.100.7;proto=https;host=example.org", ("198.51.100.7", "https", "example.org")),
        ('for="[2001:db9::7]:4711";proto=https', ("2001:db9::7", "https", "inner")),
        ('for="198.51.100.7:4711"', ("198.51.100.7", "http", "inner")),
        ('for="198.51.100.7:_obfuscated"', ("198.51.100.7", "http", "inner")),
        # the one that met the client knows best what it asked for
        (
            "for=198.51.100.7;proto=https;host=example.org, for=10.0.0.2;proto=http;host=between",
            ("198.51.100.7", "https", "example.org"),
        ),
        ("for=198.51.100.7, for=10.0.0.2;proto=https", ("198.51.100.7", "https", "inner")),
        # what the client wrote itself is not looked at
        ("for=10.9.9.9;host=evil, for=198.51.100.7", ("198.51.100.7", "http", "inner")),
        ('for="open, for=198.51.100.7;proto=https', ("198.51.100.7", "https", "inner")),
        ('for="open, for="[2001:db9::7]"', ("2001:db9::7", "http", "inner")),
        # what is malformed ends the walk, and nothing of it counts
        ("for=198.51.100.7, for=10.0.0.2;for=10.0.0.3", ("10.0.0.1", "http", "inner")),
        ("for=198.51.100.7, nonsense", ("10.0.0.1", "http", "inner")),
        ("for=198.51.100.7, for=unknown;proto=https", ("10.0.0.1", "http", "inner")),
        ("for=198.51.100.7, for=_hidden, for=10.0.0.2", ("10.0.0.2", "http", "inner")),
        ("for=198.51.100.7, proto=https", ("10.0.0.1", "http", "inner")),
        ("", ("10.0.0.1", "http", "inner")),
        # a scheme or a host that is none is left out
        ('for=198.51.100.7;proto=ftp;host="a/b"', ("198.51.100.7", "http", "inner")),
    ],
)
async def test_forwarded(field: str, origin: Origin) -> None:
    assert await forwarded(field) == origin


# Whom to believe


@pytest.mark.parametrize(
    ("peer", "is_trusted"),
    [
        (("10.0.0.1", 1), True),
        (("192.0.2.1", 1), True),
        (("::ffff:10.0.0.1", 1, 0, 0), True),
        (("2001:db8::5", 1, 0, 0), True),
        (("192.0.2.2", 1), False),
        (("11.0.0.1", 1), False),
        (("2001:db9::5", 1, 0, 0), False),
        (("fe80::1%eth0", 1, 0, 2), False),
        ("not an address", False),
        (None, False),
        ("", False),
    ],
)
async def test_the_peer_has_to_be_trusted(peer: Any, is_trusted: bool) -> None:
    remote, scheme, host = await x_forwarded(
        [("X-Forwarded-For", "198.51.100.7"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "x")], peer
    )
    if is_trusted:
        assert (remote, scheme, host) == ("198.51.100.7", "https", "x")
    else:
        assert remote != "198.51.100.7"
        assert (scheme, host) == ("http", "inner")
    assert ((await forwarded("for=198.51.100.7", peer))[0] == "198.51.100.7") is is_trusted


async def test_a_link_local_proxy() -> None:
    middleware = trusted_proxies(["fe80::/10"], fields="X-Forwarded-For")
    request = request_of([("X-Forwarded-For", "198.51.100.7")], ("fe80::1%eth0", 1, 0, 2))
    assert (await origin_of(request, middleware))[0] == "198.51.100.7"


async def test_networks_of_the_standard_library() -> None:
    networks = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_address("192.0.2.1")]
    middleware = trusted_proxies(iter(networks), fields="X-Forwarded-For")
    for peer in ("10.0.0.1", "192.0.2.1"):
        request = request_of([("X-Forwarded-For", "198.51.100.7")], (peer, 1))
        assert (await origin_of(request, middleware))[0] == "198.51.100.7"


async def test_two_in_a_row() -> None:
    """The inner one asks about the client that the outer one has found."""
    request = request_of([("X-Forwarded-For", "203.0.113.1, 198.51.100.7")])
    middleware = trusted_proxies(PROXIES, fields="X-Forwarded-For")
    for _ in range(2):
        assert (await origin_of(request, middleware))[0] == "198.51.100.7"
    assert (await origin_of(request, trusted_proxies(["198.51.100.0/24"], fields="X-Forwarded-For")))[0] == (
        "203.0.113.1"
    )


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="the platform has no unix sockets")
@pytest.mark.parametrize("trusts_unix", [False, True])
async def test_unix_sockets_are_an_option(trusts_unix: bool) -> None:
    request = request_of([("X-Forwarded-For", "198.51.100.7")], "")
    transport = Transport(socket.AF_UNIX)
    request._connection.transport = transport  # type: ignore[misc]  # that of memory can be set
    middleware = trusted_proxies([], fields="X-Forwarded-For", unix_sockets=True)
    if not trusts_unix:
        middleware = trusted_proxies(PROXIES, fields="X-Forwarded-For")
    with contextlib.closing(transport.get_extra_info("socket")):
        remote = (await origin_of(request, middleware))[0]
        assert remote == ("198.51.100.7" if trusts_unix else None)
        # The client that was found is not trusted for how the proxy has come.
        assert (await origin_of(request, middleware))[0] == remote


async def test_unix_sockets_alone_trust_nobody_else() -> None:
    middleware = trusted_proxies([], fields="X-Forwarded-For", unix_sockets=True)
    request = request_of([("X-Forwarded-For", "198.51.100.7")])
    assert (await origin_of(request, middleware))[0] == "10.0.0.1"


# Arguments


@pytest.mark.parametrize(
    ("networks", "fields", "error"),
    [
        (["10.0.0.1/8"], "Forwarded", ValueError),
        (["example.org"], "Forwarded", ValueError),
        ([""], "Forwarded", ValueError),
        (["10.0.0.0/33"], "Forwarded", ValueError),
        (["*"], "Forwarded", ValueError),
        ([10], "Forwarded", TypeError),
        ([b"\x0a\x00\x00\x01"], "Forwarded", TypeError),
        ([None], "Forwarded", ValueError),
        ("10.0.0.1", "Forwarded", TypeError),
        (b"10.0.0.1", "Forwarded", TypeError),
        (None, "Forwarded", TypeError),
        ([], "Forwarded", ValueError),
        (PROXIES, (), ValueError),
        (PROXIES, "", ValueError),
        (PROXIES, "X-Real-IP", ValueError),
        (PROXIES, ("Forwarded", "X-Forwarded-For"), ValueError),
        (PROXIES, (1,), ValueError),
        (PROXIES, None, TypeError),
    ],
)
def test_wrong_arguments(networks: Any, fields: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        trusted_proxies(networks, fields=fields)


def test_which_fields_is_never_guessed() -> None:
    with pytest.raises(TypeError, match="fields"):
        trusted_proxies(PROXIES)  # type: ignore[call-arg]  # that it is refused is the point


def test_it_is_a_middleware_of_the_new_style() -> None:
    assert trusted_proxies(PROXIES, fields="Forwarded").__middleware_version__ == 1  # type: ignore[attr-defined]  # set by a decorator


# Over sockets


async def test_in_an_application(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.remote} {request.url}")

    app = web.Application(middlewares=[trusted_proxies(["127.0.0.0/8"], fields=X_FORWARDED)])
    app.router.add_get("/{tail:.*}", handler)
    log = logging.getLogger("proxied")
    with caplog.at_level(logging.INFO, "proxied"):
        async with (
            TestServer(app, access_log=log, access_log_format="%a %s") as server,
            connect(server) as peer,
        ):
            answer = await peer.ask(
                target="//evil/x",
                more=b"X-Forwarded-For: 203.0.113.1, 198.51.100.7\r\nX-Forwarded-Proto: https\r\n"
                b"X-Forwarded-Host: example.org\r\n",
            )
            assert answer.text == "198.51.100.7 https://example.org//evil/x"
            assert (await peer.ask()).text == "127.0.0.1 http://a/"
            refused = await peer.ask("POST", more=b"X-Forwarded-For: 198.51.100.8\r\n", body=b"")
            assert refused.status == 405
    # What was found for the request is also what is logged of it.
    assert caplog.messages == ["198.51.100.7 200", "127.0.0.1 200", "198.51.100.8 405"]


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="the platform has no unix sockets")
async def test_over_a_unix_socket(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=str(request.remote))

    app = web.Application(middlewares=[trusted_proxies([], fields="X-Forwarded-For", unix_sockets=True)])
    app.router.add_get("/", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    path = str(tmp_path / "socket")
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
        await web.SockSite(runner, listener).start()
        async with asyncio.timeout(PATIENCE):
            peer = Peer(*await asyncio.open_unix_connection(path))
            assert (await peer.ask(more=b"X-Forwarded-For: 198.51.100.7\r\n")).text == "198.51.100.7"
            assert (await peer.ask()).text == "None"
            peer.vanish()
    finally:
        await runner.cleanup()
        listener.close()


@pytest.mark.timed
@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"])
def test_a_long_field_takes_linear_time(name: str) -> None:
    middleware: Any = trusted_proxies(PROXIES, fields=name)

    async def handler(request: web.Request) -> web.Response:
        return web.Response()

    def ask(count: int) -> None:
        value = ",".join(["for=10.0.0.2" if name == "Forwarded" else "10.0.0.2"] * count)
        coroutine = middleware(request_of([(name, value)]), handler)
        with pytest.raises(StopIteration):
            coroutine.send(None)

    assert growth(ask, 20_000) < LINEAR
