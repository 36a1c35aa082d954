import asyncio
import binascii
import gzip
import io
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.body.multipart import MultipartWriter
from pronghorn.body.payload import BytesPayload, JsonPayload, Payload, StringPayload, Writer

from ..worktime import LINEAR, growth
from .writing import Stuck, Written, at_once, parts_of, parts_sent, written

BINARY = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
LARGE = bytes(range(256)) * 4096
Fields = dict[str, str]


async def agen(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces or (b"abc",):
        yield piece


def filled(*parts: Any, subtype: str = "mixed", boundary: str | None = None) -> MultipartWriter:
    """Each part an object, or that and its headers."""
    writer = MultipartWriter(subtype, boundary)
    for part in parts:
        writer.append(*(part if isinstance(part, tuple) else (part,)))
    return writer


# The whole


async def test_every_byte() -> None:
    with MultipartWriter("mixed", boundary="b") as writer:
        part = writer.append("text", {"X-Of": "y"})
        assert isinstance(part, StringPayload)
        writer.append(b"")
        writer.append_json({"a": 1})
        writer.append_form([("a", "1"), ("b", " ~")])
    body = (
        b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nX-Of: y\r\nContent-Length: 4\r\n\r\ntext\r\n"
        b"--b\r\nContent-Type: application/octet-stream\r\nContent-Length: 0\r\n\r\n\r\n"
        b'--b\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"a": 1}\r\n'
        b"--b\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\na=1&b=+%7E\r\n"
        b"--b--\r\n"
    )
    assert writer.content_type == "multipart/mixed; boundary=b"
    assert writer.headers == {"Content-Type": "multipart/mixed; boundary=b"}
    assert writer.boundary == "b"
    assert writer.size == len(body)
    for _ in range(2):
        assert await written(writer) == body
        assert writer.rewind()
    assert await writer.as_bytes() == writer.decode().encode() == b"".join(writer.serialize()) == body
    assert len(writer) == 4
    assert isinstance(writer, Payload)


async def test_no_parts() -> None:
    writer = MultipartWriter(boundary="b")
    assert writer
    assert (len(writer), list(writer), writer.size) == (0, [], 7)
    assert await written(writer) == b"--b--\r\n"
    assert (writer.rewind(), writer.consumed, writer.autoclose) == (True, False, True)


async def test_parts_that_leave_one_after_another() -> None:
    """As cameras send their pictures: each time a new writer, and the end when there are no more."""
    output = Written()
    for picture in (b"one", b"two"):
        with MultipartWriter("x-mixed-replace", boundary="frame") as writer:
            writer.append(picture, {"Content-Type": "image/jpeg"})
            await writer.write(output, close_boundary=False)
        assert output.content.endswith(picture + b"\r\n")
    await MultipartWriter("x-mixed-replace", boundary="frame").write(output)
    contents = [content for _, content in parts_of(writer.content_type, output.content)]
    assert contents == [b"one", b"two"]


@pytest.mark.parametrize("subtype", ["mixed", "related", "alternative", "byteranges", "form-data", "X-Own"])
def test_subtypes(subtype: str) -> None:
    assert MultipartWriter(subtype, "b").content_type == f"multipart/{subtype}; boundary=b"


def test_boundaries() -> None:
    boundaries = {MultipartWriter().boundary for _ in range(100)}
    assert len(boundaries) == 100
    assert MultipartWriter(boundary="a:b c").content_type == 'multipart/mixed; boundary="a:b c"'


async def test_the_type_may_say_more() -> None:
    writer = filled(b"a", subtype="related", boundary="b")
    writer.headers["Content-Type"] += '; type="text/xml"'
    assert writer.content_type == 'multipart/related; boundary=b; type="text/xml"'
    assert writer.fields == (("Content-Type", writer.content_type),)


# Parts


async def test_whatever_can_be_sent(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"file")
    with path.open("rb") as file:
        writer = filled(
            b"bytes", "text", io.BytesIO(b"buffer"), file, JsonPayload([]), agen(), filled(b"inner")
        )
        assert writer.size is None
        parts = await parts_sent(writer)
    assert [content for _, content in parts[:-1]] == [b"bytes", b"text", b"buffer", b"file", b"[]", b"abc"]
    fields, content = parts[-1]
    assert [content for _, content in parts_of(dict(fields)["Content-Type"], content)] == [b"inner"]
    assert parts[3][0] == [
        ("Content-Type", "text/plain"),
        ("Content-Disposition", 'attachment; filename="a.txt"'),
        ("Content-Length", "4"),
    ]


@pytest.mark.parametrize("value", [None, 5, 1.5, True, {}, [], [("a", "b")], object()], ids=repr)
def test_what_can_t_be_sent(value: object) -> None:
    writer = MultipartWriter()
    with pytest.raises(TypeError, match=f"append: expected bytes, str, .*, got {type(value).__name__}"):
        writer.append(value)
    assert len(writer) == 0


@pytest.mark.parametrize("form", [{"a": None}, [("a", b"b")], ["ab"]], ids=repr)
def test_a_form_that_can_t_be_sent(form: Any) -> None:
    with pytest.raises(TypeError, match="form: expected"):
        MultipartWriter().append_form(form)


async def test_headers_of_a_payload_are_replaced() -> None:
    payload = BytesPayload(b"a", headers={"X": "y", "Z": "1"})
    writer = MultipartWriter()
    assert writer.append(payload, {"x": "z", "Content-Type": "a/b"}) is payload
    assert await parts_sent(writer) == [
        ([("Content-Type", "a/b"), ("x", "z"), ("Z", "1"), ("Content-Length", "1")], b"a")
    ]


async def test_headers_may_be_changed_until_it_is_sent() -> None:
    writer = MultipartWriter(boundary="b")
    part = writer.append(b"abc")
    size = writer.size
    assert size is not None
    part.set_content_disposition("attachment", filename="a.txt")
    assert writer.size == size + len(b'Content-Disposition: attachment; filename="a.txt"\r\n')
    part.headers["Content-Transfer-Encoding"] = "base64"
    assert writer.size is None
    assert list(writer) == [(part, "", "base64")]
    ((fields, content),) = await parts_sent(writer)
    assert content == b"YWJj\r\n"
    assert "Content-Length" not in dict(fields)
    del part.headers["Content-Transfer-Encoding"]
    assert await written(writer)
    assert part.headers["Content-Length"] == "3"
    part.headers["X"] = "a\r\nb"
    with pytest.raises(ValueError, match="X: control character"):
        await writer.write(Written())


async def test_a_head_is_made_once_if_nothing_changes() -> None:
    writer = filled(b"abc", (b"abc", {"Content-Encoding": "gzip"}), agen())
    heads = [part.head for part in writer._described()]
    await written(writer)
    assert all(part.head is head for part, head in zip(writer._described(), heads, strict=True))


async def test_a_body_inside_may_grow_until_it_is_sent() -> None:
    inner, outer = MultipartWriter(boundary="inner"), MultipartWriter()
    outer.append(inner)
    inner.append(b"late")
    ((fields, content),) = await parts_sent(outer)
    assert dict(fields)["Content-Length"] == str(len(content)) == str(inner.size)
    assert b"late" in content


def test_a_length_that_is_said_twice() -> None:
    writer = MultipartWriter()
    part = writer.append(b"abc", {"Content-Length": "3"})
    assert part.headers.getall("Content-Length") == ["3"]
    for length in ("2", "03", "", "abc"):
        with pytest.raises(ValueError, match=f"Content-Length: is '{length}', but the part has 3 bytes"):
            writer.append(b"abc", {"Content-Length": length})
    assert len(writer) == 1
    # Who reads does not need it, and we can't answer for it.
    assert "Content-Length" not in writer.append(agen(), {"Content-Length": "3"}).headers
    assert (
        "Content-Length"
        not in writer.append(b"", {"Content-Length": "3", "Content-Encoding": "gzip"}).headers
    )


# Parts of forms


async def test_a_part_of_a_form_has_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"file")
    with path.open("rb") as file:
        writer = filled(
            b"a",
            file,
            (b"b", {"Content-Disposition": 'form-data; name="mine"'}),
            (b"c", {"Content-Disposition": "attachment"}),
            subtype="form-data",
        )
        parts = await parts_sent(writer)
    assert [dict(fields)["Content-Disposition"] for fields, _ in parts] == [
        'form-data; name="section-0"',
        'form-data; name="section-1"; filename="a.txt"',
        'form-data; name="mine"',
        'form-data; name="section-3"',
    ]
    assert not any("Content-Length" in dict(fields) for fields, _ in parts)


