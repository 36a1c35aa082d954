"""The bytes that travel: in one place, so that every server and every client is given the same work."""

import itertools
import random
import zlib
from collections.abc import Iterator

SEED = 9112
CONNECTIONS = 64
BODY = b"Hello, World!"

#: 1 KiB of JSON, when it is serialised. Its end is the end of the request, for a server that parses nothing.
JSON = {
    "text": "All work and no play makes Jack a dull boy. " * 22,
    "page": 1,
    "sizes": [1, 2, 3],
    "at": "end",
}
JSON_END = b'"end"}'
#: What a site may have set on the way, 50 of them.
COOKIES = {f"cookie-{number}": f"{number:032x}" for number in range(50)}

BLOCK_SIZE = 1024 * 1024
LARGE_BLOCKS = 512
LARGE_SIZE = BLOCK_SIZE * LARGE_BLOCKS
LARGE_PATH = "/large"

# What a browser sends when somebody follows a link.
SEVEN_FIELDS = (
    b"Host: 127.0.0.1\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    b"Accept-Language: en-US,en;q=0.5\r\n"
    b"Accept-Encoding: gzip, deflate, br, zstd\r\n"
    b"Connection: keep-alive\r\n"
    b"Sec-Fetch-Mode: navigate\r\n"
)
THREE_REPEATED = (
    b"Sec-Fetch-Dest: document\r\nSec-Fetch-Site: same-origin\r\nUpgrade-Insecure-Requests: 1\r\n"
)
THREE_FRESH = (
    b"Cookie: session=%032x\r\n"
    b"X-Request-Id: 7d1c22f4-58a0-4c1b-%016x\r\n"
    b"Referer: http://127.0.0.1/articles/%d\r\n"
)
VARIANTS = ("fixed", "fresh3")

#: What servers are asked for beside the text, by kind: the request line, and the body of the answer.
ECHOED = b"All work and no play makes Jack a dull boy. " * 23 + b"All work."
PAGE = ECHOED[:64] * 1024
CHUNK = ECHOED[:1024]
CHUNKS = 16
ROUTES = 1000
KINDS = {
    "middlewares": (b"GET /articles/first", BODY),
    "json": (b"GET /json", JSON_END),
    "echo": (b"POST /echo", ECHOED),
    "page": (b"GET /page", PAGE),
    "stream": (b"GET /stream", CHUNK + b"\r\n0\r\n\r\n"),
    "routes": (b"GET /routes/%d/first" % (ROUTES - 1), BODY),
}


def kind_request(kind: str) -> bytes:
    """A request of a kind, with ten fields; two more where it has a body."""
    line, _ = KINDS[kind]
    head = line + b" HTTP/1.1\r\n" + SEVEN_FIELDS + THREE_REPEATED
    if line.startswith(b"POST"):
        return head + b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(ECHOED) + ECHOED
    return head + b"\r\n"


def requests(variant: str) -> Iterator[bytes]:
    """Endless GETs with ten fields: all repeated (`fixed`), or three never seen before (`fresh3`)."""
    start = b"GET / HTTP/1.1\r\n" + SEVEN_FIELDS
    if variant == "fixed":
        yield from itertools.repeat(start + THREE_REPEATED + b"\r\n")
    template = start + THREE_FRESH + b"\r\n"
    for number in itertools.count(random.Random(SEED).getrandbits(32)):
        yield template % (number, number, number)


def large_block() -> bytes:
    """The block of which the large body consists, LARGE_BLOCKS times over."""
    return random.Random(SEED).randbytes(BLOCK_SIZE)


def large_checksum() -> int:
    """CRC-32 of the large body."""
    block, checksum = large_block(), 0
    for _ in range(LARGE_BLOCKS):
        checksum = zlib.crc32(block, checksum)
    return checksum
