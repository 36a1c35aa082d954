import asyncio
from typing import Any

import pytest
from multidict import CIMultiDict

from pronghorn.body.multipart import MultipartWriter
from pronghorn.body.part import BodyPartReader, MultipartError
from pronghorn.body.reader import MultipartReader, MultipartResponseWrapper
from pronghorn.io.stream import StreamReader

from .reading import (
    EVERY_CUT,
    FORM,
    MIXED,
    NESTED,
    Tree,
    body_of,
    cancelled,
    cuts,
    named,
    next_part,
    next_reader,
    reader_of,
    stream_of,
    tree_of,
)
from .writing import written


def nested(depth: int) -> bytes:
    """A body with ``depth`` bodies in each other."""
    body = body_of(("", b"core"), boundary=f"b{depth}")
    for level in reversed(range(depth)):
        body = body_of((f"Content-Type: multipart/mixed; boundary=b{level + 1}", body), boundary=f"b{level}")
    return body


# Parts


@EVERY_CUT
async def test_parts_in_their_order(cut: int) -> None:
    body = body_of(("A: 1\nB: 2", b"one"), ("", b""), ("a: 3", b"three\r\n"))
    reader = reader_of(cuts(body)[cut])
    assert not reader.at_eof()
    parts = []
    async for part in reader:
        assert isinstance(part, BodyPartReader)
        parts.append((list(part.headers.items()), await part.read()))
    assert parts == [([("A", "1"), ("B", "2")], b"one"), ([], b""), ([("a", "3")], b"three\r\n")]
    assert reader.at_eof()
    assert await reader.next() is None
    assert await reader.fetch_next_part() is None


@EVERY_CUT
@pytest.mark.parametrize("body", [b"--b--", b"--b--\r\n", b"preamble\r\n--b--\r\nepilogue"])
async def test_no_parts(body: bytes, cut: int) -> None:
    reader = reader_of(cuts(body)[cut])
    assert await reader.next() is None
    assert reader.at_eof()


@EVERY_CUT
async def test_what_is_not_read_is_skipped(cut: int) -> None:
    body = body_of(*[named(f"f{number}", bytes([number]) * number) for number in range(20)])
    reader = reader_of(cuts(body)[cut], FORM)
    names = []
    while (part := await reader.next()) is not None:
        assert isinstance(part, BodyPartReader)
        names.append(part.name)
        if len(names) % 3 == 0:
            await part.read_chunk(2)
        elif len(names) % 3 == 1:
            await part.readline()
    assert names == [f"f{number}" for number in range(20)]


@EVERY_CUT
async def test_a_part_that_was_passed_gives_nothing_of_the_next(cut: int) -> None:
    for fetch in (MultipartReader.next, MultipartReader.fetch_next_part):
        reader = reader_of(cuts(body_of(("", b"one"), ("", b"two")))[cut])
        first, second = await fetch(reader), await fetch(reader)
        assert isinstance(first, BodyPartReader)
        assert isinstance(second, BodyPartReader)
        assert [await first.read(), await first.readline(), await second.read()] == [b"", b"", b"two"]


@EVERY_CUT
async def test_release(cut: int) -> None:
    stream = stream_of(
        cuts(body_of(("", b"one"), (NESTED, body_of(("", b"x"), boundary="c")), ("", b"two")))[cut]
    )
    reader = MultipartReader(MIXED, stream)
    await reader.next()
    await reader.release()
    assert reader.at_eof()
    assert stream.at_eof()
    assert await reader.next() is None
    await reader.release()


@EVERY_CUT
async def test_what_stands_around_the_parts(cut: int) -> None:
    body = b"pre\r\namble\r\n" + body_of(("", b"one")) + b"epi\r\nlogue\r\n--b\r\n"
    stream = stream_of(cuts(body)[cut])
    assert await tree_of(MultipartReader(MIXED, stream)) == [b"one"]
    assert stream.at_eof()


async def test_a_body_of_one_read_and_of_many_that_a_writer_made() -> None:
    writer = MultipartWriter("related")
    for content in ("text", b"bytes", b"", b"\r\n--"):
        writer.append(content)
    for pieces in cuts(await written(writer)):
        assert await tree_of(reader_of(pieces, dict(writer.headers))) == [b"text", b"bytes", b"", b"\r\n--"]


# Parts in parts


@EVERY_CUT
async def test_parts_in_parts(cut: int) -> None:
    inner = body_of(("", b"x"), ("", b"y\r\n--\r"), boundary="c")
    body = body_of(("", b"one"), (NESTED, inner), ("", b"two"))
    reader = reader_of(cuts(body)[cut])
    assert await tree_of(reader) == [b"one", [b"x", b"y\r\n--\r"], b"two"]


