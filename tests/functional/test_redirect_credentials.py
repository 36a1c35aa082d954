"""Credentials belong to the origin that they were given for: what each server is sent, octet by octet.

A chain begins at one origin, stays there once, leads to another, stays there once, and leads back.
"""

import traceback
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from pronghorn import BasicAuth, ClientError, CookieJar

from .listening import Listener, text
from .sites import AUTH, BASIC, CHANGES, HTTP, HTTPS, a_world, environment, place, shows, to


@dataclass
class Kind:
    """A way to give credentials."""

    #: Options of the session and of the request.
    session: dict[str, Any] = field(default_factory=dict)
    request: dict[str, Any] = field(default_factory=dict)
    user: str = ""
    #: What the origin is sent besides.
    sent: tuple[bytes, ...] = ()


def of_request(name: str, *values: str) -> Kind:
    fields = [(name, value) for value in values]
    lines = tuple(f"{name}: {value}".encode() for value in values)
    return Kind(request={"headers": fields}, sent=lines)


AUTHORIZATION = (f"Authorization: {BASIC}".encode(),)
KINDS: dict[str, Kind] = {
    "a field": of_request("Authorization", "Bearer s3cret"),
    "lower case": of_request("authorization", "Bearer s3cret"),
    "upper case": of_request("AUTHORIZATION", "Bearer s3cret"),
    "any case": of_request("aUTHORIZATIOn", "Bearer s3cret"),
    "several fields": of_request("Authorization", "Bearer s3cret", "Basic s3cret", "Bearer s3cret"),
    "several spellings": Kind(
        request={"headers": [("authorization", "Bearer s3cret"), ("AUTHORIZATION", "Basic s3cret")]},
        sent=(b"authorization: Bearer s3cret", b"AUTHORIZATION: Basic s3cret"),
    ),
    "auth": Kind(request={"auth": AUTH}, sent=AUTHORIZATION),
    "in the URL": Kind(user="user:s3cret@", sent=AUTHORIZATION),
    "auth of the session": Kind(session={"auth": AUTH}, sent=AUTHORIZATION),
    "a field of the session": Kind(session={"headers": {"Authorization": BASIC}}, sent=AUTHORIZATION),
    "fields of the session": Kind(
        session={"headers": [("AUTHORIZATION", BASIC), ("authorization", "s3cret")]},
        sent=(f"AUTHORIZATION: {BASIC}".encode(), b"authorization: s3cret"),
    ),
    "a Cookie field": of_request("Cookie", "sid=s3cret"),
    "a cookie field": of_request("cookie", "sid=s3cret; b=c"),
    "several Cookie fields": of_request("Cookie", "sid=s3cret", "b=s3cret"),
    "a Cookie field of the session": Kind(
        session={"headers": {"COOKIE": "sid=s3cret"}}, sent=(b"COOKIE: sid=s3cret",)
    ),
    "cookies": Kind(request={"cookies": {"sid": "s3cret"}}, sent=(b"Cookie: sid=s3cret",)),
    "cookies and a field": Kind(
        request={"cookies": {"sid": "s3cret"}, "headers": {"cookie": "b=s3cret"}},
        sent=(b"Cookie: b=s3cret; sid=s3cret",),
    ),
    "cookies and fields": Kind(
        request={"cookies": {"sid": "s3cret"}, "headers": [("Cookie", "a=s3cret"), ("Cookie", "b=s3cret")]},
        sent=(b"Cookie: a=s3cret; b=s3cret; sid=s3cret",),
    ),
    "Cookie2": of_request("Cookie2", "s3cret"),
}


def lines(head: bytes) -> list[bytes]:
    return head.split(b"\r\n")[:-2]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", KINDS)
async def test_the_matrix(kind: str, change: str) -> None:
    here, there = CHANGES[change]
    given = KINDS[kind]
    async with a_world() as world:
        one, other = await world.chain(here, there)
        async with world.session() as session:
            assert await text(session, f"{here}/start") == "ok"
        plain_one, plain_other = one.heads[:], other.heads[:]
        one.heads.clear()
        other.heads.clear()
        async with world.session(**given.session) as session:
            url = here.replace("://", f"://{given.user}")
            assert await text(session, f"{url}/start", **given.request) == "ok"
        # The other origin sees what it would see without, and so does this one when asked by the other.
        assert other.heads == plain_other
        assert len(one.heads) == 3
        assert one.heads[2] == plain_one[2]
        for head, plain in zip(one.heads[:2], plain_one[:2], strict=True):
            assert sorted(lines(head)) == sorted([*lines(plain), *given.sent])
        assert not any(shows(head) for head in [*other.heads, one.heads[2]])


