"""Multipart bodies: BodyPartReader, and what is around it."""

import base64
import gzip
import json
import quopri
import zlib

import pytest

from pronghorn import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    BodyPartReader,
    MultipartWriter,
    content_disposition_filename,
    parse_content_disposition,
)

from .bodies import TWO, TooLargeError, part, reader, written


async def test_s322_a_part_of_boundary_headers_and_content() -> None:
    one = part(b"content", ("X-A", "1"))
    assert one.headers["x-a"] == "1"
    assert one.at_eof() is False
    assert await one.read() == b"content"
    assert one.at_eof() is True
    assert await one.read() == b""
    disposition = "Content-Disposition", "attachment; name*=utf-8''a"
    assert [part(b"", disposition, subtype=kind).name for kind in ("mixed", "form-data")] == ["a", None]
    assert await part(b"\xfc", default_charset="latin-1").text() == "\u00fc"
    assert await part(b"12345", client_max_size=5).read() == b"12345"
    with pytest.raises(ValueError, match="4"):
        await part(b"12345", client_max_size=4).read()
    with pytest.raises(TooLargeError, match="4"):
        await part(b"12345", client_max_size=4, max_size_error_cls=TooLargeError).readline()
    coded = ("Content-Encoding", "gzip")
    packed = gzip.compress(b"a" * 1000)
    assert part(b"", coded, max_decompress_size=1000).decode(packed) == b"a" * 1000
    with pytest.raises(ValueError, match=r"more than 999 bytes"):
        part(b"", coded, max_decompress_size=999).decode(packed)


async def test_s323_chunk_size() -> None:
    assert BodyPartReader.chunk_size == 8192
    content = bytes(range(256)) * 100
    one = part(content)
    chunks = []
    while chunk := await one.read_chunk():
        chunks.append(chunk)
    assert b"".join(chunks) == content
    assert [len(chunk) for chunk in chunks] == [8192, 8192, 8192, 1024]


async def test_s324_decode() -> None:
    data = bytes(range(256)) * 4
    machine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    raw = machine.compress(data) + machine.flush()
    for coding, encoded in (
        ("gzip", gzip.compress(data)),
        ("deflate", zlib.compress(data)),
        ("deflate", raw),
        ("identity", data),
        ("GZIP", gzip.compress(data)),
    ):
        assert part(b"", ("Content-Encoding", coding)).decode(encoded) == data
        assert part(b"", ("Content-Encoding", coding)).decode(bytearray(encoded)) == data
    for encoding, encoded in (
        ("base64", base64.encodebytes(data)),
        ("quoted-printable", quopri.encodestring(data)),
        ("Base64", base64.b64encode(data)),
        *((name, data) for name in ("binary", "8bit", "7bit")),
    ):
        decoded = part(b"", ("Content-Transfer-Encoding", encoding)).decode(encoded)
        assert (type(decoded), decoded) == (bytes, data)
    both = ("Content-Encoding", "gzip"), ("Content-Transfer-Encoding", "base64")
    packed = base64.b64encode(gzip.compress(data))
    assert part(b"", *both).decode(packed) == data
    assert b"".join([piece async for piece in part(b"", *both).decode_iter(packed)]) == data
    assert part(b"").decode(data) == data
    for field in ("Content-Encoding", "Content-Transfer-Encoding"):
        with pytest.raises(RuntimeError, match=field):
            part(b"", (field, "rot13")).decode(data)


def test_s325_filename() -> None:
    for disposition, filename in (
        ('attachment; filename="a b.txt"', "a b.txt"),
        ("attachment; filename=a.txt", "a.txt"),
        ("attachment; filename*=UTF-8''%C3%BC.txt", "\u00fc.txt"),
        ('form-data; name="f"; filename="\u00fc.txt"', "\u00fc.txt"),
        ('form-data; name="f"', None),
        ("attachment", None),
    ):
        assert part(b"", ("Content-Disposition", disposition)).filename == filename
    assert part(b"").filename is None
    with pytest.warns(BadContentDispositionHeader):
        assert part(b"", ("Content-Disposition", "attachment; filename=a b; filename=c")).filename is None


async def test_s326_form() -> None:
    assert await part(b"a=1&a=2&b=%C3%BC+x&c=").form() == [
        ("a", "1"),
        ("a", "2"),
        ("b", "\u00fc x"),
        ("c", ""),
    ]
    assert await part(b"a=%FC").form(encoding="latin-1") == [("a", "\u00fc")]
    named = "Content-Type", "application/x-www-form-urlencoded; charset=latin-1"
    assert await part(b"a=%FC", named).form() == [("a", "\u00fc")]
    assert await part(b"a=%C3%BC", named).form(encoding="utf-8") == [("a", "\u00fc")]
    assert await part(b"").form() == []
    assert await part(b"YT0x", ("Content-Transfer-Encoding", "base64")).form() == [("a", "1")]


