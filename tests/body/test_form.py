import io
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict, MultiDictProxy

from pronghorn.body.form import FormData
from pronghorn.body.payload import BytesPayload, JsonPayload, Payload, Writer
from pronghorn.body.pieces import streamer
from pronghorn.body.registry import PAYLOAD_REGISTRY, Order
from pronghorn.io.stream import whole_stream
from pronghorn.wire.disposition import parse_content_disposition

from ..worktime import LINEAR, growth
from .writing import Written, at_once, parts_of, parts_sent, written

BINARY = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
LATIN = "text/plain; charset=latin-1"
CSV_16 = "text/csv; charset=utf-16-be"
FORM = "application/x-www-form-urlencoded"


def added(
    name: Any, value: Any, *, quote_fields: bool = True, charset: str | None = None, **options: Any
) -> FormData:
    form = FormData(quote_fields=quote_fields, charset=charset)
    form.add_field(name, value, **options)
    return form


async def contents(form: FormData) -> list[bytes]:
    return [content for _, content in await parts_sent(form())]


async def dispositions(form: FormData) -> list[str]:
    return [dict(fields)["Content-Disposition"] for fields, _ in await parts_sent(form())]


# Urlencoded


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ((), b""),
        ({"a": "b", "c": "d"}, b"a=b&c=d"),
        ([("a", "1"), ["a", "2"]], b"a=1&a=2"),
        ((("a", "1"),), b"a=1"),
        ({"a": ["1", "2"], "b": ()}, b"a=1&a=2"),
        ({"a": 1, "b": 1.5}, b"a=1&b=1.5"),
        (MultiDict([("a", "1"), ("a", "2")]), b"a=1&a=2"),
        (MultiDictProxy(MultiDict(a="1")), b"a=1"),
        ([MultiDict([("a", "1"), ("a", "2")]), ("b", "3")], b"a=1&a=2&b=3"),
        ([MultiDictProxy(MultiDict(a=["1", "2"]))], b"a=1&a=2"),
        ({"a": "\u00fc ~*+\r\n\0"}, b"a=%C3%BC+%7E*%2B%0D%0A%00"),
    ],
    ids=repr,
)
async def test_urlencoded(fields: Any, body: bytes) -> None:
    form = FormData(fields)
    assert not form.is_multipart
    assert form.content_type == FORM
    for _ in range(2):
        payload = form()
        assert (payload.content_type, payload.size) == (FORM, len(body))
        assert await written(payload) == body


async def test_urlencoded_in_another_charset() -> None:
    payload = FormData({"\u00fc": "\u00fc"}, charset="latin-1")()
    assert payload.content_type == f"{FORM}; charset=latin-1"
    assert await written(payload) == b"%FC=%FC"
    assert FormData({"a": "b"}, charset="utf-8")().content_type == FORM


async def test_fields_can_be_added_afterwards() -> None:
    form = FormData({"a": "1"})
    assert await written(form()) == b"a=1"
    form.add_field("b", "2")
    form.add_fields(("c", "3"), MultiDict(d="4"))
    assert await written(form()) == b"a=1&b=2&c=3&d=4"
    form.add_field("e", b"5")
    assert form.is_multipart
    assert await contents(form) == [b"1", b"2", b"3", b"4", b"5"]
    form.add_field("f", "6")
    assert await contents(form) == [b"1", b"2", b"3", b"4", b"5", b"6"]


# Multipart


@pytest.mark.parametrize(
    ("form", "content_type", "parameters", "content"),
    [
        (FormData({"a": "b"}, default_to_multipart=True), TEXT, 'name="a"', b"b"),
        (FormData({"a": 5}, default_to_multipart=True), TEXT, 'name="a"', b"5"),
        (FormData({"a": ""}, default_to_multipart=True), TEXT, 'name="a"', b""),
        (added("a", 1.5, content_type="text/csv"), "text/csv", 'name="a"', b"1.5"),
        (added("a", "\u00fc", filename="f.png"), TEXT, 'name="a"; filename="f.png"', b"\xc3\xbc"),
        (added("a", "\u00fc", filename="f", charset="latin-1"), LATIN, 'name="a"; filename="f"', b"\xfc"),
        (added("a", "\u00fc", content_type=LATIN), LATIN, 'name="a"', b"\xfc"),
        (added("a", "\u00fc", content_type=CSV_16), CSV_16, 'name="a"', b"\x00\xfc"),
        (FormData({"a": b"b"}), BINARY, 'name="a"; filename="a"', b"b"),
        (FormData({"a": bytearray(b"b")}), BINARY, 'name="a"; filename="a"', b"b"),
        (added("a", memoryview(b"bcd")[::2], content_type="c/d"), "c/d", 'name="a"; filename="a"', b"bd"),
        (added("a", b"b", filename="f.png"), BINARY, 'name="a"; filename="f.png"', b"b"),
        (added("a", io.BytesIO(b"b")), BINARY, 'name="a"; filename="a"', b"b"),
        (added("a", io.StringIO("b"), filename=""), TEXT, 'name="a"; filename=""', b"b"),
        (added("a", JsonPayload({})), "application/json", 'name="a"', b"{}"),
        (added("a", BytesPayload(b"b", filename="f.png")), "image/png", 'name="a"; filename="f.png"', b"b"),
        (added("a", BytesPayload(b"b"), content_type="c/d"), "c/d", 'name="a"', b"b"),
    ],
)
async def test_multipart(form: FormData, content_type: str, parameters: str, content: bytes) -> None:
    assert form.is_multipart
    assert form.content_type == "multipart/form-data"
    for _ in range(2):
        payload = form()
        assert payload.content_type.startswith("multipart/form-data; boundary=")
        fields = [("Content-Type", content_type), ("Content-Disposition", f"form-data; {parameters}")]
        assert await parts_sent(payload) == [(fields, content)]