@EVERY_CUT
async def test_parts_in_parts_that_nobody_reads_are_skipped_whatever_they_are(cut: int) -> None:
    for inner in (
        body_of(("", b"x"), ("", b"y"), boundary="c"),
        b"nonsense",
        b"--c\r\nno field\r\n\r\n",
        b"--c\r\n\r\nx",
    ):
        reader = reader_of(cuts(body_of((NESTED, inner), ("", b"two")))[cut])
        assert (await next_reader(reader)).headers["Content-Type"] == "multipart/mixed; boundary=c"
        assert await (await next_part(reader)).read() == b"two"


@EVERY_CUT
async def test_parts_in_parts_that_are_half_read(cut: int) -> None:
    inner = body_of(("", b"x"), ("", b"y" * 100), boundary="c")
    reader = reader_of(cuts(body_of((NESTED, inner), ("", b"two")))[cut])
    within = await next_reader(reader)
    await within.next()
    part = await next_part(within)
    await part.read_chunk(10)
    assert await (await next_part(reader)).read() == b"two"
    if cut == 1:  # else all of it had come
        for read in (part.read, within.next):
            with pytest.raises(MultipartError, match="ended before its close-delimiter"):
                await read()


@EVERY_CUT
async def test_a_boundary_around_ends_the_parts_within(cut: int) -> None:
    """The inner body has no end of its own: it is malformed, and the outer one is not."""
    inner = b"--c\r\n\r\nx"
    reader = reader_of(cuts(body_of((NESTED, inner), ("", b"two")))[cut])
    part = await next_part(await next_reader(reader))
    with pytest.raises(MultipartError, match="ended before its close-delimiter"):
        await part.read()
    assert await (await next_part(reader)).read() == b"two"


async def test_a_part_that_says_it_holds_parts_and_not_how() -> None:
    for content_type in ("multipart/mixed", "Multipart/Mixed; boundary=", "multipart/"):
        reader = reader_of(body_of((f"Content-Type: {content_type}", b"x"), ("", b"two")))
        with pytest.raises(MultipartError, match="Content-Type"):
            await reader.next()
        assert await (await next_part(reader)).read() == b"two"


async def test_a_part_can_be_read_as_a_body_by_hand() -> None:
    inner = body_of(("", b"x"), boundary="c")
    reader = reader_of(body_of(("Content-Type: text/plain", inner), ("", b"two")))
    part = await next_part(reader)
    within = MultipartReader(CIMultiDict({"Content-Type": "multipart/mixed; boundary=c"}), part)
    assert await tree_of(within) == [b"x"]
    assert await (await next_part(reader)).read() == b"two"


async def test_nesting_has_an_end() -> None:
    def headers(boundary: str) -> dict[str, str]:
        return {"Content-Type": f"multipart/mixed; boundary={boundary}"}

    assert await tree_of(reader_of(nested(8), headers("b0"))) == [[[[[[[[[b"core"]]]]]]]]]
    for depth in (9, 1000):
        with pytest.raises(MultipartError, match="nested too deep"):
            await tree_of(reader_of(nested(depth), headers("b0")))


# Classes


async def test_classes_of_users() -> None:
    class Part(BodyPartReader):
        pass

    class Inner(MultipartReader):
        pass

    class Reader(MultipartReader):
        part_reader_cls = Part

    class Outer(Reader):
        multipart_reader_cls = Inner

    body = body_of((NESTED, body_of(("", b"x"), boundary="c")), ("", b"two"))
    for kind, within in ((Reader, Reader), (Outer, Inner)):
        reader = kind(MIXED, stream_of(body))
        inner = await next_reader(reader)
        assert type(inner) is within
        assert type(await inner.next()) is within.part_reader_cls
        assert type(await reader.next()) is Part
    assert MultipartReader.multipart_reader_cls is None
    assert MultipartReader.part_reader_cls is BodyPartReader
    assert MultipartReader.response_wrapper_cls is MultipartResponseWrapper


async def test_a_part_reader_is_given_what_its_signature_names() -> None:
    given: list[Any] = []

    class Part(BodyPartReader):
        def __init__(self, boundary: bytes, headers: Any, content: Any, **options: Any) -> None:
            given.append((boundary, options["subtype"], options["client_max_size"]))
            super().__init__(boundary, headers, content, **options)

    class Reader(MultipartReader):
        part_reader_cls = Part

    await Reader(FORM, stream_of(body_of(named("a", b""))), client_max_size=7).next()
    assert given == [(b"--b", "form-data", 7)]


async def test_limits_reach_the_parts_in_parts() -> None:
    body = body_of((NESTED, body_of(("", b"x" * 11), boundary="c")))
    reader = reader_of(body, client_max_size=10)
    with pytest.raises(ValueError, match="more than 10 bytes"):
        await tree_of(reader)


# The charset of a form


@EVERY_CUT
async def test_the_charset_of_a_form(cut: int) -> None:
    fields = "Content-Type: text/plain; charset=utf-8"
    body = body_of(
        named("_charset_", b"iso-8859-1\r\n"), named("a", b"\xe9"), named("b", b"\xc3\xa9", fields)
    )
    reader = reader_of(cuts(body)[cut], FORM)
    parts = [(part.name, await part.text()) async for part in reader if isinstance(part, BodyPartReader)]
    assert parts == [("a", "\u00e9"), ("b", "\u00e9")]


