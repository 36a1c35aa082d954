"""What a base URL is for: where relative URLs lead, and whom a session's credentials are for."""

from typing import Any

import pytest

from pronghorn import BasicAuth, ClientSession

from .listening import Listener, text
from .scripted import OK, scripted
from .sites import Site, to

#: Those that a session's fields are chosen anew for.
OPTIONS: list[dict[str, Any]] = [
    {},
    {"skip_auto_headers": ["Accept"]},
    {"data": b"x"},
    {"headers": {"X-B": "2"}},
]


async def test_a_base_url_keeps_its_spelling() -> None:
    site = Site()
    async with scripted(site) as server, ClientSession(server.url("/a%7E%2b/")) as session:
        await text(session, "x%2f?q=%7e")
        await text(session, "../y")
    async with scripted(site) as server, ClientSession(server.url("/%7e"), keep_base_path=True) as session:
        await text(session, "/x%2f")
    assert site.lines == ["GET /a%7E%2b/x%2f?q=%7e", "GET /y", "GET /%7e/x%2f"]


@pytest.mark.parametrize("name", ["Authorization", "authorization", "COOKIE", "Proxy-Authorization"])
@pytest.mark.parametrize("traced", [False, True])
async def test_credentials_of_a_session_are_for_its_base_url(name: str, traced: bool) -> None:
    own, other = Site(), Site()
    given: dict[str, Any] = {"headers": {name: "s3cret", "X-A": "1"}}
    given["trace_configs"] = [Listener().config] if traced else []
    async with scripted(own) as here, scripted(other) as there:
        own.answers["/away"] = to(there.url("/"))
        other.answers["/back"] = to(here.url("/"))
        async with ClientSession(here.url("/api/"), **given) as session:
            for url in ("a", "/b", here.url("/c")):
                await text(session, url)
            await text(session, "d", headers={"X-B": "2"}, skip_auto_headers=["Accept"])
            await text(session, "/away")
            assert own.fields(name) == [["s3cret"]] * 5
            for options in OPTIONS:
                await text(session, there.url("/"), **options)
            await text(session, there.url("/back"))  # another origin would choose what is asked for
            assert own.fields(name)[5:] == [[]]
            assert other.fields(name) == [[]] * 6
            await text(session, there.url("/"), headers={name: "own"})
            assert other.fields(name)[6:] == [["own"]]
            assert session.headers[name] == "s3cret"
        async with ClientSession(**given) as session:
            await text(session, there.url("/"))
    assert other.fields(name)[7:] == [["s3cret"]]
    assert own.fields("X-A") + other.fields("X-A") == [["1"]] * 14


async def test_credentials_for_another_origin_than_the_base_url() -> None:
    auth = BasicAuth("user", "password")
    async with (
        scripted(OK) as server,
        ClientSession("http://a.test/", headers={"Authorization": "s3cret"}) as session,
    ):
        await text(session, server.url(), auth=auth)
        with pytest.raises(ValueError, match="auth: the headers have an Authorization already"):
            await session.get("/", auth=auth)
    assert server.requests[0].fields.getall("Authorization") == [auth.encode()]
