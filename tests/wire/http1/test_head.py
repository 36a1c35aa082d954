"""Request heads: what is read, and every literal that is refused. Response heads: test_head_response.py."""

import pytest

from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.events import HttpVersion, HttpVersion10, HttpVersion11
from pronghorn.wire.http1.head import (
    RequestLines,
    format_request_line,
    format_status_line,
    parse_request_head,
    parse_request_line,
)
from pronghorn.wire.limits import DEFAULT_LIMITS

from ..feeding import feed, read_request, refuse_request, server

KELVIN = "\N{KELVIN SIGN}".encode()  # str.lower() makes it a "k"


def get(*lines: bytes) -> bytes:
    return b"\r\n".join([b"GET / HTTP/1.1", b"Host: a", *lines, b"", b""])


def post(*lines: bytes) -> bytes:
    return b"\r\n".join([b"POST / HTTP/1.1", b"Host: a", *lines, b"", b""])


def start(line: bytes, host: bytes = b"Host: a") -> bytes:
    return b"%b\r\n%b\r\n\r\n" % (line, host)


# What is read


def test_a_head_is_told_as_it_stood() -> None:
    request = read_request(get(b"X-Two: 1", b"x-two:\t2 \t", b"Empty:", b"Accept: */*"))
    assert (request.first, request.second, request.version) == ("GET", "/", HttpVersion11)
    assert request.fields == [("Host", "a"), ("X-Two", "1"), ("x-two", "2"), ("Empty", ""), ("Accept", "*/*")]
    assert request.raw_fields[1:4] == ((b"X-Two", b"1"), (b"x-two", b"2"), (b"Empty", b""))
    assert request.is_whole
    assert request.content == b""


START_LINES = {
    "origin-form": (b"GET /a?b=c HTTP/1.1", ("GET", "/a?b=c", HttpVersion11)),
    "two-slashes": (b"GET //evil.example HTTP/1.1", ("GET", "//evil.example", HttpVersion11)),
    "browsers-leave-these": (b"GET /?q={[a|b^c`d\\]} HTTP/1.1", ("GET", "/?q={[a|b^c`d\\]}", HttpVersion11)),
    "HTTP-1.0": (b"GET / HTTP/1.0", ("GET", "/", HttpVersion10)),
    "unknown-method": (b"PURGE / HTTP/1.1", ("PURGE", "/", HttpVersion11)),
    "method-of-odd-tchars": (b"M-SEARCH!#$ / HTTP/1.1", ("M-SEARCH!#$", "/", HttpVersion11)),
    "methods-have-a-case": (b"get / HTTP/1.1", ("get", "/", HttpVersion11)),
    "asterisk-form": (b"OPTIONS * HTTP/1.1", ("OPTIONS", "*", HttpVersion11)),
    "absolute-form": (b"GET http://a/b?c HTTP/1.1", ("GET", "http://a/b?c", HttpVersion11)),
    "absolute-form-without-a-path": (b"GET http://A?c HTTP/1.1", ("GET", "http://A?c", HttpVersion11)),
}


@pytest.mark.parametrize(("line", "told"), START_LINES.values(), ids=START_LINES)
def test_start_line(line: bytes, told: tuple[str, str, HttpVersion]) -> None:
    request = read_request(start(line))
    assert (request.first, request.second, request.version) == told
    assert parse_request_line(line) == told


@pytest.mark.parametrize(
    "host", ["a", "a:80", "a:", "10.0.0.1:8080", "[::1]", "[::1]:80", "a_b.c", "xn--a%20", "[v1.a:b]"]
)
def test_host(host: str) -> None:
    assert read_request(start(b"GET / HTTP/1.1", b"Host: " + host.encode()))["Host"] == host


def test_a_host_is_optional_in_1_0() -> None:
    assert read_request(b"GET / HTTP/1.0\r\n\r\n").fields == []


