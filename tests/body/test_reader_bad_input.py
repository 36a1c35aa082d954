from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from pronghorn.body.part import MultipartError
from pronghorn.body.reader import MultipartReader
from pronghorn.io.stream import StreamReader
from pronghorn.wire.errors import ProtocolError

from ..worktime import LINEAR, growth
from .reading import (
    EVERY_CUT,
    FORM,
    MIXED,
    NESTED,
    Stream,
    body_of,
    cuts,
    named,
    next_part,
    next_reader,
    reader_of,
    stream_of,
    tree_of,
)
from .writing import at_once

# Limits


async def test_max_parts() -> None:
    body = body_of(*[named("a", b"")] * 1000)
    assert len(await tree_of(reader_of(body, FORM))) == 1000
    beyond = body_of(*[named("a", b"")] * 100_000)
    stream = stream_of([beyond[at : at + 65536] for at in range(0, len(beyond), 65536)])
    with pytest.raises(MultipartError, match="more than 1000 parts"):
        await tree_of(MultipartReader(FORM, stream))
    assert isinstance(stream, Stream)
    assert stream.received <= 2 * 65536
    assert len(await tree_of(reader_of(body, FORM, max_parts=0))) == 1000
    with pytest.raises(MultipartError, match="more than 999 parts"):
        await tree_of(reader_of(body, FORM, max_parts=999))


async def test_parts_in_parts_count() -> None:
    inner = body_of(*[("", b"")] * 10, boundary="c")
    body = body_of(*[(NESTED, inner)] * 10)
    assert len(await tree_of(reader_of(body, max_parts=110))) == 10
    with pytest.raises(MultipartError, match="more than 109 parts"):
        await tree_of(reader_of(body, max_parts=109))


async def test_heads_are_bounded() -> None:
    """CVE-2026-34516."""
    many = "\n".join(["A: 1"] * 128)
    assert await tree_of(reader_of(body_of((many, b"x")))) == [b"x"]
    for fields, options, problem in (
        (many + "\nA: 1", {}, "more than 128 fields"),
        ("A: 1\nB: 2", {"max_headers": 1}, "more than 1 fields"),
        ("A: " + "x" * 8190, {}, "longer than 8190 bytes"),
        ("A: 123456", {"max_field_size": 8}, "longer than 8 bytes"),
        ("\n".join(["A: " + "x" * 8000] * 3), {}, "more than 16384 bytes of fields"),
    ):
        for pieces in cuts(body_of((fields, b"x"))):
            with pytest.raises(MultipartError, match=problem):
                await tree_of(reader_of(pieces, **options))
    stream = stream_of([b"--b\r\nA: ", *[b"x" * 1000] * 1000])
    with pytest.raises(MultipartError, match="more than 16384 bytes of fields"):
        await MultipartReader(MIXED, stream).next()
    assert isinstance(stream, Stream)
    assert stream.received < 20_000


async def test_heads_are_bounded_in_all() -> None:
    large = ("A: " + "x" * 8000 + "\nB: " + "x" * 8000, b"")
    with pytest.raises(MultipartError, match="more than 1048576 bytes of fields in all"):
        await tree_of(reader_of(body_of(*[large] * 70)))
    assert len(await tree_of(reader_of(body_of(*[large] * 70), max_parts=2000))) == 70


@pytest.mark.parametrize("body", [b"x" * 20_000, b"--b--\r\n" + b"x" * 20_000])
async def test_what_stands_around_the_parts_is_bounded(body: bytes) -> None:
    for pieces in ([body], [body[at : at + 999] for at in range(0, len(body), 999)]):
        with pytest.raises(MultipartError, match="more than 16384 bytes"):
            await reader_of(pieces).next()


# What is malformed


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain; boundary=b",
        "multipart/mixed",
        "multipart/mixed; boundary=",
        "multipart/mixed; boundary=b; boundary=c",
        f"multipart/mixed; boundary={'b' * 71}",
        "multipart/mixed; boundary=b\u00e9",
        'multipart/mixed; boundary="b',
        "multipartmixed; boundary=b",
    ],
)
def test_a_content_type_that_names_no_boundary(content_type: str) -> None:
    for headers in (
        {"Content-Type": content_type} if content_type else {},
        CIMultiDict({"content-type": content_type}),
    ):
        with pytest.raises(MultipartError, match="Content-Type: expected"):
            MultipartReader(headers, StreamReader())


