"""Start lines and field sections, both ways (RFC 9112 sections 2 to 5).

Requests are read with zero leniency: whatever two readers could understand in two
ways is refused. Responses are read with these leniencies, each of which deployed
servers need, and no other:

- lines may end in a bare LF (CGI scripts, small devices);
- the reason phrase and the space before it may be missing;
- a folded field value is unfolded (RFC 9112 section 5.2 asks a user agent to);
- a chunk size may be followed by spaces (`body.py`).

A strict reading is tried first. Only a response that fails it is read again with
its lines mended, so the leniencies cost the well-formed nothing.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, final

from multidict import istr

from ..errors import ProtocolError
from ..events import (
    Head,
    HttpVersion,
    HttpVersion10,
    HttpVersion11,
    InformationalHead,
    RequestHead,
    ResponseHead,
)
from ..fields import is_host, is_token
from ..limits import Limits
from ..roles import CLIENT, SERVER, Role
from .section import HOST, FieldSections

EXPECT: Final = istr("Expect")
UPGRADE: Final = istr("Upgrade")

_VERSIONS: Final = {b"HTTP/1.1": HttpVersion11, b"HTTP/1.0": HttpVersion10}
_ANY_VERSION: Final = re.compile(rb"HTTP/[0-9]\.[0-9]")
_METHODS: Final = {
    method.encode(): method
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY")
}
_RAW_METHODS: Final = {method: raw for raw, method in _METHODS.items()}
# Visible ASCII without what no client leaves unencoded: browsers do send "|", "[", "{" or "^" in a query.
_TARGET_CHARS: Final = bytes(set(range(0x21, 0x7F)) - set(b'#"<>'))
_ABSOLUTE_FORM: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?]*)(?:[/?].*)?")
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")

_REQUEST_SECTIONS: Final = FieldSections()
_RESPONSE_SECTIONS: Final = FieldSections()

_KEPT_LINES: Final = 256
_KEPT_LINE_SIZE: Final = 64

_LENIENT_HEAD_END: Final = re.compile(rb"\n\r?\n")


# Requests


def parse_request_head(block: bytes, limits: Limits) -> RequestHead:
    """Parse a request line and its fields, without the empty line that ends them."""
    line, _, section = block.partition(b"\r\n")
    if len(line) > limits.start_line:
        raise _too_long(limits)
    method, target, version = _REQUEST_LINES[line]
    headers, options = _REQUEST_SECTIONS.read(section, limits)
    if HOST not in headers:
        if version is HttpVersion11:
            raise ProtocolError("Host: missing")
    elif target[0] != "/":
        _check_authority(headers[HOST], method, target)
    head = RequestHead(method, target, version, headers, section)
    if options:
        _apply_connection(head, options)
    if method == "CONNECT":
        head.upgrade = "connect"
    if EXPECT in headers:
        # RFC 9110 section 10.1.1; an HTTP/1.0 client does not know of it.
        if ", ".join(headers.getall(EXPECT)).lower() != "100-continue":
            raise ProtocolError("Expect: the only expectation known is 100-continue", 417)
        head.expects_continue = version is HttpVersion11
    return head


def parse_request_line(line: bytes) -> tuple[str, str, HttpVersion]:
    """``method SP request-target SP HTTP-version`` (RFC 9112 section 3)."""
    parts = line.split(b" ")
    if len(parts) != 3:
        raise ProtocolError("request line: expected 'method SP request-target SP HTTP-version'")
    raw_method, raw_target, raw_version = parts
    method = _METHODS.get(raw_method)
    if method is None:
        if not is_token(raw_method):
            raise ProtocolError("method: expected a token")
        method = raw_method.decode("ascii")
    version = _VERSIONS.get(raw_version)
    if version is None:
        if _ANY_VERSION.fullmatch(raw_version):
            raise ProtocolError("HTTP version: expected HTTP/1.1 or HTTP/1.0", 505)
        raise ProtocolError("HTTP version: expected HTTP/1.1 or HTTP/1.0")
    if not raw_target or raw_target.translate(None, _TARGET_CHARS):
        raise ProtocolError("request-target: a character that must be percent-encoded")
    target = raw_target.decode("ascii")
    if target[0] != "/" or method == "CONNECT":
        _check_target_form(method, target)
    return method, target, version


@final
class RequestLines(dict[bytes, tuple[str, str, HttpVersion]]):
    """Request line -> its parts; a miss parses. Lines with a query, which may be a secret, are not kept."""

    def __missing__(self, line: bytes) -> tuple[str, str, HttpVersion]:
        parts = parse_request_line(line)
        if len(line) <= _KEPT_LINE_SIZE and b"?" not in line:
            if len(self) >= _KEPT_LINES:
                self.clear()
            self[line] = parts
        return parts


_REQUEST_LINES: Final = RequestLines()


def _check_target_form(method: str, target: str) -> None:
    """The forms of a request-target other than origin-form (RFC 9112 section 3.2)."""
    if method == "CONNECT":
        if not is_host(target) or not re.search(r":[0-9]+\Z", target):
            raise ProtocolError("request-target: CONNECT expects host ':' port")
    elif target == "*":
        if method != "OPTIONS":
            raise ProtocolError("request-target: '*' is for OPTIONS alone")
    else:
        absolute = _ABSOLUTE_FORM.fullmatch(target)
        if absolute is None or not is_host(absolute[1]):
            raise ProtocolError("request-target: expected a path or an absolute URI")


def _check_authority(host: str, method: str, target: str) -> None:
    """A target that names an authority has no other opinion of it than Host (RFC 9112 section 3.2.2)."""
    if target == "*":
        return
    authority = (
        target if method == "CONNECT" else target.partition("://")[2].partition("/")[0].partition("?")[0]
    )
    # The RFC has the target win. Refusing costs no honest client anything and leaves one reading.
    if authority.lower() != host.lower():
        raise ProtocolError("Host: differs from the authority of the request-target")


# Responses


def parse_response_head(block: bytes, limits: Limits) -> ResponseHead:
    """Parse a status line and its fields, without the empty line that ends them."""
    try:
        return _parse_strictly(block, limits)
    except ProtocolError:
        mended = _mend(block)
        if mended == block:
            raise
    return _parse_strictly(mended, limits)


def _parse_strictly(block: bytes, limits: Limits) -> ResponseHead:
    line, _, section = block.partition(b"\r\n")
    if len(line) > limits.start_line:
        raise _too_long(limits)
    version, status, reason = _STATUS_LINES[line]
    headers, options = _RESPONSE_SECTIONS.read(section, limits)
    kind = InformationalHead if status < 200 and status != 101 else ResponseHead
    head = kind(status, reason, version, headers, section)
    if options:
        _apply_connection(head, options)
    return head


def parse_status_line(line: bytes) -> tuple[HttpVersion, int, str]:
    """``HTTP-version SP status-code [ SP reason-phrase ]`` (RFC 9112 section 4)."""
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        raise ProtocolError("status line: expected 'HTTP/1.1 SP 3DIGIT SP reason-phrase'")
    minor, status, reason = found.groups()
    version = HttpVersion11 if minor == b"1" else HttpVersion10
    return version, int(status), (reason or b"").decode("utf-8", "surrogateescape")


@final
class StatusLines(dict[bytes, tuple[HttpVersion, int, str]]):
    """Status line -> its parts; a miss parses. As field lines, most have been seen before: 1 us less."""

    def __missing__(self, line: bytes) -> tuple[HttpVersion, int, str]:
        parts = parse_status_line(line)
        if len(line) <= _KEPT_LINE_SIZE:
            if len(self) >= _KEPT_LINES:
                self.clear()
            self[line] = parts
        return parts


_STATUS_LINES: Final = StatusLines()


def find_lenient_end(data: bytes | bytearray, start: int, searched: int) -> tuple[int, int] | None:
    """Where a head that may use bare LF ends, and where what follows begins."""
    found = _LENIENT_HEAD_END.search(data, max(start, searched - 2))
    if found is None:
        return None
    end = found.start()
    return (end - 1 if end > start and data[end - 1] == 13 else end), found.end()


def _mend(block: bytes) -> bytes:
    """A head that may have bare LF and folded values, without either."""
    lines: list[bytes] = []
    for line in block.replace(b"\r\n", b"\n").split(b"\n"):
        if line[:1] in (b" ", b"\t") and len(lines) > 1:
            lines[-1] = lines[-1].rstrip(b" \t") + b" " + line.strip(b" \t")
        else:
            lines.append(line)
    return b"\r\n".join(lines)


# Both


def _too_long(limits: Limits) -> ProtocolError:
    return ProtocolError(f"start line: longer than {limits.start_line} bytes", 414)


def _apply_connection(head: Head, options: frozenset[str]) -> None:
    # RFC 9112 section 9.3: "close" wins, HTTP/1.1 persists, HTTP/1.0 persists when it asks to.
    if "close" in options:
        head.is_persistent = False
    elif "keep-alive" in options:
        head.is_persistent = True
    if "upgrade" in options and head.version is HttpVersion11:
        head.upgrade = head.headers.get(UPGRADE, "").lower()


PARSE_HEAD: Final[Mapping[Role, Callable[[bytes, Limits], RequestHead | ResponseHead]]] = {
    SERVER: parse_request_head,
    CLIENT: parse_response_head,
}


# Sending


@lru_cache(maxsize=512)
def format_status_line(status: int, reason: str) -> bytes:
    """Serialise a status line, with its end; ValueError for a control character in the reason."""
    if not 100 <= status <= 999:
        raise ValueError(f"status: expected 100 to 999, got {status}")
    raw = reason.encode("utf-8", "surrogateescape")
    line = b"HTTP/1.1 %d %b" % (status, raw)
    if _STATUS_LINE.fullmatch(line) is None:
        raise ValueError(f"reason phrase: control character in {reason!r}")
    return line + b"\r\n"


# No more is kept here than of the URLs themselves, which are kept where they are parsed.
@lru_cache(maxsize=256)
def format_request_line(method: str, target: str, version: HttpVersion = HttpVersion11) -> bytes:
    """Serialise a request line, with its end; ValueError for what the grammar does not allow."""
    raw_method = _RAW_METHODS.get(method)
    if raw_method is None:
        raw_method = method.encode("utf-8", "surrogateescape")
        if not is_token(raw_method):
            raise ValueError(f"method: expected a token, got {method!r}")
    raw_target = target.encode("utf-8", "surrogateescape")
    if not raw_target or raw_target.translate(None, _TARGET_CHARS):
        raise ValueError(f"request-target: a character that must be percent-encoded in {target!r}")
    if target[0] != "/" or method == "CONNECT":
        try:
            _check_target_form(method, target)
        except ProtocolError as error:
            raise ValueError(f"{error.message}, got {target!r}") from None
    if version is HttpVersion11:
        return raw_method + b" " + raw_target + b" HTTP/1.1\r\n"
    if version not in (HttpVersion11, HttpVersion10):
        raise ValueError(f"HTTP version: expected 1.0 or 1.1, got {version!r}")
    return b"%b %b HTTP/1.%d\r\n" % (raw_method, raw_target, version[1])


FORMAT_START: Final[Mapping[Role, Callable[..., bytes]]] = {
    SERVER: format_status_line,
    CLIENT: format_request_line,
}
