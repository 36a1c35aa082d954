"""Family 6: upgrades, expectations and informational responses (RFC 9110 sections 7.8, 10.1.1 and 15.2)."""

from .cases import SMUGGLED, Request, Response, get, lines, malformed, ok, post, read, refused

WEBSOCKET = (b"Connection: Upgrade", b"Upgrade: websocket")
H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQCAAAA")
CONTENT = b"Content-Length: %d" % len(SMUGGLED)
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
CONTINUE = b"Expect: 100-continue"

#: No expectation that we know (RFC 9110 section 10.1.1): 417.
EXPECTATIONS = {
    "Expect-unknown": b"Expect: 200-ok",
    "Expect-list": b"Expect: 100-continue, 100-continue",
    "Expect-and-an-unknown-one": b"Expect: 100-continue, miracles",
    "Expect-twice": b"Expect: 100-continue\r\nExpect: miracles",
    "Expect-empty": b"Expect:",
    "Expect-parameter": b"Expect: 100-continue; a=b",
    "Expect-in-part": b"Expect: 100-continues",
}

REQUESTS: dict[str, Request] = {
    # An upgrade that is declined changes nothing: the content is content, what follows is the next request.
    "CVE-2026-69243-declined-with-content": read(
        post(*WEBSOCKET, CONTENT, content=SMUGGLED), SMUGGLED, "POST"
    ),
    "CVE-2026-69243-declined-with-chunks": read(
        post(*WEBSOCKET, b"Transfer-Encoding: chunked", content=CHUNKS), SMUGGLED, "POST"
    ),
    "CVE-2026-69243-declined-with-content-on-GET": read(get(*WEBSOCKET, CONTENT) + SMUGGLED, SMUGGLED),
    "CVE-2026-69243-declined-with-content-that-nobody-reads": read(
        lines(b"POST /unread HTTP/1.1", b"Host: a", *WEBSOCKET, CONTENT, content=SMUGGLED),
        b"",
        "POST",
        "/unread",
    ),
    "declined-with-a-tail": Request(get(*WEBSOCKET) + get(), (("GET", "/", b""), ("GET", "/", b""))),
    "aiohttp-13501-declined-with-frames-for-a-tail": Request(
        get(*WEBSOCKET) + b"\x81\x85\0\0\0\0hello\r\n\r\n", (("GET", "/", b""),), 400
    ),
    "declined-with-two-lengths": refused(
        post(*WEBSOCKET, b"Content-Length: 5", b"Transfer-Encoding: chunked", content=CHUNKS)
    ),
    "notupgrade": read(
        post(b"Connection: notupgrade", b"Upgrade: websocket", CONTENT, content=SMUGGLED), SMUGGLED, "POST"
    ),
    "upgrade-without-Connection": read(get(b"Upgrade: websocket")),
    "upgrade-of-nothing": read(get(b"Connection: upgrade")),
    "upgrade-unknown": read(get(b"Connection: upgrade", b"Upgrade: gopher/7")),
    "upgrade-in-1.0": Request(
        lines(b"GET / HTTP/1.0", b"Host: a", *WEBSOCKET), (("GET", "/", b""),), persists=False
    ),
    "h2c-ignored": read(get(*H2C)),
    "h2c-ignored-with-content": read(post(*H2C, CONTENT, content=SMUGGLED), SMUGGLED, "POST"),
    "h2c-preface-behind": Request(get(*H2C) + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (("GET", "/", b""),), 505),
    "CONNECT-declined-with-a-tail": Request(
        lines(b"CONNECT a:443 HTTP/1.1", b"Host: a:443") + get(),
        (("CONNECT", "a:443", b""), ("GET", "/", b"")),
    ),
    **{name: refused(post(field, b"Content-Length: 5"), 417) for name, field in EXPECTATIONS.items()},
    "Expect-100-continue": Request(
        post(CONTINUE, CONTENT, content=SMUGGLED), (("POST", "/", SMUGGLED),), persists=None
    ),
    "Expect-100-continue-by-another-case": Request(
        post(b"EXPECT: 100-Continue", CONTENT, content=SMUGGLED), (("POST", "/", SMUGGLED),), persists=None
    ),
    "Expect-100-continue-and-chunks": Request(
        post(CONTINUE, b"Transfer-Encoding: chunked", content=CHUNKS),
        (("POST", "/", SMUGGLED),),
        persists=None,
    ),
    # A final answer to who may not send the content: what comes all the same is never a request.
    "Expect-100-continue-and-an-early-final-answer": Request(
        lines(b"POST /unread HTTP/1.1", b"Host: a", CONTINUE, CONTENT, content=SMUGGLED),
        (("POST", "/unread", b""),),
        persists=None,
    ),
    "Expect-100-continue-without-content": read(get(CONTINUE)),
    "Expect-100-continue-in-1.0": Request(
        lines(b"POST / HTTP/1.0", CONTINUE, b"Content-Length: 5", content=b"hello"),
        (("POST", "/", b"hello"),),
        persists=False,
    ),
}

FINAL = ok(b"Content-Length: 5")
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
RESPONSES: dict[str, Response] = {
    "100-then-the-final-one": Response(b"HTTP/1.1 100 Continue\r\n\r\n" + FINAL, 200, b"hello"),
    "100-then-an-early-final-one": Response(
        b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b"Content-Length: 5", status=413), 413, b"hello"
    ),
    "1xx-32": Response(HINTS * 32 + FINAL, 200, b"hello"),
    "1xx-flood": malformed(HINTS * 33 + FINAL),
    "1xx-flood-of-1e4": malformed(b"HTTP/1.1 100 \r\n\r\n" * 10_000),
    "1xx-that-is-malformed": malformed(b"HTTP/1.1 103 Early Hints\r\nX\r\n\r\n" + FINAL),
    "101-unrequested": malformed(SWITCHING),
    "101-unrequested-and-a-final-one": malformed(SWITCHING + FINAL),
    "101-without-a-protocol": malformed(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    "upgrade-offered-by-a-response": Response(
        ok(*WEBSOCKET, b"Content-Length: 5", status=426), 426, b"hello"
    ),
    "h2c-offered-by-a-response": Response(
        ok(b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: 5"), 200, b"hello"
    ),
}
