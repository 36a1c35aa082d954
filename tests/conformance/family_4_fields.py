"""Family 4: line ends, field lines, their number and size, and the fields that come once.

RFC 9112 sections 2.2, 3.2 and 5.
"""

from .cases import Request, Response, get, lines, malformed, ok, post, read, refused

A = b"a"

#: Refused in both directions, as a field between others.
FIELDS = {
    "CVE-2023-37276-bare-CR-in-a-value": b"X-Abc: \rxTransfer-Encoding: chunked",
    "CVE-2023-30589-bare-CR-ends-a-line": b"X: y\rTransfer-Encoding: chunked",
    "CVE-2022-35256-bare-CR-at-the-end": b"X: y\r",
    "CVE-2025-23167-CRLF-CR-X-ends-no-head": b"X: y\r\n\rX: y",
    "CR-CR-LF-ends-no-line": b"X: y\r\r\nZ: y",
    "CVE-2024-27982-space-before-the-colon": b"X : y",
    "CVE-2023-47627-tab-before-the-colon": b"X\t: y",
    "gunicorn-empty-name": b": y",
    "name-of-a-space": b"\x20: y",
    "no-colon": b"X",
    "name-with-a-space": b"X Y: z",
    "name-with-a-NUL": b"X\0: y",
    "name-with-a-control": b"X\x01: y",
    "name-8-bit": "É: y".encode(),
    "name-Kelvin-sign": "\N{KELVIN SIGN}eep-Alive: y".encode(),
    "CVE-2024-23829-name-with-separators": b"X@(): y",
    "name-with-a-quote": b'X": y',
    "name-in-brackets": b"[X]: y",
    "CVE-2026-34520-NUL-in-a-value": b"X: a\0b",
    "CVE-2026-34520-control-in-a-value": b"X: a\x01b",
    "CVE-2020-5236-controls-in-a-value": b"X: " + b"\x10" * 4000,
    "DEL-in-a-value": b"X: \x7f",
    "escape-in-a-value": b"X: \x1b[31m",
    "vertical-tab-in-a-value": b"X: \x0by",
    "backspace-in-a-value": b"X: y\x08",
    "gunicorn-3366-Content-Type-twice": b"Content-Type: a/b\r\nContent-Type: c/d",
    "Content-Type-twice-the-same": b"Content-Type: a/b\r\ncontent-type: a/b",
}
#: Refused in requests; a response may fold, and may end its lines with LF (`wire.http1.head`).
STRICT_FIELDS = {
    "GHSA-pjjw-qhg8-p2p9-bare-LF-before-a-length": b"X: y\nContent-Length: 5",
    "CVE-2019-16785-bare-LF-ends-a-line": b"X: y\nZ: y",
    "bare-LF-in-a-value": b"X: y\n",
    "LF-CR-ends-no-line": b"X: y\n\rZ: y",
    "CVE-2022-32215-obs-fold-of-an-empty-value": b"X:\r\n y",
    "uwsgi-2775-obs-fold": b"X: y\r\n z",
    "obs-fold-by-a-tab": b"X: y\r\n\tz",
    "uwsgi-2775-obs-fold-of-nothing": b"X: y\r\n ",
}
#: Read in both directions: (field, what a reader may not take it for).
GOOD_FIELDS = {
    "empty-value": b"X:",
    "value-8-bit": b"X: \xe9\xff",
    "value-of-tabs": b"X:\t \ty\t ",
    "name-of-all-token-characters": b"!#$%&'*+-.^_`|~09azAZ: y",
    "field-of-8190-bytes": b"X: " + A * 8187,
    "fields-128": b"\r\n".join([b"X: y"] * 126),
    "repeated-fields": b"Accept: a/b\r\nAccept: c/d",
}
TOO_MUCH_FIELDS = {
    "CVE-2026-22815-fields-129": b"\r\n".join([b"X: y"] * 129),
    "CVE-2025-67725-fields-1e5": b"\r\n".join([b"X: y"] * 100_000),
    "cookies-1e5": b"Cookie: " + b"a=b; " * 100_000,
    "field-of-8191-bytes": b"X: " + A * 8188,
    "CVE-2026-54277-field-without-end": b"X: " + A * 60_000,
    "head-over-64-KiB": b"\r\n".join([b"X: " + A * 8000] * 9),
}

