from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from multidict import CIMultiDict

from pronghorn.compat import http_exceptions
from pronghorn.compat.http_exceptions import BadHttpMessage, HttpProcessingError, PayloadEncodingError

from ..copies import COPIES

FIELDS = CIMultiDict({"Allow": "GET"})


class Case(NamedTuple):
    """A class, its direct base, how it is made, and what it says then."""

    kind: type[HttpProcessingError]
    base: type[Exception]
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    code: int
    message: str
    attributes: dict[str, Any]

    def make(self) -> Any:
        return self.kind(*self.arguments, **self.options)


def message(kind: type[HttpProcessingError], base: type[Exception] = BadHttpMessage) -> Case:
    return Case(kind, base, ("m",), {"headers": FIELDS}, 400, "m", {"headers": FIELDS})


CASES = [
    Case(
        HttpProcessingError,
        Exception,
        (),
        {"code": 499, "message": "m", "headers": FIELDS},
        499,
        "m",
        {"headers": FIELDS},
    ),
    message(BadHttpMessage, HttpProcessingError),
    message(http_exceptions.HttpBadRequest),
    message(PayloadEncodingError),
    message(http_exceptions.ContentEncodingError, PayloadEncodingError),
    message(http_exceptions.TransferEncodingError, PayloadEncodingError),
    message(http_exceptions.ContentLengthError, PayloadEncodingError),
    message(http_exceptions.DecompressSizeError, PayloadEncodingError),
    message(http_exceptions.InvalidURLError),
    Case(
        http_exceptions.LineTooLong,
        BadHttpMessage,
        (b"abc", 2, "3"),
        {},
        400,
        "Got a line longer than 2 bytes (3 bytes): b'abc'",
        {"line": b"abc", "limit": 2, "actual_size": "3", "headers": None},
    ),
    Case(
        http_exceptions.InvalidHeader,
        BadHttpMessage,
        (b"a\xff",),
        {},
        400,
        "Not a header field: b'a\\xff'",
        {"hdr": "a\udcff", "headers": None},
    ),
    Case(
        http_exceptions.BadStatusLine,
        BadHttpMessage,
        ("HTTP/9",),
        {},
        400,
        "Bad status line: 'HTTP/9'",
        {"line": "HTTP/9", "headers": None},
    ),
    Case(
        http_exceptions.BadHttpMethod,
        http_exceptions.BadStatusLine,
        ("G@T /",),
        {},
        400,
        "Bad method in the request line: 'G@T /'",
        {"line": "G@T /", "headers": None},
    ),
]
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind.__name__)


def check(error: Any, case: Case) -> None:
    assert type(error) is case.kind
    assert (error.code, error.message, error.args) == (case.code, case.message, case.arguments)
    assert {name: getattr(error, name) for name in case.attributes} == case.attributes
    assert str(error) == f"{case.code}, message:\n  {case.message}"
    assert repr(error) == f"<{case.kind.__name__}: {case.code}, message={case.message!r}>"


def test_every_class_has_its_case() -> None:
    classes = {value for value in vars(http_exceptions).values() if isinstance(value, type)}
    assert classes - {CIMultiDict} == {case.kind for case in CASES}


@each_case
def test_base_and_what_it_says(case: Case) -> None:
    assert case.kind.__bases__ == (case.base,)
    check(case.make(), case)


@each_case
@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_survives(case: Case, copied: Callable[[Any], Any]) -> None:
    check(copied(case.make()), case)


def test_nothing_said_is_what_the_class_says() -> None:
    assert str(HttpProcessingError()) == "0, message:\n"
    assert (HttpProcessingError.code, HttpProcessingError.message, HttpProcessingError.headers) == (
        0,
        "",
        None,
    )
    assert (BadHttpMessage.code, BadHttpMessage.message) == (400, "Bad Request")
    assert str(BadHttpMessage("")) == "400, message:\n  Bad Request"


def test_longer_messages_are_indented() -> None:
    assert str(BadHttpMessage("a\nb")) == "400, message:\n  a\n  b"


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [(HttpProcessingError, ("m",)), (BadHttpMessage, ()), (http_exceptions.InvalidHeader, ())],
)
def test_arguments_are_as_documented(kind: Any, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        kind(*arguments)


@pytest.mark.parametrize("kind", [http_exceptions.BadStatusLine, http_exceptions.BadHttpMethod])
def test_start_line_of_bytes_and_a_reason(kind: Any) -> None:
    error = kind(b"abc", "no version")  # bytes come from those who read a socket
    assert (error.line, error.args, error.message) == ("b'abc'", ("b'abc'",), "no version")


def test_start_line_may_be_missing() -> None:
    assert http_exceptions.BadStatusLine().message == "Bad status line: ''"
    assert http_exceptions.BadHttpMethod().message == "Bad method in the request line: ''"


def test_long_line_of_unknown_length() -> None:
    error = http_exceptions.LineTooLong("abc")
    assert error.message == "Got a line longer than Unknown bytes: 'abc'"
    assert error.args == ("abc", "Unknown", "Unknown")


def test_field_as_text() -> None:
    assert http_exceptions.InvalidHeader("a b").hdr == "a b"
