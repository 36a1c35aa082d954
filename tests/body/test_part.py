import asyncio
import base64
import gzip
import json
from typing import Any

import pytest

from pronghorn.body.part import BodyPartReader, MultipartError
from pronghorn.body.reader import MultipartReader
from pronghorn.io.stream import StreamReader
from pronghorn.wire.disposition import BadContentDispositionHeader

from .reading import (
    BOMB,
    EVERY_CUT,
    FORM,
    MIXED,
    READS,
    Stream,
    body_of,
    cancelled,
    chunks,
    cuts,
    fields_of,
    next_part,
    part_of,
    reader_of,
    stream_of,
)

LINES = b"one\r\ntwo\n\nthree"


# Content


@EVERY_CUT
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a",
        b"\r\n",
        b"\r",
        b"\n\n",
        b"\r\n--",
        b"\r\n--c\r\n",
        b"x--b--",
        b"a\r\n-",
        bytes(range(256)) * 40,
    ],
    ids=lambda content: repr(content[:12]),
)
async def test_read(content: bytes, cut: int) -> None:
    part = await part_of(content, cut=cut)
    assert not part.at_eof() or not content
    whole = await part.read()
    assert (type(whole), bytes(whole)) == (bytearray, content)
    assert part.at_eof()
    assert await part.read() == b""
    assert await part.next() is None


@EVERY_CUT
@pytest.mark.parametrize("size", [1, 2, 7, 100, 10_000])
async def test_read_chunk(size: int, cut: int) -> None:
    content = bytes(range(256)) * (2 if size < 7 else 40)
    part = await part_of(content, cut=cut)
    pieces = await chunks(lambda: part.read_chunk(size))
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= size
    assert part.at_eof()


async def test_read_chunk_is_of_8_kib() -> None:
    part = await part_of(bytes(10_000))
    assert part.chunk_size == 8192
    assert [len(await part.read_chunk()), len(await part.read_chunk()), await part.read_chunk()] == [
        8192,
        1808,
        b"",
    ]


@pytest.mark.parametrize("size", [0, -1])
async def test_no_chunk_is_that_small(size: int) -> None:
    part = await part_of(b"abc")
    with pytest.raises(ValueError, match=f"at least 1, got {size}"):
        await part.read_chunk(size)
    assert await part.read() == b"abc"


@EVERY_CUT
@pytest.mark.parametrize("content", [b"", b"x", LINES, LINES + b"\r\n", b"\n", b"\r\n\r\n"])
async def test_readline(content: bytes, cut: int) -> None:
    part = await part_of(content, cut=cut)
    assert await chunks(part.readline) == content.splitlines(keepends=True)
    assert part.at_eof()


@EVERY_CUT
async def test_each_read_begins_where_the_last_one_ended(cut: int) -> None:
    part = await part_of(LINES, cut=cut)
    assert await part.read_chunk(1) == b"o"
    assert await part.readline() == b"ne\r\n"
    assert (await part.readany())[:1] == b"t"
    rest = await part.read()
    assert LINES.endswith(bytes(rest))


async def test_readany_gives_what_is_there() -> None:
    body = body_of(("", b"abcdef"))
    assert body[:9] == b"--b\r\n\r\nab"
    part = await next_part(reader_of([body[:9], body[9:11], body[11:]]))
    assert await chunks(part.readany) == [b"ab", b"cd", b"ef"]
    assert part.at_eof()


async def test_iteration_gives_all_at_once() -> None:
    assert [piece async for piece in await part_of(b"abc")] == [b"abc"]
    assert [piece async for piece in await part_of(b"")] == []


@EVERY_CUT
async def test_release(cut: int) -> None:
    part = await part_of(LINES, cut=cut)
    await part.read_chunk(2)
    await part.release()
    assert part.at_eof()
    assert (
        await part.read() == await part.readline() == await part.read_chunk() == await part.readany() == b""
    )
    await part.release()


