"""Chains of redirects against real servers: what comes of them, and what is left of each hop."""

import asyncio

import pytest
from yarl import URL

from pronghorn import (
    ClientConnectorPolicyError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    CookieJar,
    InvalidUrlRedirectClientError,
    NonHttpUrlRedirectClientError,
    TCPConnector,
    TooManyRedirects,
)
from pronghorn.io.policy import PublicAddressesOnly

from .listening import END, FAILED, HEADERS, START, Listener, nothing_left, text
from .scripted import OK, Peer, scripted
from .sites import HTTP, Places, Site, a_world, to

REDIRECT = "request_redirect"
EMPTY = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"


def chain(length: int, status: int = 302) -> dict[str, bytes]:
    """From /0 to /length."""
    return {f"/{at}": to(f"/{at + 1}", status) for at in range(length)}


# What comes of it


async def test_history_and_urls() -> None:
    async with a_world() as world:
        one, other = await world.site(HTTP), await world.site("http://b.test:8080")
        one.answers = {"/a?b=c": to("next"), "/next": to("//b.test:8080/x?y#z", 307)}
        other.answers = {"/x?y": to("last", 301)}
        async with world.session() as session, session.get(f"{HTTP}/a?b=c#f") as response:
            assert type(response.history) is tuple
            assert [type(each) for each in response.history] == [ClientResponse] * 3
            chain = [*response.history, response]
            assert [each.status for each in chain] == [302, 307, 301, 200]
            real = ["http://a.test/a?b=c#f", "http://a.test/next#f", "http://b.test:8080/x?y#z"]
            assert [str(each.real_url) for each in chain] == [*real, "http://b.test:8080/last#z"]
            assert [each.url for each in chain] == [each.real_url.with_fragment(None) for each in chain]
            assert [each.request_info.real_url for each in chain] == [each.real_url for each in chain]
            assert [each.request_info.method for each in chain] == ["GET"] * 4
            assert [each.history for each in response.history] == [()] * 3
            assert all(each.closed for each in response.history)
            assert response.host == "b.test"
            assert await response.text() == "ok"
        assert one.fields("Host") == [["a.test"]] * 2
        assert other.fields("Host") == [["b.test:8080"]] * 2
        assert other.lines == ["GET /x?y", "GET /last"]


async def test_cookies_are_those_of_the_last_and_the_jar_has_all() -> None:
    site = Site(
        {
            "/a": to("/b", 302, "Set-Cookie: a=1; Path=/", "Set-Cookie: both=1; Path=/"),
            "/b": to("/c", 302, "Set-Cookie: b=2; Path=/c", "Set-Cookie: gone=1; Path=/; Max-Age=0"),
            "/c": b"HTTP/1.1 200 OK\r\nSet-Cookie: both=3; Path=/\r\nContent-Length: 0\r\n\r\n",
        }
    )
    jar = CookieJar(unsafe=True)
    async with scripted(site) as server, ClientSession(cookie_jar=jar) as session:
        async with session.get(server.url("/a")) as response:
            assert {name: cookie.value for name, cookie in response.cookies.items()} == {"both": "3"}
            assert [list(each.cookies) for each in response.history] == [["a", "both"], ["b", "gone"]]
        assert {cookie.key: cookie.value for cookie in jar} == {"a": "1", "b": "2", "both": "3"}
    assert [sorted("".join(each).split("; ")) for each in site.fields("Cookie")] == [
        [""],
        ["a=1", "both=1"],
        ["a=1", "b=2", "both=1"],
    ]


