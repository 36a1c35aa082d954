"""Examples of the older documents whose server leads on; the others are in test_document_examples."""

import pytest

import pronghorn
from pronghorn import ClientResponse, ClientSession, TCPConnector

from ..tls import client_context, server_context
from .programs import scripted_tls
from .scripted import scripted, until
from .sites import Places, Site, to

PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"


async def test_ex_47_history() -> None:
    site = Site({"/some/redirect/": to("/some/other/url/", 301)})
    async with scripted(site) as server, ClientSession() as session:
        resp = await session.get(server.url("/some/redirect/"))
        assert repr(resp).startswith(f"<ClientResponse({server.url('/some/other/url/')}) [200")
        (first,) = resp.history
        assert type(resp.history) is tuple
        assert isinstance(first, ClientResponse)
        assert repr(first).startswith(f"<ClientResponse({server.url('/some/redirect/')}) [301")


async def test_ex_55_the_first_program(capsys: pytest.CaptureFixture[str]) -> None:
    """The page has moved since, twice."""
    places = Places()
    plain = Site({"/": to("https://python.org/", 301)})
    secure = Site({"/": to("https://www.python.org/", 301)})
    page = Site({"/": PAGE})

    async def fetch(client: ClientSession) -> str:
        async with client.get("http://python.org") as resp:
            assert resp.status == 200
            return await resp.text()

    async with (
        scripted(plain) as one,
        scripted_tls(server_context("python.org"), secure) as two,
        scripted_tls(server_context("www.python.org"), page) as three,
    ):
        places.ports = {
            ("python.org", 80): one.port,
            ("python.org", 443): two.port,
            ("www.python.org", 443): three.port,
        }
        connector = TCPConnector(resolver=places, ssl=client_context())
        async with pronghorn.ClientSession(connector=connector) as client:
            html = await fetch(client)
            print(html)  # noqa: T201 - what the example does
    assert client.closed
    assert connector.closed
    assert capsys.readouterr().out == "<html></html>\n"
    assert [site.lines for site in (plain, secure, page)] == [["GET /"]] * 3


async def test_ex_56_a_request_without_a_session() -> None:
    site = Site({"/": to("/home", 302), "/home": PAGE})
    async with scripted(site) as server:
        async with pronghorn.request("GET", server.url()) as resp:
            assert resp.status == 200
            assert await resp.text() == "<html></html>"
        await until(lambda: len(server.peers) == 2 and all(peer.has_left for peer in server.peers))
    assert site.fields("Connection") == [["close"]] * 2
