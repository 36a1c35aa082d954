"""Where llhttp and h11 read a request otherwise than we do, and by which clause."""

import re

from .differences import Known
from .evidence import (
    BOTH,
    CHOICE,
    H11,
    LLHTTP,
    THEIRS,
    both_lengths,
    control,
    expectation,
    forbidden_trailer,
    lone_lf,
    malformed_host,
    other_authority,
    proxy_connection,
    twice,
    unknown_method,
)

_CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

KNOWN_DIFFERENCES: tuple[Known, ...] = (
    # Lines
    Known(
        "bare LF ends a line",
        H11,
        "we refuse",
        CHOICE,
        "RFC 9112 section 2.2: a recipient MAY recognise a single LF as a line terminator",
        b"GET / HTTP/1.1\nHost: a\n\n",
        lone_lf,
    ),
    Known(
        "more than one empty line before a request line",
        LLHTTP,
        "we refuse",
        CHOICE,
        "RFC 9112 section 2.2: a server SHOULD ignore at least one empty line",
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        lambda it: (
            it.why == "request line: expected a method, got an empty line" and it.holds(rb"\A(?:\r\n){2}")
        ),
    ),
    Known(
        "one empty line before a request line",
        H11,
        "they refuse",
        THEIRS,
        "RFC 9112 section 2.2: a server SHOULD ignore at least one empty line",
        b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        lambda it: it.why == "no request line received" and it.part.startswith(b"\r\n"),
    ),
    Known(
        "a folded value",
        H11,
        "we refuse",
        CHOICE,
        "RFC 9112 section 5.2: a server MUST either reject it or unfold it",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
        lambda it: (
            it.why.startswith(("field line: ", "Host: expected", "Content-Length: expected"))
            and it.holds(rb"\n[ \t]")
        ),
    ),
    Known(
        "a bare CR or LF before a request line",
        LLHTTP,
        "we refuse",
        THEIRS,
        "RFC 9112 section 2.2: what may be ignored is an empty line, CRLF",
        b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        lambda it: (
            it.why.startswith("request line: expected a method") and it.holds(rb"\A(?:\r\n)?(?:\r(?!\n)|\n)")
        ),
    ),
    # Start lines
    Known(
        "more than one space in a request line",
        LLHTTP,
        "we refuse",
        CHOICE,
        "RFC 9112 section 3: single SP; a recipient MAY split at any white space",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        lambda it: (
            it.why.startswith("request line: expected 'method SP")
            and it.holds(rb"\A(?:\r\n)?[^\n]*?(?:  | \r\n)")
        ),
    ),
    Known(
        "the versions of RTSP and ICE",
        LLHTTP,
        "we refuse",
        THEIRS,
        "RFC 9112 section 2.3: HTTP-name is 'HTTP'",
        b"GET / RTSP/1.0\r\nHost: a\r\n\r\n",
        lambda it: it.why.startswith("HTTP version: ") and it.holds(rb"\A[^\n]* (?:RTSP|ICE)/"),
    ),
    Known(
        "a request without a version",
        LLHTTP,
        "we refuse",
        THEIRS,
        "RFC 9112 section 3: a request line has an HTTP-version",
        b"GET /\r\n\r\n",
        lambda it: it.accepted.version == b"0.9",
    ),
    Known(
        "another major version",
        BOTH,
        "we refuse",
        THEIRS,
        "RFC 9110 section 15.6.6: the major version is not the one of this message syntax",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        lambda it: it.why.startswith("HTTP version: ") and it.accepted.version[:1] != b"1",
    ),
    Known(
        "a minor version that there is none of",
        H11,
        "we refuse",
        CHOICE,
        "RFC 9110 section 2.5: it SHOULD be processed as HTTP/1.1; no one sends it but to probe",
        b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
        lambda it: it.why.startswith("HTTP version: ") and it.accepted.version not in (b"1.0", b"1.1"),
    ),
    Known(
        "a method out of a closed list",
        LLHTTP,
        "they refuse",
        THEIRS,
        "RFC 9110 section 9.1: a method is any token",
        b"PURGED / HTTP/1.1\r\nHost: a\r\n\r\n",
        unknown_method,
    ),
    Known(
        "PRI as the method of HTTP/1",
        LLHTTP,
        "they refuse",
        THEIRS,
        "RFC 9110 section 9.1: a method is any token; reserved in RFC 9113 section 11.6",
        b"PRI / HTTP/1.1\r\nHost: a\r\n\r\n",
        lambda it: it.why == "Expected HTTP/2 Connection Preface" and it.accepted.start[0] == b"PRI",
    ),
    Known(
        "methods of RTSP and ICE in HTTP",
        LLHTTP,
        "they refuse",
        THEIRS,
        "RFC 9110 section 9.1: a method is any token",
        b"DESCRIBE / HTTP/1.1\r\nHost: a\r\n\r\n",
        lambda it: it.why == "Invalid method for HTTP/x.x request",
    ),
    Known(
        "'*' without OPTIONS",
        BOTH,
        "we refuse",
        THEIRS,
        "RFC 9112 section 3.2.4: asterisk-form is only used for a server-wide OPTIONS",
        b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        lambda it: it.why.startswith("request-target: '*'") and it.accepted.start[1] == b"*",
    ),
    Known(
        "CONNECT to something else than an authority",
        BOTH,
        "we refuse",
        THEIRS,
        "RFC 9112 section 3.2.3: authority-form is uri-host ':' port",
        b"CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n",
        lambda it: it.why.startswith("request-target: CONNECT") and it.accepted.start[0] == b"CONNECT",
    ),
    Known(
        "a target of none of the four forms",
        BOTH,
        "we refuse",
        THEIRS,
        "RFC 9112 section 3.2: origin-, absolute-, authority- or asterisk-form",
        b"GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n",
        lambda it: (
            it.why == "request-target: expected a path or an absolute URI"
            and it.accepted.start[1][:1] != b"/"
            and it.accepted.start[1] != b"*"
        ),
    ),
    Known(
        "a character that no URI has",
        BOTH,
        "we refuse",
        THEIRS,
        "RFC 9112 section 3.2, RFC 3986 section 2: to be percent-encoded; '#' begins a fragment",
        b'GET /" HTTP/1.1\r\nHost: a\r\n\r\n',
        lambda it: (
            it.why == "request-target: a character that must be percent-encoded"
            and bool(re.search(rb'[^!-~]|["#<>]', it.accepted.start[1]))
        ),
    ),
    Known(
        "digits, '+', '-' or '.' in a scheme",
        LLHTTP,
        "they refuse",
        THEIRS,
        "RFC 3986 section 3.1: scheme = ALPHA *( ALPHA / DIGIT / '+' / '-' / '.' )",
        b"GET h2+x://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        lambda it: (
            it.why == "Unexpected char in url schema"
            and bool(re.match(rb"[A-Za-z]+[0-9+.-][A-Za-z0-9+.-]*://", it.accepted.start[1]))
        ),
    ),
    # Fields
    Known(
        "control characters in a value",
        H11,
        "we refuse",
        CHOICE,
        "RFC 9110 section 5.5: invalid, though recipients MAY retain them",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n",
        control,
    ),
    Known(
        "no Host",
        LLHTTP,
        "we refuse",
        THEIRS,
        "RFC 9112 section 3.2: a server MUST answer 400",
        b"GET / HTTP/1.1\r\n\r\n",
        lambda it: (
            it.why == "Host: missing" and not it.accepted.get(b"host") and it.accepted.version == b"1.1"
        ),
    ),
    Known(
        "a malformed Host",
        BOTH,
        "we refuse",
        THEIRS,
        "RFC 9112 section 3.2: a server MUST answer 400 to an invalid Host",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        malformed_host,
    ),
    Known(
        "another authority in the target than in Host",
        BOTH,
        "we refuse",
        CHOICE,
        "RFC 9112 section 3.2.2: the target wins; refusing leaves no second reading",
        b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        other_authority,
    ),
    Known(
        "two Hosts or two Content-Types",
        LLHTTP,
        "we refuse",
        THEIRS,
        "RFC 9112 section 3.2: 400 to more than one Host; RFC 9110 section 5.3",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        twice,
    ),
    Known(
        "equal lengths, or two Content-Types",
        H11,
        "we refuse",
        CHOICE,
        "RFC 9110 sections 8.6 and 5.3: equal lengths MAY be read as one, or refused",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        twice,
    ),
    Known(
        "a list of equal lengths",
        H11,
        "we refuse",
        CHOICE,
        "RFC 9110 section 8.6: it MAY be read as one, or refused",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx",
        lambda it: it.why.startswith("Content-Length: ") and it.holds(rb"(?i)content-length:[0-9 \t]+,"),
    ),
    Known(
        "both Content-Length and Transfer-Encoding",
        H11,
        "we refuse",
        CHOICE,
        "RFC 9112 section 6.3: a server MAY reject it; it ought to be handled as an error",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        both_lengths,
    ),
    Known(
        "Transfer-Encoding in HTTP/1.0",
        BOTH,
        "we refuse",
        CHOICE,
        "RFC 9112 section 6.1: it MUST be treated as if the framing is faulty",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        lambda it: it.why == "Transfer-Encoding: not in HTTP/1.0" and it.accepted.version == b"1.0",
    ),
    Known(
        "Transfer-Encoding in lower case",
        H11,
        "other fields",
        THEIRS,
        "RFC 9110 section 5.5: the value as it came; h11 lower-cases this one",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
        lambda it: bool(re.search(rb"[A-Z]", b"".join(it.accepted.get(b"transfer-encoding")))),
    ),
    Known(
        "white space after 'chunked'",
        LLHTTP,
        "they refuse",
        THEIRS,
        "RFC 9110 section 5.5: white space around a value is no part of it",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
        lambda it: (
            "Transfer-Encoding" in it.why
            and it.holds(rb"(?i)transfer-encoding:[ \t]*chunked[ \t]*\t[ \t]*\r\n")
        ),
    ),
    Known(
        "empty members in Transfer-Encoding",
        LLHTTP,
        "we refuse",
        CHOICE,
        "RFC 9112 section 6.1: 501 to what it doesn't understand; we know one spelling",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n",
        lambda it: (
            it.why == "Transfer-Encoding: the only transfer coding known is chunked"
            and any(b"," in value for value in it.accepted.get(b"transfer-encoding"))
        ),
    ),
    Known(
        "the framing of CONNECT and of offers to upgrade",
        LLHTTP,
        "we refuse",
        THEIRS,
        "RFC 9112 section 6.3: content is framed alike; httptools doesn't look",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: gzip\r\n\r\n",
        lambda it: (
            it.why.startswith("Transfer-Encoding: ")
            and it.accepted.content is None
            and bool(it.accepted.get(b"transfer-encoding"))
        ),
    ),
    Known(
        "a length of 20 digits",
        LLHTTP,
        "we refuse",
        CHOICE,
        "RFC 9110 section 8.6: there is no limit; we stop at 19 digits",
        b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 18446744073709551615\r\n\r\n",
        lambda it: (
            it.why.startswith("Content-Length: ")
            and any(len(value) > 19 and value.isdigit() for value in it.accepted.get(b"content-length"))
        ),
    ),
    Known(
        "an unknown expectation",
        BOTH,
        "we refuse",
        CHOICE,
        "RFC 9110 section 10.1.1: a server MAY answer 417",
        b"GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n",
        expectation,
    ),
    # Persistence
    Known(
        "HTTP/1.0 that asks to persist",
        H11,
        "they close",
        CHOICE,
        "RFC 9112 section 9.3: it persists; h11 never lets it",
        b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
        lambda it: any(message.version == b"1.0" for message in it.ours.messages),
    ),
    Known(
        "'close' and 'keep-alive' in HTTP/1.0",
        LLHTTP,
        "we close",
        THEIRS,
        "RFC 9112 section 9.3: 'close' wins",
        b"GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
        lambda it: (
            it.ours.messages[-1].version == b"1.0"
            and {b"close", b"keep-alive"}
            <= set(re.split(rb"[ \t]*,[ \t]*", b",".join(it.ours.messages[-1].get(b"connection")).lower()))
        ),
    ),
    Known(
        "Proxy-Connection closes",
        LLHTTP,
        "they close",
        THEIRS,
        "RFC 9112 section 9.3: only Connection has a say; appendix C.2.2",
        b"GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        proxy_connection,
    ),
    Known(
        "Proxy-Connection persists",
        LLHTTP,
        "we close",
        THEIRS,
        "RFC 9112 section 9.3: only Connection has a say; appendix C.2.2",
        b"GET / HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
        proxy_connection,
    ),
    # Chunks
    Known(
        "whatever follows a semicolon is an extension",
        BOTH,
        "we refuse",
        THEIRS,
        "RFC 9112 section 7.1.1: chunk-ext = *( BWS ';' BWS chunk-ext-name [ ... ] )",
        _CHUNKED + b"1;=b\r\nx\r\n0\r\n\r\n",
        lambda it: it.why == "chunk: malformed extension" and it.holds(rb"[0-9A-Fa-f];"),
    ),
    Known(
        "white space after a chunk size",
        H11,
        "we refuse",
        THEIRS,
        "RFC 9112 section 7.1: chunk = chunk-size [ chunk-ext ] CRLF",
        _CHUNKED + b"1 \r\nx\r\n0\r\n\r\n",
        lambda it: it.why.startswith("chunk size: ") and it.holds(rb"\n[0-9A-Fa-f]+[ \t]+\r\n"),
    ),
    Known(
        "a chunk line of more than 256 bytes",
        BOTH,
        "we refuse",
        CHOICE,
        "RFC 9112 section 7.1.1: a server ought to limit the length of chunk extensions",
        _CHUNKED + b"1;" + b"a" * 300 + b"\r\nx\r\n0\r\n\r\n",
        lambda it: it.why == "line: longer than 256 bytes" and it.holds(rb"\n[0-9A-Fa-f]+[ \t]*;[^\n]{240}"),
    ),
    Known(
        "a chunk size of 17 digits",
        BOTH,
        "we refuse",
        CHOICE,
        "RFC 9112 section 7.1: a recipient MUST guard against overflow; we stop at 16 digits",
        _CHUNKED + b"00000000000000001\r\nx\r\n0\r\n\r\n",
        lambda it: it.why.startswith("chunk size: ") and it.holds(rb"\n0[0-9A-Fa-f]{16,}[ \t]*[;\r]"),
    ),
    Known(
        "white space before a semicolon",
        BOTH,
        "they refuse",
        THEIRS,
        "RFC 9112 section 7.1.1: BWS, which a recipient MUST parse for",
        _CHUNKED + b"1 ;a\r\nx\r\n0\r\n\r\n",
        lambda it: (
            it.why.startswith(("illegal chunk header", "Invalid character in chunk size"))
            and it.holds(rb"\n[0-9A-Fa-f]+[ \t]+;")
        ),
    ),
    Known(
        "white space after a semicolon, and around '='",
        LLHTTP,
        "they refuse",
        THEIRS,
        "RFC 9112 section 7.1.1: BWS, which a recipient MUST parse for",
        _CHUNKED + b"1; a\r\nx\r\n0\r\n\r\n",
        lambda it: (
            it.why.startswith("Invalid character in chunk extensions")
            and it.holds(rb"\n[0-9A-Fa-f]+[ \t]*;[^\n]*[ \t]")
        ),
    ),
    Known(
        "fields that may not be trailers",
        BOTH,
        "we refuse",
        CHOICE,
        "RFC 9110 section 6.5.1: a recipient MAY ignore or discard them; we refuse",
        _CHUNKED + b"0\r\nHost: b\r\n\r\n",
        forbidden_trailer,
    ),
)
