"""What a response tells of those that led to it."""

from pronghorn import ClientSession, CookieJar

from ..functional.scripted import scripted
from ..functional.sites import Site, to

SITE = {
    "/a": to("/b", 301, "Set-Cookie: a=1; Path=/"),
    "/b": to("/c", 302, "Set-Cookie: b=2; Path=/"),
    "/c": b"HTTP/1.1 200 OK\r\nSet-Cookie: c=3; Path=/; HttpOnly\r\nContent-Length: 0\r\n\r\n",
}


async def test_s116_cookies_are_those_of_the_last() -> None:
    async with scripted(Site(SITE)) as server, ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        for path in ("/a", "/c"):
            async with session.get(server.url(path)) as response:
                (cookie,) = response.cookies.values()
                assert (cookie.key, cookie.value, cookie["httponly"]) == ("c", "3", True)
        assert {cookie.key for cookie in session.cookie_jar} == {"a", "b", "c"}


async def test_s122_history() -> None:
    async with scripted(Site(SITE)) as server, ClientSession() as session:
        async with session.get(server.url("/a")) as response:
            assert [(each.url.path, each.status) for each in response.history] == [("/a", 301), ("/b", 302)]
            assert type(response.history) is tuple
        async with session.get(server.url("/c")) as response:
            assert response.history == ()
        async with session.get(server.url("/a"), allow_redirects=False) as response:
            assert response.history == ()
