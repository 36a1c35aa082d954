"""Basic authentication: where credentials come from, which of them count, and what is refused."""

import base64
import traceback
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from pronghorn import (
    BasicAuth,
    ClientResponse,
    ClientSession,
    InvalidUrlClientError,
    InvalidUrlRedirectClientError,
    encode_basic_auth,
)

from .listening import Listener, text
from .scripted import scripted
from .sites import HTTP, HTTPS, Site, World, a_world, environment, to

AUTH = BasicAuth("user", "s3cret")
BASIC = "Basic dXNlcjpzM2NyZXQ="


async def asked(
    session: dict[str, Any] | None = None, user: str = "", path: str = "/", **options: Any
) -> list[str]:
    """The Authorization fields of a request that these options make."""
    site = Site()
    async with scripted(site) as server, ClientSession(**(session or {})) as client:
        url = server.url(path).replace("://", f"://{user}")
        assert await text(client, url, **options) == "ok"
        (fields,) = site.fields("Authorization")
        (line,) = site.lines
        assert line == f"GET {path}"
        assert b"@" not in site.heads[0]
    return fields


# Where they come from


async def test_nowhere() -> None:
    several: list[dict[str, Any]] = [{}, {"auth": None}, {"headers": {}}]
    for options in several:
        assert await asked(**options) == []
    assert await asked({"auth": None}) == []


async def test_auth_of_a_request() -> None:
    assert await asked(auth=AUTH) == [BASIC]
    assert await asked(auth=BasicAuth("user")) == ["Basic dXNlcjo="]
    assert await asked(auth=BasicAuth("", "s3cret")) == [encode_basic_auth("", "s3cret")]
    assert await asked(auth=AUTH, headers={"X-A": "1"}) == [BASIC]


async def test_auth_of_the_session() -> None:
    async with ClientSession(auth=AUTH) as session:
        assert session.auth is AUTH
        with pytest.raises(AttributeError):
            session.auth = None  # type: ignore[misc]  # what is tested
    assert ClientSession().auth is None
    assert await asked({"auth": AUTH}) == [BASIC]


async def test_a_field() -> None:
    for headers in ({"Authorization": "Bearer x"}, {"AUTHORIZATION": "Bearer x"}):
        assert await asked(headers=headers) == ["Bearer x"]
        assert await asked({"headers": headers}) == ["Bearer x"]
    value = encode_basic_auth("us\u00e9r", "s3cret")
    assert value == "Basic " + base64.b64encode("us\u00e9r:s3cret".encode()).decode()
    assert await asked(headers={"Authorization": value}) == [value]


@pytest.mark.parametrize(
    ("user", "credentials"),
    [
        ("user:s3cret@", b"user:s3cret"),
        ("user@", b"user:"),
        ("user:@", b"user:"),
        (":s3cret@", b":s3cret"),
        ("us%65r:s3cr%3At%40@", b"user:s3cr:t@"),
        ("user:%C3%A9@", b"user:\xe9"),
        ("user:a+b%20c@", b"user:a+b c"),
    ],
)
async def test_a_url(user: str, credentials: bytes) -> None:
    """They are in no URL that is shown or sent."""
    value = f"Basic {base64.b64encode(credentials).decode()}"
    assert await asked(user=user, path="/a?b=c") == [value]
    async with scripted(Site()) as server, ClientSession() as session:
        for url in (server.url("/a#f"), URL(server.url("/a#f"))):
            given = URL(str(url).replace("://", f"://{user}"))
            async with session.get(given) as response:
                assert str(response.real_url) == server.url("/a#f")
                assert response.request_info.real_url == response.real_url
                assert response.request_info.headers["Authorization"] == value


async def test_each_method_sends_them() -> None:
    site = Site()
    async with scripted(site) as server, ClientSession(auth=AUTH) as session:
        for method in ("get", "options", "head", "post", "put", "patch", "delete"):
            async with getattr(session, method)(server.url()) as response:
                assert isinstance(response, ClientResponse)
    assert site.fields("Authorization") == [[BASIC]] * 7


async def test_they_are_in_a_request_that_is_traced() -> None:
    listener = Listener()
    site = Site()
    async with scripted(site) as server, listener.session(auth=AUTH) as session:
        assert await text(session, server.url()) == "ok"
        assert listener.of("request_start").headers["Authorization"] == BASIC
        assert listener.of("request_headers_sent").headers["Authorization"] == BASIC
    assert site.fields("Authorization") == [[BASIC]]


