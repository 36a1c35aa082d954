"""What a peer sends, and what is to come of it: the shape of the tables `family_*.py`.

Their ids name the CVE, the advisory, the issue or the note of another project where the literal was a flaw.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from pronghorn import ClientError, ClientPayloadError, ClientResponseError

Case = TypeVar("Case")

#: Method, target and content of a request that was read whole.
Read = tuple[str, str, bytes]

#: What an attacker would have taken for a request of somebody else. It stands behind every literal.
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: smuggled\r\n\r\n"
#: And for an answer to somebody else.
SURPLUS = b"HTTP/1.1 200 Surplus\r\nContent-Length: 7\r\n\r\nsurplus"


@dataclass(frozen=True)
class Request:
    """Bytes to a server. It answers what is ``read``, then refuses once with ``refused`` and closes."""

    wire: bytes
    #: What is read before the refusal, in order; or all of it.
    read: tuple[Read, ...] = ()
    #: The status of the refusal; None if nothing is refused.
    refused: int | None = None
    #: The refusal is of content: a handler may have begun by its head, and never has that content whole.
    is_in_body: bool = False
    #: The client sends no more.
    ends: bool = False
    #: Another request may follow; None if that depends on when the content came.
    persists: bool | None = True


@dataclass(frozen=True)
class Response:
    """Bytes to a client that has asked. It reads ``status`` and ``content``, or ``raises``."""

    wire: bytes
    status: int = 0
    content: bytes = b""
    raises: type[ClientError] | None = None
    #: The method of the request.
    method: str = "GET"
    #: The server sends no more, and closes.
    ends: bool = False


def lines(*lines: bytes, content: bytes = b"") -> bytes:
    """A head of ``lines``, and ``content``."""
    return b"\r\n".join([*lines, b"", content])


def get(*fields: bytes) -> bytes:
    """A GET with ``fields``."""
    return lines(b"GET / HTTP/1.1", b"Host: a", *fields)


def post(*fields: bytes, content: bytes = b"hello") -> bytes:
    """A POST with ``fields``."""
    return lines(b"POST / HTTP/1.1", b"Host: a", *fields, content=content)


def ok(*fields: bytes, status: int = 200, content: bytes = b"hello") -> bytes:
    """A response with ``fields``."""
    return lines(b"HTTP/1.1 %d OK" % status, *fields, content=content)


def refused(wire: bytes, status: int = 400) -> Request:
    """Its head is refused."""
    return Request(wire, refused=status)


def read(wire: bytes, content: bytes = b"", method: str = "GET", target: str = "/") -> Request:
    """It is one request."""
    return Request(wire, ((method, target, content),))


def malformed(wire: bytes) -> Response:
    """It is no response."""
    return Response(wire, raises=ClientResponseError)


def broken(wire: bytes, *, ends: bool = False) -> Response:
    """Its head is good, its content is not."""
    return Response(wire, raises=ClientPayloadError, ends=ends)


def few_pieces(wire: bytes) -> list[bytes]:
    """Single bytes, or some two hundred pieces."""
    size = -(-len(wire) // 200)
    return [wire[at : at + size] for at in range(0, len(wire), size)]


def joined(*tables: Mapping[str, Case]) -> dict[str, Case]:
    """All ``tables`` as one; ValueError if two have the same id."""
    cases: dict[str, Case] = {}
    for table in tables:
        if twice := cases.keys() & table.keys():
            raise ValueError(f"ids that stand in two tables: {sorted(twice)}")
        cases.update(table)
    return cases