# How much


@EVERY_CUT
async def test_client_max_size(cut: int) -> None:
    part = await part_of(b"x" * 100, cut=cut, client_max_size=100)
    assert await part.read() == b"x" * 100
    for read in (BodyPartReader.read, BodyPartReader.readline, BodyPartReader.text):
        part = await part_of(b"x" * 101, cut=cut, client_max_size=100)
        with pytest.raises(ValueError, match="more than 100 bytes"):
            await read(part)
        assert b"".join(await chunks(part.read_chunk)) == b"x" * 101


async def test_client_max_size_is_counted_as_it_comes() -> None:
    stream = stream_of([b"--b\r\n\r\n", *[b"x" * 10] * 1000])
    part = await next_part(MultipartReader(MIXED, stream, client_max_size=50))
    with pytest.raises(ValueError, match="more than 50 bytes"):
        await part.read()
    assert isinstance(stream, Stream)
    assert stream.received < 100


async def test_max_size_error_cls() -> None:
    class TooLargeError(Exception):
        pass

    part = await part_of(b"x" * 11, client_max_size=10, max_size_error_cls=TooLargeError)
    with pytest.raises(TooLargeError) as caught:
        await part.read()
    assert caught.value.args == (10,)


async def test_client_max_size_counts_what_is_decoded() -> None:
    fields = "Content-Encoding: gzip"
    data = gzip.compress(b"x" * 1000)
    assert len(await (await part_of(data, fields, client_max_size=1000)).read(decode=True)) == 1000
    part = await part_of(data, fields, client_max_size=999)
    with pytest.raises(ValueError, match="more than 999 bytes"):
        await part.read(decode=True)


async def test_a_bomb_is_not_inflated_beyond_the_limit() -> None:
    part = await part_of(BOMB, "Content-Encoding: gzip", client_max_size=100_000)
    with pytest.raises(ValueError, match="more than 100000 bytes"):
        await part.text()
    part = await part_of(BOMB, "Content-Encoding: gzip")
    with pytest.raises(MultipartError, match="more than 200 times as many"):
        await part.read(decode=True)


# Text, JSON, forms


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        (b"", "", ""),
        (b"\xc3\xa9", "", "\u00e9"),
        (b"\xe9", "text/plain; charset=latin-1", "\u00e9"),
        (b"\xe9", 'text/plain; Charset="ISO-8859-1"', "\u00e9"),
        (b"\xc3\xa9", "application/octet-stream", "\u00e9"),
        (b"\xe9\x00", "text/plain; charset=utf-16-le", "\u00e9"),
    ],
)
@EVERY_CUT
async def test_text(content: bytes, content_type: str, text: str, cut: int) -> None:
    fields = f"Content-Type: {content_type}" if content_type else ""
    assert await (await part_of(content, fields, cut=cut)).text() == text


async def test_text_in_an_encoding_of_the_callers() -> None:
    part = await part_of(b"\xe9", "Content-Type: text/plain; charset=utf-8")
    assert await part.text(encoding="latin-1") == "\u00e9"


@pytest.mark.parametrize("charset", ["utf-8", "none-such", "punycode", "hex"])
async def test_text_that_is_none(charset: str) -> None:
    part = await part_of(b"\xff", f"Content-Type: text/plain; charset={charset}")
    with pytest.raises(MultipartError, match="text"):
        await part.text()
    with pytest.raises(ValueError, match="text"):
        await (await part_of(b"\xff")).text(encoding=charset)


async def test_text_is_decoded_first() -> None:
    content = base64.b64encode(gzip.compress("\u00e9".encode("latin-1")))
    fields = "Content-Type: a/b; charset=latin-1\nContent-Transfer-Encoding: base64\nContent-Encoding: gzip"
    assert await (await part_of(content, fields)).text() == "\u00e9"


