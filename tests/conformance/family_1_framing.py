"""Family 1: what a Content-Length may be, and what it may stand beside.

RFC 9112 section 6.3, RFC 9110 section 8.6.
"""

from .cases import SMUGGLED, SURPLUS, Request, Response, get, lines, malformed, ok, post, read, refused

CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"

#: Refused in both directions: a request with 400, a response with an exception.
AMBIGUOUS = {
    "CVE-2023-47641-CL-and-TE": b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    "waitress-464-TE-and-CL": b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    "CVE-2020-10109-CL-over-TE": b"content-length: 0\r\ntransfer-encoding: chunked",
    "CVE-2020-7658-CL-and-TE-of-another-case": b"Content-Length: 5\r\nTransfer-Encoding: Chunked",
    "CVE-2019-16792-CL-twice": b"Content-Length: 5\r\nContent-Length: 6",
    "CL-twice-and-0": b"Content-Length: 5\r\nContent-Length: 0",
    "CVE-2020-10108-CL-twice-the-same": b"Content-Length: 5\r\nContent-Length: 5",
    "CL-twice-by-case": b"Content-Length: 5\r\ncontent-length: 5",
    "gunicorn-CL-list": b"Content-Length: 5, 5",
    "CL-list-of-two": b"Content-Length: 5,6",
    "CL-list-of-one": b"Content-Length: 5,",
    "CVE-2023-47627-CL-plus": b"Content-Length: +5",
    "tornado-CL-plus-1": b"Content-Length: +1",
    "CL-minus": b"Content-Length: -1",
    "CL-minus-0": b"Content-Length: -0",
    "CVE-2022-24801-CL-hexadecimal": b"Content-Length: 0x5",
    "CVE-2023-47627-CL-underscore": b"Content-Length: 1_0",
    "golang-71988-CL-0-underscore-0": b"Content-Length: 0_0",
    "CL-space-inside": b"Content-Length: 5 5",
    "CL-empty": b"Content-Length:",
    "CL-of-spaces": b"Content-Length:  \t ",
    "CL-quoted": b'Content-Length: "5"',
    "CL-quoted-empty": b'Content-Length: ""',
    "CL-fraction": b"Content-Length: 5.0",
    "CL-exponent": b"Content-Length: 5e0",
    "CL-parameter": b"Content-Length: 5;a=b",
    "h11-181-CL-10^25": b"Content-Length: 1" + b"0" * 25,
    "h11-181-CL-8000-digits": b"Content-Length: " + b"9" * 8000,
    "uwsgi-2775-CL-2^64+5": b"Content-Length: 18446744073709551621",
    "CL-20-digits": b"Content-Length: 00000000000000000005",
    "CVE-2025-69224-CL-unicode-digit": "Content-Length: ٣".encode(),
    "CL-fullwidth-digit": "Content-Length: ５".encode(),
    "CVE-2024-23829-CL-superscript": b"Content-Length: \xb2",
    "tornado-CL-unicode-space": "Content-Length: 5\u00a0".encode(),
    "CL-vertical-tab": b"Content-Length: \x0b5",
    "CL-form-feed": b"Content-Length: \x0c5",
    "CL-name-with-a-space": b"Content Length: 5",
    "CVE-2024-27982-CL-space-before-the-colon": b"Content-Length : 5",
    "llhttp-810-CL-tab-before-the-colon": b"Content-Length\t: 5",
}

#: Read in both directions.
LENGTHS = {
    "CL-00005": b"Content-Length: 00005",
    "CL-19-digits": b"Content-Length: 0000000000000000005",
    "llhttp-810-CL-tabs-around": b"Content-Length:\t5\t",
    "CL-no-space": b"Content-Length:5",
}

