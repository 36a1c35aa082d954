"""Where a request goes: the URL that was given, and where it leads."""

from functools import lru_cache
from typing import Any, Final

from yarl import URL

from ..io.dial import Address
from .errors import InvalidUrlClientError, NonHttpUrlClientError

SCHEMES: Final = ("http", "https")


def as_url(url: str | URL) -> URL:
    """``url``, parsed. Raises InvalidUrlClientError."""
    if isinstance(url, URL):
        return url
    if not isinstance(url, str):
        raise TypeError(f"url: expected a str or a yarl.URL, got {type(url).__name__}")
    # `URL` takes line ends out and goes on; who put them there wanted to split the request.
    if "\r" in url or "\n" in url or "\0" in url:
        raise InvalidUrlClientError(url, "CR, LF and NUL are not allowed")
    try:
        return URL(url)
    except ValueError as error:
        raise InvalidUrlClientError(url, str(error)) from error


def parse_url(url: str | URL, params: Any) -> URL:
    """The URL to request; ``params`` join its query, a str taken as it is.

    Raises InvalidUrlClientError, or NonHttpUrlClientError for a scheme that is neither http nor https.
    """
    parsed = as_url(url)
    if params:
        parsed = _with_params(parsed, params, url)
    if parsed.scheme not in SCHEMES:
        if not parsed.scheme:
            raise InvalidUrlClientError(url, "expected an absolute URL")
        raise NonHttpUrlClientError(url, f"expected the scheme http or https, got {parsed.scheme!r}")
    if not parsed.raw_host:
        raise InvalidUrlClientError(url, "the host is missing")
    return parsed


def _with_params(parsed: URL, params: Any, given: str | URL) -> URL:
    try:
        if not isinstance(params, str):
            return parsed.extend_query(params)
        return URL.build(
            scheme=parsed.scheme,
            authority=parsed.raw_authority,
            path=parsed.raw_path,
            query_string=f"{parsed.raw_query_string}&{params}" if parsed.raw_query_string else params,
            fragment=parsed.raw_fragment,
            encoded=True,
        )
    except TypeError as error:
        raise TypeError(f"params: {error}") from error
    except ValueError as error:
        raise InvalidUrlClientError(given, str(error)) from error


@lru_cache(maxsize=1024)
def address_of(host: str | None, port: int | None, scheme: str) -> Address:
    """Where to connect for the parts of a URL; the same object for the same parts."""
    return Address(host or "", port or 0, scheme == "https")
