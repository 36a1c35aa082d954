"""Bodies of requests, and the fields that are sent unasked."""

import gzip
import hashlib
import mimetypes
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from pronghorn import BodyPartReader, ClientSession, FormData, MultipartReader, StreamReader, streamer

from ..functional.scripted import OK, Peer, answering, scripted
from .bodies import stream
from .row import sent

MIB = 2**20


async def test_s086_a_dict_is_a_form() -> None:
    request = await sent("POST", data={"key1": "value1", "key2": "\u00fc &"})
    assert request.body == b"key1=value1&key2=%C3%BC+%26"
    assert request.fields.getall("Content-Type") == ["application/x-www-form-urlencoded"]
    assert request.fields["Content-Length"] == "27"


async def test_s087_a_str_is_sent_as_it_is() -> None:
    request = await sent("POST", data='{"a": "\u00fc&="}')
    assert request.body == '{"a": "\u00fc&="}'.encode()
    assert request.fields.getall("Content-Type") == ["text/plain; charset=utf-8"]


async def test_s088_bytes_are_sent_as_they_are() -> None:
    for data in (b"\x00\xff&=", bytearray(b"\x00\xff&="), memoryview(b"\x00\xff&=")):
        request = await sent("POST", data=data)
        assert request.body == b"\x00\xff&="
        assert request.fields.getall("Content-Type") == ["application/octet-stream"]


async def form_parts(data: Any) -> list[tuple[str | None, str | None, str | None, bytes]]:
    """Name, file name, type and content of the parts of the form that is sent."""
    request = await sent("POST", data=data)
    assert request.fields["Content-Type"].startswith("multipart/form-data; boundary=")
    found = []
    async for part in MultipartReader(request.fields, stream(request.body)):
        assert isinstance(part, BodyPartReader)
        content_type = part.headers.get("Content-Type")
        found.append((part.name, part.filename, content_type, bytes(await part.read())))
    return found


async def test_s089_a_dict_with_a_file_is_multipart(tmp_path: Path) -> None:
    path = tmp_path / "report.xls"
    path.write_bytes(b"\x00report")
    for fields in ({}, {"text": "1"}):
        with path.open("rb") as file:
            (report, *others) = await form_parts({"file": file, **fields})
        assert report[:2] + report[3:] == ("file", "report.xls", b"\x00report")
        assert report[2] == (mimetypes.guess_type("report.xls")[0] or "application/octet-stream")
        assert [(name, filename, body) for name, filename, _, body in others] == [
            (name, None, value.encode()) for name, value in fields.items()
        ]
    with path.open("rb") as file:
        request = await sent("POST", data={"file": file})
    assert b'Content-Disposition: form-data; name="file"; filename="report.xls"\r\n' in request.body


async def test_s090_form_data(tmp_path: Path) -> None:
    path = tmp_path / "report.xls"
    path.write_bytes(b"\x00report")
    with path.open("rb") as file:
        data = FormData()
        data.add_field("file", file, filename="q 1.xls", content_type="application/vnd.ms-excel")
        request = await sent("POST", data=data)
    assert b'form-data; name="file"; filename="q%201.xls"\r\n' in request.body
    with path.open("rb") as file:
        data = FormData(quote_fields=False)
        data.add_field("file", file, filename="q 1.xls", content_type="application/vnd.ms-excel")
        data.add_field("typed", "[1]", content_type="application/json")
        assert await form_parts(data) == [
            ("file", "q 1.xls", "application/vnd.ms-excel", b"\x00report"),
            ("typed", None, "application/json", b"[1]"),
        ]
    encoded = FormData()
    encoded.add_field("a", b"\x00\xff", content_transfer_encoding="base64")
    request = await sent("POST", data=encoded)
    assert b"Content-Transfer-Encoding: base64\r\n" in request.body
    assert b"\r\n\r\nAP8=\r\n" in request.body

    plain = FormData()
    plain.add_field("a", "1")
    plain.add_field("a", "\u00fc")
    request = await sent("POST", data=plain)
    assert request.body == b"a=1&a=%C3%BC"
    assert request.fields["Content-Type"] == "application/x-www-form-urlencoded"
    for fields in ({"a": "1", "b": "2"}, [("a", "1"), ("b", "2")], (("a", "1"), ("b", "2"))):
        assert (await sent("POST", data=FormData(fields))).body == b"a=1&b=2"
    assert (await sent("POST", data=FormData([("a", "\u00fc")], True, "latin-1"))).body == b"a=%FC"
    forced = FormData({"a": "1"}, default_to_multipart=True)
    assert [part[0::3] for part in await form_parts(forced)] == [("a", b"1")]
    with pytest.raises(TypeError):
        plain.add_field("a", "1", "text/plain")  # type: ignore[call-arg]  # what is tested


async def test_s091_a_file_is_streamed(tmp_path: Path) -> None:
    path = tmp_path / "massive-body.avi"
    path.write_bytes(b"frame" * 100_000)
    with path.open("rb") as file:
        request = await sent("POST", data=file)
    assert request.body == path.read_bytes()
    assert request.fields["Content-Length"] == "500000"
    assert "Transfer-Encoding" not in request.fields
    with path.open("rb") as file:
        chunked = await sent("POST", data=file, headers={"Transfer-Encoding": "chunked"})
    assert chunked.body == path.read_bytes()