REQUESTS: dict[str, Request] = {
    **{name: refused(post(field)) for name, field in AMBIGUOUS.items()},
    **{name: read(post(field), b"hello", "POST") for name, field in LENGTHS.items()},
    "gunicorn-chunked-in-1.0": refused(
        lines(b"POST / HTTP/1.0", b"Host: a", b"Transfer-Encoding: chunked", content=CHUNKS)
    ),
    "chunked-in-1.0-kept-alive": refused(
        lines(
            b"POST / HTTP/1.0",
            b"Connection: keep-alive",
            b"Transfer-Encoding: chunked",
            b"Content-Length: 5",
            content=CHUNKS,
        )
    ),
    # A request is never read to the end of the connection (RFC 9112 section 6.3, rule 7).
    "no-length-is-no-content": read(post(content=b""), b"", "POST"),
    "GET-with-content": read(get(b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED, SMUGGLED),
    "HEAD-with-content": Request(
        lines(b"HEAD / HTTP/1.1", b"Host: a", b"Content-Length: 5", content=b"hello"),
        (("HEAD", "/", b"hello"),),
    ),
    "CVE-2022-29361-content-that-nobody-reads": read(
        lines(b"POST /unread HTTP/1.1", b"Host: a", b"Content-Length: %d" % len(SMUGGLED), content=SMUGGLED),
        b"",
        "POST",
        "/unread",
    ),
    "HackTricks-2614-decoded-CRLF": read(
        lines(b"GET /%0d%0aTransfer-Encoding:%20chunked%0d%0a%0d%0a HTTP/1.1", b"Host: a"),
        target="/%0d%0aTransfer-Encoding:%20chunked%0d%0a%0d%0a",
    ),
    "HackTricks-2614-CL.0": Request(
        post(b"Content-Length: 0", content=SMUGGLED), (("POST", "/", b""), ("GET", "/smuggled", b""))
    ),
    "HackTricks-2614-content-longer-than-its-CL": Request(
        post(b"Content-Length: 5", content=b"hello, world\r\n\r\n"), (("POST", "/", b"hello"),), 400
    ),
    "CVE-2023-46137-pipelined-requests-in-order": Request(
        post(b"Content-Length: 5") + get() + post(b"Transfer-Encoding: chunked", content=CHUNKS),
        (("POST", "/", b"hello"), ("GET", "/", b""), ("POST", "/", b"hello")),
    ),
    "CVE-2022-31015-an-error-in-a-pipelined-request": Request(
        get() + post(b"Content-Length: +5"), (("GET", "/", b""),), 400
    ),
    "GHSA-9298-4cf8-g4wj-an-error-behind-a-length": Request(
        post(b"Content-Length: 5") + b" \r\n\r\n", (("POST", "/", b"hello"),), 400
    ),
    "uvicorn-2488-data-after-close": Request(get(b"Connection: close"), (("GET", "/", b""),), persists=False),
    "llhttp-866-tab-after-close": Request(get(b"Connection: close\t"), (("GET", "/", b""),), persists=False),
    "close-in-a-second-line": Request(
        get(b"Connection: keep-alive", b"Connection: close"), (("GET", "/", b""),), persists=False
    ),
    "1.0-closes": Request(lines(b"GET / HTTP/1.0"), (("GET", "/", b""),), persists=False),
    "GHSA-3f84-rpwh-47g6-half-open-after-a-request": Request(get(), (("GET", "/", b""),), ends=True),
    "half-open-in-content": Request(post(b"Content-Length: 6"), refused=400, is_in_body=True, ends=True),
    "half-open-in-a-head": Request(b"GET / HTTP/1.1\r\nHost: a\r\n", refused=400, ends=True),
}

RESPONSES: dict[str, Response] = {
    **{name: malformed(ok(field)) for name, field in AMBIGUOUS.items()},
    **{name: Response(ok(field), 200, b"hello") for name, field in LENGTHS.items()},
    "gunicorn-chunked-in-1.0": malformed(
        lines(b"HTTP/1.0 200 OK", b"Transfer-Encoding: chunked", content=CHUNKS)
    ),
    # What follows a response without content is no content, whatever it says (rule 1).
    "CL-on-204": Response(ok(b"Content-Length: 5", status=204, content=b""), 204),
    "CL-on-304": Response(ok(b"Content-Length: 5", status=304, content=b""), 304),
    "CL-on-204-and-content": Response(ok(b"Content-Length: 55", status=204, content=SURPLUS), 204),
    "CL-on-304-and-content": Response(ok(b"Content-Length: 55", status=304, content=SURPLUS), 304),
    "TE-on-204": Response(ok(b"Transfer-Encoding: chunked", status=204, content=b""), 204),
    "CL-on-1xx": Response(
        ok(b"Content-Length: 5", status=103, content=b"") + ok(b"Content-Length: 5"), 200, b"hello"
    ),
    "CL-on-1xx-and-content": malformed(ok(b"Content-Length: 5", status=100) + ok(b"Content-Length: 2")),
    "TE-on-1xx": Response(
        ok(b"Transfer-Encoding: chunked", status=100, content=b"") + ok(b"Content-Length: 5"), 200, b"hello"
    ),
    "CL-on-HEAD": Response(ok(b"Content-Length: 5", content=b""), 200, method="HEAD"),
    "CL-on-HEAD-and-content": Response(ok(b"Content-Length: 5"), 200, method="HEAD"),
    "no-length-until-the-end": Response(ok(), 200, b"hello", ends=True),
    "HackTricks-2614-response-queue": Response(ok(b"Content-Length: 5") + SURPLUS, 200, b"hello"),
    "uvicorn-2488-data-after-close": Response(
        ok(b"Content-Length: 5", b"Connection: close") + SURPLUS, 200, b"hello"
    ),
}