HOSTS = {
    "Host-missing": b"X: y",
    "Host-empty": b"Host:",
    "CVE-2026-34525-Host-twice": b"Host: a\r\nHost: b",
    "gunicorn-3366-Host-twice-the-same": b"Host: a\r\nHost: a",
    "Host-twice-by-case": b"Host: a\r\nhost: a",
    "Host-list": b"Host: a, b",
    "Host-with-user-information": b"Host: u@a",
    "GHSA-86qp-5c8j-p5mr-Host-with-a-path": b"Host: a/b",
    "GHSA-86qp-5c8j-p5mr-Host-of-another-URL": b"Host: b/?",
    "GHSA-jp82-jpqv-5vv3-Host-with-a-query": b"Host: a?b",
    "Host-with-a-fragment": b"Host: a#b",
    "Host-with-a-backslash": b"Host: a\\b",
    "Host-with-a-space": b"Host: a b",
    "Host-with-a-tab": b"Host: a\tb",
    "Host-with-a-quote": b'Host: a"b',
    "Host-with-angle-brackets": b"Host: <a>",
    "Host-port-is-no-number": b"Host: a:b",
    "Host-two-ports": b"Host: a:80:80",
    "Host-port-of-6-digits": b"Host: a:000080",
    "Host-port-65536": b"Host: a:65536",
    "Host-port-signed": b"Host: a:+80",
    "Host-open-bracket": b"Host: [::1",
    "Host-bare-IPv6": b"Host: ::1",
    "Host-text-after-the-bracket": b"Host: [::1]a",
    "Host-8-bit": "Host: é".encode(),
    "CVE-2025-69224-Host-port-of-unicode-digits": "Host: a:٣".encode(),
    "Host-of-301-bytes": b"Host: " + A * 301,
    "Host-with-a-scheme": b"Host: http://a",
}
GOOD_HOSTS = {
    "Host-IPv6": b"Host: [::1]:8080",
    "Host-IPv4": b"Host: 127.0.0.1:80",
    "Host-empty-port": b"Host: a:",
    "Host-upper-case": b"HOST: A.Example",
}
#: A target that names an authority, and Host: two opinions (RFC 9112 section 3.2.2).
AUTHORITIES = {
    "absolute-form-of-another-host": (b"http://b/", b"a"),
    "absolute-form-of-another-port": (b"http://a:81/", b"a"),
    "absolute-form-of-a-longer-host": (b"http://a.b/", b"a"),
    "absolute-form-of-a-host-with-a-query": (b"http://b?a", b"a"),
    "absolute-form-with-user-information": (b"http://a@b/", b"b"),
    "absolute-form-without-an-authority": (b"http:///", b"a"),
    "absolute-form-with-one-slash": (b"http:/a", b"a"),
    "absolute-form-with-a-bad-port": (b"http://a:99999/", b"a:99999"),
    "absolute-form-with-an-open-bracket": (b"http://[::1/", b"[::1]"),
    "absolute-form-with-a-backslash": (b"http://a\\b/", b"a"),
}

HEADS = {
    "llhttp-877-bare-LF-and-no-version": b"GET /x\nHost: a\r\n\r\n",
    "bare-LF-after-the-request-line": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
    "bare-LF-everywhere": b"GET / HTTP/1.1\nHost: a\n\n",
    "bare-CR-everywhere": b"GET / HTTP/1.1\rHost: a\r\r\r\n\r\n",
    "bare-CR-after-the-request-line": b"GET / HTTP/1.1\rHost: a\r\nHost: a\r\n\r\n",
    "CRLF-LF-ends-no-head": b"GET / HTTP/1.1\r\nHost: a\r\n\n",
    "LF-CRLF-ends-no-head": b"GET / HTTP/1.1\r\nHost: a\n\r\n",
    "bare-LF-first": b"\n" + get(),
    "bare-CR-first": b"\r" + get(),
    "two-empty-lines-first": b"\r\n\r\n" + get(),
    "leading-space-line": b"GET / HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n",
    "leading-tab-line": b"GET / HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n",
}


def at(host: bytes) -> bytes:
    return lines(b"GET / HTTP/1.1", host)


