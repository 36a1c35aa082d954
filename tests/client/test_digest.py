import hashlib
import secrets
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from pronghorn.body.payload import BytesPayload
from pronghorn.client.digest import DigestAuthMiddleware
from pronghorn.client.response import ClientResponse

from .digest_server import (
    HASHES,
    MD5,
    Held,
    Request,
    Server,
    challenged,
    middleware,
    offer,
    read_answer,
    scripted,
)

# The examples of the RFCs

RFC_2617 = (
    'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",'
    ' opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int",'
    ' nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",'
    ' opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", algorithm='
)
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
SHA_256 = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
EXAMPLES = [
    # RFC 2617 section 3.5
    (f'{RFC_2617}, qop="auth,auth-int"', "Circle Of Life", "0a4f113b", "6629fae49393a05397450978507c4ef1"),
    # RFC 2069 section 2.4, as erratum 749 has it
    (RFC_2617, "CircleOfLife", "", "1949323746fe6a43ef61f9606e7febea"),
    # RFC 7616 section 3.9.1
    (f"{RFC_7616}MD5", "Circle of Life", CNONCE, "8ca523f5e9506fed4657c9700eebdbec"),
    (f"{RFC_7616}SHA-256, {RFC_7616}MD5", "Circle of Life", CNONCE, SHA_256),
]


@pytest.mark.parametrize(("challenge", "password", "cnonce", "expected"), EXAMPLES)
async def test_examples_of_the_rfcs(
    monkeypatch: pytest.MonkeyPatch, challenge: str, password: str, cnonce: str, expected: str
) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: cnonce)
    handler, sent = scripted(challenge, 200)
    response = await DigestAuthMiddleware("Mufasa", password)(Request(), handler)
    assert response.status == 200
    assert sent[0] is None
    fields = read_answer(sent[1] or "")
    assert fields["response"] == expected
    assert fields["username"] == "Mufasa"
    assert fields.get("nc", "00000001") == "00000001"
    assert ("cnonce" in fields) == ("qop" in fields) == bool(cnonce)


