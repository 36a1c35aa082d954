import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.body.part import BodyPartReader, MultipartError
from pronghorn.body.reader import MultipartReader
from pronghorn.io.stream import StreamReader

from ..worktime import LINEAR, growth
from .reading import EVERY_CUT, FORM, MIXED, READS, body_of, cuts, named, next_part, reader_of
from .writing import at_once

# What is broken


@EVERY_CUT
@pytest.mark.parametrize("name", READS)
async def test_a_part_that_was_cut_off_never_looks_whole(name: str, cut: int) -> None:
    """CVE-2024-30251, CVE-2025-69227."""

    async def read_all(part: BodyPartReader) -> None:
        while await READS[name](part):
            pass

    body = body_of(("", b"abc\r\ndef"))
    for end in range(body.index(b"abc"), body.index(b"--b--") + 4):
        part = await next_part(reader_of(cuts(body[:end])[cut]))
        for _ in range(3):
            with pytest.raises(MultipartError, match="ended before its close-delimiter"):
                await read_all(part)
            assert not part.at_eof()


async def test_a_failure_of_the_stream_is_told_as_it_is() -> None:
    stream = StreamReader()
    stream.feed_data(b"--b\r\n\r\nabc")
    part = await next_part(MultipartReader(MIXED, stream))
    stream.set_exception(ConnectionResetError("gone"))
    for _ in range(2):
        with pytest.raises(ConnectionResetError, match="gone"):
            await part.read()


async def test_what_is_broken_behind_a_part_does_not_touch_it() -> None:
    reader = reader_of(body_of(("", b"abc"), end="x"))
    part = await next_part(reader)
    with pytest.raises(MultipartError, match="delimiter"):
        await part.read()
    reader = reader_of(body_of(("", b"abc"), ("no field", b"")))
    part = await next_part(reader)
    assert await part.read() == b"abc"
    for _ in range(2):
        with pytest.raises(MultipartError, match="field line"):
            await reader.next()


# Time


@pytest.mark.timed
@pytest.mark.parametrize(
    "fields", ["", "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: quoted-printable"]
)
@pytest.mark.parametrize("unit", [b"\n", b"A", b"A\r\n", b" ", b"="], ids=repr)
@pytest.mark.parametrize("step", [1000, None])
def test_the_time_grows_linearly(fields: str, unit: bytes, step: int | None) -> None:
    async def read(size: int) -> None:
        body = body_of((fields, unit * size))
        pieces = [body] if step is None else [body[at : at + step] for at in range(0, len(body), step)]
        for method in ("readline", "read_chunk", "read"):
            part = await next_part(reader_of(pieces))
            while await (part.read_chunk(64) if method == "read_chunk" else getattr(part, method)()):
                pass

    assert growth(lambda size: at_once(read(size)), 4000) < LINEAR


@pytest.mark.timed
def test_what_is_left_of_a_large_piece_is_not_copied_at_each_read() -> None:
    async def read(size: int) -> None:
        part = await next_part(reader_of(body_of(("", bytes(size)))))
        while await part.read_chunk(1024):
            pass

    assert growth(lambda size: at_once(read(size)), 2 * 1024 * 1024) < LINEAR


@pytest.mark.timed
def test_lines_that_come_bytewise() -> None:
    async def read(size: int) -> None:
        body = body_of(("", b"x" * size))
        part = await next_part(reader_of([body[at : at + 1] for at in range(len(body))]))
        await part.readline()

    assert growth(lambda size: at_once(read(size)), 3000) < LINEAR


@given(
    st.binary(max_size=200),
    st.lists(st.integers(1, 30), max_size=20),
    st.lists(st.integers(1, 40), max_size=30),
)
def test_whatever_is_read_in_whatever_pieces(content: bytes, reads: list[int], sizes: list[int]) -> None:
    body = body_of(named("a", content))
    pieces, at = [], 0
    for size in sizes:
        pieces.append(body[at : at + size])
        at += size
    pieces.append(body[at:])

    async def read() -> bytes:
        part = await next_part(reader_of([piece for piece in pieces if piece], FORM))
        taken = b""
        for size in reads:
            taken += await part.readline() if size % 3 == 0 else await part.read_chunk(size)
        return taken + await part.read()

    assert at_once(read()) == content
