import inspect
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from pronghorn.body.payload import (
    BytesPayload,
    JsonBytesPayload,
    JsonPayload,
    Payload,
    StringPayload,
    Writer,
    text_type,
)

from .writing import Written, at_once, written

BINARY = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"


class Mine(Payload):
    """What users derive: they override `write`, and nothing else."""

    async def write(self, writer: Writer) -> None:
        for piece in self._value:
            await writer.write(piece)


# What is said of a body


@pytest.mark.parametrize(
    ("options", "content_type"),
    [
        ({}, BINARY),
        ({"content_type": None}, BINARY),
        ({"content_type": "text/csv"}, "text/csv"),
        ({"filename": "a.png"}, "image/png"),
        ({"filename": "a.unheard-of"}, BINARY),
        ({"filename": "a.png", "content_type": "text/csv"}, "text/csv"),
        ({"headers": {"content-type": "text/csv"}}, "text/csv"),
        ({"headers": [("Content-Type", "text/csv")], "content_type": "text/html"}, "text/csv"),
    ],
    ids=repr,
)
def test_the_media_type(options: dict[str, Any], content_type: str) -> None:
    payload = Mine((), **options)
    assert payload.content_type == content_type
    assert payload.headers.getall("Content-Type") == [content_type]
    assert [value for _, value in payload.fields] == [content_type]
    assert payload.content_type == content_type


def test_what_is_said_of_it() -> None:
    payload = Mine((), {"X": "y"}, "text/csv", "a.csv", "latin-1")
    assert payload.filename == "a.csv"
    assert payload.encoding == "latin-1"
    assert isinstance(payload.headers, CIMultiDict)
    assert payload.fields == (("Content-Type", "text/csv"), ("X", "y"))
    bare = Mine(())
    assert (bare.filename, bare.encoding, bare.size) == (None, None, None)
    assert bare.fields == (("Content-Type", BINARY),)


def test_headers_are_a_copy_and_can_be_changed() -> None:
    given = {"X": "y"}
    payload = Mine((), headers=given)
    given["X"] = "z"
    assert payload.headers["x"] == "y"
    payload.headers["Content-Type"] = "text/csv"
    assert payload.content_type == "text/csv"
    del payload.headers["Content-Type"]
    assert payload.content_type == BINARY
    assert payload.fields == (("X", "y"),)
    assert given == {"X": "z"}


def test_set_content_disposition() -> None:
    payload = Mine(())
    payload.set_content_disposition("attachment", filename="\u00fc.txt")
    assert payload.headers["Content-Disposition"].startswith('attachment; filename="%C3%BC.txt"')
    payload.set_content_disposition("form-data", quote_fields=False, name="a", filename="\u00fc.txt")
    assert payload.headers.getall("Content-Disposition") == ['form-data; name="a"; filename="\u00fc.txt"']


@pytest.mark.parametrize("octet", "\0\n\r\x1b\x7f")
@pytest.mark.parametrize("field", ["filename", "name"])
def test_no_control_character_in_a_content_disposition(field: str, octet: str) -> None:
    with pytest.raises(ValueError, match=f"control character in {field}"):
        Mine(()).set_content_disposition("attachment", **{field: f"a{octet}b"})
    with pytest.raises(ValueError, match="expected a token"):
        Mine(()).set_content_disposition(f"attachment{octet}")


def test_keywords_of_other_kinds_are_not_looked_at() -> None:
    assert BytesPayload(b"abc", disposition="inline").headers == {"Content-Type": BINARY}


# What users derive


async def test_a_payload_that_overrides_only_write() -> None:
    payload = Mine([b"abc", b"def"])
    assert payload.size is None
    assert await written(payload) == b"abcdef"
    assert await payload.as_bytes() == b"abcdef"
    with pytest.raises(TypeError, match="decode: Mine must be read first"):
        payload.decode()
    assert payload.autoclose
    await payload.close()
    await payload.close()


async def test_who_does_not_say_so_can_t_be_sent_once_more() -> None:
    payload = Mine([b"abc"])
    assert not payload.rewind()
    await written(payload)
    assert not payload.rewind()


async def test_who_writes_otherwise_does_not_inherit_that_it_can_be_sent_once_more() -> None:
    class Draining(BytesPayload):
        async def write(self, writer: Writer) -> None:
            self._value, value = b"", self._value
            await writer.write(value)

    class Upper(BytesPayload):
        async def write(self, writer: Writer) -> None:
            await writer.write(self.data.upper())

        def rewind(self) -> bool:
            return True

    class Described(StringPayload):
        pass

    assert [kind(b"abc").rewind() for kind in (Draining, Upper)] == [False, True]
    assert Described("abc").rewind()


async def test_a_payload_that_knows_its_size() -> None:
    class Sized(Mine):
        _size = 3

    class Measured(Mine):
        @property
        def size(self) -> int:
            return sum(map(len, self._value))

    for kind in (Sized, Measured):
        assert kind([b"abc"]).size == 3
        assert await written(kind([b"abc"])) == b"abc"


def test_a_payload_has_to_write() -> None:
    assert inspect.isabstract(Payload)
    with pytest.raises(TypeError, match="abstract"):
        Payload(b"abc")


# A part of a body


@pytest.mark.parametrize("pieces", [[b"abcdef"], [b"ab", b"", b"cd", b"ef"], [b"a"] * 6])
@pytest.mark.parametrize("length", [0, 1, 2, 5, 6, 7, None])
async def test_write_with_length(pieces: list[bytes], length: int | None) -> None:
    writer = Written()
    await Mine(pieces).write_with_length(writer, length)
    assert writer.content == b"".join(pieces)[:length]


