"""Basic authentication (RFC 7617): a user-id and a password, in base64, for whoever can read it.

    Authorization: Basic base64(user-id ":" password)

The first colon ends the user-id, so it has none; neither has control characters. No message here shows what a
credential is made of.
"""

import base64
from typing import NamedTuple, Self

from yarl import URL

# CTL of RFC 5234 appendix B.1
_CONTROLS = frozenset(map(chr, (*range(0x20), 0x7F)))


def _check(login: str | None, password: str | None) -> None:
    """ValueError unless both can be part of a credential (RFC 7617 section 2)."""
    for name, value in (("login", login), ("password", password)):
        if value is None:
            raise ValueError(f"Basic authentication: expected a {name}, got None")
        if not isinstance(value, str):
            raise TypeError(f"Basic authentication: expected {name} as str, got {type(value).__name__}")
        if not _CONTROLS.isdisjoint(value):
            raise ValueError(f"Basic authentication: expected a {name} without control characters")
    if login is not None and ":" in login:
        raise ValueError('Basic authentication: expected a login without ":"')


def encode_basic_auth(login: str, password: str = "", encoding: str = "utf-8") -> str:
    """The value of Authorization or Proxy-Authorization.

    ValueError if ``login`` has a colon, if one of both has a control character or can't be encoded.
    """
    _check(login, password)
    return "Basic " + base64.b64encode(f"{login}:{password}".encode(encoding)).decode("ascii")


class _Credentials(NamedTuple):
    login: str
    password: str
    encoding: str


class BasicAuth(_Credentials):
    """A user's name and password, and how they become bytes.

    ValueError if one of them is None or has a control character, or ``login`` has a colon.
    """

    __slots__ = ()

    def __new__(cls, login: str, password: str = "", encoding: str = "latin1") -> Self:
        _check(login, password)
        return super().__new__(cls, login, password, encoding)

    def __repr__(self) -> str:
        # Logs and tracebacks show it: the password stays out of them.
        return f"{type(self).__name__}(login={self.login!r}, password=..., encoding={self.encoding!r})"

    @classmethod
    def decode(cls, auth_header: str, encoding: str = "latin1") -> Self:
        """From the value of Authorization; ValueError if that is not of this scheme, or broken."""
        scheme, _, token = auth_header.partition(" ")
        if scheme.lower() != "basic":  # RFC 9110 section 11.1: in any case
            raise ValueError("Basic authentication: expected 'Basic' and a token, got another scheme")
        try:
            # RFC 9110 section 11.4: one or more spaces lie between the two.
            credentials = base64.b64decode(token.lstrip(" "), validate=True).decode(encoding)
        except ValueError:  # of base64, or UnicodeDecodeError, which holds what can't be shown
            raise ValueError(f"Basic authentication: expected base64 of {encoding} text") from None
        login, colon, password = credentials.partition(":")
        if not colon:
            raise ValueError("Basic authentication: expected a ':' between login and password")
        return cls(login, password, encoding)

    @classmethod
    def from_url(cls, url: URL, *, encoding: str = "latin1") -> Self | None:
        """The credentials in a URL, or None; TypeError if it is not a `yarl.URL`."""
        if not isinstance(url, URL):
            raise TypeError(f"BasicAuth.from_url: expected a yarl.URL, got {type(url).__name__}")
        if url.raw_user is None and url.raw_password is None:
            return None
        return cls(url.user or "", url.password or "", encoding)

    def encode(self) -> str:
        """The value of Authorization or Proxy-Authorization; ValueError if it can't be encoded."""
        return encode_basic_auth(*self)


def strip_auth_from_url(url: URL) -> tuple[URL, BasicAuth | None]:
    """The URL without its credentials, and these."""
    auth = BasicAuth.from_url(url)
    return (url, None) if auth is None else (url.with_user(None), auth)
