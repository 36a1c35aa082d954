"""Every case is fed whole, one byte at a time, and with bytes after it.

What a machine tells may not depend on how its bytes were cut: the readers here feed a case in all of these
ways, fail if two of them differ in anything but how the content is split, and return what they agree on.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest

from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.events import (
    Data,
    End,
    Event,
    Head,
    HttpVersion,
    InformationalHead,
    RequestHead,
    ResponseHead,
)
from pronghorn.wire.http1.connection import Http1Connection, Reading
from pronghorn.wire.limits import DEFAULT_LIMITS, Limits
from pronghorn.wire.roles import CLIENT, SERVER

NEXT_REQUEST = b"GET /next HTTP/1.1\r\nHost: next\r\n\r\n"
SURPLUS = b"HTTP/1.1 200 Surplus\r\nContent-Length: 0\r\n\r\n"


def whole(wire: bytes) -> list[bytes]:
    return [wire]


def bytewise(wire: bytes) -> list[bytes]:
    return [wire[at : at + 1] for at in range(len(wire))]


CUTS = (whole, bytewise)


@dataclass
class Message:
    """What was told of one message."""

    first: str | int
    second: str
    version: HttpVersion
    fields: list[tuple[str, str]]
    raw_fields: tuple[tuple[bytes, bytes], ...]
    is_persistent: bool
    upgrade: str
    expects_continue: bool
    content: bytes = b""
    is_whole: bool = False
    trailers: list[tuple[str, str]] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        (value,) = (value for other, value in self.fields if other.lower() == name.lower())
        return value


def message(head: Head) -> Message:
    if isinstance(head, RequestHead):
        first, second = head.method, head.target
    elif isinstance(head, ResponseHead):
        first, second = head.status, head.reason
    else:
        raise TypeError(f"a head of neither kind: {head!r}")
    return Message(
        first,
        second,
        head.version,
        [(str(name), value) for name, value in head.headers.items()],
        head.raw_headers,
        head.is_persistent,
        head.upgrade,
        head.expects_continue,
        head.body or b"",
        head.body is not None or isinstance(head, InformationalHead),
    )


def gather(events: Iterable[Event], messages: list[Message]) -> None:
    """Add to ``messages`` what ``events`` tell."""
    for event in events:
        if isinstance(event, Head):
            messages.append(message(event))
        elif isinstance(event, Data):
            messages[-1].content += event.chunk
        elif isinstance(event, End):
            messages[-1].is_whole = True
            messages[-1].trailers = [(str(name), value) for name, value in (event.trailers or {}).items()]
        else:
            pytest.fail(f"an event of no kind: {event!r}")


@dataclass
class Outcome:
    """What a machine told of the bytes it was fed, and the machine."""

    connection: Http1Connection
    messages: list[Message] = field(default_factory=list)
    error: ProtocolError | None = None

    @property
    def only(self) -> Message:
        (only,) = self.messages
        return only


def feed(connection: Http1Connection, pieces: Iterable[bytes], *, eof: bool = False) -> Outcome:
    """Feed ``pieces`` to ``connection``; after an error it may tell nothing more."""
    outcome = Outcome(connection)
    for piece in pieces:
        try:
            events = connection.feed(piece)
        except ProtocolError as error:
            if outcome.error:
                pytest.fail(f"a second error after {outcome.error!r}: {error!r}")
            outcome.error = error
            continue
        if outcome.error and events:
            pytest.fail(f"told after {outcome.error!r}: {events}")
        gather(events, outcome.messages)
    if eof:
        try:
            gather(connection.feed_eof(), outcome.messages)
        except ProtocolError as error:
            outcome.error = error
    return outcome


def agreed(outcomes: list[Outcome]) -> Outcome:
    """The one thing that all ``outcomes`` tell. What came out before an error depends on the cut."""
    one = outcomes[0]
    for other in outcomes[1:]:
        if (one.error and one.error.status_hint) != (other.error and other.error.status_hint):
            pytest.fail(f"depends on how the bytes are cut: {one.error!r} and {other.error!r}")
        if not one.error and one.messages != other.messages:
            pytest.fail(f"depends on how the bytes are cut: {one.messages}\nand {other.messages}")
    return one


# Requests


def server(limits: Limits = DEFAULT_LIMITS) -> Http1Connection:
    return Http1Connection(SERVER, limits)


def answer(connection: Http1Connection, status: int = 200, body: bytes = b"") -> bytes:
    return connection.send_head(status, "Answer", [], None, body=body)


def read_request(wire: bytes, limits: Limits = DEFAULT_LIMITS) -> Message:
    """The one whole request in ``wire``; what comes after it waits until it was answered."""
    outcomes = []
    for cut in CUTS:
        outcomes.append(feed(server(limits), cut(wire)))
        outcome = feed(server(limits), cut(wire + NEXT_REQUEST))
        outcomes.append(outcome)
        if outcome.error or not outcome.only.is_whole or outcome.connection.held != len(NEXT_REQUEST):
            pytest.fail(f"expected one whole request and the next one kept, got {outcome}")
        after: list[Message] = []
        answer(outcome.connection, 404)
        gather(outcome.connection.resume(), after)
        if [each.second for each in after] != ["/next"] * outcome.only.is_persistent:
            pytest.fail(f"after the request was answered: {after}")
    return agreed(outcomes).only


def refuse_request(wire: bytes, limits: Limits = DEFAULT_LIMITS) -> int:
    """The status that ``wire`` is refused with. Then nothing is read, and one response can be sent."""
    outcomes = []
    for cut in CUTS:
        for after in (b"", NEXT_REQUEST):
            outcome = feed(server(limits), cut(wire + after))
            if outcome.error is None:
                pytest.fail(f"read: {outcome.messages}")
            expect_terminal(outcome.connection)
            outcomes.append(outcome)
    outcome = agreed(outcomes)
    return outcome.error.status_hint if outcome.error else 0


def expect_terminal(connection: Http1Connection) -> None:
    """Fail unless ``connection`` reads nothing more and takes one last response."""
    if connection.feed(NEXT_REQUEST) or connection.is_reusable or connection.reading is not Reading.CLOSED:
        pytest.fail("goes on after an error")
    sent = answer(connection, 400, b"refused")
    if b"\r\nConnection: close\r\n" not in sent or not sent.endswith(b"\r\n\r\nrefused"):
        pytest.fail(f"the last response is {sent!r}")
    with pytest.raises(RuntimeError, match="no message is due"):
        answer(connection, 400)
    if connection.resume():
        pytest.fail("goes on after its last response")


# Responses


def client(
    method: str = "GET", *, upgrade: str = "", body: bytes = b"", limits: Limits = DEFAULT_LIMITS
) -> Http1Connection:
    """A client that has sent its request."""
    connection = Http1Connection(CLIENT, limits)
    target = "a:443" if method == "CONNECT" else "/"
    connection.send_head(method, target, [("Host", "a")], None, body=body, upgrade=upgrade)
    return connection


def read_response(
    wire: bytes, make: Callable[[], Http1Connection] = client, *, informational: int = 0
) -> Message:
    """The one whole final response in ``wire``; bytes after it make the connection useless."""
    outcomes = []
    for cut in CUTS:
        outcomes.append(feed(make(), cut(wire)))
        outcome = feed(make(), cut(wire + SURPLUS))
        outcomes.append(outcome)
        if outcome.error or not outcome.messages[-1].is_whole or outcome.connection.held != len(SURPLUS):
            pytest.fail(f"expected one whole response and the surplus kept, got {outcome}")
        if outcome.connection.is_reusable:
            pytest.fail("a connection with bytes that answer nothing is no good")
    outcome = agreed(outcomes)
    if len(outcome.messages) != informational + 1:
        pytest.fail(
            f"expected {informational} informational responses and a final one, got {outcome.messages}"
        )
    return outcome.messages[-1]


def read_until_close(wire: bytes, make: Callable[[], Http1Connection] = client) -> Message:
    """The one response in ``wire``, which the end of the connection ends."""
    return agreed([feed(make(), cut(wire), eof=True) for cut in CUTS]).only


def refuse_response(wire: bytes, make: Callable[[], Http1Connection] = client, *, eof: bool = False) -> str:
    """The message of the error that ``wire`` makes, at its last byte or before; with ``eof``, at its end."""
    afters = (b"",) if eof else (b"", SURPLUS)
    outcomes = [feed(make(), cut(wire + after), eof=eof) for cut in CUTS for after in afters]
    for outcome in outcomes:
        if outcome.error is None:
            pytest.fail(f"read: {outcome.messages}")
        if outcome.connection.is_reusable or outcome.connection.feed(SURPLUS) or outcome.connection.resume():
            pytest.fail("goes on after an error")
    error = agreed(outcomes).error
    return error.message if error else ""