async def test_who_writes_no_more_than_that_ends_by_himself() -> None:
    ended = []

    class Ending(Mine):
        async def write(self, writer: Writer) -> None:
            await super().write(writer)
            ended.append(self._value)

    await Ending([b"abc", b"def"]).write_with_length(Written(), 6)
    assert ended == [[b"abc", b"def"]]
    await Ending([b"abc", b"def"]).write_with_length(Written(), 5)
    assert len(ended) == 1


async def test_write_with_length_of_what_fails() -> None:
    class Failing(Mine):
        async def write(self, writer: Writer) -> None:
            await writer.write(b"abc")
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await Failing(()).write_with_length(Written(), 3)


# Bytes


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_bytes(kind: Any) -> None:
    payload = BytesPayload(kind(b"abc"))
    assert (payload.size, payload.content_type) == (3, BINARY)
    for _ in range(2):
        assert await written(payload) == b"abc"
        assert payload.rewind()
    assert await payload.as_bytes() == payload.data == b"abc"
    assert payload.decode() == "abc"
    assert not payload.consumed
    assert payload.autoclose


async def test_bytes_that_are_not_in_a_row() -> None:
    payload = BytesPayload(memoryview(b"abcdef")[::2])
    assert payload.size == 3
    assert await written(payload) == b"ace"
    wide = BytesPayload(memoryview(b"abcdefgh").cast("I"))
    assert wide.size == 8
    assert await written(wide) == b"abcdefgh"


@pytest.mark.parametrize("value", ["abc", 3, None, [97], object()], ids=repr)
def test_no_bytes(value: Any) -> None:
    with pytest.raises(TypeError, match="value: expected bytes, bytearray or memoryview, got"):
        BytesPayload(value)


def test_bytes_are_those_of_the_beginning() -> None:
    data = bytearray(b"abc")
    payload = BytesPayload(data)
    data[:] = b"xyz"
    assert payload.data == b"abc"


@given(st.binary(max_size=64), st.integers(0, 70))
def test_bytes_have_their_size(data: bytes, length: int) -> None:
    payload, writer = BytesPayload(data), Written()
    assert at_once(written(payload)) == data
    at_once(payload.write_with_length(writer, length))
    assert writer.content == data[:length]


# Text

GREEN = "gr\u00fcn"


@pytest.mark.parametrize(
    ("options", "content_type", "encoding"),
    [
        ({}, TEXT, "utf-8"),
        ({"encoding": "latin-1"}, "text/plain; charset=latin-1", "latin-1"),
        ({"encoding": "utf-16"}, "text/plain; charset=utf-16", "utf-16"),
        ({"content_type": "text/csv"}, "text/csv", "utf-8"),
        ({"content_type": "text/csv; charset=latin-1"}, "text/csv; charset=latin-1", "latin-1"),
        ({"content_type": 'text/csv; Charset="latin-1"'}, 'text/csv; Charset="latin-1"', "latin-1"),
        ({"content_type": "text/csv", "encoding": "latin-1"}, "text/csv", "latin-1"),
        ({"filename": "a.html"}, TEXT, "utf-8"),
        ({"headers": {"Content-Type": "text/csv"}}, "text/csv", "utf-8"),
    ],
    ids=repr,
)
async def test_text(options: dict[str, Any], content_type: str, encoding: str) -> None:
    payload = StringPayload(GREEN, **options)
    assert payload.content_type == content_type
    assert payload.encoding == encoding
    for _ in range(2):
        assert await written(payload) == GREEN.encode(encoding)
        assert payload.rewind()
    assert payload.decode() == GREEN


def test_text_that_its_charset_does_not_have() -> None:
    with pytest.raises(UnicodeEncodeError):
        StringPayload("\u20ac", encoding="latin-1")
    with pytest.raises(LookupError, match="unknown encoding: none"):
        StringPayload("a", content_type="text/plain; charset=none")
    with pytest.raises(UnicodeDecodeError):
        BytesPayload(b"\xff").decode()
    assert BytesPayload(b"\xff").decode(errors="replace") == "\ufffd"
    assert BytesPayload(b"\xff").decode("latin-1") == "\u00ff"


@pytest.mark.parametrize(
    ("encoding", "content_type", "both"),
    [
        (None, None, ("utf-8", TEXT)),
        ("ascii", None, ("ascii", "text/plain; charset=ascii")),
        (None, "text/csv", ("utf-8", "text/csv")),
        (None, "text/csv; charset=ascii", ("ascii", "text/csv; charset=ascii")),
        ("ascii", "text/csv; charset=utf-8", ("ascii", "text/csv; charset=utf-8")),
    ],
)
def test_text_type(encoding: str | None, content_type: str | None, both: tuple[str, str]) -> None:
    assert text_type(encoding, content_type) == both


# JSON


async def test_json() -> None:
    value = {"a": [1, None, GREEN]}
    payload = JsonPayload(value)
    assert (payload.content_type, payload.encoding) == ("application/json", "utf-8")
    assert json.loads(await written(payload)) == value
    assert payload.rewind()
    assert payload.decode() == json.dumps(value)


async def test_json_by_other_means() -> None:
    payload = JsonPayload({}, "latin-1", "application/hal+json", lambda _: GREEN, {"X": "y"})
    assert payload.headers == {"Content-Type": "application/hal+json", "X": "y"}
    assert await written(payload) == GREEN.encode("latin-1")
    other = JsonBytesPayload([1], lambda value: repr(value).encode(), headers={"X": "y"})
    assert other.headers == {"Content-Type": "application/json", "X": "y"}
    assert await written(other) == b"[1]"


def test_what_is_no_json() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        JsonPayload(object())
    with pytest.raises(TypeError, match="value: expected bytes"):
        JsonBytesPayload({}, json.dumps)
