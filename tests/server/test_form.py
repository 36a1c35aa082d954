import asyncio
import gc
import gzip
import tempfile
import threading
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from pronghorn import web
from pronghorn.io.stream import StreamReader
from pronghorn.server.form import SPOOL_SIZE, FileField, Upload
from pronghorn.server.request import payload_error

from ..body.reading import EVERY_CUT, body_of, cuts, named, part_of, stream_of
from .forms import FORM, LARGE, TEXT, URLENCODED, RecordedFile, file, in_a_task, posted
from .peer import eventually

# Urlencoded forms


@EVERY_CUT
async def test_urlencoded(cut: int) -> None:
    request = posted(stream_of(cuts(b"a=1&b=+%C3%A9&a=2&c")[cut]), URLENCODED)
    form = await request.post()
    assert list(form.items()) == [("a", "1"), ("b", " \u00e9"), ("a", "2"), ("c", "")]
    assert await request.post() is form


async def test_the_charset_of_an_urlencoded_form() -> None:
    form = await posted(b"a=%E9", f"{URLENCODED}; charset=latin-1").post()
    assert form["a"] == "\u00e9"
    with pytest.raises(web.RequestPayloadError, match="charset") as caught:
        await posted(b"a=%E9", f"{URLENCODED}; charset=punycode").post()
    assert caught.value.status_hint == 415


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
async def test_methods_that_post(method: str) -> None:
    assert await posted(b"a=1", URLENCODED, method=method).post() == {"a": "1"}
    assert method in web.BaseRequest.POST_METHODS


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "post"])
async def test_methods_that_post_nothing(method: str) -> None:
    request = posted(b"a=1", URLENCODED, method=method)
    assert len(await request.post()) == 0
    assert await request.read() == b"a=1"


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/json", "multipart/mixed; boundary=b"]
)
async def test_bodies_that_are_no_forms(content_type: str | None) -> None:
    request = posted(b"a=1", content_type)
    assert len(await request.post()) == 0
    assert await request.read() == b"a=1"


@pytest.mark.parametrize("content_type", [URLENCODED, FORM])
async def test_a_form_can_be_read_after_its_body_was(content_type: str) -> None:
    body = b"a=1" if content_type == URLENCODED else body_of(named("a", b"1"))
    for coded in (body, gzip.compress(body)):
        coding = {} if coded is body else {"Content_Encoding": "gzip"}
        request = posted(coded, content_type, **coding)
        assert await request.read() == body
        assert await request.post() == {"a": "1"}
        assert await request.read() == body


# Fields of a multipart form


@EVERY_CUT
async def test_fields(cut: int) -> None:
    body = body_of(
        named("a", b"1"),
        named("b", "\u00e9".encode()),
        named("a", b"\xe9", "Content-Type: text/plain; charset=latin-1"),
        named("", b""),
        named("c", b"\xff\x00", "Content-Type: application/octet-stream"),
        named("d", b"YWJj", "Content-Transfer-Encoding: base64"),
        named("e", b"YWJj", "Content-Transfer-Encoding: base64", "Content-Type: image/png"),
        named("f", b"x", "Content-Encoding: gzip"),
    )
    request = posted(stream_of(cuts(body)[cut]))
    form = await request.post()
    assert list(form.items()) == [
        ("a", "1"),
        ("b", "\u00e9"),
        ("a", "\u00e9"),
        ("", ""),
        ("c", b"\xff\x00"),
        ("d", "abc"),
        ("e", b"abc"),
        ("f", "x"),
    ]
    assert type(form["c"]) is bytes
    assert await request.post() is form


@EVERY_CUT
async def test_the_charset_of_a_form(cut: int) -> None:
    body = body_of(named("_charset_", b"latin-1"), named("a", b"\xe9"))
    assert await posted(stream_of(cuts(body)[cut])).post() == {"a": "\u00e9"}


async def test_no_fields() -> None:
    assert len(await posted(b"--b--\r\n").post()) == 0


# Files