# Which of them count


async def test_the_nearest_counts() -> None:
    session = {"auth": BasicAuth("session")}
    assert await asked(session, auth=AUTH) == [BASIC]
    assert await asked(session, user="user:s3cret@") == [BASIC]
    assert await asked(session, headers={"authorization": "Bearer x"}) == ["Bearer x"]
    assert await asked({**session, "headers": {"authorization": "Bearer x"}}) == ["Bearer x"]
    assert await asked(user="user:s3cret@", headers={"Authorization": "Bearer x"}) == ["Bearer x"]
    assert await asked({"headers": {"Authorization": "of it"}}, headers={"Authorization": "own"}) == ["own"]


@pytest.mark.parametrize(
    ("session", "options", "user"),
    [
        ({}, {"headers": {"Authorization": "Bearer x"}}, ""),
        ({}, {"headers": [("AUTHORIZATION", "Bearer x")]}, ""),
        ({"headers": {"authorization": "Bearer x"}}, {}, ""),
        ({}, {}, "user:other@"),
        ({}, {}, "user@"),
    ],
)
async def test_two_are_refused(session: dict[str, Any], options: dict[str, Any], user: str) -> None:
    async with scripted(Site()) as server, ClientSession(**session) as client:
        url = server.url().replace("://", f"://{user}")
        with pytest.raises(ValueError, match=r"^auth: .* already$") as caught:
            await client.get(url, auth=AUTH, **options)
        assert "other" not in str(caught.value)
        assert server.peers == []


@pytest.mark.parametrize("auth", ["user:s3cret", ("user", "s3cret"), b"x", 5, {"user": "s3cret"}])
async def test_what_is_none(auth: Any) -> None:
    with pytest.raises(TypeError, match=r"^auth: expected None or a BasicAuth, got \w+$"):
        ClientSession(auth=auth)
    async with scripted(Site()) as server, ClientSession() as session:
        with pytest.raises(TypeError, match=r"^auth: expected None or a BasicAuth, got \w+$"):
            await session.get(server.url(), auth=auth)
        assert server.peers == []


@pytest.mark.parametrize(
    "user", ["us%3Aer:s3cret@", "user:s3cret%0A@", "user:s3cret%00@", "user:s3cret%E2%82%AC@"]
)
async def test_a_url_whose_credentials_can_not_be_sent(user: str) -> None:
    async with scripted(Site()) as server, ClientSession() as session:
        with pytest.raises(InvalidUrlClientError) as caught:
            await session.get(server.url().replace("://", f"://{user}"))
        error = caught.value
        assert str(error.url) == server.url()
        assert "s3cret" not in f"{error} {error!r} {error.__cause__!r}"
        assert "s3cret" not in "".join(traceback.format_exception(error))
        assert server.peers == []


@pytest.mark.parametrize("is_of_session", [False, True])
async def test_auth_that_can_not_be_encoded(is_of_session: bool) -> None:
    auth = BasicAuth("user", "s3cret\u20ac")
    of_session: dict[str, Any] = {"auth": auth} if is_of_session else {}
    of_request: dict[str, Any] = {} if is_of_session else {"auth": auth}
    async with scripted(Site()) as server, ClientSession(**of_session) as session:
        with pytest.raises(ValueError, match="auth: expected characters of latin1") as caught:
            await session.get(server.url(), **of_request)
        assert "s3cret" not in f"{caught.value!r} {caught.value.__cause__!r}"
        assert server.peers == []
    assert await asked(auth=auth._replace(encoding="utf-8")) == [encode_basic_auth("user", "s3cret\u20ac")]


# base_url


async def both(world: World) -> tuple[Site, Site]:
    return await world.site(HTTP), await world.site(HTTPS)


async def test_a_base_url_is_whom_auth_is_for() -> None:
    async with a_world() as world:
        one, other = await both(world)
        elsewhere = await world.site("http://b.test")
        async with world.session(base_url=f"{HTTP}/api/", auth=AUTH) as session:
            for url in ("x", "/y", f"{HTTP}/z", "http://A.test:80/"):
                assert await text(session, url) == "ok"
            for url in (f"{HTTPS}/", "http://b.test/"):
                assert await text(session, url) == "ok"
                assert await text(session, url, auth=BasicAuth("own")) == "ok"
        assert one.lines == ["GET /api/x", "GET /y", "GET /z", "GET /"]
        assert one.fields("Authorization") == [[BASIC]] * 4
        for site in (other, elsewhere):
            assert site.fields("Authorization") == [[], ["Basic b3duOg=="]]


