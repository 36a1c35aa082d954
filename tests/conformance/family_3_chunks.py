"""Family 3: the chunked coding, its extensions and its trailers (RFC 9112 section 7.1)."""

from .cases import SMUGGLED, Request, Response, broken, get, ok, post

CODING = b"Transfer-Encoding: chunked"
HELLO = b"5\r\nhello\r\n"
LAST = b"0\r\n\r\n"

#: 400, or ClientPayloadError.
MALFORMED = {
    "golang-71988-chunk-bare-LF-after-the-size": b"5\nhello\r\n0\r\n\r\n",
    "chunk-bare-LF-everywhere": b"5\nhello\n0\n\n",
    "chunk-bare-CR-after-the-size": b"5\rhello\r\n0\r\n\r\n",
    "chunk-bare-CR-everywhere": b"5\rhello\r0\r\r\n",
    "chunk-LF-CR-after-the-size": b"5\n\rhello\r\n0\r\n\r\n",
    "chunk-CR-CR-LF-after-the-size": b"5\r\r\nhello\r\n0\r\n\r\n",
    "chunk-bare-LF-after-the-data": b"5\r\nhello\n0\r\n\r\n",
    "chunk-bare-CR-after-the-data": b"5\r\nhello\r0\r\n\r\n",
    "CVE-2025-43859-chunk-data-ends-in-something-else": b"5\r\nAAAAAXX2\r\n45\r\n0\r\n\r\n",
    "CVE-2023-41419-chunk-longer-than-its-size": b"5\r\nhello" + SMUGGLED,
    "chunk-shorter-than-its-size": b"5\r\nhell\r\n0\r\n\r\n",
    "chunk-missing-CRLF-after-the-data": b"5\r\nhello0\r\n\r\n",
    "last-chunk-bare-LF": b"5\r\nhello\r\n0\n\r\n",
    "last-chunk-bare-LF-for-the-end": b"5\r\nhello\r\n0\r\n\n",
    "CVE-2024-52304-extension-LF": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "gunicorn-extension-bare-CR": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "extension-NUL": b"5;a\0b\r\nhello\r\n0\r\n\r\n",
    "extension-quoted-LF": b'5;a="\n"\r\nhello\r\n0\r\n\r\n',
    "extension-quoted-CR": b'5;a="\r"\r\nhello\r\n0\r\n\r\n',
    "extension-quoted-NUL": b'5;a="\0"\r\nhello\r\n0\r\n\r\n',
    "extension-quoted-pair-of-CR": b'5;a="\\\r"\r\nhello\r\n0\r\n\r\n',
    "extension-quoted-CRLF": b'5;a="\r\n0\r\n\r\n',
    "extension-open-quote": b'5;a="b\r\nhello\r\n0\r\n\r\n',
    "extension-quote-and-more": b'5;a="b"c\r\nhello\r\n0\r\n\r\n',
    "CVE-2022-24761-extension-of-no-token": b"5;\x7f\r\nhello\r\n0\r\n\r\n",
    "extension-without-a-name": b"5;\r\nhello\r\n0\r\n\r\n",
    "extension-of-a-value-alone": b"5;=b\r\nhello\r\n0\r\n\r\n",
    "extension-without-a-value": b"5;a=\r\nhello\r\n0\r\n\r\n",
    "extension-without-a-semicolon": b"5 a=b\r\nhello\r\n0\r\n\r\n",
    "uhttpd-3-size-0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "uhttpd-3-size-underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "uwsgi-2775-size-0x1": b"0x1\r\nh\r\n0\r\n\r\n",
    "size-plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "size-minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "size-space-first": b" 5\r\nhello\r\n0\r\n\r\n",
    "size-space-inside": b"0 5\r\nhello\r\n0\r\n\r\n",
    "size-tab-last": b"5\t\r\nhello\r\n0\r\n\r\n",
    "size-vertical-tab": b"5\x0b\r\nhello\r\n0\r\n\r\n",
    "size-NUL": b"5\0\r\nhello\r\n0\r\n\r\n",
    "size-of-17-digits": b"00000000000000005\r\nhello\r\n0\r\n\r\n",
    "size-of-2^64": b"10000000000000000\r\nhello\r\n0\r\n\r\n",
    "size-of-2^64+5": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "size-is-no-number": b"g\r\nhello\r\n0\r\n\r\n",
    "CVE-2025-69224-size-of-unicode-digits": "٥\r\nhello\r\n0\r\n\r\n".encode(),
    "size-missing": b"\r\nhello\r\n0\r\n\r\n",
    "size-missing-before-an-extension": b";a\r\nhello\r\n0\r\n\r\n",
    "second-size-missing": HELLO + b"\r\n0\r\n\r\n",
    "trailer-Content-Length": b"0\r\nContent-Length: 5\r\n\r\n",
    "gunicorn-trailer-Transfer-Encoding": b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "trailer-Host": b"0\r\nHost: b\r\n\r\n",
    "trailer-Authorization": b"0\r\nAuthorization: Basic YTpi\r\n\r\n",
    "trailer-Cookie": b"0\r\ncookie: a=b\r\n\r\n",
    "trailer-Content-Encoding": b"0\r\nCONTENT-ENCODING: gzip\r\n\r\n",
    "trailer-Content-Type": b"0\r\nContent-Type: a/b\r\n\r\n",
    "trailer-Connection": b"0\r\nConnection: close\r\n\r\n",
    "trailer-Trailer": b"0\r\nTrailer: X\r\n\r\n",
    "CVE-2025-53643-a-request-for-a-trailer": b"0\r\n" + SMUGGLED,
    "trailer-bare-LF": b"0\r\nX: y\n\r\n",
    "trailer-bare-CR": b"0\r\nX: y\rZ: y\r\n\r\n",
    "trailer-fold": b"0\r\nX: y\r\n z\r\n\r\n",
    "trailer-space-before-the-colon": b"0\r\nX : y\r\n\r\n",
    "trailer-NUL": b"0\r\nX: \0\r\n\r\n",
    "trailer-empty-name": b"0\r\n: y\r\n\r\n",
    "trailer-no-colon": b"0\r\nX\r\n\r\n",
}
#: 431, or ClientPayloadError.
TOO_MUCH = {
    "extension-of-257-bytes": b"5;" + b"a" * 255 + b"\r\nhello\r\n0\r\n\r\n",
    "extension-of-1-MB": b"5;" + b"a" * 2**20 + b"\r\nhello\r\n0\r\n\r\n",
    "extensions-of-1-MB": b"5" + b";a=b" * 2**18 + b"\r\nhello\r\n0\r\n\r\n",
    "CVE-2026-22815-trailers-129": b"0\r\n" + b"X: y\r\n" * 129 + b"\r\n",
    "CVE-2026-22815-trailers-without-end": b"0\r\n" + b"X: y\r\n" * 10_000,
    "trailer-line-of-8191-bytes": b"0\r\nX: " + b"a" * 8188 + b"\r\n\r\n",
    "trailer-line-without-end": b"0\r\nX: " + b"a" * 60_000,
    "trailers-over-16-KiB": b"0\r\n" + b"X: %b\r\n" % (b"a" * 4093) * 4 + b"Y:\r\n\r\n",
}
#: The sender ends here.
CUT_OFF = {
    "chunked-cut-off-before-the-size": b"",
    "chunked-cut-off-in-the-size": b"5",
    "chunked-cut-off-in-the-data": b"5\r\nhel",
    "chunked-cut-off-after-the-data": b"5\r\nhello",
    "chunked-cut-off-after-a-chunk": HELLO,
    "gunicorn-3382-cut-off-in-the-last-chunk": HELLO + b"0",
    "gunicorn-3382-cut-off-after-the-last-chunk": HELLO + b"0\r\n",
    "chunked-cut-off-in-a-trailer": HELLO + b"0\r\nX: y\r\n",
    "chunked-cut-off-before-the-last-LF": HELLO + b"0\r\n\r",
}
#: All of them say "hello".
READ = {
    "chunks": b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    "size-leading-zeros": b"0000000000000005\r\nhello\r\n000\r\n\r\n",
    "extension": b"5;a\r\nhello\r\n0;b\r\n\r\n",
    "extension-with-a-value": b"5;a=b;c=d\r\nhello\r\n0\r\n\r\n",
    "extension-quoted": b'5;a="; \\" \\\\ \t"\r\nhello\r\n0\r\n\r\n',
    "extension-in-spaces": b"5 ;\ta = b\r\nhello\r\n0\r\n\r\n",
    "extension-of-256-bytes": b"5;" + b"a" * 254 + b"\r\nhello\r\n0\r\n\r\n",
    "trailers": b"5\r\nhello\r\n0\r\nX: y\r\nDigest: z\r\n\r\n",
    "trailers-128": b"5\r\nhello\r\n0\r\n" + b"X: y\r\n" * 128 + b"\r\n",
}