@pytest.mark.parametrize("status", [301, 303, 307, 308])
@pytest.mark.parametrize("kind", ["several spellings", "auth", "auth of the session", "cookies"])
async def test_each_status(status: int, kind: str) -> None:
    given = KINDS[kind]
    async with a_world() as world:
        one, other = await world.chain(HTTP, "http://b.test", status)
        async with (
            world.session(**given.session) as session,
            session.post(f"{HTTP}/start", data=b"body", **given.request) as response,
        ):
            assert response.status == 200
        for head in one.heads[:2]:
            assert set(given.sent) <= set(lines(head))
        assert not any(shows(head) for head in [*other.heads, one.heads[2]])


# netrc


def netrc(monkeypatch: pytest.MonkeyPatch, folder: Path, content: str) -> None:
    path = folder / "netrc"
    path.write_text(content)
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))
    environment(monkeypatch)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "entry", ["machine {} login user password s3cret", "default login user password s3cret"]
)
async def test_netrc(entry: str, change: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not even the other's own are sent: who redirects would choose who gets them, and by which scheme."""
    here, there = CHANGES[change]
    machines = [entry.format(place(origin)[0]) for origin in (here, there)]
    netrc(monkeypatch, tmp_path, "\n".join(machines) + "\n")
    async with a_world() as world:
        one, other = await world.chain(here, there)
        async with world.session(trust_env=True) as session:
            assert await text(session, f"{here}/start") == "ok"
        assert one.fields("Authorization") == [[BASIC], [BASIC], []]
        assert other.fields("Authorization") == [[], []]


async def test_netrc_is_asked_once_for_a_chain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc(monkeypatch, tmp_path, "machine b.test login user password s3cret\n")
    async with a_world() as world:
        one, other = await world.chain(HTTP, "http://b.test")
        async with world.session(trust_env=True) as session:
            assert await text(session, f"{HTTP}/start") == "ok"
            assert one.fields("Authorization") == [[], [], []]
            assert other.fields("Authorization") == [[], []]
            other.answers["/own"] = to(f"{HTTP}/x")
            assert await text(session, "http://b.test/own") == "ok"
        assert other.fields("Authorization")[2:] == [[BASIC]]
        assert one.fields("Authorization")[3:] == [[]]


# A session for one origin


@pytest.mark.parametrize("change", CHANGES)
async def test_auth_of_a_session_with_a_base_url(change: str) -> None:
    here, there = CHANGES[change]
    async with a_world() as world:
        one, other = await world.chain(here, there)
        async with world.session(base_url=f"{here}/", auth=AUTH) as session:
            assert await text(session, "start") == "ok"
            assert one.fields("Authorization") == [[BASIC], [BASIC], []]
            assert await text(session, f"{there}/middle") == "ok"
        # Nor has it any for a way back that began elsewhere.
        assert one.fields("Authorization")[3:] == [[]]
        assert other.fields("Authorization") == [[]] * 4


# Host


async def test_a_host_of_the_callers() -> None:
    async with a_world() as world:
        one, other = await world.chain(HTTP, "http://b.test:8080")
        async with world.session() as session:
            assert await text(session, f"{HTTP}/start", headers={"host": "virtual.test"}) == "ok"
        assert one.fields("Host") == [["virtual.test"], ["virtual.test"], ["a.test"]]
        assert other.fields("Host") == [["b.test:8080"]] * 2


# Credentials in a location


@pytest.mark.parametrize("kind", ["nothing", "auth of the session", "a field of the session", "a field"])
async def test_a_location_with_credentials(kind: str) -> None:
    """They are for its origin, wherever it is; the caller's count before them at their own."""
    given = KINDS.get(kind, Kind())
    own = [line.partition(b": ")[2].decode() for line in given.sent]
    theirs = BasicAuth("x", "y").encode()
    async with a_world() as world:
        one, other = await world.site(HTTP), await world.site("http://b.test")
        one.answers = {"/start": to("http://x:y@a.test/next"), "/next": to("http://x:y@b.test/middle")}
        other.answers = {"/middle": to("again"), "/again": to("//b.test/last"), "/last": to(f"{HTTP}/end")}
        async with (
            world.session(**given.session) as session,
            session.get(f"{HTTP}/start", **given.request) as response,
        ):
            urls = [str(each.real_url) for each in [*response.history, response]]
        assert one.fields("Authorization") == [own, own or [theirs], []]
        assert other.fields("Authorization") == [[theirs]] * 3
        paths = ("/start", "/next"), ("/middle", "/again", "/last"), ("/end",)
        places = zip((HTTP, "http://b.test", HTTP), paths, strict=True)
        assert urls == [f"{origin}{path}" for origin, group in places for path in group]


# The jar has rules of its own (RFC 6265bis section 5.8.3)


async def test_cookies_of_the_jar() -> None:
    jar = CookieJar()
    jar.update_cookies({"host": "1"}, URL(f"{HTTPS}/"))
    jar.update_cookies_from_headers(["tls=2; Secure; Path=/"], URL(f"{HTTPS}/"))
    jar.update_cookies_from_headers(["wide=3; Domain=a.test; Path=/"], URL(f"{HTTPS}/"))
    async with a_world() as world:
        one, other = await world.chain(HTTPS, "http://a.test:8080")
        below, elsewhere = await world.site("https://sub.a.test"), await world.site("https://b.test")
        one.answers["/end"] = to("https://sub.a.test/")
        below.answers["/"] = to("https://b.test/")
        elsewhere.answers["/"] = to(f"{HTTPS}/back")
        async with world.session(cookie_jar=jar) as session:
            assert await text(session, f"{HTTPS}/start") == "ok"
        everything = [["host=1; tls=2; wide=3"]]
        assert one.fields("Cookie") == everything * 4
        assert other.fields("Cookie") == [["host=1; wide=3"]] * 2
        assert below.fields("Cookie") == [["wide=3"]]
        assert elsewhere.fields("Cookie") == [[]]


@pytest.mark.parametrize("domain", ["", "; Domain=a.test", "; Domain=b.test", "; Domain=test"])
async def test_cookies_that_are_set_on_the_way(domain: str) -> None:
    async with a_world() as world:
        one, other = await world.chain(HTTP, "http://b.test")
        one.answers["/next"] = to("http://b.test/middle", 302, f"Set-Cookie: sid=s3cret; Path=/{domain}")
        async with world.session() as session:
            assert await text(session, f"{HTTP}/start", cookies={"own": "1"}) == "ok"
        is_kept = domain in ("", "; Domain=a.test")
        assert one.fields("Cookie") == [["own=1"], ["own=1"], ["sid=s3cret"] if is_kept else []]
        assert other.fields("Cookie") == [[], []]


# What is shown


FAILURES = {
    "too many": to("?"),
    "another scheme": to("ftp://user:s3cret@b.test/"),
    "no URL": to("http://user:s3cret@b.test:x/"),
    "nowhere": to("http://user:s3cret@c.test/"),
    "no body twice": to("http://user:s3cret@b.test/middle", 307),
    "rubbish": b"rubbish\r\n\r\n",
    "the end": b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(
    "kind", ["a field", "auth", "in the URL", "auth of the session", "cookies", "a Cookie field"]
)
async def test_no_error_shows_them(kind: str, failure: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"body"

    given = KINDS[kind]
    listener = Listener()
    async with a_world() as world:
        one, other = await world.chain(HTTP, "http://b.test", 307 if failure == "no body twice" else 302)
        for where in (one, other):
            where.answers[{one: "/start", other: "/middle"}[where]] = FAILURES[failure]
            options: dict[str, Any] = {**given.request, "raise_for_status": True}
            if failure == "no body twice":
                options["data"] = pieces()
            async with world.session(**given.session, trace_configs=[listener.config]) as session:
                url = f"http://{given.user}a.test/start"
                with pytest.raises(ClientError) as caught:
                    await session.post(url, **options)
                error = caught.value
                assert not shows(error)
                assert not shows("".join(traceback.format_exception(error)))
                for thing in (getattr(error, "history", ()), session, session.connector):
                    assert not shows(thing)
            one.answers["/start"] = to("/next")
    for params in listener.params:
        assert not shows(getattr(params, "url", None))
        assert not shows(getattr(params, "exception", None))


@pytest.mark.parametrize(
    "kind", ["several spellings", "auth", "in the URL", "fields of the session", "cookies"]
)
async def test_no_trace_of_another_origin_shows_them(kind: str) -> None:
    given = KINDS[kind]
    listener = Listener()
    async with a_world() as world:
        await world.chain(HTTP, "http://b.test")
        async with world.session(**given.session, trace_configs=[listener.config]) as session:
            url = f"http://{given.user}a.test/start"
            assert await text(session, url, **given.request) == "ok"
        redirects = [at for at, event in enumerate(listener.events) if event == "request_redirect"]
        assert len(redirects) == 4
        for at, params in enumerate(listener.params):
            assert not shows(getattr(params, "url", None))
            if at > redirects[1]:
                assert not shows(params)
        sent = [params.headers for params in listener.params if hasattr(params, "headers")]
        assert any(shows(headers) for headers in sent)  # where they belong