async def test_credentials_in_a_base_url() -> None:
    """They are a part of what is asked for, as those of any URL."""
    site = Site()
    async with scripted(site) as server:
        base = server.url("/api/").replace("://", "://user:s3cret@")
        async with ClientSession(base) as session:
            for url in ("x", "/y"):
                async with session.get(url) as response:
                    assert "@" not in str(response.real_url)
    assert site.fields("Authorization") == [[BASIC]] * 2


# netrc


def netrc(monkeypatch: pytest.MonkeyPatch, folder: Path, content: str) -> None:
    path = folder / "netrc"
    path.write_text(content)
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))
    environment(monkeypatch)


MACHINE = "machine 127.0.0.1 login user password s3cret\n"
TRUSTING = {"trust_env": True}


async def test_netrc_is_for_those_who_trust_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc(monkeypatch, tmp_path, MACHINE)
    assert await asked() == []
    assert await asked({"trust_env": False}) == []
    assert await asked(TRUSTING) == [BASIC]


async def test_netrc_is_asked_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc(monkeypatch, tmp_path, MACHINE.replace("user", "machine"))
    assert await asked(TRUSTING, auth=AUTH) == [BASIC]
    assert await asked(TRUSTING, user="user:s3cret@") == [BASIC]
    assert await asked(TRUSTING, headers={"Authorization": "Bearer x"}) == ["Bearer x"]
    assert await asked({**TRUSTING, "auth": AUTH}) == [BASIC]
    assert await asked({**TRUSTING, "headers": {"Authorization": "Bearer x"}}) == ["Bearer x"]


async def test_netrc_where_auth_of_the_session_is_for_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc(monkeypatch, tmp_path, MACHINE)
    options = {**TRUSTING, "auth": BasicAuth("session"), "base_url": "http://a.test/"}
    assert await asked(options) == [BASIC]


async def test_netrc_by_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc(monkeypatch, tmp_path, "machine A.test login user password s3cret\ndefault login any\n")
    async with a_world() as world:
        one, other = await both(world)
        elsewhere = await world.site("http://b.test")
        async with world.session(trust_env=True) as session:
            for origin in (HTTP, "http://A.TEST", HTTPS, "http://b.test"):
                assert await text(session, f"{origin}/") == "ok"
        assert one.fields("Authorization") == [[BASIC]] * 2
        assert other.fields("Authorization") == [[BASIC]]
        assert elsewhere.fields("Authorization") == [["Basic YW55Og=="]]


async def test_netrc_for_the_host_and_not_for_what_looks_like_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """CVE-2024-47081 of requests took what stands before an "@" for the host."""
    netrc(monkeypatch, tmp_path, "machine a.test login user password s3cret\n")
    async with a_world() as world:
        elsewhere = await world.site("http://b.test")
        async with world.session(trust_env=True) as session:
            for user in ("a.test:", "a.test", "a.test%3A80"):
                try:
                    await text(session, f"http://{user}@b.test/")
                except InvalidUrlClientError:
                    assert user == "a.test%3A80"
        assert not any(b"czNjcmV0" in head or BASIC.encode() in head for head in elsewhere.heads)
        assert len(elsewhere.heads) == 2


# On the way


async def test_credentials_that_can_not_be_sent_in_a_location() -> None:
    async with a_world() as world:
        (await world.site(HTTP)).answers["/a"] = to("http://us%3Aer:s3cret@b.test/")
        async with world.session() as session:
            with pytest.raises(InvalidUrlRedirectClientError, match=r"^http://b\.test/ - ") as caught:
                await session.get(f"{HTTP}/a")
        assert "s3cret" not in "".join(traceback.format_exception(caught.value))


async def test_a_login_and_a_way_back() -> None:
    """Where a chain stays at its origin, nothing is lost."""
    site = Site({"/a": to("/login", 303, "Set-Cookie: sid=1; Path=/"), "/login": to("/a?again", 302)})
    async with (
        scripted(site) as server,
        ClientSession(auth=AUTH) as session,
        session.post(server.url("/a"), data=b"x") as response,
    ):
        assert [each.method for each in [*response.history, response]] == ["POST", "GET", "GET"]
    assert site.fields("Authorization") == [[BASIC]] * 3
