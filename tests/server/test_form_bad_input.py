import asyncio
import base64
import gzip
from collections.abc import Callable
from typing import Any

import pytest

from pronghorn import web
from pronghorn.io.stream import StreamReader
from pronghorn.server.form import BoundedContent
from pronghorn.server.request import payload_error
from pronghorn.wire.coding import decoder_for

from ..body.reading import EVERY_CUT, body_of, cancelled, cuts, named, stream_of
from ..body.writing import at_once
from ..worktime import LINEAR, growth
from .forms import FORM, LARGE, URLENCODED, Part, RecordedFile, file, in_a_task, posted
from .peer import eventually

# Limits


@EVERY_CUT
async def test_client_max_size(cut: int) -> None:
    for body in (body_of(named("a", b"x" * 50), file("b", "c", b"y")), body_of(file("a", "b", b"x" * 50))):
        assert len(await in_a_task(posted(stream_of(cuts(body)[cut]), max_size=len(body))))
        assert len(await in_a_task(posted(stream_of(cuts(body)[cut]), max_size=0)))
        with pytest.raises(web.HTTPRequestEntityTooLarge) as caught:
            await posted(stream_of(cuts(body)[cut]), max_size=len(body) - 1).post()
        assert caught.value.max_size == len(body) - 1
        assert caught.value.actual_size > caught.value.max_size
    with pytest.raises(web.HTTPRequestEntityTooLarge):
        await posted(stream_of(cuts(b"a=" + b"x" * 100)[cut]), URLENCODED, max_size=101).post()


@pytest.mark.parametrize("content_type", [URLENCODED, FORM])
async def test_an_announced_length_is_believed_at_once(content_type: str) -> None:
    never_fed = StreamReader()
    with pytest.raises(web.HTTPRequestEntityTooLarge) as caught:
        await posted(never_fed, content_type, max_size=10, Content_Length="1000").post()
    assert (caught.value.max_size, caught.value.actual_size) == (10, 1000)


@pytest.mark.parametrize("part", [named("a", b""), file("a", "b", b"")])
async def test_the_limit_strikes_at_the_piece_that_passes_it(part: Part, files: list[RecordedFile]) -> None:
    """CVE-2025-69228, CVE-2026-34517."""
    unending = StreamReader()
    unending.feed_data(b"--b\r\n" + part[0].encode() + b"\r\n\r\n" + b"x" * 2_000_000)
    with pytest.raises(web.HTTPRequestEntityTooLarge):
        await posted(unending).post()
    await eventually(lambda: all(made.closed for made in files))


@EVERY_CUT
async def test_client_max_fields(cut: int) -> None:
    body = body_of(*[named("a", b"1")] * 10)
    fields = b"&".join([b"a=1"] * 10)
    for content, content_type in ((body, FORM), (fields, URLENCODED)):
        for limit in (10, 0):
            form = await posted(stream_of(cuts(content)[cut]), content_type, max_fields=limit).post()
            assert len(form) == 10
        with pytest.raises(web.HTTPRequestEntityTooLarge) as caught:
            await posted(stream_of(cuts(content)[cut]), content_type, max_fields=9).post()
        assert caught.value.status == 413
        assert caught.value.text == "Maximum number of form fields 9 exceeded."


async def test_the_charset_is_no_field() -> None:
    body = body_of(named("_charset_", b"utf-8"), named("a", b"1"))
    assert len(await posted(body, max_fields=1).post()) == 1


@pytest.mark.parametrize("part", [named("a", b""), file("a", "b", b"")])
async def test_a_hundred_thousand_parts_are_refused_at_the_limit(
    part: Part, files: list[RecordedFile]
) -> None:
    body = body_of(*[part] * 100_000)
    stream = stream_of([body[at : at + 65536] for at in range(0, len(body), 65536)])
    with pytest.raises(web.HTTPRequestEntityTooLarge) as caught:
        await posted(stream, max_size=0).post()
    assert caught.value.text == "Maximum number of form fields 1000 exceeded."
    assert stream.total_raw_bytes <= 2 * 65536


async def test_what_is_inflated_counts() -> None:
    body = body_of(file("a", "b", bytes(20 * 1024 * 1024)))
    stream = StreamReader(decoder=decoder_for("gzip"), error_factory=payload_error)
    stream.feed_data(gzip.compress(body))
    stream.feed_eof()
    with pytest.raises(web.HTTPRequestEntityTooLarge):
        await posted(stream, Content_Encoding="gzip").post()


