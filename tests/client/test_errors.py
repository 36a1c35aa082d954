import asyncio
import copy
import errno
import ssl
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import MagicMock, Mock

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from pronghorn.client import errors
from pronghorn.client.errors import ConnectionKey, RequestInfo
from pronghorn.io.dial import Address

from ..copies import COPIES

URL_GIVEN = URL("http://host/a#b")
REQUEST_FIELDS = CIMultiDictProxy(CIMultiDict({"Authorization": "Basic c2VjcmV0"}))
INFO = RequestInfo(URL("http://host/a"), "GET", REQUEST_FIELDS, URL_GIVEN)
FIELDS = CIMultiDictProxy(CIMultiDict([("Server", "x"), ("Warning", "1"), ("Warning", "2")]))
KEY = ConnectionKey("host", 443, True, True, None, None, None)
UNVERIFIED = KEY._replace(ssl=False)
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
TLS_FAILED = ssl.SSLError(1, "wrong version number")
EXPIRED = ssl.SSLCertVerificationError(1, "certificate has expired")
WHERE = {"host": "host", "port": 443, "ssl": True}


class Case(NamedTuple):
    """A class, what it derives from, how it is made, and what it says then."""

    kind: type[Exception]
    bases: tuple[type, ...]
    arguments: tuple[Any, ...] = ("a",)
    options: dict[str, Any] = {}  # noqa: RUF012 - never changed
    attributes: dict[str, Any] = {}  # noqa: RUF012 - never changed
    text: str = "a"
    #: What `args` is, if not the arguments.
    args: tuple[Any, ...] | None = None

    def make(self) -> Any:
        return self.kind(*self.arguments, **self.options)


def plain(kind: type[Exception], *bases: type) -> Case:
    return Case(kind, bases)


def answered(kind: type[Exception], *bases: type) -> Case:
    return Case(
        kind,
        bases,
        (INFO, ("earlier",)),
        {"status": 404, "message": "Not Found", "headers": FIELDS},
        {
            "request_info": INFO,
            "history": ("earlier",),
            "status": 404,
            "message": "Not Found",
            "headers": FIELDS,
        },
        "404, message='Not Found', url='http://host/a#b'",
    )


def unconnected(kind: type[Exception], *bases: type, os_error: OSError = REFUSED) -> Case:
    return Case(
        kind,
        bases,
        (KEY, os_error),
        attributes={
            **WHERE,
            "os_error": os_error,
            "errno": os_error.errno,
            "strerror": os_error.strerror,
        },
        text=f"Cannot connect to host host:443 ssl:default [{os_error.strerror}]",
    )


def malformed(kind: type[Exception], *bases: type) -> Case:
    return Case(
        kind,
        bases,
        ("x", "no host"),
        attributes={"url": "x", "description": "no host"},
        text="x - no host",
    )


