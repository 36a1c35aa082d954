"""Family 2: the one transfer coding is chunked, spelt so (RFC 9112 sections 6.1 and 7)."""

from .cases import Request, Response, malformed, ok, post, read, refused

CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"

#: 501 (RFC 9112 section 6.1): a coding that is not understood, or no coding at all.
UNKNOWN = {
    "CVE-2024-6827-TE-xchunked": b"xchunked",
    "CVE-2022-32213-TE-chunkedchunked": b"chunkedchunked",
    "TE-chunked-identity": b"chunked, identity",
    "tornado-TE-identity": b"identity",
    "TE-identity-chunked": b"identity, chunked",
    "TE-chunked-chunked": b"chunked, chunked",
    "CVE-2019-16786-TE-gzip-chunked": b"gzip, chunked",
    "tornado-TE-gzip": b"gzip",
    "CVE-2022-32215-TE-chunked-gzip": b"chunked, gzip",
    "CVE-2024-1135-TE-comma-first": b",chunked",
    "TE-comma-last": b"chunked,",
    "TE-empty": b"",
    "TE-parameter": b"chunked;a=b",
    "TE-quoted": b'"chunked"',
    "TE-two-words": b"chunked chunked",
    "CVE-2022-32214-TE-chunked-and-more": b"chunked foo",
    "TE-no-break-space": b"\xa0chunked",
    "tornado-TE-unicode-space": "\u00a0chunked".encode(),
    "TE-line-separator": "chunked\u2028".encode(),
    "TE-Kelvin-sign": "chun\N{KELVIN SIGN}ed".encode(),
}
#: 400: no field line at all, or one too many.
MALFORMED = {
    "CVE-2019-16789-TE-vertical-tab": b"Transfer-Encoding: \x0bchunked",
    "TE-form-feed": b"Transfer-Encoding: \x0cchunked",
    "TE-NUL": b"Transfer-Encoding: chunked\0",
    "TE-bare-CR": b"Transfer-Encoding: \rchunked",
    "CVE-2022-32214-TE-bare-LF": b"X: y\rTransfer-Encoding: chunked",
    "waitress-465-TE-twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "TE-twice-by-case": b"Transfer-Encoding: chunked\r\ntransfer-encoding: identity",
    "TE-twice-identity-first": b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "TE-name-with-a-space": b"Transfer-Encoding : chunked",
    "TE-name-with-a-tab": b"Transfer-Encoding\t: chunked",
    "TE-name-with-a-vertical-tab": b"Transfer-Encoding\x0b: chunked",
    "TE-name-with-a-space-first": b" Transfer-Encoding: chunked",
    "TE-name-with-a-NUL": b"Transfer-Encoding\0: chunked",
    "TE-name-with-a-space-inside": b"Transfer Encoding: chunked",
    "TE-no-colon": b"Transfer-Encoding chunked",
}
CHUNKED = {
    "TE-chunked": b"Transfer-Encoding: chunked",
    "TE-Chunked": b"Transfer-Encoding: Chunked",
    "TE-CHUNKED-and-its-name": b"TRANSFER-ENCODING: CHUNKED",
    "TE-tabs-around": b"Transfer-Encoding:\tchunked\t ",
    "TE-no-space": b"Transfer-Encoding:chunked",
}

REQUESTS: dict[str, Request] = {
    **{
        name: refused(post(b"Transfer-Encoding: " + value, content=CHUNKS), 501)
        for name, value in UNKNOWN.items()
    },
    **{name: refused(post(field, content=CHUNKS)) for name, field in MALFORMED.items()},
    **{name: read(post(field, content=CHUNKS), b"hello", "POST") for name, field in CHUNKED.items()},
    "CVE-2022-32215-TE-folded": refused(post(b"Transfer-Encoding:", b" chunked", content=CHUNKS)),
    # Another name is another field: no content, and the chunks are no request.
    "gunicorn-TE-name-with-an-underscore": Request(
        post(b"Transfer_Encoding: chunked", content=CHUNKS), (("POST", "/", b""),), 400
    ),
    "gunicorn-TE-name-with-an-underscore-beside-CL": read(
        post(b"Transfer_Encoding: chunked", b"Content-Length: 5"), b"hello", "POST"
    ),
    "TE-name-misspelt": read(post(b"Transfer-Encodin: chunked", b"Content-Length: 5"), b"hello", "POST"),
}

# A response may fold its fields and mend its line ends (`wire.http1.head`): those two are not here.
RESPONSES: dict[str, Response] = {
    **{
        name: malformed(ok(b"Transfer-Encoding: " + value, content=CHUNKS)) for name, value in UNKNOWN.items()
    },
    **{
        name: malformed(ok(field, content=CHUNKS))
        for name, field in MALFORMED.items()
        if not field.startswith(b" ")
    },
    **{name: Response(ok(field, content=CHUNKS), 200, b"hello") for name, field in CHUNKED.items()},
    "LENIENT-TE-folded": Response(ok(b"Transfer-Encoding:", b" chunked", content=CHUNKS), 200, b"hello"),
    "TE-folded-into-two": malformed(ok(b"Transfer-Encoding: chunked,", b" identity", content=CHUNKS)),
    "gunicorn-TE-name-with-an-underscore": Response(
        ok(b"Transfer_Encoding: chunked", b"Content-Length: 5"), 200, b"hello"
    ),
}