@EVERY_CUT
async def test_files(cut: int, files: list[RecordedFile]) -> None:
    body = body_of(
        file("a", "one.txt", b"one", TEXT),
        named("b", b"2"),
        file("a", "two", b""),
        file("c", "three", b"YWJj", "Content-Transfer-Encoding: base64", "X: y"),
    )

    def look(form: Any) -> None:
        assert [type(value) for value in form.values()] == [FileField, str, FileField, FileField]
        one, two = form.getall("a")
        three = form["c"]
        assert (one.name, one.filename, one.content_type) == ("a", "one.txt", "text/plain")
        assert (two.name, two.filename, two.content_type) == ("a", "two", "application/octet-stream")
        assert [field.file.read() for field in (one, two, three)] == [b"one", b"", b"abc"]
        assert isinstance(three.headers, CIMultiDictProxy)
        assert three.headers["x"] == "y"

    await in_a_task(posted(stream_of(cuts(body)[cut])), look)
    await eventually(lambda: all(made.closed for made in files))
    assert not any(made.is_on_disk for made in files)


def test_a_file_field() -> None:
    with tempfile.TemporaryFile() as content:
        headers = CIMultiDictProxy(CIMultiDict({"A": "1"}))
        field = FileField("name", "filename", content, "text/plain", headers)
        assert field == FileField(
            name="name", filename="filename", file=content, content_type="text/plain", headers=headers
        )
        with pytest.raises(FrozenInstanceError):
            field.name = "other"  # type: ignore[misc]  # that it is refused is the point
        assert not hasattr(field, "__dict__")


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        ('filename="../../etc/passwd"', "passwd"),
        ('filename="C:\\\\dir\\\\x.txt"', "x.txt"),
        ("filename=\"a.txt\"; filename*=UTF-8''evil.php", "a.txt"),
        ('filename="gr\u00fcn"', "gr\u00fcn"),
    ],
)
async def test_filenames(disposition: str, filename: str) -> None:
    body = body_of((f'Content-Disposition: form-data; name="a"; {disposition}', b"x"))
    field = (await in_a_task(posted(body)))["a"]
    assert field.filename == filename


@pytest.mark.parametrize("disposition", ['filename=""', 'filename=".."', "filename*=UTF-8''evil.php"])
async def test_what_has_no_filename_is_no_file(disposition: str) -> None:
    """An input for a file that nobody chose one for, to begin with."""
    fields = f'Content-Disposition: form-data; name="a"; {disposition}'
    assert await posted(body_of((fields, b"x"))).post() == {"a": "x"}
    fields += "\nContent-Type: application/octet-stream"
    assert await posted(body_of((fields, b""))).post() == {"a": b""}


async def test_a_large_file_goes_to_disk_off_the_loop(files: list[RecordedFile]) -> None:
    body = body_of(file("a", "large", LARGE), file("b", "small", bytes(SPOOL_SIZE)), named("c", b"x"))
    pieces = [body[at : at + 65536] for at in range(0, len(body), 65536)]

    def look(form: Any) -> None:
        assert form["a"].file.tell() == 0
        assert form["a"].file.read() == LARGE
        assert form["b"].file.read() == bytes(SPOOL_SIZE)
        assert form["c"] == "x"

    await in_a_task(posted(stream_of(pieces), max_size=0), look)
    large, small = files
    await eventually(lambda: large.closed)
    assert (large.is_on_disk, small.is_on_disk) == (True, False)
    here = threading.current_thread().name
    assert len(large.writers - {here}) >= 1
    # What is in memory was written here, what is on disk elsewhere.
    assert small.writers == small.closers == {here}
    assert here not in large.closers


@pytest.mark.timed
async def test_a_file_on_disk_is_not_held_in_memory(files: list[RecordedFile]) -> None:
    import tracemalloc

    piece = bytes(65536)
    head = b'--b\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'
    pieces = [head, *[piece] * 512, b"\r\n--b--\r\n"]
    tracemalloc.start()
    try:
        await in_a_task(posted(stream_of(pieces), max_size=0))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    await eventually(lambda: files[0].closed)
    assert peak < 6 * 1024 * 1024


