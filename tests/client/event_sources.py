"""A session without connections, for event sources: it answers by a script, and keeps what it was asked."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from pronghorn import ClientTimeout
from pronghorn.client.errors import ClientConnectionError, ServerDisconnectedError
from pronghorn.client.response import ClientResponse
from pronghorn.client.sse import EventSource
from pronghorn.io.stream import StreamReader

URL_ = "http://user:secret@host/events?token=secret#part"
#: Sun, 06 Nov 1994 08:49:37 GMT
MOMENT = 784111777.0
GONE = ServerDisconnectedError()


class Clock:
    """Stands still, but for who sleeps; ``gate`` lets him."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []
        self.gate: asyncio.Event | None = None

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return MOMENT + self.now - 1000.0

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(round(seconds, 3))
        if self.gate is not None:
            await self.gate.wait()
        self.now += seconds


@dataclass
class Answer:
    """A response: its content, and how that ends; it doesn't if it is to stay."""

    pieces: Sequence[bytes] = ()
    end: Exception | str = "eof"
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/event-stream"})

    def make(self, method: str, url: Any) -> ClientResponse:
        response = Response(method, URL(url))
        response.status = self.status
        response.reason = "Reason"
        response._headers = CIMultiDictProxy(CIMultiDict(self.headers))
        response.content = stream = StreamReader()
        for piece in self.pieces:
            stream.feed_data(piece)
        if isinstance(self.end, Exception):
            stream.set_exception(self.end)
        elif self.end == "eof":
            stream.feed_eof()
        return response


class Response(ClientResponse):
    is_given_up = False

    def close(self) -> None:
        self.is_given_up = True
        self.content.set_exception(ClientConnectionError("Connection closed"))


def events(*data: str) -> Answer:
    """A stream of so many events, which then ends."""
    return Answer([b"".join(b"data: %b\n\n" % one.encode() for one in data)])


def status(code: int, **headers: str) -> Answer:
    return Answer(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})


NO_CONTENT = status(204)
EMPTY = events()


class Session:
    """Answers by a script, whose last line stays."""

    def __init__(self, *script: Answer | Exception) -> None:
        self.script = script
        self.closed = False
        self.timeout = ClientTimeout(total=300, connect=11, sock_connect=12, sock_read=13, pool=14)
        self.requests: list[dict[str, Any]] = []
        self.responses: list[Response] = []
        #: Awaited in each request, while that is on its way.
        self.on_the_way: Callable[[], Any] | None = None

    async def request(self, method: str, url: Any, /, **options: Any) -> ClientResponse:
        self.requests.append({"method": method, "url": url, **options})
        answer = self.script[min(len(self.requests), len(self.script)) - 1]
        if self.on_the_way is not None:
            await self.on_the_way()
        if isinstance(answer, Exception):
            raise answer
        response = answer.make(method, url)
        self.responses.append(response)  # type: ignore[arg-type]  # that is its class
        return response

    @property
    def last_ids(self) -> list[str | None]:
        return [request["headers"].get("Last-Event-ID") for request in self.requests]


def make(
    *script: Answer | Exception, method: str = "GET", chance: float = 0.0, **options: Any
) -> tuple[EventSource, Session, Clock]:
    session, clock = Session(*script), Clock()
    return EventSource(session, method, URL_, clock=clock, jitter=lambda: chance, **options), session, clock


async def data(source: EventSource) -> list[str]:
    """The data of all events; the source is closed."""
    async with source:
        return [event.data async for event in source]


def all_given_up(session: Session) -> bool:
    return all(response.is_given_up for response in session.responses)


async def forever() -> None:
    await asyncio.Event().wait()


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
