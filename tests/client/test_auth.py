import base64
import pickle
from typing import Any

import pytest
from yarl import URL

from pronghorn.client.auth import BasicAuth, encode_basic_auth, strip_auth_from_url


def header(credentials: bytes) -> str:
    return f"Basic {base64.b64encode(credentials).decode()}"


def test_it_is_a_tuple_with_defaults() -> None:
    auth = BasicAuth("user")
    assert tuple(auth) == (auth.login, auth.password, auth.encoding) == ("user", "", "latin1")
    assert BasicAuth(login="a", password="b", encoding="utf-8") == ("a", "b", "utf-8")
    assert BasicAuth("a", "b") != BasicAuth("a", "c")
    assert {BasicAuth("a"): 1}[BasicAuth("a")] == 1
    with pytest.raises(AttributeError):
        auth.login = "other"  # type: ignore[misc]  # that it is refused is the point


# RFC 7617 section 2 has the first, its section 2.1 the second.
@pytest.mark.parametrize(
    ("auth", "value"),
    [
        (("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        (("test", "123\xa3", "utf-8"), "Basic dGVzdDoxMjPCow=="),
        (("test", "123\xa3"), header(b"test:123\xa3")),
        (("", ""), header(b":")),
        (("user", ""), header(b"user:")),
        (("", "word"), header(b":word")),
        (("user", "a:b:"), header(b"user:a:b:")),
    ],
)
def test_what_is_encoded_decodes_to_the_same(auth: tuple[str, ...], value: str) -> None:
    made = BasicAuth(*auth)
    assert made.encode() == value
    decoded = BasicAuth.decode(value, encoding=made.encoding)
    assert type(decoded) is BasicAuth
    assert decoded == made


@pytest.mark.parametrize(
    ("login", "password", "encoding", "credentials"),
    [("a", "\xe9", "utf-8", b"a:\xc3\xa9"), ("a", "\xe9", "latin1", b"a:\xe9"), ("a", "", "ascii", b"a:")],
)
def test_a_value_without_the_tuple(login: str, password: str, encoding: str, credentials: bytes) -> None:
    assert encode_basic_auth(login, password, encoding) == header(credentials)


def test_a_value_without_the_tuple_is_utf_8() -> None:
    assert encode_basic_auth("\u7528", "\xe9") == header("\u7528:\xe9".encode())
    assert encode_basic_auth("user") == header(b"user:")


@pytest.mark.parametrize("make", [BasicAuth, encode_basic_auth])
@pytest.mark.parametrize(
    ("login", "password", "expected"),
    [
        (None, "", "login, got None"),
        ("a", None, "password, got None"),
        ("a:b", "", 'login without ":"'),
        ("a\n", "secret", "login without control"),
        ("a", "secret\r\n", "password without control"),
        ("a", "secret\0", "password without control"),
        ("a", "secret\x7f", "password without control"),
    ],
)
def test_bad_credentials_are_refused(make: Any, login: Any, password: Any, expected: str) -> None:
    with pytest.raises(ValueError, match=expected) as caught:
        make(login, password)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("make", [BasicAuth, encode_basic_auth])
@pytest.mark.parametrize("credentials", [(b"a", ""), ("a", b"secret"), (1, ""), ("a", 2)])
def test_another_type_is_refused(make: Any, credentials: tuple[Any, Any]) -> None:
    with pytest.raises(TypeError, match=r"as str, got (bytes|int)$"):
        make(*credentials)


def test_what_got_past_the_constructor_is_refused_when_it_is_encoded() -> None:
    with pytest.raises(ValueError, match='without ":"'):
        BasicAuth._make(["a:b", "c", "latin1"]).encode()


def test_what_an_encoding_can_not_write() -> None:
    with pytest.raises(ValueError, match="latin-1"):
        BasicAuth("a", "\u20ac").encode()
    with pytest.raises(LookupError, match="no-such-encoding"):
        BasicAuth("a", "b", "no-such-encoding").encode()


@pytest.mark.parametrize(
    "value",
    ["basic YTpi", "BASIC YTpi", "Basic YTpi", "Basic  YTpi"],
    ids=["lower", "upper", "title", "spaces"],
)
def test_the_scheme_is_in_any_case_and_spaces_follow(value: str) -> None:
    assert BasicAuth.decode(value) == ("a", "b", "latin1")


@pytest.mark.parametrize(
    ("value", "encoding", "expected"),
    [
        ("", "latin1", "another scheme"),
        ("YTpi", "latin1", "another scheme"),
        ("Digest YTpi", "latin1", "another scheme"),
        ("Basic\tYTpi", "latin1", "another scheme"),
        ("Basic", "latin1", "':'"),
        ("Basic ", "latin1", "':'"),
        ("Basic YQ==", "latin1", "':'"),
        ("Basic YTpi!", "latin1", "base64"),
        ("Basic YTp", "latin1", "base64"),
        ("Basic YT pi", "latin1", "base64"),
        ("Basic YTpi\r\n", "latin1", "base64"),
        ("Basic \xe9", "latin1", "base64"),
        (header(b"a:\xff"), "utf-8", "utf-8"),
        (header(b"a:b\n"), "latin1", "control"),
    ],
)
def test_bad_values_are_refused(value: str, encoding: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected) as caught:
        BasicAuth.decode(value, encoding)
    assert type(caught.value) is ValueError
    assert "YTp" not in str(caught.value)


def test_it_is_decoded_as_latin1_unless_said() -> None:
    assert BasicAuth.decode(header(b"a:\xc3\xa9")) == ("a", "\xc3\xa9", "latin1")
    assert BasicAuth.decode(header(b"a:\xc3\xa9"), "utf-8") == ("a", "\xe9", "utf-8")


URLS = [
    ("http://host/", None, "http://host/"),
    ("http://@host/", None, "http://host/"),
    ("/path", None, "/path"),
    ("http://user@host", ("user", ""), "http://host"),
    ("http://user:word@host:81/p?q=1#f", ("user", "word"), "http://host:81/p?q=1#f"),
    ("http://:word@host", ("", "word"), "http://host"),
    ("http://:@host", ("", ""), "http://host"),
    ("http://us%40er:a%2Fb%3A@host", ("us@er", "a/b:"), "http://host"),
    ("http://%C3%A9:%C3%A9@[::1]/", ("\xe9", "\xe9"), "http://[::1]/"),
]


@pytest.mark.parametrize(("url", "credentials", "rest"), URLS)
def test_credentials_of_a_url(url: str, credentials: tuple[str, str] | None, rest: str) -> None:
    expected = credentials and (*credentials, "latin1")
    assert BasicAuth.from_url(URL(url)) == expected
    assert strip_auth_from_url(URL(url)) == (URL(rest), expected)


def test_a_url_may_come_with_an_encoding() -> None:
    auth = BasicAuth.from_url(URL("http://a:%E2%82%AC@host"), encoding="utf-8")
    assert auth is not None
    assert auth.encode() == header("a:\u20ac".encode())
    with pytest.raises(TypeError):
        BasicAuth.from_url(URL("http://a@host"), "utf-8")  # type: ignore[misc]  # by keyword only


@pytest.mark.parametrize("url", ["http://a%3Ab:c@host", "http://a:c%0A@host"])
def test_credentials_of_a_url_are_checked(url: str) -> None:
    with pytest.raises(ValueError, match="Basic authentication"):
        BasicAuth.from_url(URL(url))
    with pytest.raises(ValueError, match="Basic authentication"):
        strip_auth_from_url(URL(url))


@pytest.mark.parametrize("take", [BasicAuth.from_url, strip_auth_from_url])
def test_a_str_is_no_url(take: Any) -> None:
    with pytest.raises(TypeError, match=r"expected a yarl\.URL, got str"):
        take("http://a:b@host")


def test_the_password_is_not_shown() -> None:
    auth = BasicAuth("user", "secret")
    assert repr(auth) == str(auth) == "BasicAuth(login='user', password=..., encoding='latin1')"


def test_it_survives_pickling() -> None:
    auth = BasicAuth("a", "b", "utf-8")
    copy = pickle.loads(pickle.dumps(auth))
    assert type(copy) is BasicAuth
    assert copy == auth


def test_a_subclass_stays_one() -> None:
    class Token(BasicAuth):
        __slots__ = ()

    assert type(Token("a")) is Token
    assert type(Token.decode("Basic YTpi")) is Token
    assert type(Token.from_url(URL("http://a@host"))) is Token
    assert repr(Token("a")).startswith("Token(")
