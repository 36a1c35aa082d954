"""What an error tells of the responses that led to it."""

import pytest

from pronghorn import ClientResponseError, ClientSession, ContentTypeError, TooManyRedirects

from ..functional.scripted import scripted
from ..functional.sites import Site, to


async def test_s270_history() -> None:
    answers = {
        "/a": to("/b", 301),
        "/b": to("/c"),
        "/c": b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
        "/d": to("/e"),
        "/loop": to("/loop"),
    }
    async with scripted(Site(answers)) as server, ClientSession() as session:
        async with session.get(server.url("/a")) as response:
            with pytest.raises(ClientResponseError) as caught:
                response.raise_for_status()
        assert type(caught.value.history) is tuple
        assert [(each.url.path, each.status) for each in caught.value.history] == [("/a", 301), ("/b", 302)]
        async with session.get(server.url("/c")) as response:
            with pytest.raises(ClientResponseError) as caught:
                response.raise_for_status()
        assert caught.value.history == ()
        async with session.get(server.url("/d")) as response:
            with pytest.raises(ContentTypeError) as of_type:
                await response.json()
        assert [each.url.path for each in of_type.value.history] == ["/d"]
        with pytest.raises(TooManyRedirects) as too_many:
            await session.get(server.url("/loop"), max_redirects=2)
        assert [each.url.path for each in too_many.value.history] == ["/loop"] * 2
