import asyncio

import pytest
from yarl import URL

from pronghorn.body.payload import BytesPayload
from pronghorn.client.response import ClientResponse

from .digest_server import (
    MD5,
    Request,
    Server,
    challenged,
    middleware,
    offer,
    read_answer,
    respond,
    scripted,
)

# Before it is asked for


async def test_preemptive() -> None:
    server = Server()
    login = middleware()
    for number in range(3):
        assert (await login(Request(f"http://host/{number}"), server)).status == 200
    assert server.statuses == [401, 200, 200, 200]
    assert [answer["nc"] for answer in server.answers if answer] == ["00000001", "00000002", "00000003"]


async def test_not_preemptive() -> None:
    server = Server()
    server.is_fixed = True
    login = middleware(preemptive=False)
    for _ in range(2):
        assert (await login(Request(), server)).status == 200
    assert server.statuses == [401, 200] * 2


async def test_what_was_refused_is_not_sent_unasked() -> None:
    server = Server()
    login = middleware()
    await login(Request(), server)
    server.password = "changed"
    assert (await login(Request(), server)).status == 401
    server.password = "Circle of Life"
    assert (await login(Request(), server)).status == 200
    assert server.statuses == [401, 200, 401, 401, 401, 200]


@pytest.mark.parametrize("challenge", [MD5, "Basic realm=r", ""])
async def test_nor_is_it_where_nothing_else_is_asked_for(challenge: str) -> None:
    handler, sent = scripted(MD5, 200, challenge, 200)
    login = middleware()
    for _ in range(3):
        await login(Request(), handler)
    assert [answer is not None for answer in sent] == [False, True, True, False]


DOMAINS = [
    ("", ["/", "/a", "/a/b?c"], []),
    (" ", ["/", "/a"], []),
    ("/", ["/", "/a", "/a/b?c"], []),
    ("http://host", ["/", "/a"], []),
    ("/a", ["/a", "/a/", "/a/b", "/a?b"], ["/", "/ab", "/b/a", "/A"]),
    ("/a/", ["/a/", "/a/b"], ["/a", "/"]),
    ("/a  /b\thttp://HOST:80/c", ["/a", "/b/c", "/c"], ["/", "/d"]),
    ("/a?b=c", ["/a?b=c", "/a?b=c&d"], ["/a", "/a?b=cd", "/a?b"]),
    ("/a/../b /%7Ec", ["/b", "/~c/d"], ["/a"]),
    # elsewhere, or nowhere
    ("http://other/ https://host/ http://host:81/ //other/a", [], ["/", "/a"]),
    ("http://other/ /b", ["/b"], ["/", "/a"]),
    ("http://[ http://host:99999/ /b", ["/b"], ["/", "/a"]),
    (" ".join(f"/{number}" for number in range(2000)), ["/0", "/9/a"], ["/1999", "/a"]),
]


@pytest.mark.parametrize(("domain", "inside", "outside"), DOMAINS)
async def test_protection_space(domain: str, inside: list[str], outside: list[str]) -> None:
    handler, sent = scripted(offer("MD5", domain=domain), *[200] * (1 + len(inside) + len(outside)))
    login = middleware()
    await login(Request("http://host/asked"), handler)
    for path in (*inside, *outside):
        await login(Request(URL("http://host").join(URL(path))), handler)
    assert [answer is not None for answer in sent[2:]] == [True] * len(inside) + [False] * len(outside)


ELSEWHERE = [
    "https://host/",
    "http://host:81/",
    "http://other/",
    "http://sub.host/",
    "http://host./",
    "http://user:password@other/",
    "http://host@other/",
    "ws://host/",
]


@pytest.mark.parametrize("url", ELSEWHERE)
async def test_nothing_goes_to_another_origin(url: str) -> None:
    """As after a redirect: to the first origin only, whatever it and the others say."""
    server = Server(domain=f"/ {url} {URL(url).origin()}")
    login = middleware()
    await login(Request(), server)
    handler, sent = scripted(server.challenge(), 200)
    held = Request(url)
    assert (await login(held, handler)).status == 401
    assert sent == [None]
    assert not held.headers
    assert (await login(Request("http://HOST:80/?a"), server)).status == 200
    assert server.statuses == [401, 200, 200]


async def test_the_first_request_binds_before_anything_is_asked() -> None:
    login = middleware()
    handler, sent = scripted(200, MD5, MD5, 200)
    for url, status in (("http://host/", 200), ("http://evil/", 401), ("http://host/", 200)):
        assert (await login(Request(url), handler)).status == status
    assert [answer is not None for answer in sent] == [False, False, False, True]


async def test_the_challenge_of_another_origin_that_a_handler_followed_to() -> None:
    async def handle(request: Request) -> ClientResponse:
        assert "Authorization" not in request.headers
        return challenged(Request("http://evil/"), MD5)

    assert (await middleware()(Request(), handle)).status == 401