async def test_example_of_rfc_7616_section_3_9_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the values of erratum 4897: those of the RFC are of a SHA-512 cut short."""
    monkeypatch.setattr(secrets, "token_hex", lambda _: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v")
    handler, sent = scripted(
        'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256,'
        ' nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",'
        ' opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true',
        200,
    )
    login = DigestAuthMiddleware("J\xe4s\xf8n Doe", "Secret, or not?")
    await login(Request("http://api.example.org/doe.json"), handler)
    assert sent[1] == (
        'Digest username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b", userhash=true,'
        ' realm="api@example.org", uri="/doe.json", algorithm=SHA-512-256,'
        ' nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", nc=00000001,'
        ' cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", qop=auth,'
        ' response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5",'
        ' opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS"'
    )


# What is sent


@pytest.mark.parametrize("session", ["", "-sess", "-SESS"])
@pytest.mark.parametrize("qop", ["auth", "auth-int", "auth,auth-int", ""])
@pytest.mark.parametrize("algorithm", [*HASHES, "md5", "Sha-256"])
async def test_algorithms_and_qualities(algorithm: str, qop: str, session: str) -> None:
    server = Server(algorithm=algorithm + session, qop=qop)
    login = middleware()
    url = URL("http://host/%7Ea%2Fb?q=%22%C3%BC&r")
    for payload in (None, BytesPayload(b"content")):
        assert (await login(Request(url, "PUT", payload), server)).status == 200
    assert server.statuses == [401, 200, 200]
    assert {answer.get("qop", "") for answer in server.answers if answer} == {qop.partition(",")[0]}


@pytest.mark.parametrize("login", ["a", "", 'a"\\b', "J\xe4so\u0308n", "\u7530\u4e2d", "%41'*"])
@pytest.mark.parametrize(
    "parameters", [{}, {"charset": "utf-8"}, {"charset": "UTF-8", "userhash": "TRUE"}, {"userhash": "true"}]
)
async def test_names_and_their_charset(login: str, parameters: dict[str, str]) -> None:
    server = Server(login, 'p"a\\ss:\xfc u\u0308', algorithm="SHA-256-sess", **parameters)
    assert (await DigestAuthMiddleware(login, server.password)(Request(), server)).status == 200


async def test_other_charsets_and_no_userhash() -> None:
    server = Server("\xfc", charset="", userhash="")
    handler, sent = scripted(server.challenge(charset="latin1", userhash="false"), 200)
    await DigestAuthMiddleware("\xfc", server.password)(Request(), handler)
    assert server.is_right(Request(), read_answer(sent[1] or ""), b"")


async def test_no_algorithm_is_md5_and_is_not_sent() -> None:
    server = Server(algorithm="", opaque="")
    assert (await middleware()(Request(), server)).status == 200


HOSTILE = st.text(
    st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from('\t"\\,= \udc80'), min_size=1
)


@given(HOSTILE, HOSTILE, HOSTILE)
async def test_nothing_breaks_out_of_its_quotes(realm: str, nonce: str, opaque: str) -> None:
    server = Server(realm=realm, opaque=opaque)
    server.issued[nonce] = 0
    handler, sent = scripted(server.challenge(nonce=nonce), 200)
    await middleware()(Request(), handler)
    assert server.is_right(Request(), read_answer(sent[1] or ""), b"")


async def test_backslash_at_the_end_of_a_nonce() -> None:  # aiohttp #13054
    handler, sent = scripted(r'Digest realm="r\\", nonce="n\\", opaque="o\\\", uri=\"/x"', 200)
    await middleware()(Request(), handler)
    fields = read_answer(sent[1] or "")
    assert (fields["realm"], fields["nonce"]) == ("r\\", "n\\")
    assert (fields["opaque"], fields["uri"]) == ('o\\", uri="/x', "/dir/index.html")


# Which challenge is answered


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([MD5, offer("SHA")], "SHA"),
        ([offer("SHA-256"), MD5], "SHA-256"),
        ([offer("MD5-sess"), offer("SHA256-sess"), offer("SHA")], "SHA256-sess"),
        # equally strong: the server's order
        ([offer("SHA-512-256"), offer("SHA-256")], "SHA-512-256"),
        ([offer("SHA-256"), offer("SHA-512-256")], "SHA-256"),
        ([offer("SHA-512-256"), offer("SHA-512"), offer("SHA512")], "SHA-512"),
        ([offer("MD5", qop=""), offer("MD5-sess")], "MD5-sess"),
        # what can't be answered
        (["Basic realm=r", "Negotiate", MD5], "md5"),
        ([offer("SHA-1024"), offer("SHA-256", qop="other"), offer("SHA-512", nonce=""), MD5], "md5"),
        ([offer("\u017fHA-256"), offer("sha-256\u212a"), MD5], "md5"),
        ([offer("SHA-256") + ', nonce="b"', 'Digest algorithm=SHA-256, nonce="c"', MD5], "md5"),
    ],
)
async def test_the_strongest_offer_is_chosen(offered: list[str], chosen: str) -> None:
    for challenges in (offered, [", ".join(offered)]):

        async def handle(request: Request, challenges: list[str] = challenges) -> ClientResponse:
            return challenged(request, *challenges)

        request = Request()
        await middleware()(request, handle)
        assert read_answer(request.headers["Authorization"])["nonce"] == chosen


async def test_a_hash_that_this_python_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    new = hashlib.new

    def lacking(name: str, *args: Any) -> Any:
        if name == "sha512_256":
            raise ValueError(f"unsupported hash type {name}")
        return new(name, *args)

    monkeypatch.setattr(hashlib, "new", lacking)
    handler, sent = scripted(f"{offer('SHA-512-256')}, {MD5}", 200, offer("SHA-512-256"))
    await middleware()(Request(), handler)
    assert read_answer(sent[1] or "")["nonce"] == "md5"
    assert (await middleware()(Request(), handler)).status == 401
    assert sent[2:] == [None]


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        "Basic realm=r",
        "Digest",
        "Digest abc=",
        'Digest realm="r"',
        'Digest nonce="n"',
        'Digest realm="r", nonce=""',
        'Digest realm="r", nonce="n',
        'Digest realm="r", nonce="n\0"',
        'Digest realm="r", nonce="n", nonce="m"',
        'Digest realm="r", nonce="n", qop="auth-conf"',
        'Digest realm="r", nonce="n", algorithm=SHA-3',
        'Digest realm="r", nonce="n", algorithm=-sess',
    ],
)
async def test_what_cannot_be_answered_is_the_callers(challenge: str) -> None:
    held: list[ClientResponse] = []

    async def handle(request: Request) -> ClientResponse:
        held.append(challenged(request, challenge, kind=Held))
        return held[-1]

    response = await middleware()(Request(), handle)
    assert response is held[0]
    assert len(held) == 1
    assert not response.closed


# How often


async def test_credentials_that_are_refused_are_sent_once() -> None:
    server = Server(password="another")
    login = middleware()
    for _ in range(2):
        response = await login(Request(), server)
        assert response.status == 401
    assert [answer is not None for answer in server.answers] == [False, True] * 2


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([MD5, MD5], 401),
        ([MD5, offer("MD5", nonce="2")], 401),
        ([MD5, "Basic realm=r"], 401),
        ([MD5, offer("MD5", stale="true", nonce="2"), 200], 200),
        ([MD5, offer("MD5", stale="true", nonce="2"), offer("MD5", stale="true", nonce="3")], 401),
        ([MD5, offer("MD5", stale="true", nonce="2"), offer("MD5", nonce="3")], 401),
        ([MD5, offer("MD5", stale="false", nonce="2")], 401),
        # Stale, and nothing was sent yet: a challenge like others.
        ([offer("MD5", stale="true"), offer("MD5", stale="true", nonce="2"), 204], 204),
        ([500], 500),
        ([407], 407),
        ([MD5, 403], 403),
    ],
)
async def test_tries_without_a_session(script: list[str | int], expected: int) -> None:
    handler, sent = scripted(*script)
    assert (await middleware()(Request(), handler)).status == expected
    assert len(sent) == len(script)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([200], 200),
        ([MD5], 401),
        (["Basic realm=r"], 401),
        ([offer("MD5", nonce="2"), 200], 200),
        ([offer("MD5", nonce="2"), offer("MD5", nonce="3")], 401),
        ([offer("MD5", nonce="2"), offer("MD5", stale="true", nonce="3"), 200], 200),
        ([offer("MD5", stale="true", nonce="2"), 200], 200),
        ([offer("MD5", stale="true", nonce="2"), offer("MD5", nonce="3")], 401),
        ([offer("MD5", stale="true", nonce="2"), offer("MD5", stale="true", nonce="3")], 401),
        # of another realm, which counts with the same nonce
        ([MD5.replace('"r"', '"s"'), 200], 200),
    ],
)
async def test_tries_with_a_session(script: list[str | int], expected: int) -> None:
    handler, sent = scripted(MD5, 200, *script)
    login = middleware()
    await login(Request(), handler)
    assert (await login(Request(), handler)).status == expected
    assert len(sent) == 2 + len(script)
    assert sent[2] is not None
    used = [(fields["nonce"], fields["nc"]) for fields in map(read_answer, filter(None, sent))]
    assert len(set(used)) == len(used)


# Who is asked to make one


@pytest.mark.parametrize(
    ("login", "password"),
    [(None, "b"), ("a", None), ("a:b", "c"), (":", "c"), *((f"a{c}", "b") for c in "\0\r\n\t\x1f\x7f\ud800")],
)
def test_credentials_that_cannot_be_sent(login: Any, password: Any) -> None:
    with pytest.raises(ValueError, match=r"Digest authentication: expected a (login|password)") as raised:
        DigestAuthMiddleware(login, password)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize("control", "\0\r\n\t\x1f\x7f\ud800")
def test_passwords_that_cannot_be_sent(control: str) -> None:
    with pytest.raises(ValueError, match="password") as raised:
        DigestAuthMiddleware("a", f"hidden{control}")
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(("login", "password"), [(b"a", "b"), ("a", b"b"), (1, "b"), ("a", ["b"])])
def test_credentials_of_another_type(login: Any, password: Any) -> None:
    with pytest.raises(TypeError, match=r"expected (login|password) as str, got"):
        DigestAuthMiddleware(login, password)


def test_what_repr_shows() -> None:
    login = DigestAuthMiddleware(login="me", password="hidden", preemptive=False)
    assert repr(login) == "DigestAuthMiddleware(login='me', password=..., preemptive=False)"
