"""What a session does for each hop, beside what the functional tests show of redirects and credentials."""

from collections.abc import Generator, Sequence
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

from pronghorn import BasicAuth, ClientResponse, ClientSession, CookieJar, DummyCookieJar, TCPConnector
from pronghorn.client.requester import PLAIN, Requester, Sending, Way
from pronghorn.client.target import target_of

from ..functional.listening import Listener, nothing_left, text
from ..functional.scripted import OK, Peer, scripted, until
from ..functional.sites import Site, to

SETTING = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok"
#: Its body does not come, so that its connection is held when the response is made.
HEAD = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\n"


def test_a_session_is_one() -> None:
    assert issubclass(ClientSession, Requester)
    assert Sending() == PLAIN
    assert Way() == (None, None, None, True, None)


# The jar


async def test_a_jar_is_made_when_there_is_something_to_keep() -> None:
    async with scripted(SETTING) as server, ClientSession() as session:
        assert session._jar is None
        session._requote_redirect_url = True
        assert await text(session, server.url(), cookies=None) == "ok"
        assert isinstance(session._jar, CookieJar)
    assert isinstance(ClientSession().cookie_jar, CookieJar)


async def test_a_jar_of_the_users_is_asked_for_each_hop() -> None:
    class Asked(DummyCookieJar):
        def __init__(self) -> None:
            super().__init__()
            self.asked: list[str] = []
            self.told: list[tuple[list[str], str]] = []

        def filter_cookies(self, request_url: Any = None) -> "SimpleCookie":
            self.asked.append(request_url.path)
            return SimpleCookie({"asked": str(len(self.asked))})

        def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
            self.told.append((list(headers), response_url.path))

    jar = Asked()
    site = Site({"/a": to("/b", 302, "Set-Cookie: x=1", "Set-Cookie: y=2"), "/b": to("/c"), "/c": SETTING})
    async with scripted(site) as server, ClientSession(cookie_jar=jar) as session:
        assert await text(session, server.url("/a")) == "ok"
    assert jar.asked == ["/a", "/b", "/c"]
    assert jar.told == [(["x=1", "y=2"], "/a"), (["a=b"], "/c")]
    assert site.fields("Cookie") == [["asked=1"], ["asked=2"], ["asked=3"]]


# The fields


@pytest.mark.parametrize(
    ("own", "fields"),
    [
        (None, [("X-A", "1"), ("x-a", "2"), ("X-B", "3")]),
        ({}, [("X-A", "1"), ("x-a", "2"), ("X-B", "3")]),
        ({"x-A": "own"}, [("X-B", "3"), ("x-A", "own")]),
        (
            [("X-C", "4"), ("X-C", "5")],
            [("X-A", "1"), ("x-a", "2"), ("X-B", "3"), ("X-C", "4"), ("X-C", "5")],
        ),
    ],
)
async def test_fields_of_a_request_replace_those_of_the_session(own: Any, fields: Any) -> None:
    async with ClientSession(headers=[("X-A", "1"), ("x-a", "2"), ("X-B", "3")]) as session:
        prepared = session._prepare_headers(own)
        assert list(prepared.items()) == fields
        assert list(session._prepare_headers(prepared).items()) == fields  # and once more is the same
    if own is not None:
        assert prepared is not own


async def test_fields_of_the_session_are_sent_once_at_each_hop() -> None:
    site = Site({"/a": to("/b", 307), "/b": to("/c", 303)})
    defaults = {"User-Agent": "x", "Content-Type": "x/y", "X-A": "1", "Connection": "keep-alive"}
    async with scripted(site) as server, ClientSession(headers=defaults) as session:
        for configs in ([], [Listener().config]):
            session._trace_configs = configs
            await (await session.post(server.url("/a"), data=b"body")).read()
    for name, values in (("User-Agent", ["x"]), ("X-A", ["1"])):
        assert site.fields(name) == [values] * 6
    assert site.fields("Content-Type") == [["x/y"], ["x/y"], []] * 2


async def test_what_is_not_made_up_is_not_at_any_hop() -> None:
    site = Site({"/a": to("/b", 307), "/b": to("/c", 303)})
    async with scripted(site) as server, ClientSession(skip_auto_headers=["User-Agent"]) as session:
        options: dict[str, Any] = {"data": b"body", "skip_auto_headers": ["Content-Type", "Accept"]}
        await (await session.post(server.url("/a"), **options)).read()
    for name in ("User-Agent", "Content-Type", "Accept"):
        assert site.fields(name) == [[]] * 3
    assert all(site.fields("Accept-Encoding"))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ([], ["own=1"]),
        ([("Cookie", "a=b")], ["a=b; own=1"]),
        ([("cookie", "a=b"), ("COOKIE", "c=d")], ["a=b; c=d; own=1"]),
    ],
)
async def test_cookies_join_those_of_the_fields(given: Any, field: list[str]) -> None:
    """RFC 6265 section 5.4: there is one field at most."""
    async with ClientSession() as session:
        fields = session._add_cookies(given, URL("http://a.test/"), {"own": "1"})
        assert isinstance(fields, CIMultiDict)
        assert fields.getall("Cookie") == field
        assert session._add_cookies(given, URL("http://a.test/"), None) is given


# Who asks


