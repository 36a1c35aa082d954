"""The names of ``aiohttp.http_exceptions``, for those who raise and catch them themselves.

Nothing of ours raises them: the wire has one ProtocolError, which the client and the server turn
into errors of their own.
"""

from textwrap import indent

from multidict import CIMultiDict


class HttpProcessingError(Exception):
    """An HTTP error of any ``code``, with a ``message`` and the ``headers`` of an answer to it.

    An empty message, or no code, is that of the class.
    """

    code = 0
    message = ""
    headers: CIMultiDict[str] | None = None

    def __init__(
        self, *, code: int | None = None, message: str = "", headers: CIMultiDict[str] | None = None
    ) -> None:
        super().__init__()
        self.code = type(self).code if code is None else code
        self.message = message or type(self).message
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.code}, message:\n{indent(self.message, '  ')}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.code}, message={self.message!r}>"


class BadHttpMessage(HttpProcessingError):
    """What was received is not HTTP."""

    code = 400
    message = "Bad Request"

    def __init__(self, message: str, *, headers: CIMultiDict[str] | None = None) -> None:
        super().__init__(message=message, headers=headers)
        self.args = (message,)


class HttpBadRequest(BadHttpMessage):
    """The request is not to be understood."""


class PayloadEncodingError(BadHttpMessage):
    """A body is not encoded as its head says."""


class ContentEncodingError(PayloadEncodingError):
    """A body breaks the rules of its content coding."""


class TransferEncodingError(PayloadEncodingError):
    """A body breaks the rules of its transfer coding."""


class ContentLengthError(PayloadEncodingError):
    """A body is not as long as its head says."""


class DecompressSizeError(PayloadEncodingError):
    """A body is too long when it is inflated."""


class LineTooLong(BadHttpMessage):
    """A line is longer than ``limit`` bytes."""

    def __init__(
        self, line: str | bytes, limit: str | int = "Unknown", actual_size: str | int = "Unknown"
    ) -> None:
        size = "" if actual_size == "Unknown" else f" ({actual_size} bytes)"
        super().__init__(f"Got a line longer than {limit} bytes{size}: {line!r}")
        self.args = (line, limit, actual_size)
        self.line = line
        self.limit = limit
        self.actual_size = actual_size


class InvalidHeader(BadHttpMessage):
    """``hdr`` is no field."""

    def __init__(self, hdr: bytes | str) -> None:
        super().__init__(f"Not a header field: {hdr!r}")
        self.args = (hdr,)
        self.hdr = hdr.decode("utf-8", "surrogateescape") if isinstance(hdr, bytes) else hdr


class BadStatusLine(BadHttpMessage):
    """``line`` is no start line; ``error`` says why not."""

    def __init__(self, line: str = "", error: str | None = None) -> None:
        # Bytes are given, too, and are shown as such.
        line = line if isinstance(line, str) else str(line)
        super().__init__(error or f"Bad status line: {line!r}")
        self.args = (line,)
        self.line = line


class BadHttpMethod(BadStatusLine):
    """``line`` does not begin with a method."""

    def __init__(self, line: str = "", error: str | None = None) -> None:
        super().__init__(line, error or f"Bad method in the request line: {line!r}")


class InvalidURLError(BadHttpMessage):
    """The target of a request is no URL."""
