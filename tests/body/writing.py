"""Where the tests write bodies."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from pronghorn.body.payload import Payload
from pronghorn.wire.multipart import MultipartEnd, MultipartParser, PartData, PartHead, boundary_of

T = TypeVar("T")


class Written:
    """A writer that keeps the pieces, and lets others run after each."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    async def write(self, data: bytes) -> None:
        if type(data) is not bytes:
            raise AssertionError(f"expected bytes, got {type(data).__name__}")
        self.pieces.append(data)
        await asyncio.sleep(0)

    @property
    def content(self) -> bytes:
        return b"".join(self.pieces)


class Stuck(Written):
    """A writer whose peer does not read."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()

    async def write(self, data: bytes) -> None:
        self.reached.set()
        await asyncio.get_running_loop().create_future()


async def written(payload: Payload) -> bytes:
    """What ``payload`` writes, which has to have the size that it says."""
    size, writer = payload.size, Written()
    await payload.write(writer)
    if size not in (None, len(writer.content)):
        raise AssertionError(f"expected {size} bytes, got {len(writer.content)}")
    return writer.content


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """What ``coroutine`` returns, who only lets others run and waits for nobody: no loop is needed."""
    while True:
        try:
            awaited = coroutine.send(None)
        except StopIteration as end:
            result: T = end.value
            return result
        if awaited is not None:
            raise AssertionError(f"expected nothing to be waited for, got {awaited!r}")


Part = tuple[list[tuple[str, str]], bytes]


def parts_of(content_type: str, body: bytes) -> list[Part]:
    """The parts of a multipart body, as the parser of this package reads them: fields and content."""
    return list(_read(MultipartParser(boundary_of(content_type)), body))


async def parts_sent(payload: Payload) -> list[Part]:
    """The parts that ``payload``, a multipart body, writes."""
    return parts_of(payload.content_type, await written(payload))


def _read(parser: MultipartParser, body: bytes) -> Iterator[Part]:
    fields: list[tuple[str, str]] | None = None
    content = b""
    for event in parser.feed(body):
        if isinstance(event, (PartHead, MultipartEnd)) and fields is not None:
            yield fields, content
            fields = None
        if isinstance(event, PartHead):
            fields, content = list(event.headers.items()), event.body or b""
        elif isinstance(event, PartData):
            content += event.chunk
    parser.feed_eof()
    if fields is not None:
        raise AssertionError("the parser has read no end")