async def authorized(
    session: ClientSession, url: str, headers: Any = None, auth: Any = None
) -> tuple[str, Any]:
    found, fields = await session._authorize(target_of(URL(url)), headers, auth)
    return str(found.real_url), CIMultiDict(fields or ()).get("Authorization")


async def test_what_counts_first() -> None:
    own, theirs = BasicAuth("own", "1"), BasicAuth("session", "2")
    in_url, basic = BasicAuth("url", "3").encode(), "Bearer 4"
    async with ClientSession(auth=theirs) as session:
        assert await authorized(session, "http://a.test/") == ("http://a.test/", theirs.encode())
        assert await authorized(session, "http://url:3@a.test/") == ("http://a.test/", in_url)
        assert await authorized(session, "http://a.test/", auth=own) == ("http://a.test/", own.encode())
        for headers in ({"Authorization": basic}, {"AUTHORIZATION": basic}):
            assert await authorized(session, "http://url:3@a.test/", headers) == ("http://a.test/", basic)
            assert await authorized(session, "http://a.test/", headers) == ("http://a.test/", basic)
    async with ClientSession(headers={"authorization": basic}) as session:
        assert await authorized(session, "http://url:3@a.test/") == ("http://a.test/", None)  # it has its own


@pytest.mark.parametrize(
    ("base", "url", "is_theirs"),
    [
        (None, "http://b.test/", True),
        ("http://a.test/api/", "http://a.test/x", True),
        ("http://a.test/", "http://a.test:80/", True),
        (URL.build(scheme="http", host="a.test", port=80, path="/"), "http://a.test/", True),
        (URL("http://A.TEST/", encoded=True), "http://a.test/", True),
        ("http://a.test/", "http://A.Test/", True),
        ("http://a.test/", "http://a.test./", False),
        ("http://a.test/", "https://a.test/", False),
        ("http://a.test/", "http://a.test:8080/", False),
        ("http://a.test/", "http://b.test/", False),
        ("http://a.test/", "http://sub.a.test/", False),
    ],
)
async def test_a_base_url_is_whom_auth_is_for(base: Any, url: str, is_theirs: bool) -> None:
    auth = BasicAuth("user", "secret")
    async with ClientSession(base, auth=auth) as session:
        assert (await authorized(session, url))[1] == (auth.encode() if is_theirs else None)


# What the user's own classes raise


class Raising(ClientResponse):
    def __init__(self, *args: Any, **options: Any) -> None:
        raise ZeroDivisionError


class RaisingJar(CookieJar):
    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        raise ZeroDivisionError


@pytest.mark.parametrize("options", [{"response_class": Raising}, {"cookie_jar": RaisingJar()}])
@pytest.mark.parametrize("is_traced", [False, True])
async def test_what_they_raise_leaves_nothing(options: Any, is_traced: bool, tmp_path: Path) -> None:
    async def never(peer: Peer) -> None:
        await peer.answer(HEAD)
        await peer.rest()

    if is_traced:
        options = {**options, "trace_configs": [Listener().config]}
    path = tmp_path / "file"
    path.write_bytes(b"body")
    connector = TCPConnector(limit=1)
    async with scripted(never) as server, ClientSession(connector=connector, **options) as session:
        for _ in range(3):  # or the place would be taken
            with path.open("rb") as file:
                with pytest.raises(ZeroDivisionError):
                    await session.post(server.url(), data=file)
                await until(lambda: file.closed)
            await nothing_left(session)


async def test_a_jar_that_can_not_be_asked() -> None:
    class Mute(CookieJar):
        def filter_cookies(self, request_url: Any = None) -> "SimpleCookie":
            raise ZeroDivisionError

    async with scripted(OK) as server, ClientSession(cookie_jar=Mute()) as session:
        with pytest.raises(ZeroDivisionError):
            await session.get(server.url())
        assert server.peers == []


# Closed while it waits


class ClosedAt:
    """Awaits ``coroutine``, and closes it where it waits for the ``step``-th time."""

    def __init__(self, coroutine: Any, step: int) -> None:
        self.coroutine = coroutine
        self.step = step

    def __await__(self) -> Generator[Any, Any, bool]:
        resume, value = self.coroutine.send, None
        for _ in range(1, self.step):
            try:
                future = resume(value)
            except StopIteration:
                return False
            resume = self.coroutine.send
            try:
                value = yield future
            except BaseException as error:  # noqa: BLE001 - all of them are the coroutine's to handle
                resume, value = self.coroutine.throw, error
        self.coroutine.close()
        return True


@pytest.mark.parametrize("status", [303, 307])
async def test_a_request_that_is_closed(status: int, tmp_path: Path) -> None:
    """As a generator is: it may not wait for anything any more."""
    path = tmp_path / "file"
    path.write_bytes(b"body")
    site = Site({"/a": to("/b", status)})
    async with scripted(site) as server, ClientSession(connector=TCPConnector(limit=1)) as session:
        for step in range(1, 100):
            with path.open("rb") as file:

                async def send(data: Any = file) -> None:
                    async with session.post(server.url("/a"), data=data) as response:
                        assert await response.text() == "ok"

                was_closed = await ClosedAt(send(), step)
                await nothing_left(session)
            assert await text(session, server.url("/c")) == "ok"
            if not was_closed:
                assert step > 3
                return
    pytest.fail("never came through")