async def test_s327_json() -> None:
    value = {"a": [1, None, "\u00fc"]}
    text = json.dumps(value, ensure_ascii=False)
    assert await part(text.encode()).json() == value
    assert await part(text.encode("latin-1")).json(encoding="latin-1") == value
    named = "Content-Type", "application/json; charset=latin-1"
    assert await part(text.encode("latin-1"), named).json() == value
    assert await part(text.encode(), named).json(encoding="utf-8") == value
    assert await part(b"").json() is None
    assert await part(base64.b64encode(b"[1]"), ("Content-Transfer-Encoding", "base64")).json() == [1]
    with pytest.raises(json.JSONDecodeError):
        await part(b"{").json()


def test_s328_name_is_that_of_the_field() -> None:
    for disposition, name in (
        ('form-data; name="field"; filename="file"', "field"),
        ("form-data; name=field", "field"),
        ('form-data; name="\u00fc"', "\u00fc"),
        ('form-data; filename="file"', None),
        ("form-data", None),
    ):
        assert part(b"", ("Content-Disposition", disposition)).name == name
    assert part(b"").name is None
    with pytest.warns(BadContentDispositionHeader):
        assert part(b"", ("Content-Disposition", 'form-data; name="a"; name="b"')).name is None


async def test_s329_read() -> None:
    packed = gzip.compress(b"content")
    for fields, content in (
        ((), b"content"),
        ((("Content-Encoding", "gzip"),), packed),
        ((("Content-Encoding", "gzip"), ("Content-Transfer-Encoding", "base64")), base64.b64encode(packed)),
    ):
        for options, expected in (
            ({}, content),
            ({"decode": False}, content),
            ({"decode": True}, b"content"),
        ):
            read = await part(content, *fields).read(**options)
            assert type(read) is bytearray
            assert bytes(read) == expected
    with pytest.raises(TypeError):
        await part(b"").read(True)  # type: ignore[call-arg]  # what is tested


async def test_s330_what_the_page_has_lost() -> None:
    multipart = reader(TWO)
    first = await multipart.fetch_next_part()
    assert isinstance(first, BodyPartReader)
    assert [await first.read_chunk(2), await first.read_chunk(size=2)] == [b"on", b"e"]
    second = await multipart.next()
    assert isinstance(second, BodyPartReader)
    await second.release()
    assert second.at_eof()
    assert await multipart.next() is None
    skipped = reader(TWO)
    await skipped.release()
    assert skipped.at_eof()

    lines = part(b"one\r\ntwo\nthree")
    assert [await lines.readline() for _ in range(4)] == [b"one\r\n", b"two\n", b"three", b""]
    assert await part(b"a").next() == bytearray(b"a")
    assert await part(b"").next() is None
    assert await part(b"\xfc").text(encoding="latin-1") == "\u00fc"
    named = part(b"\xc3\xbc", ("Content-Type", "text/plain; charset=UTF-8"))
    assert (named.get_charset("latin-1").lower(), await named.text()) == ("utf-8", "\u00fc")
    assert part(b"").get_charset(default="latin-1") == "latin-1"

    writer = MultipartWriter(boundary="b")
    appended = [
        writer.append("text", {"X-A": "1"}),
        writer.append_json({"a": 1}, {"X-A": "2"}),
        writer.append_form([("a", "1 2")], {"X-A": "3"}),
    ]
    assert writer.append_payload(appended[0]) is appended[0]
    assert len(writer) == 4
    assert [found for found, _, _ in writer] == [*appended, appended[0]]
    found = {}
    async for one in reader(await written(writer)):
        assert isinstance(one, BodyPartReader)
        found[one.headers["X-A"]] = one.headers["Content-Type"].partition(";")[0], bytes(await one.read())
    assert found == {
        "1": ("text/plain", b"text"),
        "2": ("application/json", b'{"a": 1}'),
        "3": ("application/x-www-form-urlencoded", b"a=1+2"),
    }
    body = await written(writer)
    assert await written(writer, close_boundary=False) == body.removesuffix(b"--b--\r\n")
    with pytest.raises(TypeError):
        writer.append(object())

    kind, parameters = parse_content_disposition('Attachment; Filename="a.txt"; x=y')
    assert (kind, parameters) == ("attachment", {"filename": "a.txt", "x": "y"})
    assert parse_content_disposition(None) == (None, {})
    assert content_disposition_filename(parameters) == "a.txt"
    assert (
        content_disposition_filename(parameters, "x")
        == content_disposition_filename(parameters, name="x")
        == "y"
    )
    assert content_disposition_filename({}) is None
    pieces = {"filename*0*": "UTF-8''%C3", "filename*1*": "%BC", "filename*2": ".txt"}
    assert content_disposition_filename(pieces) == "\u00fc.txt"
    with pytest.warns(BadContentDispositionHeader):
        assert parse_content_disposition("attachment; filename=\x00") == (None, {})
    with pytest.warns(BadContentDispositionParam):
        assert parse_content_disposition("attachment; filename*=a; x=y") == ("attachment", {"x": "y"})
    assert issubclass(BadContentDispositionHeader, RuntimeWarning)
    assert issubclass(BadContentDispositionParam, RuntimeWarning)
