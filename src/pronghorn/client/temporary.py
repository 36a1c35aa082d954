"""What fails for the moment, and may not when it is asked again."""

from collections.abc import Mapping
from typing import Final

from multidict import istr
from yarl import URL

from ..wire.cookies import parse_cookie_date
from .errors import ClientConnectorCertificateError, ClientConnectorPolicyError, ServerFingerprintMismatch

#: The server, or a gateway before it, says that it can't now.
TEMPORARY: Final = frozenset({429, 502, 503, 504})
#: Asked again, they would answer the same.
FUTILE: Final = (ClientConnectorCertificateError, ClientConnectorPolicyError, ServerFingerprintMismatch)
_RETRY_AFTER: Final = istr("Retry-After")


def asked_delay(headers: Mapping[str, str], now: float) -> float:
    """Seconds until the moment that Retry-After names (RFC 9110 section 10.2.3), which may have passed.

    0 if it names none. ``now`` is in seconds since the epoch.
    """
    value = headers.get(_RETRY_AFTER, "")
    if value.isascii() and value.isdigit():
        return float(value)
    # Of the many forms that it reads, three are those of an HTTP-date.
    moment = parse_cookie_date(value)
    return 0.0 if moment is None else moment - now


def without_secrets(url: URL) -> URL:
    """What logs show of ``url``: no user information and no query."""
    shown = url.with_query(None).with_fragment(None)
    return shown.with_user(None) if shown.absolute else shown
