"""BasicAuth."""

import base64
from typing import Any

import pytest
from yarl import URL

from pronghorn import BasicAuth, ClientSession, encode_basic_auth, web
from pronghorn.testing import TestServer


def test_s288_a_named_tuple() -> None:
    auth = BasicAuth("login")
    assert isinstance(auth, tuple)
    assert (auth.login, auth.password, auth.encoding) == tuple(auth) == ("login", "", "latin1")
    assert BasicAuth._fields == ("login", "password", "encoding")
    assert BasicAuth("a", "b") == BasicAuth(login="a", password="b", encoding="latin1")
    assert encode_basic_auth("a", "b") == BasicAuth("a", "b", "utf-8").encode()


def test_s289_decode() -> None:
    assert BasicAuth.decode("Basic bG9naW46cGFzcw==") == BasicAuth("login", "pass")
    utf_8 = BasicAuth("\u7528", "\u6237", "utf-8")
    assert BasicAuth.decode(auth_header=utf_8.encode(), encoding="utf-8") == utf_8
    for value in ("", "Basic", "bG9naW46cGFzcw==", "Digest bG9naW46cGFzcw==", "Basic bG9naW4=", "Basic !"):
        with pytest.raises(ValueError, match="Basic authentication"):
            BasicAuth.decode(value)


@pytest.mark.parametrize(
    ("url", "auth"),
    [
        ("http://login:pass@host/", BasicAuth("login", "pass")),
        ("http://login@host/", BasicAuth("login")),
        ("http://:pass@host/", BasicAuth("", "pass")),
        ("http://lo%40gin:p%3Ass@host/", BasicAuth("lo@gin", "p:ss")),
        ("http://host/", None),
    ],
)
def test_s290_from_url(url: str, auth: BasicAuth | None) -> None:
    assert BasicAuth.from_url(URL(url)) == auth
    if auth is not None:
        assert BasicAuth.from_url(URL(url), encoding="utf-8") == auth._replace(encoding="utf-8")
    text: Any = url
    with pytest.raises(TypeError, match=r"yarl\.URL"):
        BasicAuth.from_url(text)


async def test_s291_encode() -> None:
    assert BasicAuth("login", "pass").encode() == "Basic bG9naW46cGFzcw=="
    for encoding, octets in (("latin1", b"l:\xe9"), ("utf-8", b"l:\xc3\xa9")):
        assert BasicAuth("l", "\xe9", encoding).encode() == f"Basic {base64.b64encode(octets).decode()}"

    async def who(request: web.Request) -> web.Response:
        return web.Response(text=":".join(BasicAuth.decode(request.headers["Authorization"])[:2]))

    app = web.Application()
    app.router.add_get("/", who)
    headers = {"Authorization": BasicAuth("login", "pa:ss").encode()}
    async with (
        TestServer(app) as server,
        ClientSession() as session,
        session.get(server.make_url("/"), headers=headers) as response,
    ):
        assert await response.text() == "login:pa:ss"


@pytest.mark.parametrize(("login", "password"), [(None, ""), ("login", None), ("log:in", "pass")])
def test_s292_what_is_no_credential(login: Any, password: Any) -> None:
    with pytest.raises(ValueError, match="Basic authentication"):
        BasicAuth(login, password)