TOLERATED = {
    "one-empty-line-first": (b"\r\n" + get(), "Host", "a"),
    "8-bit-value-UTF-8": (get("X: é".encode()), "X", "é"),
    "8-bit-value-otherwise": (get(b"X: \xe9"), "X", "\udce9"),
    "name-of-odd-tchars": (get(b"!#$%&'*+-.^_`|~09: y"), "!#$%&'*+-.^_`|~09", "y"),
    "value-with-colons": (get(b"X: a:b:c"), "X", "a:b:c"),
    "tabs-around-a-length": (get(b"Content-Length:\t0\t"), "Content-Length", "0"),
    "leading-zeros-of-a-length": (get(b"Content-Length: 00000"), "Content-Length", "00000"),
    "Transfer_Encoding-is-another-field": (
        post(b"Transfer_Encoding: chunked"),
        "Transfer_Encoding",
        "chunked",
    ),
}


@pytest.mark.parametrize(("wire", "name", "value"), TOLERATED.values(), ids=TOLERATED)
def test_read_as_it_is(wire: bytes, name: str, value: str) -> None:
    request = read_request(wire)
    assert request[name] == value
    assert request.content == b""


# Persistence, upgrades and expectations


@pytest.mark.parametrize(
    ("version", "connection", "is_persistent"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"close", False),
        (b"1.1", b"CLOSE\t", False),
        (b"1.1", b"keep-alive", True),
        (b"1.1", b"keep-alive, close", False),
        (b"1.1", b"x-close, closed", True),
        (b"1.0", b"", False),
        (b"1.0", b"Keep-Alive", True),
        (b"1.0", b"close , keep-alive", False),
        pytest.param(b"1.0", KELVIN + b"eep-alive", False, id="1.0-keep-alive-with-a-Kelvin-sign"),
    ],
)
def test_persistence(version: bytes, connection: bytes, is_persistent: bool) -> None:
    request = read_request(b"GET / HTTP/%b\r\nHost: a\r\nConnection: %b\r\n\r\n" % (version, connection))
    assert request.is_persistent is is_persistent


def test_connection_lines_are_one_list() -> None:
    assert not read_request(get(b"Connection: keep-alive", b"Connection: close")).is_persistent


@pytest.mark.parametrize(
    ("lines", "upgrade"),
    [
        ((b"Connection: Upgrade", b"Upgrade: WebSocket"), "websocket"),
        ((b"Connection: keep-alive, upgrade", b"Upgrade: h2c"), "h2c"),
        ((b"Connection: notupgrade", b"Upgrade: websocket"), ""),
        ((b"Upgrade: websocket",), ""),
        ((b"Connection: upgrade",), ""),
    ],
)
def test_upgrade(lines: tuple[bytes, ...], upgrade: str) -> None:
    assert read_request(get(*lines)).upgrade == upgrade


def test_upgrade_is_ignored_in_1_0() -> None:
    wire = b"GET / HTTP/1.0\r\nConnection: upgrade, keep-alive\r\nUpgrade: websocket\r\n\r\n"
    assert read_request(wire).upgrade == ""


def test_connect_is_an_upgrade() -> None:
    request = read_request(start(b"CONNECT a:443 HTTP/1.1", b"Host: a:443"))
    assert (request.second, request.upgrade) == ("a:443", "connect")


def test_expect() -> None:
    lines = (b"Expect: 100-Continue", b"Content-Length: 0")
    assert read_request(post(*lines)).expects_continue
    assert not read_request(post()).expects_continue
    old = post(*lines, b"Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0")
    assert not read_request(old).expects_continue


# What is refused: one case per literal, named by the flaw that it was elsewhere