CASES = [
    plain(errors.ClientError, Exception),
    plain(errors.ClientPayloadError, errors.ClientError),
    plain(errors.UploadAbortedError, errors.ClientError),
    plain(errors.UnrepeatableBodyError, errors.RedirectClientError),
    # Responses
    answered(errors.ClientResponseError, errors.ClientError),
    answered(errors.ContentTypeError, errors.ClientResponseError),
    answered(errors.WSServerHandshakeError, errors.ClientResponseError),
    answered(errors.ClientHttpProxyError, errors.ClientResponseError),
    answered(errors.TooManyRedirects, errors.ClientResponseError),
    # Connections
    plain(errors.ClientConnectionError, errors.ClientError),
    plain(errors.ClientConnectionResetError, errors.ClientConnectionError, ConnectionResetError),
    Case(
        errors.ClientOSError,
        (errors.ClientConnectionError, OSError),
        (errno.EPIPE, "broken pipe"),
        attributes={"errno": errno.EPIPE, "strerror": "broken pipe"},
        text=f"[Errno {errno.EPIPE}] broken pipe",
    ),
    unconnected(errors.ClientConnectorError, errors.ClientOSError),
    unconnected(errors.ClientConnectorDNSError, errors.ClientConnectorError),
    unconnected(errors.ClientConnectorPolicyError, errors.ClientConnectorError),
    unconnected(errors.ClientProxyConnectionError, errors.ClientConnectorError),
    Case(
        errors.UnixClientConnectorError,
        (errors.ClientConnectorError,),
        ("/run/s", UNVERIFIED, REFUSED),
        attributes={**WHERE, "ssl": False, "path": "/run/s", "os_error": REFUSED},
        text="Cannot connect to unix socket /run/s ssl:False [refused]",
        args=(UNVERIFIED, REFUSED),
    ),
    unconnected(errors.ClientSSLError, errors.ClientConnectorError),
    unconnected(errors.ClientConnectorSSLError, errors.ClientSSLError, ssl.SSLError, os_error=TLS_FAILED),
    Case(
        errors.ClientConnectorCertificateError,
        (errors.ClientSSLError, ssl.CertificateError, errors.ClientConnectorSSLError),
        (KEY, EXPIRED),
        attributes={**WHERE, "certificate_error": EXPIRED, "os_error": EXPIRED, "errno": 1},
        text=(
            "Cannot connect to host host:443 ssl:True "
            "[SSLCertVerificationError: (1, 'certificate has expired')]"
        ),
    ),
    # The server's part
    plain(errors.ServerConnectionError, errors.ClientConnectionError),
    plain(errors.DisconnectedError, Exception),
    Case(
        errors.ServerDisconnectedError,
        (errors.ServerConnectionError, errors.DisconnectedError),
        attributes={"message": "a"},
    ),
    plain(errors.ServerTimeoutError, errors.ServerConnectionError, asyncio.TimeoutError),
    plain(errors.ConnectionTimeoutError, errors.ServerTimeoutError),
    plain(errors.PoolTimeoutError, errors.ConnectionTimeoutError),
    plain(errors.SocketTimeoutError, errors.ServerTimeoutError),
    Case(
        errors.ServerFingerprintMismatch,
        (errors.ServerConnectionError,),
        (b"\x00\x01", b"\xfe\xff", "host", 443),
        attributes={"expected": b"\x00\x01", "got": b"\xfe\xff", "host": "host", "port": 443},
        text="The certificate of host:443 has the fingerprint feff, expected 0001",
    ),
    # URLs
    malformed(errors.InvalidURL, errors.ClientError, ValueError),
    malformed(errors.InvalidUrlClientError, errors.InvalidURL),
    malformed(errors.NonHttpUrlClientError, errors.ClientError, errors.InvalidUrlClientError),
    plain(errors.RedirectClientError, errors.ClientError),
    malformed(errors.InvalidUrlRedirectClientError, errors.InvalidUrlClientError, errors.RedirectClientError),
    malformed(errors.NonHttpUrlRedirectClientError, errors.NonHttpUrlClientError, errors.RedirectClientError),
]

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind.__name__)
each_copy = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)


def comparable(value: Any) -> Any:
    """Errors are equal if they are the same object; here, if they say the same."""
    if isinstance(value, BaseException):
        return type(value), comparable(value.args)
    return tuple(map(comparable, value)) if type(value) is tuple else value


def told(error: Any, names: Any) -> Any:
    return [comparable(error), str(error), repr(error)] + [comparable(getattr(error, name)) for name in names]


# Every class


def test_every_class_has_its_case() -> None:
    defined = {
        value
        for value in vars(errors).values()
        if isinstance(value, type)
        and issubclass(value, BaseException)
        and value.__module__ == errors.__name__
    }
    assert defined == {case.kind for case in CASES}


@each_case
def test_documented_bases(case: Case) -> None:
    assert [base for base in case.bases if not issubclass(case.kind, base)] == []