def test_get_charset() -> None:
    def part(content_type: str | None, **options: Any) -> BodyPartReader:
        headers = fields_of() if content_type is None else fields_of(Content_Type=content_type)
        return BodyPartReader(b"--b", headers, StreamReader(), **options)

    assert part(None).get_charset("x") == "x"
    assert part("text/plain").get_charset(default="x") == "x"
    assert part("text/plain; charset=y").get_charset("x") == "y"
    assert part(None, default_charset="z").get_charset("x") == "z"
    assert part("text/plain; charset=y", default_charset="z").get_charset("x") == "y"


async def test_json() -> None:
    assert await (await part_of(b'{"a": [1]}')).json() == {"a": [1]}
    assert await (await part_of(b"")).json() is None
    assert (
        await (await part_of(b'"\xe9"', "Content-Type: application/json; charset=latin-1")).json() == "\u00e9"
    )
    assert await (await part_of(b'"\xe9"')).json(encoding="latin-1") == "\u00e9"
    with pytest.raises(json.JSONDecodeError):
        await (await part_of(b"{")).json()


async def test_form() -> None:
    assert await (await part_of(b"a=1&b=+%C3%A9&a=\r\n")).form() == [("a", "1"), ("b", " \u00e9"), ("a", "")]
    assert await (await part_of(b"")).form() == []
    assert await (await part_of(b"a=%E9")).form(encoding="latin-1") == [("a", "\u00e9")]
    with pytest.raises(MultipartError, match="charset"):
        await (await part_of(b"a=1", "Content-Type: a/b; charset=none-such")).form()


async def test_the_fields_of_a_form_are_counted() -> None:
    content = b"a&" * 1000
    with pytest.raises(MultipartError, match="more than 1000 fields"):
        await (await part_of(content)).form()
    assert len(await (await part_of(content)).form(max_fields=1001)) == 1000
    assert len(await (await part_of(content * 5)).form(max_fields=0)) == 5000


# Names


@pytest.mark.parametrize(
    ("disposition", "name", "filename"),
    [
        ('form-data; name="a"', "a", None),
        ('form-data; name="a"; filename="b.txt"', "a", "b.txt"),
        ('form-data; name=""; filename=""', "", ""),
        ("form-data", None, None),
        ('form-data; name="gr\u00fc\\"n"', 'gr\u00fc"n', None),
        # CVE-2026-24486: no path
        ('form-data; name="a"; filename="../../etc/passwd"', "a", "passwd"),
        ('form-data; name="a"; filename="C:\\dir\\x.txt"', "a", "x.txt"),
        ('form-data; name="a"; filename=".."', "a", ""),
        # RFC 7578 section 4.2: not in forms
        ('form-data; name="a"; filename="b.txt"; filename*=UTF-8\'\'evil.php', "a", "b.txt"),
        ("form-data; name=\"a\"; filename*=UTF-8''evil.php", "a", None),
        ("form-data; name*=UTF-8''evil", None, None),
        ('form-data; name="a"; filename*0="evil"; filename*1=".php"', "a", None),
        # in whatever way a part of a form calls itself
        ('attachment; name="a"; filename="b"; filename*=UTF-8\'\'evil.php', "a", "b"),
    ],
)
async def test_names_in_a_form(disposition: str, name: str | None, filename: str | None) -> None:
    part = await part_of(b"", f"Content-Disposition: {disposition}", headers=FORM)
    assert (part.name, part.filename, part.name) == (name, filename, name)


@pytest.mark.parametrize(
    ("disposition", "name", "filename"),
    [
        ("attachment; filename=\"a\"; filename*=UTF-8''%C3%BC.txt", None, "\u00fc.txt"),
        ("attachment; filename*=UTF-8''..%2Fa", None, "a"),
        ('attachment; filename*0="a"; filename*1="b"', None, "ab"),
        ("attachment; name*=UTF-8''%C3%BC", "\u00fc", None),
    ],
)
async def test_names_elsewhere(disposition: str, name: str | None, filename: str | None) -> None:
    part = await part_of(b"", f"Content-Disposition: {disposition}")
    assert (part.name, part.filename) == (name, filename)


