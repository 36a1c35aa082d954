import asyncio
import errno
import pickle

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

import pronghorn
from pronghorn.client import errors
from pronghorn.io.dial import Address

INFO = errors.RequestInfo(
    URL("http://host/a"), "GET", CIMultiDictProxy(CIMultiDict({"Accept": "*/*"})), URL("http://host/a#b")
)
ADDRESS = Address("host", 80)

BASES = [
    ("ClientError", Exception),
    ("ClientPayloadError", errors.ClientError),
    ("InvalidURL", errors.ClientError),
    ("InvalidURL", ValueError),
    ("InvalidUrlClientError", errors.InvalidURL),
    ("NonHttpUrlClientError", errors.InvalidURL),
    ("ClientResponseError", errors.ClientError),
    ("ContentTypeError", errors.ClientResponseError),
    ("ClientConnectionError", errors.ClientError),
    ("ClientConnectionResetError", errors.ClientConnectionError),
    ("ClientConnectionResetError", ConnectionResetError),
    ("ClientOSError", errors.ClientConnectionError),
    ("ClientOSError", OSError),
    ("ClientConnectorError", errors.ClientOSError),
    ("ClientConnectorDNSError", errors.ClientConnectorError),
    ("ServerConnectionError", errors.ClientConnectionError),
    ("ServerDisconnectedError", errors.ServerConnectionError),
    ("ServerTimeoutError", errors.ServerConnectionError),
    ("ServerTimeoutError", asyncio.TimeoutError),
    ("ConnectionTimeoutError", errors.ServerTimeoutError),
    ("SocketTimeoutError", errors.ServerTimeoutError),
]


@pytest.mark.parametrize(("name", "base"), BASES)
def test_documented_bases(name: str, base: type) -> None:
    assert issubclass(getattr(pronghorn, name), base)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (errors.ClientPayloadError, errors.ClientConnectionError),
        (errors.ClientPayloadError, errors.ClientResponseError),
        (errors.ServerConnectionError, OSError),
        (errors.ClientResponseError, errors.ClientConnectionError),
        (errors.ClientConnectionError, OSError),
    ],
)
def test_branches_are_apart(one: type, other: type) -> None:
    assert not issubclass(one, other)


def test_response_error_tells_what_came() -> None:
    headers = CIMultiDictProxy(CIMultiDict({"Server": "x"}))
    error = errors.ClientResponseError(INFO, (1, 2), status=404, message="Not Found", headers=headers)
    assert (error.request_info, error.history, error.status, error.message) == (
        INFO,
        (1, 2),
        404,
        "Not Found",
    )
    assert error.headers is headers
    assert str(error) == "404, message='Not Found', url='http://host/a#b'"
    assert repr(error) == f"ClientResponseError({error})"


def test_disconnection_has_a_message() -> None:
    assert errors.ServerDisconnectedError().message == "Server disconnected"
    assert str(errors.ServerDisconnectedError("gone")) == "gone"


def test_connector_error_tells_where_to_and_why_not() -> None:
    cause = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
    error = errors.ClientConnectorError(ADDRESS, cause)
    assert (error.host, error.port, error.ssl, error.os_error) == ("host", 80, False, cause)
    assert (error.errno, error.strerror) == (errno.ECONNREFUSED, "refused")
    assert str(error) == "Cannot connect to host host:80 ssl:False [refused]"


def test_invalid_url_keeps_what_was_given() -> None:
    assert errors.InvalidURL("x").url == "x"
    assert str(errors.InvalidURL("x")) == "x"
    error = errors.InvalidUrlClientError("x", "no host")
    assert (error.url, error.description, str(error)) == ("x", "no host", "x - no host")


@pytest.mark.parametrize(
    "error",
    [
        errors.ClientError("a"),
        errors.ClientPayloadError("a"),
        errors.ClientOSError(1, "a"),
        errors.ClientConnectorError(ADDRESS, OSError(1, "a")),
        errors.ClientConnectorDNSError(ADDRESS, OSError(1, "a")),
        errors.ServerDisconnectedError("a"),
        errors.SocketTimeoutError("a"),
        errors.ConnectionTimeoutError("a"),
        errors.InvalidURL("a", "b"),
        errors.ClientResponseError(INFO, status=404, message="Not Found"),
        errors.ContentTypeError(INFO, status=200, message="x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_can_be_pickled(error: Exception) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.args == error.args or copy.request_info == error.request_info