REFUSED_LINES = {
    "missing-version": b"GET /",
    "HTTP-1.10": b"GET / HTTP/1.10",
    "HTTP-1": b"GET / HTTP/1",
    "HTTP-1.1-and-more": b"GET / HTTP/1.1 x",
    "lower-case-version": b"GET / http/1.1",
    "two-spaces-before-the-target": b"GET  / HTTP/1.1",
    "two-spaces-before-the-version": b"GET /  HTTP/1.1",
    "space-at-the-end": b"GET / HTTP/1.1 ",
    "leading-space": b" GET / HTTP/1.1",
    "tab": b"GET\t/ HTTP/1.1",
    "vertical-tab": b"GET /\x0bHTTP/1.1",
    "no-break-space": b"GET\xa0/ HTTP/1.1",
    "TLS-client-hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "PROXY-protocol": b"PROXY TCP4 10.0.0.1 10.0.0.2 56324 443",
    "PROXY-protocol-2": b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c",
    "NUL-in-the-method": b"GE\0T / HTTP/1.1",
    "CVE-2024-23829-separator-in-the-method": b"GE(T / HTTP/1.1",
    "8-bit-in-the-method": b"G\xc3\x89T / HTTP/1.1",
    "CVE-2023-49082-CR-in-the-method": b"GE\rT / HTTP/1.1",
    "gunicorn-empty-target": b"GET  HTTP/1.1",
    "8-bit-in-the-target": "GET /é HTTP/1.1".encode(),
    "NUL-in-the-target": b"GET /\0 HTTP/1.1",
    "DEL-in-the-target": b"GET /\x7f HTTP/1.1",
    "CR-in-the-target": b"GET /\rx HTTP/1.1",
    "quote-in-the-target": b'GET /" HTTP/1.1',
    "fragment-in-the-target": b"GET /a#b HTTP/1.1",
    "relative-target": b"GET a HTTP/1.1",
    "dots-for-a-target": b"GET ../a HTTP/1.1",
    "gunicorn-asterisk-outside-OPTIONS": b"GET * HTTP/1.1",
    "asterisk-and-more": b"OPTIONS *a HTTP/1.1",
    "gunicorn-authority-outside-CONNECT": b"GET a:80 HTTP/1.1",
    "CONNECT-without-a-port": b"CONNECT a HTTP/1.1",
    "CONNECT-with-an-empty-port": b"CONNECT a: HTTP/1.1",
    "CONNECT-with-a-path": b"CONNECT / HTTP/1.1",
    "CONNECT-absolute-form": b"CONNECT http://a:80/ HTTP/1.1",
    "absolute-form-without-an-authority": b"GET http:///a HTTP/1.1",
    "absolute-form-with-one-slash": b"GET http:/a HTTP/1.1",
    "absolute-form-with-user-information": b"GET http://u@a/ HTTP/1.1",
    "absolute-form-of-another-host": b"GET http://b/ HTTP/1.1",
    "absolute-form-of-another-port": b"GET http://a:81/ HTTP/1.1",
    "CONNECT-to-another-host": b"CONNECT b:443 HTTP/1.1",
}
UNKNOWN_VERSIONS = {
    "HTTP-0.9": b"GET / HTTP/0.9",
    "HTTP-2.0": b"GET / HTTP/2.0",
    "HTTP-3.0": b"GET / HTTP/3.0",
    "PRI-preface": b"PRI * HTTP/2.0",
}


@pytest.mark.parametrize("line", REFUSED_LINES.values(), ids=REFUSED_LINES)
def test_refused_start_line(line: bytes) -> None:
    assert refuse_request(start(line)) == 400


@pytest.mark.parametrize("line", UNKNOWN_VERSIONS.values(), ids=UNKNOWN_VERSIONS)
def test_refused_version(line: bytes) -> None:
    assert refuse_request(start(line)) == 505


REFUSED_HOSTS = {
    "missing": b"X: y",
    "empty": b"Host:",
    "CVE-2026-34525-twice": b"Host: a\r\nHost: b",
    "twice-the-same": b"Host: a\r\nhost: a",
    "list": b"Host: a, b",
    "user-information": b"Host: u@a",
    "GHSA-86qp-5c8j-p5mr-path": b"Host: a/b",
    "GHSA-jp82-jpqv-5vv3-query": b"Host: a?b",
    "fragment": b"Host: a#b",
    "backslash": b"Host: a\\b",
    "space": b"Host: a b",
    "port-is-no-number": b"Host: a:b",
    "two-ports": b"Host: a:80:80",
    "port-too-long": b"Host: a:000080",
    "open-bracket": b"Host: [::1",
    "bare-IPv6": b"Host: ::1",
    "8-bit": "Host: é".encode(),
    "CVE-2025-69224-unicode-digits-in-the-port": "Host: a:٣".encode(),
    "301-bytes": b"Host: " + b"a" * 301,
}