async def test_no_name() -> None:
    part = await part_of(b"")
    assert (part.name, part.filename) == (None, None)
    part = await part_of(b"", 'Content-Disposition: form-data; name="a"; name="b"')
    with pytest.warns(BadContentDispositionHeader):
        assert part.name is None
    assert part.filename is None


# Who else reads, and who gives up


@pytest.mark.parametrize("field", ["", "Content-Transfer-Encoding: base64"])
@pytest.mark.parametrize("name", READS)
async def test_a_read_that_is_cancelled_loses_nothing(name: str, field: str) -> None:
    content = b"YWJjYWJj"
    body = body_of((field, content))
    start = body.index(content)
    stream = StreamReader()
    stream.feed_data(body[:start])
    part = await next_part(MultipartReader(MIXED, stream))
    gives_what_is_there = name == "readany" or (name == "read_chunk" and not field)
    taken = b""
    for at in range(start, start + len(content)):
        stream.feed_data(body[at : at + 1])
        if gives_what_is_there:
            taken += await READS[name](part)
        await cancelled(lambda: READS[name](part))
    stream.feed_data(body[start + len(content) :])
    stream.feed_eof()
    assert taken + await part.read() == content


async def test_two_who_read_at_once() -> None:
    stream = StreamReader()
    reader = MultipartReader(MIXED, stream)
    stream.feed_data(b"--b\r\n\r\nabc")
    part = await next_part(reader)
    first = asyncio.ensure_future(part.read())
    await asyncio.sleep(0)
    for other in (
        part.read,
        part.readline,
        part.read_chunk,
        part.release,
        part.text,
        reader.next,
        reader.release,
    ):
        with pytest.raises(RuntimeError, match="being read by another"):
            await other()
    stream.feed_data(b"def\r\n--b--")
    stream.feed_eof()
    assert await first == b"abcdef"
    assert await reader.next() is None


# By hand


@EVERY_CUT
@pytest.mark.parametrize("content", [b"abc", b"", b"\r\nabc", b"\n\r\n--", LINES])
async def test_a_part_made_by_hand(content: bytes, cut: int) -> None:
    stream = stream_of(cuts(content + b"\r\n--b--\r\n")[cut])
    part = BodyPartReader(b"--b", fields_of(Content_Type="text/plain"), stream)
    assert part.headers["content-type"] == "text/plain"
    assert await part.read() == content
    assert part.at_eof()


async def test_a_part_made_by_hand_ends_at_its_boundary() -> None:
    part = BodyPartReader(b"--b", fields_of(), stream_of(b"one\r\n--b\r\n\r\ntwo\r\n--b--"))
    assert [await part.readline(), await part.read()] == [b"one", b""]
    part = BodyPartReader(b"--b", fields_of(), stream_of(b"one\r\ntwo"))
    with pytest.raises(MultipartError, match="ended before"):
        await part.read()


@pytest.mark.parametrize("boundary", [b"b", b"-b", b"--", b"--b\r\n", b""])
def test_what_is_no_boundary_with_its_dashes(boundary: bytes) -> None:
    with pytest.raises(ValueError, match="boundary"):
        BodyPartReader(boundary, fields_of(), StreamReader())


# Derived classes


async def test_reads_go_through_what_a_derived_class_overrides() -> None:
    class Shouting(BodyPartReader):
        async def read(self, *, decode: bool = False) -> bytearray:
            return (await super().read(decode=decode)).upper()

    class Reader(MultipartReader):
        part_reader_cls = Shouting

    part = await Reader(MIXED, stream_of(body_of(("", b'"abc"')))).next()
    assert isinstance(part, Shouting)
    assert await part.json() == "ABC"
