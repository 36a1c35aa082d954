import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from pronghorn.client import errors as client
from pronghorn.client.request_info import ConnectionKey
from pronghorn.compat import errors, http_exceptions

KEY = ConnectionKey("host", 443, True, True, None, None, None)

#: The module of the first documents, whole.
NAMES = """
    DisconnectedError ClientDisconnectedError ServerDisconnectedError WSClientDisconnectedError
    HttpProcessingError BadHttpMessage HttpMethodNotAllowed HttpBadRequest HttpProxyError
    BadStatusLine LineTooLong InvalidHeader ContentEncodingError TransferEncodingError
    ParserError LineLimitExceededParserError
    ClientError ClientHttpProcessingError ClientRequestError ClientResponseError ClientConnectionError
    ClientOSError ClientTimeoutError ProxyConnectionError FingerprintMismatch WSServerHandshakeError
    InvalidURL
""".split()

SAME = [
    ("ClientError", client.ClientError),
    ("ClientConnectionError", client.ClientConnectionError),
    ("ClientOSError", client.ClientOSError),
    ("ClientResponseError", client.ClientResponseError),
    ("ClientTimeoutError", client.ServerTimeoutError),
    ("DisconnectedError", client.DisconnectedError),
    ("FingerprintMismatch", client.ServerFingerprintMismatch),
    ("HttpProxyError", client.ClientHttpProxyError),
    ("InvalidURL", client.InvalidURL),
    ("ProxyConnectionError", client.ClientProxyConnectionError),
    ("ServerDisconnectedError", client.ServerDisconnectedError),
    ("WSServerHandshakeError", client.WSServerHandshakeError),
    *(
        (name, getattr(http_exceptions, name))
        for name in """
            BadHttpMessage BadStatusLine ContentEncodingError HttpBadRequest HttpProcessingError InvalidHeader
            LineTooLong TransferEncodingError
        """.split()
    ),
]

BASES = [
    (errors.ClientDisconnectedError, errors.DisconnectedError),
    (errors.ServerDisconnectedError, errors.DisconnectedError),
    (errors.WSClientDisconnectedError, errors.ClientDisconnectedError),
    (errors.BadHttpMessage, errors.HttpProcessingError),
    (errors.HttpMethodNotAllowed, errors.HttpProcessingError),
    (errors.HttpBadRequest, errors.BadHttpMessage),
    (errors.BadStatusLine, errors.BadHttpMessage),
    (errors.LineTooLong, errors.BadHttpMessage),
    (errors.InvalidHeader, errors.BadHttpMessage),
    (errors.ContentEncodingError, errors.BadHttpMessage),
    (errors.TransferEncodingError, errors.BadHttpMessage),
    (errors.LineLimitExceededParserError, errors.ParserError),
    (errors.ClientHttpProcessingError, errors.ClientError),
    (errors.ClientRequestError, errors.ClientHttpProcessingError),
    (errors.ClientResponseError, errors.ClientHttpProcessingError),
    (errors.ClientConnectionError, errors.ClientError),
    (errors.ClientOSError, errors.ClientConnectionError),
    (errors.ClientOSError, OSError),
    (errors.ClientTimeoutError, errors.ClientConnectionError),
    (errors.ClientTimeoutError, TimeoutError),
    (errors.ProxyConnectionError, errors.ClientConnectionError),
    (errors.FingerprintMismatch, errors.ClientConnectionError),
    (errors.InvalidURL, Exception),
]


def test_every_name_is_there() -> None:
    assert sorted(errors.__all__) == sorted(NAMES)
    assert [name for name in NAMES if not issubclass(getattr(errors, name), Exception)] == []


@pytest.mark.parametrize(("name", "kind"), SAME, ids=[name for name, _ in SAME])
def test_what_lives_on_is_the_same_class(name: str, kind: type) -> None:
    assert getattr(errors, name) is kind


@pytest.mark.parametrize(("kind", "base"), BASES)
def test_documented_bases(kind: type, base: type) -> None:
    assert issubclass(kind, base)


@pytest.mark.parametrize(
    ("old", "raised"),
    [
        (errors.DisconnectedError, client.ServerDisconnectedError()),
        (errors.ClientRequestError, client.ClientConnectionResetError(104, "reset")),
        (errors.ClientRequestError, client.ClientOSError(32, "broken pipe")),
        (errors.ClientHttpProcessingError, client.ClientPayloadError("short")),
        (errors.ClientHttpProcessingError, client.ClientResponseError(None, status=400)),  # type: ignore[arg-type]  # as in tests
        (errors.ClientTimeoutError, client.SocketTimeoutError("late")),
        (errors.ClientTimeoutError, client.ConnectionTimeoutError("late")),
        (errors.ProxyConnectionError, client.ClientProxyConnectionError(KEY, OSError(111, "refused"))),
        (errors.FingerprintMismatch, client.ServerFingerprintMismatch(b"a", b"b", "host", 443)),
        (errors.InvalidURL, client.NonHttpUrlClientError("ftp://host/")),
    ],
)
def test_old_name_catches_what_is_raised_today(old: type[Exception], raised: Exception) -> None:
    with pytest.raises(old) as caught:
        raise raised
    assert caught.value is raised


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (errors.ClientDisconnectedError, errors.ServerDisconnectedError),
        (errors.ClientDisconnectedError, errors.ClientError),
        (errors.ClientRequestError, errors.ClientResponseError),
        (errors.ClientResponseError, errors.ClientRequestError),
        (errors.ParserError, errors.HttpProcessingError),
    ],
)
def test_branches_are_apart(one: type, other: type) -> None:
    assert not issubclass(one, other)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (errors.DisconnectedError("gone"), "gone"),
        (errors.ClientDisconnectedError("gone"), "gone"),
        (errors.WSClientDisconnectedError("gone"), "gone"),
        (errors.ClientRequestError("gone"), "gone"),
        (errors.ClientHttpProcessingError("gone"), "gone"),
        (errors.HttpMethodNotAllowed(), "405, message:\n  Method Not Allowed"),
        (errors.HttpMethodNotAllowed(message="no PUT"), "405, message:\n  no PUT"),
        (errors.ParserError("odd"), "odd"),
        (errors.LineLimitExceededParserError("too long", 8190), "too long"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize(
    "copied",
    [
        lambda value: value,
        *(
            lambda value, protocol=protocol: pickle.loads(pickle.dumps(value, protocol))
            for protocol in range(2, 6)
        ),
        copy.copy,
        copy.deepcopy,
    ],
)
def test_can_be_made_and_survives(error: Any, text: str, copied: Callable[[Any], Any]) -> None:
    other = copied(error)
    assert (type(other), other.args, str(other)) == (type(error), error.args, text)
    assert vars(other) == vars(error)


def test_method_not_allowed_is_a_status() -> None:
    assert (errors.HttpMethodNotAllowed.code, errors.HttpMethodNotAllowed().code) == (405, 405)


def test_limit_of_a_line() -> None:
    assert errors.LineLimitExceededParserError("too long", 8190).limit == 8190
