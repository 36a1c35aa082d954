"""Where llhttp and h11 read a response otherwise than we do, and by which clause.

Four oddities of deployed servers are read by us, and not by llhttp: see `pronghorn.wire.http1.head`.
"""

import re

from .differences import Difference, Known
from .evidence import (
    BOTH,
    CHOICE,
    H11,
    LLHTTP,
    THEIRS,
    both_lengths,
    control,
    forbidden_trailer,
    lone_lf,
    malformed_host,
    twice,
)
from .readers import Asking

_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_CONTENT_OF_1XX = "other content|other trailers|other end|they refuse|they wait"
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-9][0-9]{2}(?: [\t -~\x80-\xff]*)?\r?\n")


def _fold(difference: Difference) -> bool:
    return difference.holds(rb"\n[ \t]")


def _has_no_content(difference: Difference) -> bool:
    status = difference.accepted.start[0]
    return status in (b"204", b"304") or status < b"200" or difference.asking.method in ("HEAD", "CONNECT")


def _coding(difference: Difference) -> list[bytes]:
    return difference.accepted.get(b"transfer-encoding")


KNOWN_DIFFERENCES: tuple[Known, ...] = (
    # Status lines
    Known(
        "another version",
        BOTH,
        "we refuse",
        CHOICE,
        "RFC 9110 section 2.5: 1.2 SHOULD be read as 1.1, but there is none; 2.0 is not of this syntax",
        b"HTTP/2.0 200 OK\r\n\r\n",
        lambda it: it.why.startswith("status line: ") and it.accepted.version not in (b"1.0", b"1.1"),
    ),
    Known(
        "the versions of RTSP and ICE",
        LLHTTP,
        "we refuse",
        THEIRS,
        "RFC 9112 section 2.3: HTTP-name is 'HTTP'",
        b"ICE/1.0 200 OK\r\n\r\n",
        lambda it: it.why.startswith("status line: ") and it.part.startswith((b"ICE/", b"RTSP/")),
    ),
    Known(
        "a status line outside of the grammar",
        BOTH,
        "we refuse",
        THEIRS,
        "RFC 9112 section 4: HTTP-version SP status-code SP [ reason-phrase ]",
        b"HTTP/1.1 200 O\x01K\r\n\r\n",
        lambda it: it.why.startswith("status line: ") and _STATUS_LINE.match(it.part) is None,
    ),
    Known(
        "101 to no protocol, or to another",
        H11,
        "we refuse",
        THEIRS,
        "RFC 9110 sections 7.8 and 15.2.2: to one that was offered, named in Upgrade",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        lambda it: (
            "to another protocol" in it.why
            and (
                it.accepted.get(b"upgrade") != [it.asking.upgrade.encode()]
                or not it.holds(rb"(?im)^connection:.*\bupgrade\b")
                or it.accepted.version == b"1.0"
            )
        ),
        Asking(upgrade="websocket"),
    ),
    Known(
        "101 that was not asked for",
        LLHTTP,
        "we refuse",
        THEIRS,
        "RFC 9110 section 7.8: only to what was offered; httptools isn't told of that",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        lambda it: it.why.startswith("101 (Switching Protocols)") and it.accepted.start[0] == b"101",
    ),
    # Lines
    Known(
        "LENIENT: bare LF",
        LLHTTP,
        "they refuse",
        CHOICE,
        "RFC 9112 section 2.2: a recipient MAY recognise a single LF",
        b"HTTP/1.1 204 No\nX: y\n\n",
        lambda it: it.holds(rb"(?<!\r)\n"),
    ),
    Known(
        "LENIENT: folded values",
        LLHTTP,
        "they refuse",
        CHOICE,
        "RFC 9112 section 5.2: a user agent MUST replace a fold with SP",
        b"HTTP/1.1 204 No\r\nX: y\r\n z\r\n\r\n",
        lambda it: _fold(it) and "header value" in it.why,
    ),
    Known(
        "the spaces before a fold",
        H11,
        "other fields",
        CHOICE,
        "RFC 9112 section 5.2: a fold, with the white space before it, is one or more SP",
        b"HTTP/1.1 204 No\r\nX: y \r\n z\r\n\r\n",
        lambda it: it.holds(rb"[ \t]\r?\n[ \t]"),
    ),
    Known(
        "bare LF in chunks and trailers",
        H11,
        "we refuse",
        CHOICE,
        "RFC 9112 section 2.2: it MAY be recognised; we do so in heads alone",
        _CHUNKED + b"0\r\nX: y\n\r\n",
        lone_lf,
    ),
    Known(
        "a folded trailer",
        H11,
        "we refuse",
        CHOICE,
        "RFC 9112 section 5.2: to be unfolded; we do so in heads alone",
        _CHUNKED + b"0\r\nX: y\r\n z\r\n\r\n",
        lambda it: it.why.startswith("field line: ") and it.accepted.trailers != () and _fold(it),
    ),
    # Fields
    Known(
        "control characters in a value",
        H11,
        "we refuse",
        CHOICE,
        "RFC 9110 section 5.5: invalid, though recipients MAY retain them",
        b"HTTP/1.1 204 No\r\nX: \x01\r\n\r\n",
        control,
    ),
    Known(
        "Host in a response",
        BOTH,
        "we refuse",
        CHOICE,
        "RFC 9110 section 7.2: a field of requests; who malforms it here is not understood",
        b"HTTP/1.1 204 No\r\nHost: a/b\r\n\r\n",
        malformed_host,
    ),
    Known(
        "singletons that come twice",
        BOTH,
        "we refuse",
        CHOICE,
        "RFC 9110 section 5.3: a sender MUST NOT; equal lengths MAY be read as one (8.6)",
        b"HTTP/1.1 204 No\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n\r\n",
        twice,
    ),
    Known(
        "a list of equal lengths",
        H11,
        "we refuse",
        CHOICE,
        "RFC 9110 section 8.6: it MAY be read as one, or refused",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx",
        lambda it: it.why.startswith("Content-Length: ") and it.holds(rb"(?i)content-length:[0-9 \t\r\n]+,"),
    ),
    Known(
        "a length of 20 digits",
        BOTH,
        "we refuse",
        CHOICE,
        "RFC 9110 section 8.6: there is no limit; we stop at 19 digits",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 18446744073709551615\r\n\r\n",
        lambda it: (
            it.why.startswith("Content-Length: ")
            and any(len(value) > 19 and value.isdigit() for value in it.accepted.get(b"content-length"))
        ),
    ),
    Known(
        "both Content-Length and Transfer-Encoding",
        H11,
        "we refuse",
        CHOICE,
        "RFC 9112 section 6.3: it ought to be handled as an error",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        both_lengths,
    ),
    Known(
        "both Content-Length and Transfer-Encoding, where there is no content",
        LLHTTP,
        "they refuse",
        CHOICE,
        "RFC 9112 section 6.3: rule 1 comes before rule 3",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        lambda it: (
            it.why.endswith(("present with Transfer-Encoding", "present with Content-Length"))
            and _has_no_content(it)
        ),
    ),
    Known(
        "codings, where there is no content",
        H11,
        "they refuse",
        CHOICE,
        "RFC 9112 section 6.3: rule 1 comes before rules 3 and 4",
        b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: gzip\r\n\r\n",
        lambda it: "Transfer-Encoding" in it.why and _has_no_content(it) and _coding(it) != [b"chunked"],
    ),
    Known(
        "an empty Transfer-Encoding, where there is no content",
        LLHTTP,
        "they refuse",
        CHOICE,
        "RFC 9112 section 6.3: rule 1 comes before rule 4",
        b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: \r\n\r\n",
        lambda it: it.why == "Empty Transfer-Encoding" and _has_no_content(it) and _coding(it) == [b""],
    ),
    Known(
        "codings other than chunked",
        LLHTTP,
        "we refuse",
        CHOICE,
        "RFC 9112 section 6.3 rule 4: until the close; what we can't decode we refuse",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
        lambda it: it.why.startswith("Transfer-Encoding: the only") and _coding(it) != [b"chunked"],
    ),
    Known(
        "Transfer-Encoding in HTTP/1.0",
        BOTH,
        "we refuse",
        CHOICE,
        "RFC 9112 section 6.1: it MUST be treated as if the framing is faulty",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        lambda it: it.why == "Transfer-Encoding: not in HTTP/1.0" and it.accepted.version == b"1.0",
    ),
    Known(
        "Transfer-Encoding in lower case",
        H11,
        "other fields",
        THEIRS,
        "RFC 9110 section 5.5: the value as it came; h11 lower-cases this one",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
        lambda it: bool(re.search(rb"[A-Z]", b"".join(_coding(it)))),
    ),
    Known(
        "white space after 'chunked'",
        LLHTTP,
        "they wait",
        THEIRS,
        "RFC 9110 section 5.5: white space around a value is no part of it",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
        lambda it: it.holds(rb"(?i)transfer-encoding:[ \t]*chunked[ \t]*\t[ \t]*\r?\n"),
    ),
    # 1xx
    Known(
        "the content of a 1xx that is not 100, 102 or 103",
        LLHTTP,
        _CONTENT_OF_1XX,
        THEIRS,
        "RFC 9112 section 6.3 rule 1: no 1xx has content",
        b"HTTP/1.1 199 What\r\nContent-Length: 1\r\n\r\nx",
        lambda it: it.accepted.start[0] < b"200" and bool(_coding(it) or it.accepted.get(b"content-length")),
    ),
    Known(
        "HTTP/1.0 with a 1xx",
        LLHTTP,
        "they refuse",
        THEIRS,
        "RFC 9110 section 15.2: the final response follows; it is that which persists or not",
        b"HTTP/1.0 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
        lambda it: it.why == "Data after `Connection: close`" and it.ours.messages[0].start[0] < b"200",
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
        "white space other than spaces after a chunk size",
        H11,
        "we refuse",
        THEIRS,
        "RFC 9112 section 7.1: chunk = chunk-size [ chunk-ext ] CRLF; spaces we read, too",
        _CHUNKED + b"1\t\r\nx\r\n0\r\n\r\n",
        lambda it: it.why.startswith("chunk size: ") and it.holds(rb"\n[0-9A-Fa-f]+ *\t[ \t]*\r\n"),
    ),
    Known(
        "LENIENT: spaces after a chunk size",
        LLHTTP,
        "they refuse",
        CHOICE,
        "RFC 9112 section 7.1: chunk = chunk-size [ chunk-ext ] CRLF",
        _CHUNKED + b"1 \r\nx\r\n0\r\n\r\n",
        lambda it: it.why == "Invalid character in chunk size" and it.holds(rb"\n[0-9A-Fa-f]+ +\r\n"),
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