async def test_s092_a_large_file_is_never_read_whole(tmp_path: Path) -> None:
    size = 64 * MIB
    path = tmp_path / "large"
    with path.open("wb") as sparse:
        sparse.truncate(size)
    ahead = []

    with path.open("rb") as file:

        async def reading(peer: Peer) -> None:
            request = await peer.head()
            assert request.fields["Content-Length"] == str(size)
            for received in range(MIB, size + 1, MIB):
                await peer.reader.readexactly(MIB)
                ahead.append(file.tell() - received)
            await peer.send(OK)

        async with (
            scripted(reading) as server,
            ClientSession() as session,
            session.post(server.url(), data=file) as response,
        ):
            assert response.status == 200
    # What the sockets of both ends hold, and a few pieces
    assert len(ahead) == 64
    assert max(ahead) < size / 4


async def test_s093_streamer(tmp_path: Path) -> None:
    path = tmp_path / "huge_file"
    path.write_bytes(b"piece" * 100_000)

    @streamer
    def file_sender(writer: Any, file_name: Path) -> Any:
        with file_name.open("rb") as file:
            while chunk := file.read(2**16):
                yield from writer.write(chunk)

    @streamer
    async def coroutine_sender(writer: Any, *pieces: bytes) -> None:
        for piece in pieces:
            await writer.write(piece)

    for data, body in (
        (file_sender(file_name=path), path.read_bytes()),
        (file_sender(path), path.read_bytes()),
        (coroutine_sender(b"one", b"two"), b"onetwo"),
    ):
        request = await sent("POST", data=data)
        assert request.body == body
        assert request.fields["Transfer-Encoding"] == "chunked"


async def test_s094_a_stream_is_fed_while_it_is_sent() -> None:
    stream = StreamReader()

    async def feeding(peer: Peer) -> None:
        request = await peer.head()
        assert request.fields["Transfer-Encoding"] == "chunked"
        for chunk in (b"one", b"three"):
            stream.feed_data(chunk)
            sent_as = b"%x\r\n%b\r\n" % (len(chunk), chunk)
            assert await peer.reader.readexactly(len(sent_as)) == sent_as
        stream.feed_eof()
        assert await peer.reader.readexactly(5) == b"0\r\n\r\n"
        await peer.send(OK)

    async with (
        scripted(feeding) as server,
        ClientSession() as session,
        session.post(server.url(), data=stream) as response,
    ):
        assert await response.text() == "ok"


async def test_s095_the_content_of_a_response_is_the_body_of_a_request() -> None:
    pieces = [b"a" * 300_000, b"b" * 300_000]
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n"
    async with scripted(answering(head, *pieces, then="stay"), OK) as server, ClientSession() as session:
        async with (
            session.get(server.url("/from")) as source,
            session.post(server.url("/to"), data=source.content) as response,
        ):
            assert await response.text() == "ok"
        relayed = server.requests[1]
        assert relayed.fields["Transfer-Encoding"] == "chunked"
        assert hashlib.sha256(relayed.body).digest() == hashlib.sha256(b"".join(pieces)).digest()


@pytest.mark.parametrize("coding", ["deflate", "gzip"])
async def test_s096_a_body_that_is_compressed_already(coding: str) -> None:
    packed = {"deflate": zlib.compress, "gzip": gzip.compress}[coding](b"content" * 100)
    request = await sent("POST", data=packed, headers={"Content-Encoding": coding})
    assert request.body == packed
    assert request.fields.getall("Content-Encoding") == [coding]
    assert request.fields["Content-Length"] == str(len(packed))


async def test_s097_fields_that_are_sent_unasked() -> None:
    request = await sent("POST", data=b"body")
    assert re.fullmatch(r"Python/3\.\d+ pronghorn/\S+", request.fields["User-Agent"])
    assert request.fields["Accept"] == "*/*"
    assert request.fields["Accept-Encoding"].startswith("gzip, deflate")
    assert request.fields["Content-Type"] == "application/octet-stream"
    assert request.fields["Content-Length"] == "4"
    own: dict[str, Any] = {"User-Agent": "mine", "Accept": "text/html", "Content-Type": "text/mine"}
    request = await sent("POST", data=b"body", headers=own)
    assert {name: request.fields.getall(name) for name in own} == {name: [own[name]] for name in own}
    assert request.fields["Content-Length"] == "4"
    assert (await sent("POST")).fields["Content-Length"] == "0"


def raw_deflate(content: bytes) -> bytes:
    machine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return machine.compress(content) + machine.flush()


@pytest.mark.parametrize(
    ("coding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate), ("GZIP", gzip.compress)],
)
async def test_s098_responses_are_decoded(coding: str, pack: Any) -> None:
    packed = pack(b"content" * 10_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    for pieces in ([head + packed], [head, packed[:50], packed[50:]]):
        async with (
            scripted(answering(*pieces)) as server,
            ClientSession() as session,
            session.get(server.url()) as response,
        ):
            assert await response.read() == b"content" * 10_000
            assert response.headers["Content-Encoding"] == coding
