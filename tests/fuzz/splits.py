"""Any split of the same bytes tells the same, and after an error nothing more is read."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random

from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.events import Data, End, Event, Head, InformationalHead, RequestHead, ResponseHead
from pronghorn.wire.http1.connection import Http1Connection, Reading, Writing
from pronghorn.wire.limits import DEFAULT_LIMITS, Limits
from pronghorn.wire.roles import SERVER

from .finding import Finding
from .readers import Asking

#: Small enough that a case of a few hundred bytes meets every one of them.
SMALL_LIMITS = Limits(
    start_line=48, field_line=48, fields=4, head=120, chunk_line=12, trailers=24, informational=1
)
LIMITS = (DEFAULT_LIMITS, SMALL_LIMITS)
_AFTER = (
    b"GET /after HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HTTP/1.1 200 After\r\nContent-Length: 0\r\n\r\n",
    b"\r\n",
)

#: What was told: heads, content byte by byte so that its pieces don't matter, ends.
Story = list[object]
#: The error and its status, or None and whether the connection is still good.
Ending = tuple[str | None, int]


def _tell(events: Sequence[Event], story: Story) -> None:
    for event in events:
        if isinstance(event, Head):
            story.append((type(event), *_start(event), event.version, event.raw_headers))
            story.append((event.is_persistent, event.upgrade, event.expects_continue))
            if event.body is not None and not isinstance(event, InformationalHead):
                story.extend(event.body)
                story.append(("end", ()))
        elif isinstance(event, Data):
            story.extend(event.chunk)
        elif isinstance(event, End):
            story.append(("end", tuple(event.trailers.items()) if event.trailers else ()))
        else:
            raise Finding(f"an event of no kind: {event!r}")


def _start(head: Head) -> tuple[object, ...]:
    if isinstance(head, RequestHead):
        return head.method, head.target
    if isinstance(head, ResponseHead):
        return head.status, head.reason
    raise Finding(f"a head of neither kind: {head!r}")


def _answer(connection: Http1Connection) -> Sequence[Event]:
    connection.decline_upgrade()
    connection.send_head(405, "Declined", [], None, body=b"")
    return connection.resume()


def _read(
    connection: Http1Connection, pieces: Sequence[bytes], *, answers_at_once: bool
) -> Iterator[Sequence[Event]]:
    """The events of ``pieces`` and of the end after them; a server answers each request."""
    is_server = connection.writing is Writing.SILENT
    for piece in pieces:
        yield connection.feed(piece)
        while is_server and answers_at_once and connection.reading is Reading.WHOLE:
            yield _answer(connection)
    yield connection.feed_eof()
    while is_server and connection.reading is Reading.WHOLE:
        yield _answer(connection)


def _story(
    connection: Http1Connection, pieces: Sequence[bytes], *, answers_at_once: bool
) -> tuple[Story, Ending]:
    """What is told of ``pieces``, and how it ends."""
    story: Story = []
    try:
        for events in _read(connection, pieces, answers_at_once=answers_at_once):
            _tell(events, story)
    except ProtocolError as error:
        _expect_silence(connection, error)
        return story, (type(error).__name__, error.status_hint)
    return story, (None, connection.is_reusable)


def _expect_silence(connection: Http1Connection, error: ProtocolError) -> None:
    for data in _AFTER:
        if connection.feed(data):
            raise Finding(f"reads on after {error!r}")
    if connection.resume() or connection.feed_eof() or connection.is_reusable:
        raise Finding(f"goes on after {error!r}")
    if connection.reading is not Reading.CLOSED or connection.held:
        raise Finding(f"is not over after {error!r}: {connection.reading}, {connection.held} bytes held")


def cuts(rng: Random, wire: bytes) -> list[bytes]:
    edges = {0, len(wire), *(rng.randrange(len(wire) + 1) for _ in range(rng.randrange(6)))}
    return [wire[start:end] for start, end in pairwise(sorted(edges))]


def check_splits(wire: bytes, asking: Asking | None, limits: Limits, split: Sequence[bytes]) -> None:
    """Fed whole, byte by byte and in ``split``, answered at once and late: one story. None asks a server."""
    single = [wire[at : at + 1] for at in range(len(wire))]
    longest, end = _story(_connection(asking, limits), single, answers_at_once=True)
    for pieces in ([wire], list(split), single):
        for answers_at_once in (True, False) if asking is None else (True,):
            story, other_end = _story(_connection(asking, limits), pieces, answers_at_once=answers_at_once)
            # What comes in one read with an error is lost with it; what is told is told alike.
            is_same = story == (longest if end[0] is None else longest[: len(story)])
            if other_end != end or not is_same:
                raise Finding(
                    f"depends on the split: {limits}\n  {wire!r}\n  {pieces!r}\n"
                    f"  byte by byte: {end} {longest!r}\n  otherwise:    {other_end} {story!r}"
                )


def _connection(asking: Asking | None, limits: Limits) -> Http1Connection:
    return Http1Connection(SERVER, limits) if asking is None else asking.connection(limits)