@pytest.mark.parametrize("host", REFUSED_HOSTS.values(), ids=REFUSED_HOSTS)
def test_refused_host(host: bytes) -> None:
    assert refuse_request(start(b"GET / HTTP/1.1", host)) == 400


REFUSED_FIELDS = {
    "CVE-2023-37276-bare-CR-in-a-value": b"X-Abc: \rxTransfer-Encoding: chunked",
    "GHSA-pjjw-qhg8-p2p9-bare-LF-in-a-value": b"X: y\nContent-Length: 5",
    "CVE-2019-16785-bare-LF-ends-a-line": b"X: y\nZ: y",
    "CVE-2023-30589-bare-CR-ends-a-line": b"X: y\rZ: y",
    "CVE-2022-35256-bare-CR-at-the-end": b"X: y\r",
    "CVE-2025-23167-CRLF-CR-X-ends-no-head": b"X: y\r\n\rX: y",
    "leading-space-line": b" X: y",
    "leading-tab-line": b"\tX: y",
    "CVE-2022-32215-obs-fold": b"Transfer-Encoding:\r\n chunked",
    "uwsgi-2775-obs-fold-of-nothing": b"X: y\r\n ",
    "CVE-2024-27982-space-before-the-colon": b"Content-Length : 5",
    "CVE-2023-47627-tab-before-the-colon": b"Content-Length\t: 5",
    "space-before-the-colon-of-Transfer-Encoding": b"Transfer-Encoding : chunked",
    "gunicorn-empty-name": b": y",
    "no-colon": b"X",
    "space-in-the-name": b"X Y: z",
    "NUL-in-the-name": b"X\0: y",
    "8-bit-in-the-name": "É: y".encode(),
    "CVE-2024-23829-separator-in-the-name": b"X@(): y",
    "CVE-2026-34520-NUL-in-a-value": b"X: a\0b",
    "CVE-2020-5236-control-in-a-value": b"X: " + b"\x10" * 4000,
    "DEL-in-a-value": b"X: \x7f",
    "escape-in-a-value": b"X: \x1b[31m",
    "vertical-tab-in-a-value": b"X: \x0by",
    "gunicorn-3366-two-Content-Types": b"Content-Type: a/b\r\nContent-Type: a/b",
}


@pytest.mark.parametrize("line", REFUSED_FIELDS.values(), ids=REFUSED_FIELDS)
def test_refused_field(line: bytes) -> None:
    assert refuse_request(get(line)) == 400


REFUSED_HEADS = {
    "llhttp-877-bare-LF-and-no-version": b"GET /x\nHost: a\r\n\r\n",
    "bare-LF-after-the-request-line": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
    "bare-LF-everywhere": b"GET / HTTP/1.1\nHost: a\n\n",
    "bare-CR-everywhere": b"GET / HTTP/1.1\rHost: a\r\r\r\n\r\n",
    "CRLF-LF-ends-no-head": b"GET / HTTP/1.1\r\nHost: a\r\n\n",
    "bare-LF-first": b"\n" + get(),
    "bare-CR-first": b"\r" + get(),
    "two-empty-lines-first": b"\r\n\r\n" + get(),
    "space-after-the-request-line": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
}


@pytest.mark.parametrize("wire", REFUSED_HEADS.values(), ids=REFUSED_HEADS)
def test_refused_head(wire: bytes) -> None:
    assert refuse_request(wire) == 400


@pytest.mark.parametrize("value", [b"200-ok", b"100-continue, 100-continue", b"", b"100-continue; a=b"])
def test_refused_expectation(value: bytes) -> None:
    assert refuse_request(post(b"Expect: " + value, b"Content-Length: 1")) == 417


def test_what_cannot_become_a_head_is_refused_at_its_first_byte() -> None:
    for first in (b"\x16", b" ", b"\n", b"\0", b"\xff"):
        assert feed(server(), [first]).error, first
    assert feed(server(), [b"GET / HTTP/1.1\n"]).error