async def test_an_authorization_that_is_there() -> None:
    handler, sent = scripted(MD5, 200, 200, MD5, 200)
    login = middleware()
    await login(Request(), handler)
    # The caller's own stands until it is refused.
    for _ in range(2):
        await login(Request(Authorization="Bearer a"), handler)
    assert sent[2:4] == ["Bearer a"] * 2
    assert read_answer(sent[4] or "")["nc"] == "00000002"


@pytest.mark.parametrize("is_preemptive", [True, False])
async def test_a_request_that_is_sent_again_has_another_count(is_preemptive: bool) -> None:
    server = Server()
    server.is_fixed = True
    login = middleware(preemptive=is_preemptive)
    request = Request()
    for _ in range(3):
        assert (await login(request, server)).status == 200
        request.url /= "next"
    assert len(request.headers.getall("Authorization")) == 1


# Sessions


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256-sess"])
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
@pytest.mark.parametrize("is_fixed", [True, False])
@pytest.mark.parametrize("uses", [1, 7, 1000])
async def test_concurrent_requests_never_use_a_count_twice(
    algorithm: str, qop: str, is_fixed: bool, uses: int
) -> None:
    server = Server(uses=1000 if is_fixed else uses, algorithm=algorithm, qop=qop)
    server.is_fixed = is_fixed
    login = middleware()
    for _ in range(3):
        requests = [Request(f"http://host/{number}", "PUT", BytesPayload(b"a")) for number in range(20)]
        responses = await asyncio.gather(*(login(request, server) for request in requests))
        if uses > 1:
            assert {response.status for response in responses} == {200}
    # Where each nonce is for one request, some have to wait for their own.
    assert server.statuses.count(200) >= 20


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess"])
@pytest.mark.parametrize("qop", ["auth", ""])
async def test_nextnonce(algorithm: str, qop: str) -> None:
    server = Server(algorithm=algorithm, qop=qop, uses=1)
    server.has_next = True
    login = middleware()
    if algorithm == "MD5-sess":
        # The key stays that of the first nonce; that server would make another of each.
        server.sessions = SharedKey()
    for number in range(3):
        assert (await login(Request(f"http://host/{number}"), server)).status == 200
    assert server.statuses == [401, 200, 200, 200]
    assert [answer["nonce"] for answer in server.answers if answer] == ["n1", "n2", "n3"]
    assert {answer.get("nc") for answer in server.answers if answer} == {"00000001" if qop else None}


class SharedKey(dict[str, str]):
    """The key of the session that the first nonce began."""

    def setdefault(self, key: str, default: str = "") -> str:
        return super().setdefault("", default)


@pytest.mark.parametrize("info", ['nextnonce=""', 'nextnonce="a", nextnonce="b"', 'nextnonce="a', "next", ""])
async def test_authentication_info_that_says_nothing(info: str) -> None:
    sent: list[dict[str, str]] = []

    async def handle(request: Request) -> ClientResponse:
        if "Authorization" not in request.headers:
            return challenged(request, MD5)
        sent.append(read_answer(request.headers["Authorization"]))
        return respond(request, 200, ("Authentication-Info", info))

    login = middleware()
    for _ in range(2):
        await login(Request(), handle)
    assert [(fields["nonce"], fields["nc"]) for fields in sent] == [("md5", "00000001"), ("md5", "00000002")]


async def test_nextnonce_counts_only_after_an_answer() -> None:
    async def handle(request: Request) -> ClientResponse:
        return respond(request, 200, ("Authentication-Info", 'nextnonce="a"'))

    login = middleware()
    await login(Request(), handle)
    request = Request()
    await login(request, handle)
    assert not request.headers


async def test_what_is_remembered_is_bounded() -> None:
    login = middleware()
    for number in range(1000):
        handler, _ = scripted(offer("MD5", nonce=str(number)), 200)
        await login(Request(), handler)
    assert max(len(table) for table in vars(login).values() if isinstance(table, dict)) < 300


async def test_a_nonce_that_comes_back_is_counted_on() -> None:
    used: list[tuple[str, str]] = []
    statuses = iter([200, 401, 200])

    async def handle(request: Request) -> ClientResponse:
        if "Authorization" not in request.headers:
            return challenged(request, MD5)
        fields = read_answer(request.headers["Authorization"])
        used.append((fields["nonce"], fields["nc"]))
        if next(statuses) == 401:
            return challenged(request, MD5)
        return respond(request, 200, ("Authentication-Info", 'nextnonce="next"'))

    login = middleware()
    for _ in range(2):
        assert (await login(Request(), handle)).status == 200
    assert used == [("md5", "00000001"), ("next", "00000001"), ("md5", "00000002")]