@pytest.mark.parametrize(
    ("value", "encoding", "parameters", "content"),
    [
        (b"b" * 60, "base64", 'name="a"', b"YmJi" * 19 + b"\r\nYmJi\r\n"),
        ("\u00fc=", "Quoted-Printable", 'name="a"', b"=C3=BC=3D=\r\n"),
        (b"\0\xff", "binary", 'name="a"', b"\0\xff"),
        (io.BytesIO(b"b"), "8bit", 'name="a"; filename="a"', b"b"),
        (BytesPayload(b"b"), "base64", 'name="a"', b"Yg==\r\n"),
    ],
)
async def test_transfer_encodings(value: Any, encoding: str, parameters: str, content: bytes) -> None:
    form = added("a", value, content_transfer_encoding=encoding)
    assert form.is_multipart
    for _ in range(2):
        ((fields, sent),) = await parts_sent(form())
        assert fields[1:] == [
            ("Content-Transfer-Encoding", encoding),
            ("Content-Disposition", f"form-data; {parameters}"),
        ]
        assert sent == content


async def test_a_form_without_fields() -> None:
    payload = FormData(default_to_multipart=True)()
    assert await written(payload) == f"--{payload.content_type[-32:]}--\r\n".encode()


# Files


@pytest.fixture
def report(tmp_path: Path) -> Iterator[IO[bytes]]:
    path = tmp_path / "report.xls"
    path.write_bytes(b"rows")
    with path.open("rb") as file:
        yield file


async def test_an_open_file(report: IO[bytes]) -> None:
    """A dict with a file is multipart; a file has its own name, unless it is given one."""
    excel = ("Content-Type", "application/vnd.ms-excel")
    disposition = ("Content-Disposition", 'form-data; name="file"; filename="report.xls"')
    assert await parts_sent(FormData({"file": report})()) == [([excel, disposition], b"rows")]
    report.seek(0)
    form = added("file", report, filename="report.csv", content_type="text/csv")
    disposition = ("Content-Disposition", 'form-data; name="file"; filename="report.csv"')
    assert await parts_sent(form()) == [([("Content-Type", "text/csv"), disposition], b"rows")]


async def test_files_are_fields_of_their_own_names(report: IO[bytes]) -> None:
    expected = ['form-data; name="report.xls"; filename="report.xls"']
    for fields in (report, [report], (report,)):
        assert await dispositions(FormData(fields)) == expected
    assert await dispositions(FormData(io.BytesIO())) == ['form-data; name="unknown"; filename="unknown"']


async def test_files_among_other_fields(report: IO[bytes]) -> None:
    form = FormData([("a", "1"), ("files", [report, io.BytesIO(b"2")])])
    assert await contents(form) == [b"1", b"rows", b"2"]
    assert await dispositions(form) == [
        'form-data; name="a"',
        'form-data; name="files"; filename="report.xls"',
        'form-data; name="files"; filename="files"',
    ]
    payload = form()
    assert not payload.autoclose
    await payload.close()
    assert report.closed