@EVERY_CUT
async def test_the_charset_is_that_of_the_first_part_of_a_form(cut: int) -> None:
    body = body_of(named("a", b"\xc3\xa9"), named("_charset_", b"iso-8859-1"), named("b", b"\xc3\xa9"))
    texts = [
        await part.text()
        async for part in reader_of(cuts(body)[cut], FORM)
        if isinstance(part, BodyPartReader)
    ]
    assert texts == ["\u00e9", "iso-8859-1", "\u00e9"]
    reader = reader_of(cuts(body_of(named("_charset_", b"x")))[cut])
    assert await (await next_part(reader)).read() == b"x"
    reader = reader_of(cuts(body_of(named("_charset_", b"x")))[cut], FORM)
    part = await reader.fetch_next_part()
    assert isinstance(part, BodyPartReader)
    assert await part.read() == b"x"


@EVERY_CUT
async def test_nothing_but_a_charset(cut: int) -> None:
    reader = reader_of(cuts(body_of(named("_charset_", b"utf-8")))[cut], FORM)
    assert await reader.next() is None
    reader = reader_of(cuts(body_of(named("_charset_", b""), named("a", b"\xc3\xa9")))[cut], FORM)
    assert await (await next_part(reader)).text() == "\u00e9"


@EVERY_CUT
@pytest.mark.parametrize("size", [32, 1_000])
async def test_what_cannot_be_the_name_of_a_charset(size: int, cut: int) -> None:
    reader = reader_of(cuts(body_of(named("_charset_", b"x" * size), named("a", b"")))[cut], FORM)
    with pytest.raises(MultipartError, match="_charset_: expected the name of a charset"):
        await reader.next()


async def test_a_charset_that_is_none() -> None:
    for charset in (b"none-such", b"\xff", b"punycode"):
        reader = reader_of(body_of(named("_charset_", charset), named("a", b"x")), FORM)
        with pytest.raises(MultipartError, match="not the name of a charset"):
            await (await next_part(reader)).text()


async def test_the_charset_is_read_though_its_reading_was_cancelled() -> None:
    body = body_of(named("_charset_", b"latin-1"), named("a", b"\xe9"))
    stream = StreamReader()
    reader = MultipartReader(FORM, stream)
    for at in range(body.index(b"\xe9")):
        stream.feed_data(body[at : at + 1])
        if b"\r\n\r\n" not in body[body.index(b"latin-1") : at + 1]:
            await cancelled(reader.next)
    stream.feed_data(body[body.index(b"\xe9") :])
    stream.feed_eof()
    assert await (await next_part(reader)).text() == "\u00e9"


# Who else reads, and who gives up


async def test_cancelled_anywhere() -> None:
    inner = body_of(("", b"x"), boundary="c")
    body = body_of(("A: 1", b"one"), (NESTED, inner), ("", b"two"))
    stream = StreamReader()
    reader = MultipartReader(MIXED, stream)
    read: Tree = []
    reading: list[MultipartReader] = [reader]
    part: BodyPartReader | None = None

    async def go_on() -> None:
        nonlocal part
        while reading:
            if part is not None:
                read.append(bytes(await part.read()))
                part = None
            found = await reading[-1].next()
            if found is None:
                reading.pop()
            elif isinstance(found, MultipartReader):
                reading.append(found)
            else:
                part = found

    for at in range(len(body)):
        stream.feed_data(body[at : at + 1])
        await cancelled(go_on)
    stream.feed_eof()
    await go_on()
    assert read == [b"one", b"x", b"two"]


async def test_two_who_read_at_once() -> None:
    stream = StreamReader()
    reader = MultipartReader(MIXED, stream)
    first = asyncio.ensure_future(reader.next())
    await asyncio.sleep(0)
    for other in (reader.next, reader.fetch_next_part, reader.release):
        with pytest.raises(RuntimeError, match="being read by another"):
            await other()
    stream.feed_data(body_of(("", b"one"), ("", b"two")))
    stream.feed_eof()
    part = await first
    assert isinstance(part, BodyPartReader)
    assert await part.read() == b"one"
    assert await tree_of(reader) == [b"two"]


async def test_two_who_read_at_once_in_different_bodies() -> None:
    stream = StreamReader()
    reader = MultipartReader(MIXED, stream)
    stream.feed_data(b"--b\r\n" + NESTED.encode() + b"\r\n\r\n--c\r\n\r\nx")
    part = await next_part(await next_reader(reader))
    first = asyncio.ensure_future(part.read())
    await asyncio.sleep(0)
    for other in (reader.next, reader.release):
        with pytest.raises(RuntimeError, match="being read by another"):
            await other()
    stream.feed_data(b"y\r\n--c--\r\n--b--")
    stream.feed_eof()
    assert await first == b"xy"
    assert await reader.next() is None
