"""Multipart bodies, and what reads and writes them."""

from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy

from pronghorn import BodyPartReader, MultipartReader, MultipartWriter, StreamReader

MIXED = CIMultiDict({"Content-Type": "multipart/mixed; boundary=b"})
TWO = b"--b\r\nX-A: 1\r\n\r\none\r\n--b\r\nX-A: 2\r\n\r\ntwo\r\n--b--\r\n"


class TooLargeError(Exception):
    """Who reads wants to tell it by this."""


class Sink:
    """Where a body is written to."""

    def __init__(self) -> None:
        self.content = b""

    async def write(self, data: bytes) -> None:
        self.content += data


def stream(body: bytes) -> StreamReader:
    content = StreamReader()
    content.feed_data(body)
    content.feed_eof()
    return content


def reader(body: bytes, **options: Any) -> MultipartReader:
    return MultipartReader(MIXED, stream(body), **options)


def part(content: bytes, *fields: tuple[str, str], **options: Any) -> BodyPartReader:
    """A part of this content, which the document's way of making one reads."""
    headers = CIMultiDictProxy(CIMultiDict(fields))
    return BodyPartReader(b"--b", headers, stream(content + b"\r\n--b--\r\n"), **options)


async def written(writer: MultipartWriter, **options: Any) -> bytes:
    sink = Sink()
    await writer.write(sink, **options)
    return sink.content
