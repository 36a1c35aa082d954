"""Redirects, and what requests say of them."""

from typing import Any

import pytest

from pronghorn import ClientSession, TooManyRedirects

from ..functional.scripted import scripted
from ..functional.sites import Site, to

CHAIN = {f"/{at}": to(f"/{at + 1}") for at in range(20)}


async def test_s052_params_are_not_sent_on_redirected_requests() -> None:
    site = Site({"/0?a=1": to("/1"), "/1": to("/2?b=2"), "/2?b=2": to("?c=3")})
    async with (
        scripted(site) as server,
        ClientSession() as session,
        session.get(server.url("/0"), params={"a": "1"}) as response,
    ):
        assert response.status == 200
    assert site.lines == ["GET /0?a=1", "GET /1", "GET /2?b=2", "GET /2?c=3"]


async def test_s059_allow_redirects() -> None:
    async with scripted(Site({"/0": to("/1")})) as server, ClientSession() as session:
        several: list[tuple[dict[str, Any], str]] = [
            ({}, "/1"),
            ({"allow_redirects": True}, "/1"),
            ({"allow_redirects": False}, "/0"),
        ]
        for options, path in several:
            async with session.request("GET", server.url("/0"), **options) as response:
                assert response.url.path == path
                assert response.status == (200 if path == "/1" else 302)


async def test_s060_max_redirects() -> None:
    async with scripted(Site(CHAIN)) as server, ClientSession() as session:
        several: list[tuple[dict[str, Any], int]] = [
            ({}, 10),
            ({"max_redirects": 10}, 10),
            ({"max_redirects": 3}, 3),
        ]
        for options, most in several:
            async with session.get(server.url(f"/{21 - most}"), **options) as response:
                assert len(response.history) == most - 1
            with pytest.raises(TooManyRedirects):
                await session.get(server.url(f"/{20 - most}"), **options)
        async with session.get(server.url("/0"), max_redirects=0) as response:
            assert len(response.history) == 20


async def followed(verb: str, **options: Any) -> list[str]:
    """What a server is asked by a method of a session that it leads on."""
    site = Site({"/0": to("/1", 307)})
    async with (
        scripted(site) as server,
        ClientSession() as session,
        getattr(session, verb)(server.url("/0"), **options) as response,
    ):
        assert response.status == (200 if len(site.lines) == 2 else 307)
    return site.lines


async def test_s077_get_follows() -> None:
    assert await followed("get") == await followed("get", allow_redirects=True) == ["GET /0", "GET /1"]
    assert await followed("get", allow_redirects=False) == ["GET /0"]


async def test_s078_options_follows() -> None:
    lines = ["OPTIONS /0", "OPTIONS /1"]
    assert await followed("options") == await followed("options", allow_redirects=True) == lines
    assert await followed("options", allow_redirects=False) == lines[:1]


async def test_s079_head_does_not() -> None:
    assert await followed("head") == await followed("head", allow_redirects=False) == ["HEAD /0"]
    assert await followed("head", allow_redirects=True) == ["HEAD /0", "HEAD /1"]