@each_case
def test_says_what_and_where(case: Case) -> None:
    error = case.make()
    assert str(error) == case.text
    assert {name: getattr(error, name) for name in case.attributes} == case.attributes
    assert error.args == (case.arguments if case.args is None else case.args)
    assert repr(error).startswith(f"{case.kind.__name__}(")
    assert "Authorization" not in repr(error)


@each_case
@each_copy
def test_survives(case: Case, copied: Callable[[Any], Any]) -> None:
    error = case.make()
    error.add_note("while testing")
    error.extra = ["kept"]
    names = [*case.attributes, *(("errno", "strerror") if isinstance(error, OSError) else ())]
    other = copied(error)
    assert told(other, names) == told(error, names)
    assert (other.__notes__, other.extra) == (["while testing"], ["kept"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (errors.ClientPayloadError, errors.ClientConnectionError),
        (errors.ClientPayloadError, errors.ClientResponseError),
        (errors.ServerConnectionError, OSError),
        (errors.ServerDisconnectedError, OSError),
        (errors.ServerFingerprintMismatch, errors.ClientOSError),
        (errors.ClientResponseError, errors.ClientConnectionError),
        (errors.ClientConnectionError, OSError),
        (errors.ClientConnectorSSLError, ssl.CertificateError),
        (errors.RedirectClientError, ValueError),
        (errors.WSMessageTypeError, errors.ClientError),
    ],
)
def test_branches_are_apart(one: type, other: type) -> None:
    assert not issubclass(one, other)


def test_other_names() -> None:
    assert errors.FingerprintMismatch is errors.ServerFingerprintMismatch
    assert (errors.ssl_errors, errors.cert_errors) == ((ssl.SSLError,), (ssl.CertificateError,))
    assert errors.ssl_error_bases == (errors.ClientSSLError, ssl.SSLError)
    assert errors.cert_errors_bases == (errors.ClientSSLError, ssl.CertificateError)


class OwnResponseError(errors.ClientResponseError):
    def __init__(self, response: Any) -> None:
        super().__init__(response.request_info, (), status=418)
        self.detail = "teapot"


class OwnConnectorError(errors.ClientConnectorError):
    def __init__(self) -> None:
        super().__init__(KEY, REFUSED)
        self.detail = "teapot"


@each_copy
@pytest.mark.parametrize(
    "error",
    [OwnResponseError(SimpleNamespace(request_info=INFO)), OwnConnectorError()],
    ids=lambda error: type(error).__name__,
)
def test_subclass_with_its_own_constructor_survives(error: Any, copied: Callable[[Any], Any]) -> None:
    other = copied(error)
    assert told(other, ["detail"]) == told(error, ["detail"])


# Responses


def test_response_error_of_nothing_but_the_request() -> None:
    error = errors.ClientResponseError(INFO)
    assert (error.status, error.message, error.headers, error.history) == (0, "", None, ())
    assert str(error) == "0, message='', url='http://host/a#b'"


@pytest.mark.parametrize(
    ("request_info", "url"),
    [(None, "None"), (Mock(real_url="there"), "there"), (URL("http://host/"), "http://host/")],
)
def test_response_error_of_a_stand_in(request_info: Any, url: str) -> None:
    error = errors.ClientResponseError(request_info, None, status=401)
    assert error.request_info is request_info
    assert str(error) == f"401, message='', url={url!r}"


@pytest.mark.parametrize(
    ("given", "kept"), [([1, 2], (1, 2)), ((1,), (1,)), (iter([1]), (1,)), (None, ()), (Mock(), ())]
)
def test_history_is_a_tuple(given: Any, kept: tuple[int, ...]) -> None:
    error = errors.ClientResponseError(INFO, given)
    assert error.history == kept
    assert error.args == (INFO, kept)


