"""Bodies that tests read: fed in pieces, whole or byte by byte."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from pronghorn.body.part import BodyPartReader
from pronghorn.body.reader import MultipartReader
from pronghorn.io.stream import StreamReader

Tree = list[Any]
Pieces = bytes | Sequence[bytes]

MIXED = {"Content-Type": "multipart/mixed; boundary=b"}
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
NESTED = "Content-Type: multipart/mixed; boundary=c"

BOMB = gzip.compress(bytes(32 * 1024 * 1024))

EVERY_CUT = pytest.mark.parametrize("cut", range(3), ids=["whole", "bytewise", "in two"])

READS: dict[str, Callable[[BodyPartReader], Awaitable[Any]]] = {
    "read": BodyPartReader.read,
    "decode": lambda part: part.read(decode=True),
    "text": BodyPartReader.text,
    "next": BodyPartReader.next,
    "readline": BodyPartReader.readline,
    "read_chunk": lambda part: part.read_chunk(100),
    "readany": BodyPartReader.readany,
}


def cuts(body: bytes) -> list[list[bytes]]:
    """``body`` in all the ways in which tests feed it."""
    return [[body], [body[at : at + 1] for at in range(len(body))], [body[:-9], body[-9:]]]


def stream_of(pieces: Pieces, *, is_whole: bool = True) -> StreamReader:
    """A stream that gives each piece by itself, as they came in reads of their own."""
    stream = Stream()
    stream.pieces = [piece for piece in ([pieces] if isinstance(pieces, bytes) else pieces) if piece]
    stream.is_whole = is_whole
    return stream


class Stream(StreamReader):
    """Receives the next piece when the last one was read."""

    pieces: list[bytes]
    is_whole: bool
    #: Bytes that were received.
    received = 0

    async def readany(self) -> bytes:
        if self.pieces:
            piece = self.pieces.pop(0)
            self.received += len(piece)
            self.feed_data(piece)
        elif self.is_whole and not self.is_eof():
            self.feed_eof()
        return await super().readany()


def body_of(*parts: tuple[str, bytes], boundary: str = "b", end: str = "--") -> bytes:
    """A body of parts, each its fields, in lines, and its content."""
    pieces = []
    for fields, content in parts:
        head = "".join(f"{field}\r\n" for field in fields.split("\n") if field)
        pieces += [f"--{boundary}\r\n{head}\r\n".encode("utf-8", "surrogateescape"), content, b"\r\n"]
    return b"".join(pieces) + f"--{boundary}{end}\r\n".encode()


def named(name: str, content: bytes, *fields: str) -> tuple[str, bytes]:
    """A part of a form."""
    return "\n".join((f'Content-Disposition: form-data; name="{name}"', *fields)), content


def reader_of(pieces: Pieces, headers: dict[str, str] = MIXED, **options: Any) -> MultipartReader:
    return MultipartReader(headers, stream_of(pieces), **options)


async def next_part(reader: MultipartReader) -> BodyPartReader:
    part = await reader.next()
    if not isinstance(part, BodyPartReader):
        raise TypeError(f"expected a part, got {part!r}")
    return part


async def next_reader(reader: MultipartReader) -> MultipartReader:
    part = await reader.next()
    if not isinstance(part, MultipartReader):
        raise TypeError(f"expected a part that holds parts, got {part!r}")
    return part


async def part_of(
    content: bytes, fields: str = "", *, cut: int = 0, headers: dict[str, str] = MIXED, **options: Any
) -> BodyPartReader:
    """The one part of a body, which is cut in one of the `cuts`."""
    return await next_part(reader_of(cuts(body_of((fields, content)))[cut], headers, **options))


async def tree_of(reader: MultipartReader) -> Tree:
    """The contents of all parts, those in parts as lists."""
    return [
        bytes(await part.read()) if isinstance(part, BodyPartReader) else await tree_of(part)
        async for part in reader
    ]


def fields_of(**fields: str) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict({name.replace("_", "-"): value for name, value in fields.items()}))


async def chunks(read: Callable[[], Awaitable[bytes]]) -> list[bytes]:
    """What ``read`` gives until it gives nothing, and then nothing again."""
    pieces = []
    while piece := await read():
        pieces.append(piece)
    if again := await read():
        raise AssertionError(f"expected nothing behind the end, got {again!r}")
    return pieces


async def cancelled(read: Callable[[], Awaitable[object]]) -> None:
    """Begin to read, and give up while it waits."""
    task = asyncio.ensure_future(read())
    for _ in range(3):
        await asyncio.sleep(0)
    if task.done():
        raise AssertionError(f"expected it to wait, got {task!r}")
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return
    raise AssertionError("expected it to be cancelled")