async def test_raise_for_status_is_for_the_last() -> None:
    site = Site({"/a": to("/b"), "/b": b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"})
    async with scripted(site) as server, ClientSession(raise_for_status=True) as session:
        assert await text(session, server.url("/c")) == "ok"
        with pytest.raises(ClientResponseError) as caught:
            await session.get(server.url("/a"))
        assert caught.value.status == 404
        assert [each.status for each in caught.value.history] == [302]
        assert caught.value.request_info.url == URL(server.url("/b"))


async def test_responses_are_of_the_class_of_the_session() -> None:
    class Own(ClientResponse):
        pass

    async with (
        scripted(Site(chain(2))) as server,
        ClientSession(response_class=Own) as session,
        session.get(server.url("/0")) as response,
    ):
        assert [type(each) for each in [*response.history, response]] == [Own] * 3


# How far it goes


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_ten_are_too_many(status: int) -> None:
    site = Site(chain(10, status))
    async with scripted(site) as server, ClientSession() as session:
        async with session.get(server.url("/1")) as response:
            assert len(response.history) == 9
        with pytest.raises(TooManyRedirects) as caught:
            await session.get(server.url("/0"))
        error = caught.value
        assert (error.status, error.message) == (status, "Moved")
        assert error.headers is not None
        assert error.headers["Location"] == "/10"
        assert [each.url.path for each in error.history] == [f"/{at}" for at in range(10)]
        assert error.request_info.url == URL(server.url("/0"))
        assert isinstance(error, ClientResponseError)
    assert site.lines[10:] == [f"GET /{at}" for at in range(10)]


@pytest.mark.parametrize(("most", "follows"), [(1, 0), (2, 1), (5, 4), (0, 30)])
async def test_max_redirects(most: int, follows: int) -> None:
    async with scripted(Site(chain(30))) as server, ClientSession() as session:
        url = server.url(f"/{30 - follows}")
        async with session.get(url, max_redirects=most) as response:
            assert (response.status, len(response.history)) == (200, follows)
        if most:
            with pytest.raises(TooManyRedirects) as caught:
                await session.get(server.url(f"/{29 - follows}"), max_redirects=most)
            assert len(caught.value.history) == most
        await nothing_left(session)


async def test_a_loop() -> None:
    site = Site({"/a": to("/b"), "/b": to("/a"), "/self": to("")})
    site.answers["/self"] = to("#x")
    async with scripted(site) as server, ClientSession() as session:
        for path in ("/a", "/self"):
            with pytest.raises(TooManyRedirects):
                await session.get(server.url(path))
        await nothing_left(session)
    assert len(site.heads) == 20


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("fields", ["", "Location: \r\n", "Location:\r\nURI:\r\n"])
async def test_without_a_location_it_is_the_response(status: int, fields: str) -> None:
    answer = f"HTTP/1.1 {status} Moved\r\n{fields}Content-Length: 2\r\n\r\nno".encode()
    async with (
        scripted(Site({"/a": to("/b"), "/b": answer})) as server,
        ClientSession() as session,
        session.get(server.url("/a")) as response,
    ):
        assert (response.status, await response.text()) == (status, "no")
        assert [each.url.path for each in response.history] == ["/a"]


@pytest.mark.parametrize("status", [300, 304, 305, 306, 309, 399, 200, 201, 401])
async def test_other_statuses_lead_nowhere(status: int) -> None:
    body = b"" if status == 304 else b"no"
    async with (
        scripted(Site({"/a": to("/b", status, body=body)})) as server,
        ClientSession() as session,
        session.get(server.url("/a")) as response,
    ):
        assert (response.status, response.history) == (status, ())


async def test_the_uri_field() -> None:
    """The name that Location once had; it counts where there is none."""
    answers = {
        "/a": b"HTTP/1.1 302 Found\r\nURI: /b\r\nContent-Length: 0\r\n\r\n",
        "/b": to("/c", 302, "URI: /wrong"),
    }
    async with (
        scripted(Site(answers)) as server,
        ClientSession() as session,
        session.get(server.url("/a")) as response,
    ):
        assert response.url.path == "/c"


async def test_the_first_of_several_locations() -> None:
    async with (
        scripted(Site({"/a": to("/b", 302, "Location: /c")})) as server,
        ClientSession() as session,
        session.get(server.url("/a")) as response,
    ):
        assert response.url.path == "/b"


@pytest.mark.parametrize("verb", ["get", "options", "head", "post", "put", "patch", "delete"])
async def test_allow_redirects(verb: str) -> None:
    async with scripted(Site({"/a": to("/b", 307)})) as server, ClientSession() as session:
        for options, follows in (
            ({}, verb != "head"),
            ({"allow_redirects": True}, True),
            ({"allow_redirects": False}, False),
        ):
            async with getattr(session, verb)(server.url("/a"), **options) as response:
                assert response.status == (200 if follows else 307)
                assert len(response.history) == follows
                assert response.headers.get("Location") == (None if follows else "/b")
                assert response.method == verb.upper()


async def test_head_by_request() -> None:
    async with (
        scripted(Site({"/a": to("/b", 303)})) as server,
        ClientSession() as session,
        session.request("HEAD", server.url("/a")) as response,
    ):
        assert (response.method, response.status, response.url.path) == ("HEAD", 200, "/b")


async def test_head_stays_head() -> None:
    site = Site({f"/{at}": to(f"/{at + 1}", status) for at, status in enumerate((301, 302, 303, 307, 308))})
    async with (
        scripted(site) as server,
        ClientSession() as session,
        session.head(server.url("/0"), allow_redirects=True) as response,
    ):
        assert response.method == "HEAD"
    assert site.lines == [f"HEAD /{at}" for at in range(6)]


async def test_params_are_sent_once() -> None:
    site = Site({"/a?x=1&y=2": to("/b?z=3"), "/b?z=3": to("c")})
    async with (
        scripted(site) as server,
        ClientSession() as session,
        session.get(server.url("/a?x=1"), params={"y": "2"}) as response,
    ):
        assert response.url == URL(server.url("/c"))
    assert site.lines == ["GET /a?x=1&y=2", "GET /b?z=3", "GET /c"]


async def test_a_base_url_is_for_what_the_caller_says() -> None:
    site = Site({"/api/v1/a": to("b"), "/api/v1/b": to("/c"), "/c": to("d")})
    async with (
        scripted(site) as server,
        ClientSession(base_url=server.url("/api/v1/")) as session,
        session.get("a") as response,
    ):
        assert response.url == URL(server.url("/d"))
    assert site.lines == ["GET /api/v1/a", "GET /api/v1/b", "GET /c", "GET /d"]


# Locations as they come


@pytest.mark.parametrize(
    ("location", "quoted", "raw"),
    [
        (b"/caf\xc3\xa9", "/caf%C3%A9", "/caf%C3%A9"),
        (b"/caf\xe9", "/caf%E9", "/caf%E9"),
        (b"/a b", "/a%20b", "/a%20b"),
        (b"/%7e%2f?q=%7E", "/%7e%2f?q=%7E", "/%7e%2f?q=%7E"),
        (b"/x?sig=a%2Bb%2F%3D", "/x?sig=a%2Bb%2F%3D", "/x?sig=a%2Bb%2F%3D"),
        (b"rel?x", "/a%3Fb/rel?x", "/a%3Fb/rel?x"),
    ],
)
@pytest.mark.parametrize("requote", [True, False])
async def test_what_is_asked_for(location: bytes, quoted: str, raw: str, requote: bool) -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % location
    site = Site({"/a%3Fb/c": answer})
    async with scripted(site) as server, ClientSession(requote_redirect_url=requote) as session:
        assert await text(session, server.url("/a%3Fb/c")) == "ok"
    assert site.lines[1:] == [f"GET {quoted if requote else raw}"]


async def test_requote_redirect_url_can_be_set() -> None:
    site = Site({"/a": to("/%7e")})
    async with scripted(site) as server, ClientSession() as session:
        assert session.requote_redirect_url is True
        with pytest.warns(DeprecationWarning, match="requote_redirect_url"):
            session.requote_redirect_url = False
        assert await text(session, server.url("/a")) == "ok"
    assert site.lines[1:] == ["GET /%7e"]


@pytest.mark.parametrize("body", [b"", b"moved", bytes(100_000)])
@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("ftp://b.test/", NonHttpUrlRedirectClientError),
        ("http://b.test:x/", InvalidUrlRedirectClientError),
        ("/\\b.test/", InvalidUrlRedirectClientError),
        ("/a\tb", InvalidUrlRedirectClientError),
        ("//", InvalidUrlRedirectClientError),
    ],
)
async def test_what_leads_nowhere(location: str, error: type[Exception], body: bytes) -> None:
    site = Site({"/a": to("/b"), "/b": to(location, body=body)})
    async with scripted(site) as server, ClientSession() as session:
        with pytest.raises(error) as caught:
            await session.get(server.url("/a"))
        assert str(caught.value).startswith(f"{location} - ")
        await nothing_left(session)
        assert await text(session, server.url("/c")) == "ok"