def test_code_is_the_deprecated_name_of_the_status() -> None:
    with pytest.warns(DeprecationWarning, match="use status") as making:
        error = errors.ClientResponseError(INFO, code=404)
    with pytest.warns(DeprecationWarning, match="use status") as reading:
        assert error.code == error.status == 404
    with pytest.warns(DeprecationWarning, match="use status") as writing:
        error.code = 410
    assert error.status == 410
    assert [caught[0].filename for caught in (making, reading, writing)] == [__file__] * 3


def test_code_and_status_is_one_too_many() -> None:
    with pytest.raises(ValueError, match="expected one of them, got 404 and 500"):
        errors.ClientResponseError(INFO, code=404, status=500)


def test_status_can_be_changed() -> None:
    error = errors.ClientResponseError(INFO, status=404)
    error.status, error.message = 410, "Gone"
    assert str(error) == "410, message='Gone', url='http://host/a#b'"


@each_copy
@pytest.mark.parametrize("kind", [CIMultiDict, CIMultiDictProxy])
def test_fields_arrive_as_a_proxy(kind: Any, copied: Callable[[Any], Any]) -> None:
    given = FIELDS if kind is CIMultiDictProxy else CIMultiDict(FIELDS)
    other = copied(errors.ClientResponseError(INFO, headers=given))
    assert type(other.headers) is CIMultiDictProxy
    assert other.headers.getall("warning") == ["1", "2"]


class Unpicklable:
    """As a response is: its connection is of this process."""

    request_info = INFO

    def __reduce__(self) -> Any:
        raise TypeError("a connection can't be pickled")


@each_copy
def test_responses_stay_behind(copied: Callable[[Any], Any]) -> None:
    history = (Unpicklable(), "earlier", Unpicklable())
    error = errors.TooManyRedirects(INFO, history, status=302)
    other = copied(error)
    kept = history if copied is copy.copy else ("earlier",)
    assert other.history == kept
    assert other.args == (INFO, kept)
    assert str(other) == str(error)
    assert error.history == history


# Connections


@pytest.mark.parametrize("kind", [errors.ClientConnectorError, errors.ClientConnectorCertificateError])
@pytest.mark.parametrize(
    ("key", "os_error"), [(Mock(), Mock()), (MagicMock(), OSError()), (None, OSError("x"))]
)
def test_connector_error_of_stand_ins(kind: Any, key: Any, os_error: Any) -> None:
    error = kind(key, os_error)
    assert error.os_error is os_error
    assert error.args == (key, os_error)
    assert str(error).startswith("Cannot connect to host ")


@pytest.mark.parametrize(
    "key",
    [SimpleNamespace(host="host", port=1, ssl=None), Address("host", 1), Address("host", 1, True, False)],
)
def test_connector_error_of_other_keys(key: Any) -> None:
    error = errors.ClientConnectorError(key, REFUSED)
    assert (error.host, error.port, error.ssl) == ("host", 1, key.ssl)


def test_connector_error_without_a_key() -> None:
    error = errors.ClientConnectorError(None, REFUSED)
    assert str(error) == "Cannot connect to host ?:None ssl:default [refused]"


@pytest.mark.parametrize(
    ("os_error", "words"),
    [(OSError("gone"), "gone"), (TimeoutError(), "TimeoutError"), (OSError(1, "no"), "no")],
)
def test_connector_error_always_says_why(os_error: OSError, words: str) -> None:
    error = errors.ClientConnectorError(KEY, os_error)
    assert error.errno == os_error.errno
    assert error.strerror == words
    assert str(error).endswith(f"[{words}]")


@each_copy
@each_case
def test_connector_errors_say_what_was_being_done_and_with_whom(
    case: Case, copied: Callable[[Any], Any]
) -> None:
    if issubclass(case.kind, errors.ClientConnectorError):
        for phase, peer, words in [("", "", ""), ("dns", "", " (dns)"), ("tls", "::1", " (tls, ::1)")]:
            error = case.make()
            assert (error.phase, error.peer) == ("", "")
            error.phase, error.peer = phase, peer
            error = copied(error)
            assert (error.phase, error.peer, str(error)) == (phase, peer, case.text + words)