@pytest.mark.parametrize("subtype", ["form-data", "Form-Data"])
def test_rfc_7578_section_4_8_what_a_part_of_a_form_does_not_say(subtype: str) -> None:
    writer = MultipartWriter(subtype)
    assert "Content-Length" not in writer.append(b"abc", {"Content-Length": "4"}).headers
    writer.append(b"abc", {"Content-Encoding": "identity"})
    with pytest.raises(ValueError, match="Content-Encoding: expected none in a form, got 'gzip'"):
        writer.append(b"abc", {"Content-Encoding": "gzip"})
    assert len(writer) == 2


# Encodings


@pytest.mark.parametrize(("coding", "decompress"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
@pytest.mark.parametrize("spelling", [str.lower, str.upper])
async def test_content_codings(
    coding: str, decompress: Callable[[bytes], bytes], spelling: Callable[[str], str]
) -> None:
    writer = filled((LARGE, {"Content-Encoding": spelling(coding)}))
    assert writer.size is None
    assert [item[1:] for item in writer] == [(coding, "")]
    for _ in range(2):
        ((fields, content),) = await parts_sent(writer)
        assert dict(fields) == {"Content-Type": BINARY, "Content-Encoding": spelling(coding)}
        assert decompress(content) == LARGE
        assert writer.rewind()


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
async def test_transfer_encodings(encoding: str) -> None:
    fields = {"Content-Transfer-Encoding": encoding, "Content-Encoding": "gzip"}
    writer = filled((agen(LARGE, b"", b"end"), fields), (b"next", {"Content-Transfer-Encoding": encoding}))
    assert [item[1:] for item in writer] == [("gzip", encoding), ("", encoding)]
    parts = await parts_sent(writer)
    decode = {"base64": binascii.a2b_base64, "quoted-printable": binascii.a2b_qp}[encoding]
    first, second = (decode(content) for _, content in parts)
    assert gzip.decompress(first) == LARGE + b"end"
    assert second == b"next"


@pytest.mark.parametrize(
    "fields",
    [
        {"Content-Encoding": "identity"},
        {"Content-Encoding": ""},
        {"Content-Transfer-Encoding": "binary"},
        {"Content-Transfer-Encoding": "8BIT"},
        {"Content-Transfer-Encoding": "7bit"},
    ],
)
async def test_encodings_that_change_nothing(fields: Fields) -> None:
    writer = filled((b"abc", fields))
    assert writer.size is not None
    assert await parts_sent(writer) == [
        ([("Content-Type", BINARY), *fields.items(), ("Content-Length", "3")], b"abc")
    ]


@pytest.mark.parametrize("field", ["Content-Encoding", "Content-Transfer-Encoding"])
def test_encodings_that_are_not_known(field: str) -> None:
    writer = MultipartWriter()
    with pytest.raises(RuntimeError, match=rf"{field}: expected one of .*, got 'x-own'"):
        writer.append(b"", {field: "X-Own"})
    assert len(writer) == 0


@pytest.mark.parametrize("field", ["Content-Encoding", "Content-Transfer-Encoding"])
async def test_what_is_encoded_is_there_only_when_it_is_written(field: str) -> None:
    writer = filled((b"abc", {field: "gzip" if field == "Content-Encoding" else "base64"}))
    with pytest.raises(TypeError, match="decode: MultipartWriter must be read first"):
        writer.decode()
    with pytest.raises(TypeError, match="serialize: expected parts of bytes or text"):
        list(writer.serialize())
    assert await writer.as_bytes()


# Inside one another


async def test_nested() -> None:
    writer = MultipartWriter(boundary="0")
    writer.append(b"core")
    for depth in range(1, 50):
        outer = MultipartWriter("related", boundary=str(1000 - depth))
        outer.append(writer)
        writer = outer
    body = await written(writer)
    assert writer.decode().encode() == b"".join(writer.serialize()) == body
    content_type, content = writer.content_type, body
    for _ in range(50):
        ((fields, content),) = parts_of(content_type, content)
        content_type = dict(fields)["Content-Type"]
    assert content == b"core"


def test_nested_without_end() -> None:
    writer = MultipartWriter()
    with pytest.raises(ValueError, match="can't be a part of itself"):
        writer.append(writer)


# Once more, and closing


async def test_a_part_that_can_be_sent_only_once() -> None:
    writer = filled(b"abc", agen(), io.BytesIO(b"def"))
    assert writer.rewind(), "nothing of it was written yet"
    assert not writer.consumed
    await written(writer)
    assert writer.consumed
    assert not writer.rewind()
    output = Written()
    with pytest.raises(RuntimeError, match="can't be written once more"):
        await writer.write(output)
    assert not output.content.endswith(b"--\r\n")
    with pytest.raises(TypeError, match="must be read first"):
        writer.decode()


async def test_cancelled_in_between() -> None:
    stuck, buffer = Stuck(), io.BytesIO(LARGE)
    writer = filled("abc", buffer)
    writing = asyncio.create_task(writer.write(stuck))
    await stuck.reached.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert writer.rewind()
    assert [content for _, content in await parts_sent(writer)] == [b"abc", LARGE]


async def test_all_parts_are_closed_even_if_one_fails_at_it(tmp_path: Path) -> None:
    class Failing(BytesPayload):
        autoclose = False

        async def close(self) -> None:
            raise OSError(28, "no space left")

    path = tmp_path / "a"
    path.write_bytes(b"abc")
    files = [path.open("rb") for _ in range(2)]
    buffer = io.BytesIO()
    writer = filled(files[0], Failing(b""), buffer, filled(files[1]))
    assert not writer.autoclose
    with pytest.raises(OSError, match="no space left"):
        await writer.close()
    assert [file.closed for file in files] == [True, True]
    assert not buffer.closed
    assert not writer.rewind()


async def test_a_file_that_shrinks_leaves_no_whole_body(tmp_path: Path) -> None:
    """Also where nobody counts, because the length of another part is not known."""
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    with path.open("rb", buffering=0) as file:
        writer = filled(agen(), file)
        path.write_bytes(b"a")
        output = Written()
        with pytest.raises(EOFError, match="expected 3 bytes, it ended 2 short"):
            await writer.write(output)
    assert b"--\r\n" not in output.content


# What leaves together, and what does not wait


async def test_what_is_there_leaves_together() -> None:
    output = Written()
    await filled(*[b"part"] * 100, "text", filled(b"inner")).write(output)
    assert len(output.pieces) <= 3
    output = Written()
    await filled(*[bytes(1000)] * 1000).write(output)
    assert all(60 * 1024 < len(piece) <= 64 * 1024 for piece in output.pieces[:-1])


async def test_what_comes_slowly_waits_for_nothing() -> None:
    go_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"first"
        await go_on.wait()
        yield b"second"

    output = Written()
    writing = asyncio.create_task(filled(b"small", slow()).write(output))
    while b"first" not in output.content:
        await asyncio.sleep(0)
    go_on.set()
    await writing
    assert output.content.count(b"second") == 1


async def test_large_content_is_not_copied() -> None:
    output = Written()
    await filled(LARGE).write(output)
    assert any(piece is LARGE for piece in output.pieces)


async def test_users_payloads_are_written_by_their_own_write() -> None:
    class Upper(BytesPayload):
        async def write(self, writer: Writer) -> None:
            await writer.write(self.data.upper())

    class Waiting(BytesPayload):
        async def write(self, writer: Writer) -> None:
            await asyncio.sleep(0)
            await super().write(writer)

    writer = filled(Upper(b"abc"))
    assert [content for _, content in await parts_sent(writer)] == [b"ABC"]
    assert b"".join(writer.serialize()) == await writer.as_bytes()
    for part in (Waiting(b"abc"), filled(Waiting(b"abc"))):
        with pytest.raises(TypeError, match="serialize: a part waits for something"):
            list(filled(part).serialize())


@pytest.mark.parametrize("make", [agen, lambda: io.BytesIO(b"abc"), lambda: filled(agen())])
def test_serialize_takes_nothing_that_must_be_read(make: Any) -> None:
    with pytest.raises(TypeError, match="serialize: expected parts of bytes or text"):
        list(filled(b"abc", make()).serialize())


# All of it

NAMES = st.text("abcXYZ-_", min_size=1).map(lambda name: f"X{name}")
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"])).map(str.strip)
CONTENTS = st.binary(max_size=200) | st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(CONTENTS, st.dictionaries(NAMES, VALUES, max_size=3)), max_size=4))
def test_parts_come_back_as_they_were(parts: list[tuple[Any, Fields]]) -> None:
    writer = filled(*parts)
    received = parts_of(writer.content_type, at_once(written(writer)))
    assert len(received) == len(parts)
    for (value, _), payload, (fields, content) in zip(parts, writer, received, strict=True):
        assert content == (value.encode() if isinstance(value, str) else value)
        assert fields == list(payload[0].headers.items())


# Size


@pytest.mark.timed
def test_many_parts_take_linear_time() -> None:
    def send(count: int) -> None:
        writer = MultipartWriter()
        for _ in range(count):
            writer.append(b"content")
        assert len(at_once(written(writer))) == writer.size

    assert growth(send, 1_000) < LINEAR


def test_deep_nesting_does_not_double_the_work_at_each_level() -> None:
    calls = []

    class Measured(BytesPayload):
        @property
        def size(self) -> int:
            calls.append(self)
            return len(self.data)

    writer: Payload = Measured(b"core")
    for _ in range(30):
        writer = filled(writer)
    assert len(at_once(written(writer))) == writer.size
    assert len(calls) < 30 * 30