# Time


async def test_the_total_spans_the_chain() -> None:
    async def slow(peer: Peer) -> None:
        for _ in range(100):
            await peer.request()
            await asyncio.sleep(0.02)
            await peer.send(to("/again"))

    async with scripted(slow) as server, ClientSession() as session:
        start = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError, match=r"total of 0\.1 s"):
            await session.get(server.url(), timeout=ClientTimeout(total=0.1), max_redirects=0)
        assert asyncio.get_running_loop().time() - start < 2
        assert 1 < len(server.requests) < 10
        await nothing_left(session)


async def test_sock_read_is_for_each_hop() -> None:
    async def slow(peer: Peer) -> None:
        for answer in (to("/b"), to("/c"), OK):
            await peer.request()
            await asyncio.sleep(0.05)
            await peer.send(answer)
        await peer.rest()

    async with scripted(slow) as server, ClientSession() as session:
        assert await text(session, server.url("/a"), timeout=ClientTimeout(sock_read=0.12)) == "ok"


# Who may be asked


async def test_the_policy_is_asked_at_each_hop() -> None:
    places = Places()
    site = Site()
    connector = TCPConnector(policy=PublicAddressesOnly(allow=["127.0.0.1"]), resolver=places)
    async with scripted(site) as server, ClientSession(connector=connector) as session:
        places.ports["a.test", 80] = server.port
        site.answers["/fine"] = to(server.url("/b"))
        assert await text(session, f"{HTTP}/fine") == "ok"
        for host in ("127.0.0.2", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "0.0.0.0"):
            site.answers["/a"] = to(f"http://{host}:{server.port}/secret")
            with pytest.raises(ClientConnectorPolicyError):
                await session.get(f"{HTTP}/a")
        await nothing_left(session)
    assert "GET /secret" not in site.lines