@each_copy
@pytest.mark.parametrize(
    "make",
    [
        lambda key: errors.ClientConnectorError(key, REFUSED),
        lambda key: errors.UnixClientConnectorError("/run/s", key, REFUSED),
        lambda key: errors.ClientConnectorCertificateError(key, EXPIRED),
    ],
    ids=["tcp", "unix", "certificate"],
)
def test_tls_context_stays_behind(make: Callable[[Any], Any], copied: Callable[[Any], Any]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    error = make(KEY._replace(ssl=context))
    other = copied(error)
    assert (other.host, other.port, str(other)) == (error.host, error.port, str(error))
    assert type(other.args[0]) is ConnectionKey
    assert other.args[0].ssl == (context if copied is copy.copy else "SSLContext")
    assert error.args[0].ssl is context


def test_tls_context_is_named_by_its_type() -> None:
    key = KEY._replace(ssl=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert "ssl:SSLContext [refused]" in str(errors.ClientConnectorError(key, REFUSED))


def test_what_is_in_the_key_is_not_shown() -> None:
    key = KEY._replace(proxy_auth="secret")
    assert "secret" not in repr(errors.ClientConnectorError(key, REFUSED))


# The first documents catch an expired certificate by the first, another bad one by the second,
# and both by the third.
@pytest.mark.parametrize(
    ("caught", "also"),
    [
        (errors.ClientConnectorSSLError, ssl.SSLError),
        (errors.ClientConnectorCertificateError, ssl.CertificateError),
        (errors.ClientSSLError, ssl.SSLError),
        (errors.ClientSSLError, ssl.CertificateError),
    ],
)
def test_bad_certificate_is_caught(caught: type[Exception], also: type[Exception]) -> None:
    with pytest.raises(caught) as raised:
        raise errors.ClientConnectorCertificateError(KEY, EXPIRED)
    assert isinstance(raised.value, also)


@each_copy
def test_what_openssl_says_is_passed_on(copied: Callable[[Any], Any]) -> None:
    cause = ssl.SSLCertVerificationError(1, "certificate has expired")
    details = {"library": "SSL", "reason": "EXPIRED", "verify_code": 10, "verify_message": "has expired"}
    vars(cause).update(details)
    error = copied(errors.ClientConnectorCertificateError(KEY, cause))
    assert {name: getattr(error, name) for name in details} == details


class StandInForABadCertificate(errors.ClientConnectorCertificateError):
    """As tests of other people write it."""

    def __init__(self) -> None:
        self._conn_key = KEY._replace(port=1, is_ssl=False)
        self._certificate_error = Exception("no")


@each_copy
def test_subclass_that_sets_what_it_knows(copied: Callable[[Any], Any]) -> None:
    error = copied(StandInForABadCertificate())
    assert str(error) == "Cannot connect to host host:1 ssl:False [Exception: ('no',)]"


@each_copy
def test_os_error_keeps_its_file(copied: Callable[[Any], Any]) -> None:
    error = errors.ClientOSError(errno.ENOENT, "missing", "/run/s")
    assert copied(error).filename == "/run/s"
    assert str(copied(error)) == str(error)


# The others


@pytest.mark.parametrize("arguments", [(), (None,)])
def test_disconnection_has_a_message(arguments: Any) -> None:
    error = errors.ServerDisconnectedError(*arguments)
    assert error.message == str(error) == "Server disconnected"


def test_url_alone() -> None:
    error = errors.InvalidURL(URL_GIVEN)
    assert (error.url, error.description, error.args) == (URL_GIVEN, None, (URL_GIVEN,))
    assert str(error) == "http://host/a#b"


def test_fingerprints_of_any_type_are_shown() -> None:
    assert "expected x" in str(errors.ServerFingerprintMismatch("x", None, "host", 443))  # type: ignore[arg-type]  # on purpose