def test_fields_come_without_their_end() -> None:
    head = parse_request_head(b"GET / HTTP/1.1\r\nHost: a", DEFAULT_LIMITS)
    assert (head.section, head.raw_headers) == (b"Host: a", ((b"Host", b"a"),))


# Sending


def test_status_line() -> None:
    assert format_status_line(200, "OK") == b"HTTP/1.1 200 OK\r\n"
    assert format_status_line(299, "") == b"HTTP/1.1 299 \r\n"
    assert format_status_line(200, "Tüte") == "HTTP/1.1 200 Tüte\r\n".encode()


@pytest.mark.parametrize("status", [-1, 0, 99, 1000])
def test_refused_status(status: int) -> None:
    with pytest.raises(ValueError, match="status"):
        format_status_line(status, "")


@pytest.mark.parametrize("reason", ["x\r\nX: y", "x\ry", "x\ny", "x\0", "x\x7f", "\ud800"])
def test_CVE_2026_34519_CVE_2025_67724_refused_reason(reason: str) -> None:
    with pytest.raises(ValueError, match=r"reason|surrogate"):
        format_status_line(200, reason)


def test_request_line() -> None:
    assert format_request_line("GET", "/a?b") == b"GET /a?b HTTP/1.1\r\n"
    assert format_request_line("OPTIONS", "*", HttpVersion10) == b"OPTIONS * HTTP/1.0\r\n"


REFUSED_REQUEST_LINES = {
    "CVE-2023-49082-method": ("GET / HTTP/1.1\r\nX", "/", HttpVersion11),
    "method-with-CR": ("GE\rT", "/", HttpVersion11),
    "method-with-LF": ("GE\nT", "/", HttpVersion11),
    "method-with-NUL": ("GE\0T", "/", HttpVersion11),
    "method-with-a-space": ("GE T", "/", HttpVersion11),
    "method-not-ASCII": ("GÉT", "/", HttpVersion11),
    "method-empty": ("", "/", HttpVersion11),
    "target-with-CRLF": ("GET", "/ HTTP/1.1\r\nX: y", HttpVersion11),
    "target-with-CR": ("GET", "/\r", HttpVersion11),
    "target-with-LF": ("GET", "/\n", HttpVersion11),
    "target-with-NUL": ("GET", "/\0", HttpVersion11),
    "target-with-a-space": ("GET", "/a b", HttpVersion11),
    "target-with-a-tab": ("GET", "/a\tb", HttpVersion11),
    "target-with-a-fragment": ("GET", "/a#b", HttpVersion11),
    "target-not-ASCII": ("GET", "/é", HttpVersion11),
    "target-with-a-lone-surrogate": ("GET", "/\udc80", HttpVersion11),
    "target-empty": ("GET", "", HttpVersion11),
    "CVE-2023-49081-version": ("GET", "/", HttpVersion(1, "1\r\nX: y")),  # type: ignore[arg-type]  # the attack
    "version-2": ("GET", "/", HttpVersion(2, 0)),
}


@pytest.mark.parametrize("line", REFUSED_REQUEST_LINES.values(), ids=REFUSED_REQUEST_LINES)
def test_refused_request_line(line: tuple[str, str, HttpVersion]) -> None:
    with pytest.raises(ValueError, match=r"method|request-target|HTTP version"):
        format_request_line(*line)


def test_short_request_lines_without_a_query_are_kept_and_not_many() -> None:
    lines = RequestLines()
    assert lines[b"GET /a HTTP/1.1"] == ("GET", "/a", HttpVersion11)
    assert lines[b"GET /a HTTP/1.1"] is lines[b"GET /a HTTP/1.1"]
    assert lines[b"GET /a?token=1 HTTP/1.1"] == ("GET", "/a?token=1", HttpVersion11)
    assert lines[b"GET /" + b"x" * 100 + b" HTTP/1.1"][1] == "/" + "x" * 100
    assert len(lines) == 1
    with pytest.raises(ProtocolError):
        lines[b"GET  HTTP/1.1"]
    for number in range(1000):
        assert lines[b"GET /%d HTTP/1.1" % number][1] == f"/{number}"
        assert len(lines) <= 256