@pytest.mark.parametrize(
    "last",
    [
        b"--b\r\nno field\r\n\r\n",
        b"--b\r\n\r\nnameless\r\n--b--",
        b"--b\r\n" + named("a", b"")[0].encode() + b"\r\n\r\nbroken off",
        b"",
    ],
)
async def test_files_are_closed_when_the_form_is_broken(last: bytes, files: list[RecordedFile]) -> None:
    parts = body_of(file("a", "large", LARGE), file("b", "small", b"x"))
    body = parts.removesuffix(b"--b--\r\n") + last
    with pytest.raises((web.HTTPBadRequest, web.RequestPayloadError)):
        await posted(body, max_size=0).post()
    await eventually(lambda: len(files) == 2 and all(made.closed for made in files))


async def test_files_are_closed_when_the_handler_fails(files: list[RecordedFile]) -> None:
    def fail(form: Any) -> None:
        raise RuntimeError("failed")

    with pytest.raises(RuntimeError, match="failed"):
        await in_a_task(
            posted(body_of(file("a", "large", LARGE), file("b", "small", b"x")), max_size=0), fail
        )
    await eventually(lambda: len(files) == 2 and all(made.closed for made in files))


async def test_files_are_closed_when_reading_is_cancelled(files: list[RecordedFile]) -> None:
    body = body_of(file("a", "large", LARGE), file("b", "small", b"x"))
    stream = StreamReader(error_factory=payload_error)
    stream.feed_data(body[:-10])
    task = asyncio.create_task(posted(stream, max_size=0).post())
    await eventually(lambda: len(files) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: all(made.closed for made in files))


async def test_a_file_is_closed_behind_the_thread_that_writes_it(files: list[RecordedFile]) -> None:
    gate = threading.Event()
    head = b'--b\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'
    stream = StreamReader(error_factory=payload_error)
    stream.feed_data(head + b"x")
    task = asyncio.create_task(posted(stream, max_size=0).post())
    await eventually(lambda: files)
    (made,) = files
    made.gate = gate
    stream.feed_data(bytes(2 * SPOOL_SIZE))
    await eventually(lambda: made.writers)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not made.closed
    gate.set()
    await eventually(lambda: made.closed)
    assert made.is_on_disk


async def test_a_disk_that_is_full(files: list[RecordedFile], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: RecordedFile, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RecordedFile, "write", full)
    with pytest.raises(OSError, match="No space left"):
        await posted(body_of(file("a", "large", LARGE)), max_size=0).post()
    await eventually(lambda: files[0].closed)


async def test_nobody_is_told_of_a_write_that_failed_when_nobody_waited(
    files: list[RecordedFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()

    def full(self: RecordedFile, data: bytes) -> int:
        self.writers.add("started")
        gate.wait(5)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RecordedFile, "write", full)
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    task = asyncio.create_task(posted(body_of(file("a", "large", LARGE)), max_size=0).post())
    await eventually(lambda: files and files[0].writers)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.set()
    await eventually(lambda: files[0].closed)
    del task
    gc.collect()
    assert told == []


async def test_a_file_is_closed_though_there_are_no_threads_any_more(files: list[RecordedFile]) -> None:
    upload = Upload()
    await upload.receive(await part_of(LARGE))
    (made,) = files
    assert made.is_on_disk
    assert not made.closed
    await asyncio.get_running_loop().shutdown_default_executor()
    upload.close()
    assert made.closed
    upload.close()


def test_files_are_closed_though_the_loop_is_at_its_end(files: list[RecordedFile]) -> None:
    async def main() -> None:
        form = await posted(body_of(file("a", "large", LARGE), file("b", "small", b"x")), max_size=0).post()
        assert len(form) == 2

    asyncio.run(main())
    assert len(files) == 2


def test_nothing_is_left_in_the_folder_of_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    asyncio.run(in_a_task(posted(body_of(file("a", "large", LARGE)), max_size=0)))
    assert list(tmp_path.iterdir()) == []