# Tracing


async def test_what_is_told() -> None:
    listener = Listener()
    async with a_world() as world:
        one, other = await world.site(HTTP), await world.site("http://b.test")
        one.answers = {"/a": to("/next", 303), "/next": to("http://b.test/last#f")}
        async with world.session(trace_configs=[listener.config]) as session:
            fields = {"X-A": "1", "Authorization": "s3cret"}
            async with session.post(f"{HTTP}/a", data=b"body", headers=fields) as response:
                assert await response.text() == "ok"
                first, second = response.history
        told = [
            (event, params)
            for event, params in zip(listener.events, listener.params, strict=True)
            if event in (START, HEADERS, REDIRECT, END)
        ]
    urls = [f"{HTTP}/a", f"{HTTP}/next", "http://b.test/last#f"]
    assert [(event, params.method, str(params.url)) for event, params in told] == [
        (START, "POST", urls[0]),
        (HEADERS, "POST", urls[0]),
        (REDIRECT, "POST", urls[0]),
        (HEADERS, "GET", urls[1]),
        (REDIRECT, "GET", urls[1]),
        (HEADERS, "GET", urls[2].removesuffix("#f")),
        (END, "GET", urls[2]),
    ]
    assert [params.response for event, params in told if event not in (HEADERS, START)] == [
        first,
        second,
        response,
    ]
    for event, params in told:
        is_other = params.url.host == "b.test"
        assert params.headers["X-A"] == "1"
        assert params.headers.get("Authorization") == (None if is_other else "s3cret"), event
    assert [lines[0] for lines in other.fields("X-A")] == ["1"]


async def test_what_is_told_of_a_failure() -> None:
    listener = Listener()
    async with scripted(Site(chain(3))) as server, listener.session() as session:
        with pytest.raises(TooManyRedirects) as caught:
            await session.get(server.url("/0"), max_redirects=3)
        assert listener.events.count(REDIRECT) == 3
        assert listener.of(FAILED).exception is caught.value
        await nothing_left(session)


@pytest.mark.parametrize("size", [0, 100_000])
async def test_a_hook_that_fails(size: int) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    listener = Listener(at=REDIRECT, do=fail)
    site = Site({"/a": to("/b", body=bytes(size))})
    async with scripted(site) as server, listener.session() as session:
        with pytest.raises(ZeroDivisionError):
            await session.get(server.url("/a"))
        assert isinstance(listener.of(FAILED).exception, ZeroDivisionError)
        await nothing_left(session)
    assert site.lines == ["GET /a"]