def test_errors_are_told_as_the_caller_wants_them() -> None:
    class BrokenError(Exception):
        pass

    def broken(error: ProtocolError) -> Exception:
        return BrokenError(error.status_hint)

    with pytest.raises(BrokenError, match="400"):
        MultipartReader({}, StreamReader(), error_factory=broken)
    body = body_of((NESTED, b"--c\r\nContent-Encoding: zap\r\n\r\nx\r\n--c--"))

    async def read() -> None:
        part = await next_part(await next_reader(reader_of(body, error_factory=broken)))
        with pytest.raises(BrokenError, match="415"):
            part.decode(b"")
        with pytest.raises(BrokenError, match="415"):
            await part.read(decode=True)

    at_once(read())


@EVERY_CUT
async def test_a_body_that_was_cut_off_never_looks_whole(cut: int) -> None:
    body = body_of(("A: 1", b"one"), (NESTED, body_of(("", b"x"), boundary="c")), ("", b"two"))
    whole = await tree_of(reader_of(body))
    for end in range(len(body)):
        reader = reader_of(cuts(body[:end])[cut])
        if body[:end].endswith(b"\r\n--b--") or body[:end].endswith(b"\r\n--b--\r"):
            assert await tree_of(reader) == whole
            continue
        for _ in range(3):
            with pytest.raises(MultipartError, match="ended before its close-delimiter"):
                await tree_of(reader)
        assert not reader.at_eof()
        with pytest.raises(MultipartError, match="ended before its close-delimiter"):
            await reader.release()


@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\nno field\r\n\r\nx\r\n--b--",
        b"--b\r\nA : 1\r\n\r\nx\r\n--b--",
        b"--b\r\nA: 1\r\n B\r\n\r\nx\r\n--b--",
        b"--b\r\nA: \x00\r\n\r\nx\r\n--b--",
        b"--b\nA: 1\n\nx\n--b--",
        b"--b\r\n\r\nx\r\n--bx\r\n\r\n--b--",
        b"--b\r\n\r\nx\r\n--b-\r\n",
        b"--b\r\n\r\nx\r\n--b--x",
        b"--b\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\nx\r\n--b--",
        b"--b\r\n\r\n--b--",
    ],
)
async def test_what_is_malformed_stays_so(body: bytes) -> None:
    for pieces in cuts(body):
        reader = reader_of(pieces)
        for _ in range(3):
            with pytest.raises(MultipartError):
                await tree_of(reader)
            with pytest.raises(MultipartError):
                await reader.release()


async def test_a_failure_of_the_stream_is_told_as_it_is() -> None:
    stream = StreamReader()
    stream.feed_data(body_of(("", b"one"), end=""))
    reader = MultipartReader(MIXED, stream)
    assert await (await next_part(reader)).read() == b"one"
    stream.set_exception(ConnectionResetError("gone"))
    for _ in range(2):
        with pytest.raises(ConnectionResetError, match="gone"):
            await reader.next()


# Time and pieces


CONTENTS = st.lists(st.sampled_from([b"\r\n", b"-", b"\r", b"\r\n-", b"\r\n--a", b"x"])).map(b"".join)


@settings(max_examples=200)
@given(
    st.lists(CONTENTS, max_size=4), st.lists(CONTENTS, max_size=4), st.lists(st.integers(1, 20), max_size=30)
)
def test_whatever_is_read_in_whatever_pieces(
    contents: list[bytes], inner: list[bytes], sizes: list[int]
) -> None:
    within = body_of(*[("A: 1", content) for content in inner], boundary="c")
    body = body_of((NESTED, within), *[("", content) for content in contents])
    pieces, at = [], 0
    for size in sizes:
        pieces.append(body[at : at + size])
        at += size
    assert at_once(tree_of(reader_of([*pieces, body[at:]]))) == [inner, *contents]


def of_parts(size: int) -> list[bytes]:
    return [body_of(*[named("a", b"x")] * size)]


def of_cr_lf(size: int) -> list[bytes]:
    """CVE-2023-46136."""
    return [body_of(("", b"\r\n" * size))]


def of_near_boundaries(size: int) -> list[bytes]:
    return [body_of(("", b"x\r\n--" * size))]


def bytewise(size: int) -> list[bytes]:
    body = body_of(("", b"\r\n--x" * (size // 5)))
    return [body[at : at + 1] for at in range(len(body))]


@pytest.mark.timed
@pytest.mark.parametrize("make", [of_parts, of_cr_lf, of_near_boundaries, bytewise])
@pytest.mark.parametrize("is_read", [True, False])
def test_the_time_grows_linearly(make: Callable[[int], list[bytes]], is_read: bool) -> None:
    async def read(size: int) -> None:
        reader = reader_of(make(size), max_parts=0)
        if is_read:
            await tree_of(reader)
        else:
            await reader.release()

    assert growth(lambda size: at_once(read(size)), 4000) < LINEAR
