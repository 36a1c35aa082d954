"""Multipart bodies: MultipartReader and MultipartWriter."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from multidict import CIMultiDict

from pronghorn import (
    BodyPartReader,
    ClientSession,
    MultipartReader,
    MultipartWriter,
    Payload,
)
from pronghorn.body.reader import MultipartResponseWrapper

from ..functional.scripted import answering, scripted
from .bodies import MIXED, TWO, TooLargeError, reader, stream, written
from .row import aliased, sent

NESTED = (
    b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
    b"--c\r\n\r\ninner\r\n--c--\r\n"
    b"\r\n--b\r\n\r\nouter\r\n--b--\r\n"
)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Length: %d\r\n\r\n"


async def test_s313_a_reader_of_headers_and_content() -> None:
    multipart = MultipartReader(MIXED, stream(TWO))
    assert multipart.headers is MIXED
    contents = []
    async for one in multipart:
        assert isinstance(one, BodyPartReader)
        contents.append((one.headers["x-a"], bytes(await one.read())))
    assert contents == [("1", b"one"), ("2", b"two")]

    for headers in (
        CIMultiDict({"Content-Type": "text/plain"}),
        CIMultiDict({"Content-Type": "multipart/mixed"}),
    ):
        with pytest.raises(ValueError, match=r"boundary|multipart"):
            MultipartReader(headers, stream(TWO))

    async def read_first(body: bytes, **options: Any) -> bytearray:
        first = await reader(body, **options).next()
        assert isinstance(first, BodyPartReader)
        return await first.read()

    five = b"--b\r\n\r\n12345\r\n--b--\r\n"
    assert await read_first(five, client_max_size=5) == b"12345"
    with pytest.raises(ValueError, match="4"):
        await read_first(five, client_max_size=4)
    with pytest.raises(TooLargeError, match="4"):
        await read_first(five, client_max_size=4, max_size_error_cls=TooLargeError)

    def fields(*lines: str) -> bytes:
        return b"--b\r\n" + "".join(f"{line}\r\n" for line in lines).encode() + b"\r\nx\r\n--b--\r\n"

    names = [f"X-{number}: 1" for number in range(129)]
    long = "X: " + "a" * 8187
    assert await read_first(fields(*names[:128])) == await read_first(fields(long)) == b"x"
    for body, options in (
        (fields(*names), {}),
        (fields(*names[:3]), {"max_headers": 2}),
        (fields(long + "a"), {}),
        (fields("X: " + "a" * 18), {"max_field_size": 20}),
    ):
        with pytest.raises(ValueError, match=r"more than (128|2) fields|line longer than (8190|20) bytes"):
            await read_first(body, **options)
    assert await read_first(fields(*names), max_headers=129) == b"x"


async def test_s314_at_eof_behind_the_last_boundary() -> None:
    multipart = reader(b"preamble\r\n" + TWO + b"epilogue")
    assert multipart.at_eof() is False
    for content in (b"one", b"two"):
        one = await multipart.next()
        assert isinstance(one, BodyPartReader)
        assert bytes(await one.read()) == content
        assert multipart.at_eof() is False
    assert await multipart.next() is None
    assert multipart.at_eof() is True
    assert await multipart.next() is None


async def test_s315_from_response() -> None:
    async with (
        scripted(answering(HEAD % len(TWO), TWO[:20], TWO[20:], then="stay")) as server,
        ClientSession() as session,
    ):
        response = await session.get(server.url())
        wrapper = MultipartReader.from_response(response)
        assert type(wrapper) is MultipartResponseWrapper
        assert wrapper.resp is response
        contents = []
        async for one in wrapper:
            assert isinstance(one, BodyPartReader)
            contents.append(bytes(await one.read()))
        assert contents == [b"one", b"two"]
        assert wrapper.at_eof()
        assert response.closed
    async with scripted(answering(HEAD % 10**6, TWO, then="stay")) as server, ClientSession() as session:
        response = await session.get(server.url())
        wrapper = MultipartReader.from_response(response)
        assert await wrapper.next() is not None
        await wrapper.release()
        assert response.closed


async def test_s316_multipart_reader_cls() -> None:
    class Own(MultipartReader):
        pass

    class Others(MultipartReader):
        multipart_reader_cls = Own

    assert MultipartReader.multipart_reader_cls is None
    for kind, inside in ((MultipartReader, MultipartReader), (Own, Own), (Others, Own)):
        multipart = kind(MIXED, stream(NESTED))
        nested = await multipart.next()
        assert type(nested) is inside
        assert isinstance(nested, MultipartReader)
        inner = await nested.next()
        assert isinstance(inner, BodyPartReader)
        assert await inner.text() == "inner"
        assert await nested.next() is None
        outer = await multipart.next()
        assert isinstance(outer, BodyPartReader)
        assert await outer.text() == "outer"


async def test_s317_part_reader_cls() -> None:
    class Shouting(BodyPartReader):
        async def text(self, *, encoding: str | None = None) -> str:
            return (await super().text(encoding=encoding)).upper()

    class Own(MultipartReader):
        part_reader_cls = Shouting

    assert MultipartReader.part_reader_cls is BodyPartReader
    one = await Own(MIXED, stream(TWO)).next()
    assert type(one) is Shouting
    assert await one.text() == "ONE"


async def test_s318_response_wrapper_cls() -> None:
    class Counting(MultipartResponseWrapper):
        count = 0

        async def next(self) -> Any:
            self.count += 1
            return await super().next()

    class Own(MultipartReader):
        response_wrapper_cls = Counting

    assert MultipartReader.response_wrapper_cls is MultipartResponseWrapper
    async with (
        scripted(answering(HEAD % len(TWO) + TWO)) as server,
        ClientSession() as session,
        session.get(server.url()) as response,
    ):
        wrapper = Own.from_response(response)
        assert type(wrapper) is Counting
        assert type(wrapper.stream) is Own
        assert len([one async for one in wrapper]) == 2
        assert wrapper.count == 3


async def test_s319_a_writer_is_a_payload() -> None:
    assert issubclass(MultipartWriter, Payload)
    with MultipartWriter() as writer:
        writer.append("text")
        writer.append(b"\x00", {"X-A": "1"})
    assert writer.content_type == f"multipart/mixed; boundary={writer.boundary}"
    request = await sent("POST", data=writer)
    assert request.fields.getall("Content-Type") == [writer.content_type]
    delimiter = f"--{writer.boundary}"
    text = "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\ntext"
    binary = "Content-Type: application/octet-stream\r\nX-A: 1\r\nContent-Length: 1\r\n\r\n\x00"
    body = f"{delimiter}\r\n{text}\r\n{delimiter}\r\n{binary}\r\n{delimiter}--\r\n"
    assert request.body == body.encode()
    assert MultipartWriter("related", "b").content_type == "multipart/related; boundary=b"
    assert MultipartWriter(subtype="related", boundary="b").boundary == "b"


async def test_s320_boundary() -> None:
    writer = MultipartWriter(boundary="b")
    writer.append("text")
    assert writer.boundary == "b"
    body = await written(writer)
    assert body.startswith(b"--b\r\n")
    assert body.endswith(b"\r\n--b--\r\n")
    made = {MultipartWriter().boundary for _ in range(10)}
    assert len(made) == 10
    assert all(type(boundary) is str and len(boundary) > 20 for boundary in made)
    for refused in ("gr\u00fc\u00dfe", "", "b" * 71, "b\r\n", "b "):
        with pytest.raises(ValueError, match="boundary"):
            MultipartWriter(boundary=refused)
    quoted = MultipartWriter(boundary="a:b c")
    assert quoted.content_type == 'multipart/mixed; boundary="a:b c"'


async def test_s321_size() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"

    writer = MultipartWriter()
    inner = MultipartWriter()
    inner.append("inside")
    for content in ("text", b"bytes", inner):
        writer.append(content)
        assert writer.size == len(await written(writer))
    request = await sent("POST", data=writer)
    assert request.fields["Content-Length"] == str(writer.size)
    encodings = [{"Content-Encoding": "gzip"}, {"Content-Transfer-Encoding": "base64"}]
    for later, headers in ((pieces(), None), *(("text", headers) for headers in encodings)):
        open_ended = MultipartWriter()
        open_ended.append(later, headers)
        assert open_ended.size is None
        request = await sent("POST", data=open_ended)
        assert request.fields["Transfer-Encoding"] == "chunked"
        assert "Content-Length" not in request.fields


async def test_s331_of_the_first_document() -> None:
    writer = MultipartWriter(boundary="b")
    appended = writer.append("text"), writer.append(b"bytes")
    assert all(isinstance(found, MultipartWriter.part_writer_cls) for found in appended)
    assert b"".join(writer.serialize()) == await written(writer)
    assert aliased(
        """
from aiohttp.multipart import BodyPartWriter

class Own(BodyPartWriter):
    pass

found = {}
for kind in (BodyPartWriter, Own):
    try:
        kind(b"", {})
    except NotImplementedError as error:
        found[kind.__name__] = [error.name, error.successor]
"""
    ) == {
        name: ["aiohttp.multipart.BodyPartWriter", "MultipartWriter.append"]
        for name in ("BodyPartWriter", "Own")
    }