@pytest.mark.parametrize("limit", [0, 10, 9])
async def test_bounded_content(limit: int) -> None:
    content = BoundedContent(stream_of([b"12345", b"67890"]), limit)
    assert await content.readany() == b"12345"
    if limit == 9:
        with pytest.raises(web.HTTPRequestEntityTooLarge) as caught:
            await content.readany()
        assert (caught.value.max_size, caught.value.actual_size) == (9, 10)
    else:
        assert [await content.readany(), await content.readany()] == [b"67890", b""]


# What is broken


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"--b\r\n", 400),
        (b"nonsense", 400),
        (body_of(named("a", b"x"))[:-6], 400),
        (b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--", 400),
        (body_of(("A" * 9000 + ": x", b"")), 413),
        (body_of(named("a", b"YQ", "Content-Transfer-Encoding: base64")), 400),
        (body_of(file("a", "b", b"YQ", "Content-Transfer-Encoding: base64")), 400),
        (body_of(named("a", b"x", "Content-Transfer-Encoding: zap")), 415),
        (body_of(file("a", "b", b"x", "Content-Transfer-Encoding: zap")), 415),
        (body_of(named("a", b"\xff")), 400),
        (body_of(named("a", b"x", "Content-Type: text/plain; charset=punycode")), 415),
        (body_of(named("_charset_", b"x" * 32), named("a", b"")), 400),
    ],
    ids=lambda value: repr(value)[:40],
)
@EVERY_CUT
async def test_broken_forms(body: bytes, status: int, cut: int, files: list[RecordedFile]) -> None:
    request = posted(stream_of(cuts(body)[cut]))
    with pytest.raises(web.RequestPayloadError) as caught:
        await request.post()
    assert caught.value.status_hint == status


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=b; boundary=c"]
)
async def test_a_form_without_a_boundary(content_type: str) -> None:
    with pytest.raises(web.RequestPayloadError, match="boundary"):
        await posted(b"--b--", content_type).post()


@pytest.mark.parametrize(
    "part",
    [
        ("", b"x"),
        ("Content-Disposition: form-data", b"x"),
        ('Content-Disposition: form-data; filename="x"', b"x"),
        ("Content-Disposition: form-data; name*=UTF-8''a", b"x"),
        named("a", body_of(("", b"x"), boundary="c"), "Content-Type: multipart/mixed; boundary=c"),
    ],
)
async def test_parts_that_no_form_has(part: Part) -> None:
    with pytest.raises(web.HTTPBadRequest) as caught:
        await posted(body_of(part)).post()
    assert caught.value.text is not None
    assert "have a name" in caught.value.text


@pytest.mark.timed
@pytest.mark.parametrize(
    "make", [lambda size: body_of(*[named("a", b"x")] * size), lambda size: b"a=1&" * size]
)
def test_the_time_grows_linearly(make: Callable[[int], bytes]) -> None:
    def read(size: int) -> None:
        body = make(size)
        content_type = FORM if body[0] == ord("-") else URLENCODED
        assert len(at_once(posted(body, content_type, max_size=0, max_fields=0).post())) == size

    assert growth(read, 4000) < LINEAR


async def test_base64_of_any_size_reaches_a_file_whole(files: list[RecordedFile]) -> None:
    body = body_of(file("a", "b", base64.encodebytes(LARGE), "Content-Transfer-Encoding: base64"))
    pieces = [body[at : at + 9999] for at in range(0, len(body), 9999)]

    def look(form: Any) -> None:
        assert form["a"].file.read() == LARGE

    await in_a_task(posted(stream_of(pieces), max_size=0), look)
    await eventually(lambda: files[0].closed)


async def test_two_who_read_a_form_at_once() -> None:
    stream = StreamReader(error_factory=payload_error)
    request = posted(stream)
    await cancelled(lambda: asyncio.wait_for(request.post(), None))
    first = asyncio.ensure_future(request.post())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="being read by another"):
        await request.post()
    stream.feed_data(body_of(named("a", b"1")))
    stream.feed_eof()
    assert await first == {"a": "1"}
