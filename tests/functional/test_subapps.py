"""Applications in applications, as clients see them."""

from typing import Any

import pytest

from pronghorn import web
from pronghorn.testing import TestServer

from ..server.peer import connect

NAME = web.AppKey("NAME", str)


async def tell(request: web.Request) -> web.Response:
    apps = "/".join(app[NAME] for app in request.match_info.apps)
    return web.Response(text=f"{request.app[NAME]} {apps}")


def named(name: str, *paths: str) -> web.Application:
    app = web.Application()
    app[NAME] = name
    for path in paths:
        app.router.add_get(path, tell, name=f"r{len(app.router)}")
    return app


async def test_below_a_path() -> None:
    outer, inner = named("outer", "/", "/inner/late", "/{x}"), named("inner", "/", "/{x}")
    outer.add_subapp("/inner/", inner)
    async with TestServer(outer) as server, connect(server) as peer:
        assert (await peer.ask(target="/")).text == "outer outer"
        assert (await peer.ask(target="/inner/")).text == "inner outer/inner"
        assert (await peer.ask(target="/inner/x")).text == "inner outer/inner"
        assert (await peer.ask(target="/inner/late")).text == "outer outer"
        assert (await peer.ask(target="/innerx")).text == "outer outer"
        # All of these are the inner one's, that has nothing there.
        for target in ("/inner", "/inner/x/y", "/inner//", "/inner/x/"):
            assert (await peer.ask(target=target)).status == 404
        refused = await peer.ask("POST", "/inner/x", body=b"")
        assert (refused.status, refused["allow"]) == (405, "GET,HEAD")
    assert str(inner.router["r1"].url_for(x="a b")) == "/inner/a%20b"


async def test_the_inner_one_may_have_the_path_itself() -> None:
    outer, inner = named("outer"), named("inner", "")
    outer.add_subapp("/inner", inner)
    async with TestServer(outer) as server, connect(server) as peer:
        assert (await peer.ask(target="/inner")).text == "inner outer/inner"
        assert (await peer.ask(target="/inner/")).status == 404


async def test_three_deep() -> None:
    apps = [named(name, "/here/{x}") for name in ("a", "b", "c", "d")]
    for outer, inner in zip(apps[-2::-1], apps[:0:-1], strict=True):
        outer.add_subapp(f"/in {inner[NAME]}", inner)
    async with TestServer(apps[0]) as server, connect(server) as peer:
        assert str(apps[3].router["r0"].url_for(x="é")) == "/in%20b/in%20c/in%20d/here/%C3%A9"
        for app, told in zip(apps, ("a a", "b a/b", "c a/b/c", "d a/b/c/d"), strict=True):
            path = str(app.router["r0"].url_for(x="x y"))
            assert (await peer.ask(target=path)).text == told
        assert (await peer.ask(target="/in%20b/in%20c/here")).status == 404


async def test_signals_and_middlewares_of_all_on_the_way() -> None:
    told: list[str] = []

    def put(app: web.Application) -> None:
        @web.middleware
        async def note(request: web.Request, handler: Any) -> web.StreamResponse:
            told.append(f"{app[NAME]} in {request.app[NAME]}")
            response: web.StreamResponse = await handler(request)
            return response

        async def signal(given: web.Application) -> None:
            told.append(f"{app[NAME]} {given[NAME]}")

        app.middlewares.append(note)
        for signals in (app.on_startup, app.on_shutdown, app.on_cleanup):
            signals.append(signal)

    outer, inner = named("outer"), named("inner", "/")
    put(outer)
    put(inner)
    outer.add_subapp("/inner", inner)
    async with TestServer(outer) as server, connect(server) as peer:
        assert sorted(told) == ["inner inner", "outer outer"]
        assert inner.frozen
        told.clear()
        assert (await peer.ask(target="/inner/")).text == "inner outer/inner"
        assert told == ["outer in outer", "inner in inner"]
        told.clear()
        assert (await peer.ask(target="/inner/missing")).status == 404
        assert told == ["outer in outer", "inner in inner"]
        told.clear()
    assert sorted(told) == ["inner inner", "inner inner", "outer outer", "outer outer"]


async def test_by_host() -> None:
    outer = named("outer", "/", "/only")
    rules = [
        outer.add_domain(domain, named(domain, "/", "/{x}"))
        for domain in ("a.com", "b.com:8080", "*.a.com", "é.com")
    ]
    assert all(isinstance(rule, web.MatchedSubAppResource) for rule in rules)
    async with TestServer(outer) as server, connect(server) as peer:
        for host, name in {
            "a.com": "a.com",
            "A.Com": "a.com",
            "a.com.": "a.com",
            "a.com:1234": "a.com",
            "b.com:8080": "b.com:8080",
            "b.com": "",
            "b.com:80": "",
            "x.a.com": "*.a.com",
            "x.y.A.com:81": "*.a.com",
            "xa.com": "",
            "a.com.evil.org": "",
            "xn--9ca.com": "é.com",
            "[::1]:80": "",
        }.items():
            peer.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            told = f"{name} outer/{name}" if name else "outer outer"
            assert (await peer.answer()).text == told, host
        # What the inner one has not is found nowhere, and what it has wins.
        peer.send(b"GET /only/x HTTP/1.1\r\nHost: a.com\r\n\r\n")
        assert (await peer.answer()).status == 404
        peer.send(b"GET /only HTTP/1.1\r\nHost: a.com\r\n\r\n")
        assert (await peer.answer()).text == "a.com outer/a.com"
        peer.send(b"POST / HTTP/1.1\r\nHost: a.com\r\nContent-Length: 0\r\n\r\n")
        refused = await peer.answer()
        assert (refused.status, refused["allow"]) == (405, "GET,HEAD")


@pytest.mark.parametrize(
    ("wire", "told"),
    [
        (b"GET http://a.com/ HTTP/1.1\r\nHost: a.com\r\n\r\n", "a.com outer/a.com"),
        (b"GET http://a.com HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "a.com outer/a.com"),
        (b"GET http://b.com/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "outer outer"),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "outer outer"),
        (b"GET /?http://a.com/ HTTP/1.1\r\nHost: b.com\r\n\r\n", "outer outer"),
        # Two opinions of the host (RFC 9112 section 3.2.2).
        (b"GET http://a.com/ HTTP/1.1\r\nHost: b.com\r\n\r\n", ""),
        (b"GET http://b.com/ HTTP/1.1\r\nHost: a.com\r\n\r\n", ""),
    ],
)
async def test_the_host_of_a_target_in_absolute_form(wire: bytes, told: str) -> None:
    outer = named("outer", "/")
    outer.add_domain("a.com", named("a.com", "/"))
    async with TestServer(outer) as server, connect(server) as peer:
        peer.send(wire)
        answer = await peer.answer()
        if told:
            assert (answer.status, answer.text) == (200, told)
        else:
            assert answer.status == 400


async def test_by_host_below_a_path() -> None:
    outer, middle, inner = named("outer"), named("middle", "/"), named("inner", "/")
    middle.add_domain("a.com", inner)
    outer.add_subapp("/middle", middle)
    async with TestServer(outer) as server, connect(server) as peer:
        for host, told in (("a.com", "inner outer/middle/inner"), ("b.com", "middle outer/middle")):
            peer.send(f"GET /middle/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert (await peer.answer()).text == told
