import threading

import pytest

from pronghorn.body.compression import CompressingWriter


class Compressor:
    """Notes where it was called, and doubles what it is given."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    def compress(self, data: bytes) -> bytes:
        self.threads.append(threading.get_ident())
        return data * 2

    def flush(self) -> bytes:
        return b"end"


class Written:
    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    async def write(self, data: bytes) -> None:
        self.pieces.append(data)


@pytest.mark.parametrize(("size", "is_on_loop"), [(1, True), (16 * 1024, True), (16 * 1024 + 1, False)])
async def test_large_pieces_are_compressed_off_the_loop(size: int, is_on_loop: bool) -> None:
    compressor, written = Compressor(), Written()
    writer = CompressingWriter(written, compressor)
    await writer.write(bytes(size))
    await writer.finish()
    assert [thread == threading.get_ident() for thread in compressor.threads] == [is_on_loop]
    assert written.pieces == [bytes(2 * size), b"end"]


async def test_nothing_is_written_for_nothing() -> None:
    class Keeping(Compressor):
        def compress(self, data: bytes) -> bytes:
            return b""

        def flush(self) -> bytes:
            return b""

    written = Written()
    writer = CompressingWriter(written, Keeping())
    await writer.write(b"abc")
    await writer.finish()
    assert written.pieces == []  # an empty chunk would end the message
