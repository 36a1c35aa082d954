import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict

from pronghorn.body.data import make_payload
from pronghorn.body.writer import AbstractStreamWriter

ABSTRACT = {"write", "write_eof", "drain", "enable_compression", "enable_chunking", "write_headers"}


class Collected(AbstractStreamWriter):
    """Keeps what is written; the rest is nothing that a payload calls."""

    def __init__(self) -> None:
        self.content = b""

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        self.content += chunk
        self.output_size += len(chunk)

    async def write_eof(self, chunk: bytes = b"") -> None:
        raise NotImplementedError  # no payload calls it

    async def drain(self) -> None:
        raise NotImplementedError  # no payload calls it

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        raise NotImplementedError  # no payload calls it

    def enable_chunking(self) -> None:
        raise NotImplementedError  # no payload calls it

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        raise NotImplementedError  # no payload calls it


@pytest.mark.parametrize("left_out", sorted(ABSTRACT))
def test_what_a_writer_has(left_out: str) -> None:
    assert AbstractStreamWriter.__abstractmethods__ == ABSTRACT
    partial = type("Partial", (Collected,), {left_out: getattr(AbstractStreamWriter, left_out)})
    with pytest.raises(TypeError, match=left_out):
        partial()


def test_what_it_has_of_itself() -> None:
    writer = Collected()
    assert (writer.buffer_size, writer.output_size, writer.length) == (0, 0, 0)
    assert writer.transport is None
    writer.send_headers()
    assert (writer.content, writer.output_size) == (b"", 0)


async def pieces() -> AsyncIterator[bytes]:
    yield b"a"
    yield b"bc"


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"abc",
        lambda: bytearray(b"abc"),
        lambda: "abc",
        lambda: io.BytesIO(b"abc"),
        lambda: io.StringIO("abc"),
        pieces,
    ],
    ids=["bytes", "bytearray", "text", "file", "text file", "pieces"],
)
async def test_payloads_call_nothing_but_write(make: Any) -> None:
    writer = Collected()
    await make_payload(make()).write(writer)
    assert (writer.content, writer.output_size) == (b"abc", 3)


async def test_nor_does_a_file_that_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(600_000))
    writer = Collected()
    with path.open("rb") as file:
        await make_payload(file).write(writer)
    assert writer.content == bytes(600_000)


async def test_what_a_writer_raises_ends_the_writing() -> None:
    class Broken(Collected):
        async def write(self, chunk: bytes | bytearray | memoryview) -> None:
            await super().write(chunk)
            raise ConnectionResetError

    writer = Broken()
    with pytest.raises(ConnectionResetError):
        await make_payload(pieces()).write(writer)
    assert writer.content == b"a"
