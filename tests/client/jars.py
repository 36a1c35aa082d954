"""Cookie jars whose time is set, and what they send."""

from typing import Any

from yarl import URL

from pronghorn.client.cookiejar import AbstractCookieJar, CookieJar

HERE = URL("https://www.a.example/x/y")
PLAIN = URL("http://www.a.example/x/y")
NOWHERE = URL()


class ClockedJar(CookieJar):
    """A jar whose time is set."""

    now = 1_000_000_000.0

    def _now(self) -> float:
        return self.now


def jar_of(*fields: str, url: URL = HERE, **options: Any) -> ClockedJar:
    """A jar that a response from ``url`` has set these cookies in."""
    jar = ClockedJar(**options)
    jar.update_cookies_from_headers(fields, url)
    return jar


def given(cookies: Any, url: URL | str | None = NOWHERE, **options: Any) -> ClockedJar:
    """A jar that was given these cookies."""
    jar = ClockedJar(**options)
    jar.update_cookies(cookies, url)
    return jar


def sent(jar: AbstractCookieJar, url: str | URL = HERE) -> str:
    """The Cookie field of a request; what `filter_cookies` tells has to be the same."""
    url = URL(url)
    field = jar.cookie_field(url)
    filtered = "; ".join(f"{name}={cookie.coded_value}" for name, cookie in jar.filter_cookies(url).items())
    if field != filtered:
        raise ValueError(f"the field is {field!r}, and the cookies are {filtered!r}")
    return field
