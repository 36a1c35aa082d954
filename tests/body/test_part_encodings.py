import base64
import binascii
import gzip
import quopri
import zlib
from typing import Any

import pytest

from pronghorn.body.part import BodyPartReader
from pronghorn.io.stream import StreamReader
from pronghorn.wire.coding import STEP

from .reading import BOMB, EVERY_CUT, FORM, chunks, fields_of, part_of


@pytest.mark.parametrize(
    ("fields", "data", "content"),
    [
        ("", b"abc", b"abc"),
        ("Content-Transfer-Encoding: binary", b"abc", b"abc"),
        ("Content-Transfer-Encoding: 8bit", b"abc", b"abc"),
        ("Content-Transfer-Encoding: 7bit", b"abc", b"abc"),
        ("Content-Encoding: identity", b"abc", b"abc"),
        ("Content-Transfer-Encoding: Base64", b"YW\r\nJj", b"abc"),
        ("Content-Transfer-Encoding: quoted-printable", b"=61b=\r\nc", b"abc"),
        ("Content-Encoding: gzip", gzip.compress(b"abc"), b"abc"),
        ("Content-Encoding: deflate", zlib.compress(b"abc"), b"abc"),
        (
            "Content-Encoding: gzip\nContent-Transfer-Encoding: base64",
            base64.b64encode(gzip.compress(b"abc")),
            b"abc",
        ),
    ],
)
@EVERY_CUT
async def test_decoding(fields: str, data: bytes, content: bytes, cut: int) -> None:
    assert await (await part_of(data, fields, cut=cut)).read() == data
    whole = await (await part_of(data, fields, cut=cut)).read(decode=True)
    assert (type(whole), bytes(whole)) == (bytearray, content)
    part = await part_of(data, fields, cut=cut)
    assert type(part.decode(data)) is bytes
    assert part.decode(data) == part.decode(bytearray(data)) == content
    assert b"".join([piece async for piece in part.decode_iter(data)]) == content
    assert b"".join([piece async for piece in part.decoded()]) == content


async def test_a_form_has_no_content_coding() -> None:
    """RFC 7578 section 4.8."""
    part = await part_of(BOMB, "Content-Encoding: gzip", headers=FORM)
    assert part.decode(b"abc") == b"abc"
    assert await part.read(decode=True) == BOMB


@pytest.mark.parametrize("field", ["Content-Encoding: zap", "Content-Transfer-Encoding: zap"])
async def test_encodings_that_are_unknown(field: str) -> None:
    part = await part_of(b"abc", field)
    with pytest.raises(RuntimeError, match="Encoding: expected"):
        part.decode(b"abc")
    with pytest.raises(RuntimeError, match="Encoding: expected"):
        _ = [piece async for piece in part.decode_iter(b"abc")]
    with pytest.raises(RuntimeError, match="Encoding: expected"):
        _ = [piece async for piece in part.decoded()]
    assert await part.read_chunk(2) == b"ab"
    with pytest.raises(RuntimeError, match="Encoding: expected"):
        await part.read(decode=True)
    assert await part.read() == b"c"


@pytest.mark.parametrize(
    ("field", "data"),
    [
        ("Content-Encoding: gzip", b"nonsense"),
        ("Content-Encoding: gzip", gzip.compress(b"abc")[:-1]),
        ("Content-Encoding: " + "gzip, " * 6 + "gzip", b"abc"),
        ("Content-Transfer-Encoding: base64", b"YWJ"),
        ("Content-Transfer-Encoding: base64", b"YQ==YQ=="),
        ("Content-Transfer-Encoding: quoted-printable", b"=4"),
    ],
)
@EVERY_CUT
async def test_malformed_encodings(field: str, data: bytes, cut: int) -> None:
    part = await part_of(data, field, cut=cut)
    with pytest.raises(ValueError, match=r"coding|base64|quoted"):
        part.decode(data)
    with pytest.raises(ValueError, match=r"coding|base64|quoted"):
        _ = [piece async for piece in part.decoded()]
    part = await part_of(data, field, cut=cut)
    with pytest.raises(ValueError, match=r"coding|base64|quoted"):
        await part.read(decode=True)
    assert await part.read() == data


async def test_max_decompress_size() -> None:
    headers = fields_of(Content_Encoding="gzip")
    for size, fits in ((1000, True), (999, False)):
        part = BodyPartReader(b"--b", headers, StreamReader(), max_decompress_size=size)
        if fits:
            assert part.decode(gzip.compress(bytes(1000))) == bytes(1000)
        else:
            with pytest.raises(ValueError, match="more than 999 bytes when decoded"):
                part.decode(gzip.compress(bytes(1000)))
    part = BodyPartReader(b"--b", headers, StreamReader())
    assert len(part.decode(gzip.compress(bytes(256 * 1024)))) == 256 * 1024
    with pytest.raises(ValueError, match="more than 262144 bytes when decoded"):
        part.decode(BOMB)


async def test_decode_iter_is_bounded_by_piece_and_by_ratio() -> None:
    part = BodyPartReader(b"--b", fields_of(Content_Encoding="gzip"), StreamReader())
    sizes = [len(piece) async for piece in part.decode_iter(gzip.compress(bytes(8 * 1024 * 1024)))]
    assert sum(sizes) == 8 * 1024 * 1024
    assert max(sizes) <= STEP
    with pytest.raises(ValueError, match="more than 200 times as many"):
        _ = [piece async for piece in part.decode_iter(BOMB)]


@EVERY_CUT
@pytest.mark.parametrize("size", [1, 3, 4, 5, 57, 77, 4096])
@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("base64", base64.b64encode),
        ("base64", base64.encodebytes),
        ("base64", lambda content: binascii.b2a_base64(content).replace(b"\n", b" \r\n")),
        ("quoted-printable", quopri.encodestring),
        ("quoted-printable", lambda content: quopri.encodestring(content).replace(b"=\n", b"=\r\n")),
    ],
)
async def test_each_chunk_can_be_decoded_by_itself(encoding: str, encode: Any, size: int, cut: int) -> None:
    content = bytes(range(256)) * (1 if size < 57 else 4)
    data = encode(content)
    part = await part_of(data, f"Content-Transfer-Encoding: {encoding}", cut=cut)
    pieces = await chunks(lambda: part.read_chunk(size))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= max(size, 4)
    if size > 4:  # smaller ones may hold nothing but a part of a quantum and a line end
        assert b"".join([part.decode(piece) for piece in pieces]) == content


async def test_no_chunk_is_smaller_than_what_can_be_decoded() -> None:
    part = await part_of(b"YWJj" * 2, "Content-Transfer-Encoding: base64")
    assert await chunks(lambda: part.read_chunk(1)) == [b"YWJj", b"YWJj"]


async def test_chunks_of_what_is_malformed_come_to_an_end() -> None:
    for data in (b"Y", b"YWJjY", b"A" + b" " * 100, b"=", b"abc=4"):
        for encoding in ("base64", "quoted-printable"):
            part = await part_of(data, f"Content-Transfer-Encoding: {encoding}")
            assert b"".join(await chunks(lambda part=part: part.read_chunk(5))) == data  # type: ignore[misc]  # bound now