REQUESTS: dict[str, Request] = {
    **{name: refused(post(field, content=b"")) for name, field in (FIELDS | STRICT_FIELDS).items()},
    **{name: read(get(field)) for name, field in GOOD_FIELDS.items()},
    **{name: refused(get(field), 431) for name, field in TOO_MUCH_FIELDS.items()},
    **{name: refused(at(host)) for name, host in HOSTS.items()},
    **{name: read(at(host)) for name, host in GOOD_HOSTS.items()},
    **{
        name: refused(lines(b"GET %b HTTP/1.1" % target, b"Host: " + host))
        for name, (target, host) in AUTHORITIES.items()
    },
    **{name: refused(wire) for name, wire in HEADS.items()},
    "absolute-form-of-its-host": read(
        lines(b"GET http://a:80/b?c HTTP/1.1", b"Host: A:80"), target="http://a:80/b?c"
    ),
    "Host-missing-in-1.0": Request(lines(b"GET / HTTP/1.0"), (("GET", "/", b""),), persists=False),
    "Host-twice-in-1.0": refused(lines(b"GET / HTTP/1.0", b"Host: a", b"Host: b")),
    "Host-malformed-in-1.0": refused(lines(b"GET / HTTP/1.0", b"Host: a/b")),
    # RFC 9112 section 2.2: one, once.
    "one-empty-line-first": read(b"\r\n" + get()),
    # Whatever is too much first, in the order of the bytes, is what it is refused for.
    "a-long-line-before-too-many-fields": refused(
        lines(b"GET /" + A * 9000 + b" HTTP/1.1", *[b"X: y"] * 200), 414
    ),
    "a-long-line-before-a-large-head": refused(
        lines(b"GET /" + A * 9000 + b" HTTP/1.1", *[b"X: " + A * 8000] * 9), 414
    ),
    "a-field-of-a-name-alone-without-end": refused(get(A * 60_000), 431),
}

STATUS = b"HTTP/1.1 200 OK"
LENGTH = b"Content-Length: 5"
RESPONSES: dict[str, Response] = {
    **{name: malformed(ok(field, LENGTH)) for name, field in FIELDS.items()},
    **{name: malformed(ok(field, LENGTH)) for name, field in TOO_MUCH_FIELDS.items()},
    **{name: Response(ok(field, LENGTH), 200, b"hello") for name, field in GOOD_FIELDS.items()},
    "LENIENT-LF": Response(b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", 200, b"hello"),
    "LENIENT-LF-and-CRLF": Response(b"HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
    "LENIENT-CRLF-and-LF": Response(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\nhello", 200, b"hello"),
    "LENIENT-obs-fold": Response(ok(b"X: y", b" z", LENGTH), 200, b"hello"),
    "LENIENT-obs-fold-of-a-length": Response(ok(b"Content-Length:", b" 5"), 200, b"hello"),
    "LF-does-not-hide-a-second-length": malformed(
        b"HTTP/1.1 200 OK\r\nX: y\nContent-Length: 9\r\nContent-Length: 5\r\n\r\nhello"
    ),
    "LF-does-not-hide-a-coding": malformed(
        b"HTTP/1.1 200 OK\r\nX: y\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello"
    ),
    "obs-fold-of-the-status-line": malformed(lines(b"HTTP/1.1 200", b" OK", LENGTH, content=b"hello")),
    "obs-fold-that-hides-a-NUL": malformed(ok(b"X: y", b" \0", LENGTH)),
    "obs-fold-that-hides-a-CR": malformed(ok(b"X: y", b" \r z", LENGTH)),
    "obs-fold-that-hides-a-length-list": malformed(ok(b"Content-Length: 5,", b" 5")),
    "bare-CR-beside-LF": malformed(b"HTTP/1.1 200 OK\nX: a\rb\nContent-Length: 5\n\nhello"),
    "bare-CR-everywhere": malformed(b"HTTP/1.1 200 OK\rContent-Length: 5\r\r\n\r\nhello"),
    "CVE-2026-69244-8-bit-alone": malformed(b"\xff" * 300 + b"\r\n\r\n"),
    "CVE-2026-69244-a-long-value-that-ends-in-NUL": malformed(ok(b"X: " + A * 8000 + b"\0")),
    "CVE-2026-69244-a-long-reason-that-ends-in-NUL": malformed(b"HTTP/1.1 200 " + A * 8000 + b"\0\r\n\r\n"),
    "Host-twice": malformed(ok(b"Host: a", b"Host: b", LENGTH)),
}