async def test_a_temporary_file() -> None:
    """It is no IOBase."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"abc")
        file.seek(0)
        form = FormData({"file": file})
        assert form.is_multipart
        assert await contents(form) == [b"abc"]


async def agen() -> AsyncIterator[bytes]:
    yield b"b"


@streamer
async def streaming(writer: Writer) -> None:
    await writer.write(b"b")


@pytest.mark.parametrize(
    ("make", "filename"),
    [
        (agen, ""),
        (streaming.__call__, ""),
        (lambda: whole_stream(b"b", None, lambda error: error), '; filename="a"'),
    ],
    ids=["iterable", "streamer", "stream"],
)
async def test_what_comes_piece_by_piece(make: Any, filename: str) -> None:
    form = added("a", make())
    assert form.is_multipart
    payload = form()
    assert payload.size is None
    disposition = ("Content-Disposition", f'form-data; name="a"{filename}')
    assert await parts_sent(payload) == [([("Content-Type", BINARY), disposition], b"b")]
    assert not payload.rewind()
    with pytest.raises(RuntimeError, match="form: 'a' was sent, and can't be sent once more"):
        form()


async def test_what_users_have_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        PAYLOAD_REGISTRY._factories[Order.normal], complex, lambda data, **_: JsonPayload(data.real)
    )
    form = FormData({"a": 1j + 2})
    assert form.is_multipart
    assert await contents(form) == [b"2.0"]


# Called again: the same form for another try


async def test_files_begin_where_they_began() -> None:
    file, text = io.BytesIO(b"abc"), io.StringIO("def")
    file.read(1)
    form = FormData({"file": file, "text": text})
    assert await contents(form) == [b"bc", b"def"]
    assert await contents(form) == [b"bc", b"def"]


async def test_a_file_that_was_closed_is_not_sent_as_an_empty_one(report: IO[bytes]) -> None:
    form = FormData({"file": report})
    payload = form()
    await written(payload)
    await payload.close()
    with pytest.raises(RuntimeError, match="form: 'file' was sent"):
        form()


async def test_a_payload_of_users_who_do_not_say_that_it_can_be_sent_twice() -> None:
    class Mine(Payload):
        async def write(self, writer: Writer) -> None:
            await writer.write(b"mine")

    form = added("a", Mine(None))
    assert await contents(form) == [b"mine"]
    with pytest.raises(RuntimeError, match="form: 'a' was sent"):
        form()


# Names

# What fields and files are called, and how browsers write that: the HTML standard, "multipart form data".
# But see what `content_disposition_header` says of a backslash.
BROWSERS = [
    ("a", "a.txt", 'name="a"; filename="a.txt"'),
    ("\u00fc", "\u00fc \u20ac.txt", 'name="\u00fc"; filename="\u00fc \u20ac.txt"'),
    ("\U0001f98c", "", 'name="\U0001f98c"; filename=""'),
    ('a"b', 'c"d', 'name="a%22b"; filename="c%22d"'),
    ("a\r\nb", "c\r\nd", 'name="a%0D%0Ab"; filename="c%0D%0Ad"'),
    ("a\nb\rc", "d\ne\rf", 'name="a%0D%0Ab%0D%0Ac"; filename="d%0Ae%0Df"'),
    ("a;b=c", "d;e=f", 'name="a;b=c"; filename="d;e=f"'),
    ("a%22b", "c%0D", 'name="a%22b"; filename="c%0D"'),
]


@pytest.mark.parametrize(("name", "filename", "parameters"), BROWSERS)
async def test_names_as_browsers_write_them(name: str, filename: str, parameters: str) -> None:
    body = await written(added(name, b"", filename=filename, quote_fields=False)())
    assert f"\r\nContent-Disposition: form-data; {parameters}\r\n".encode() in body


async def test_names_that_are_quoted() -> None:
    body = await written(added('\u00fc "\\', b"", filename='\u00fc "\\%.txt')())
    assert b'; name="\xc3\xbc \\"\\\\"; filename="%C3%BC%20%22%5C%25.txt"\r\n' in body


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]))
FIELDS = st.lists(st.tuples(NAMES, st.binary() | NAMES, st.none() | NAMES), max_size=5)


@given(FIELDS, st.booleans())
def test_forms_come_back_as_they_were(fields: list[tuple[str, Any, str | None]], quote_fields: bool) -> None:
    form = FormData(quote_fields=quote_fields, default_to_multipart=True)
    for name, value, filename in fields:
        form.add_field(name, value, filename=filename)
    payload = form()
    parts = parts_of(payload.content_type, at_once(written(payload)))
    assert len(parts) == len(fields)
    for (name, value, filename), (headers, content) in zip(fields, parts, strict=True):
        assert content == (value.encode() if isinstance(value, str) else value)
        if filename is None and isinstance(value, bytes):
            filename = name
        expected = {"name": name} | ({} if filename is None else {"filename": filename})
        if not quote_fields:
            expected = {key: text.replace('"', "%22") for key, text in expected.items()}
        elif filename is not None:
            expected["filename"] = quote(filename, safe="")
        assert parse_content_disposition(dict(headers)["Content-Disposition"]) == ("form-data", expected)


# Bad input

CONTROLS = ["\0", "\r", "\n", "\r\nX: y", "\x1b", "\x7f"]


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("keyword", ["name", "filename", "content_type", "content_transfer_encoding"])
def test_CVE_2026_34514_nothing_of_a_field_becomes_another(keyword: str, control: str) -> None:
    field = {"name": "a", "value": b"c", keyword: f"base64{control}"}
    with pytest.raises(ValueError, match=f"^form: {re.escape(repr(field['name']))} ") as caught:
        added(**field)()
    assert {"content_type": "Content-Type"}.get(keyword, keyword) in str(caught.value)


@pytest.mark.parametrize("control", ["\0", "\x1b", "\x7f"])
@pytest.mark.parametrize("keyword", ["name", "filename"])
def test_a_control_character_that_browsers_would_send(keyword: str, control: str) -> None:
    field = {"name": "a", "value": b"c", keyword: f"a{control}"}
    with pytest.raises(ValueError, match=f"control character in {keyword}"):
        added(**field, quote_fields=False)()


def test_what_is_bad_is_told_with_the_name_of_its_field() -> None:
    for headers in ({"X\n": "y"}, {"X": "y\r"}, {"Content-Type": "a/b\0"}):
        form = FormData({"good": b""})
        form.add_field("bad", BytesPayload(b"", headers=headers))
        with pytest.raises(ValueError, match=r"^form: 'bad' can't be sent: (field name|X|Content-Type): "):
            form()


@pytest.mark.parametrize("charset", ["none", "", "utf-8\r\n", "utf 8", "utf-8\0", "\u00fc", "utf-8; a=b"])
def test_no_charset(charset: str) -> None:
    with pytest.raises(ValueError, match="charset: expected the name of one, got"):
        FormData(charset=charset)


@pytest.mark.parametrize("is_multipart", [False, True])
def test_text_that_the_charset_does_not_have(is_multipart: bool) -> None:
    form = FormData({"euro": "\u20ac"}, charset="latin-1", default_to_multipart=is_multipart)
    with pytest.raises(ValueError, match="form: 'euro' can't be sent: 'latin-1' codec can't encode"):
        form()


@pytest.mark.parametrize("encoding", ["foo", "x-uuencode", "base64 ", "gzip"])
def test_a_transfer_encoding_that_is_not_known(encoding: str) -> None:
    expected = f"form: 'a' has the content_transfer_encoding '{encoding}', expected one of binary, 7bit"
    with pytest.raises(ValueError, match=expected):
        added("a", "b", content_transfer_encoding=encoding)


def test_a_content_coding_has_no_place_in_a_form() -> None:
    """RFC 7578 section 4.8: nobody would look at it."""
    form = added("a", BytesPayload(b"", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(
        ValueError, match="form: 'a' can't be sent: Content-Encoding: expected none in a form"
    ):
        form()


@pytest.mark.parametrize(
    ("keyword", "options"),
    [
        ("name", {"name": 5}),
        ("name", {"name": b"a"}),
        ("name", {"name": None}),
        ("filename", {"filename": 5}),
        ("filename", {"filename": Path("a")}),
        ("content_type", {"content_type": b"a/b"}),
        ("content_transfer_encoding", {"content_transfer_encoding": 7}),
    ],
)
def test_names_and_types_are_strings(keyword: str, options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=f"form: expected {keyword} as str, got"):
        added(**{"name": "a", "value": "b", **options})


@pytest.mark.parametrize("value", [None, True, object(), {"nested": "1"}], ids=repr)
@pytest.mark.parametrize("is_multipart", [False, True])
def test_a_value_that_can_t_be_sent(value: object, is_multipart: bool) -> None:
    form = FormData({"field": value}, default_to_multipart=is_multipart)
    with pytest.raises(TypeError, match="form: expected str, int or float for 'field', got"):
        form()


@pytest.mark.parametrize(
    "fields", ["ab", b"ab", 5, None, ["ab"], ("a", "b"), [("a",)], [("a", "b", "c")], {"a"}], ids=repr
)
def test_what_are_no_fields(fields: Any) -> None:
    with pytest.raises(
        TypeError, match="form: expected pairs of a name and a value, multidicts or files, got"
    ):
        FormData(fields)


# Size


def send(count: int, is_multipart: bool) -> int:
    form = FormData(default_to_multipart=is_multipart)
    for number in range(count):
        form.add_field(f"field{number}", "value")
    payload, writer = form(), Written()
    at_once(payload.write(writer))
    assert payload.size == len(writer.content)
    return len(writer.pieces)


@pytest.mark.timed
def test_many_fields_take_linear_time() -> None:
    assert growth(lambda count: send(count, False), 10_000) < LINEAR
    assert growth(lambda count: send(count, True), 1_000) < LINEAR


def test_small_fields_leave_together() -> None:
    assert send(1000, True) < 5