REQUESTS: dict[str, Request] = {
    **{
        name: Request(post(CODING, content=content), refused=400, is_in_body=True)
        for name, content in MALFORMED.items()
    },
    **{
        name: Request(post(CODING, content=content), refused=431, is_in_body=True)
        for name, content in TOO_MUCH.items()
    },
    **{
        name: Request(post(CODING, content=content), refused=400, is_in_body=True, ends=True)
        for name, content in CUT_OFF.items()
    },
    **{
        name: Request(post(CODING, content=content), (("POST", "/", b"hello"),))
        for name, content in READ.items()
    },
    "size-space-last": Request(
        post(CODING, content=b"5 \r\nhello\r\n0\r\n\r\n"), refused=400, is_in_body=True
    ),
    "a-request-in-a-chunk": Request(
        post(CODING, content=b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
        (("POST", "/", SMUGGLED),),
    ),
    "chunked-behind-another-request": Request(
        get() + post(CODING, content=b"5\nhello\n0\n\n"), (("GET", "/", b""),), 400, is_in_body=True
    ),
}

RESPONSES: dict[str, Response] = {
    **{name: broken(ok(CODING, content=content)) for name, content in (MALFORMED | TOO_MUCH).items()},
    **{name: broken(ok(CODING, content=content), ends=True) for name, content in CUT_OFF.items()},
    **{name: Response(ok(CODING, content=content), 200, b"hello") for name, content in READ.items()},
    "LENIENT-size-space-last": Response(ok(CODING, content=b"5  \r\nhello\r\n0 \r\n\r\n"), 200, b"hello"),
    "a-body-that-is-not-chunked": broken(ok(CODING, content=b"<html>hello</html>")),
    "a-length-that-is-not-reached": broken(ok(b"Content-Length: 6"), ends=True),
    "chunked-on-HEAD": Response(ok(CODING, content=b""), 200, method="HEAD"),
    "chunked-on-HEAD-and-content": Response(ok(CODING, content=HELLO + LAST), 200, method="HEAD"),
}
