"""Forms and other bodies of parts, from a client to a server and back."""

import asyncio
import gzip
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pronghorn import ClientPayloadError, ClientSession, web
from pronghorn.body.form import FormData
from pronghorn.body.multipart import MultipartWriter
from pronghorn.body.part import BodyPartReader
from pronghorn.body.reader import MultipartReader
from pronghorn.server.form import FileField
from pronghorn.testing import TestClient, TestServer

from ..server.peer import Peer, connect, eventually
from .scripted import Peer as ScriptedPeer
from .scripted import scripted

MIB = 1024 * 1024
LARGE = bytes(range(256)) * 4096 * 5
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler, **options: Any) -> AsyncIterator[TestClient]:
    app = web.Application(**options)
    app.router.add_route("*", "/", handler)
    async with TestClient(TestServer(app)) as client:
        yield client


def files_on_disk() -> int:
    """Temporary files of this process that have no name any more."""
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found += str(descriptor.readlink()).endswith("(deleted)")
        except OSError:
            pass  # that of the listing itself
    return found


async def tree_of(reader: MultipartReader, decode: bool = False) -> list[Any]:
    found: list[Any] = []
    async for part in reader:
        if isinstance(part, BodyPartReader):
            found.append((part.name, part.filename, bytes(await part.read(decode=decode))))
        else:
            found.append(await tree_of(part, decode))
    return found


# Forms


async def test_a_form() -> None:
    forms: list[Any] = []

    async def handler(request: web.Request) -> web.Response:
        form = await request.post()
        for name, value in form.items():
            if isinstance(value, FileField):
                value = (value.filename, value.content_type, value.file.read())
            forms.append((name, value))
        return web.Response()

    form = FormData(default_to_multipart=True)
    form.add_field("text", "gr\u00fcn")
    form.add_field("number", 5)
    form.add_field("gr\u00fcn", "name")
    form.add_field('a"b\\c', "escaped")
    form.add_field("html", "<b>", content_type="text/html; charset=utf-8")
    form.add_field("bytes", b"\x00\xff")
    form.add_field("file", io.BytesIO(b"content"), filename="a b.txt", content_type="text/plain")
    form.add_field("file", io.BytesIO(b""), filename="gr\u00fcn.bin")
    async with served(handler) as client, client.post("/", data=form) as response:
        assert response.status == 200
    assert forms == [
        ("text", "gr\u00fcn"),
        ("number", "5"),
        ("gr\u00fcn", "name"),
        ('a"b\\c', "escaped"),
        ("html", "<b>"),
        ("bytes", ("bytes", "application/octet-stream", b"\x00\xff")),
        ("file", ("a%20b.txt", "text/plain", b"content")),
        ("file", ("gr%C3%BCn.bin", "application/octet-stream", b"")),
    ]


async def test_a_form_as_browsers_send_it() -> None:
    async def handler(request: web.Request) -> web.Response:
        (field,) = (await request.post()).values()
        assert isinstance(field, FileField)
        return web.Response(text=field.filename)

    form = FormData(quote_fields=False)
    form.add_field("file", b"content", filename='gr\u00fc "n".txt')
    async with served(handler) as client, client.post("/", data=form) as response:
        assert await response.text() == "gr\u00fc %22n%22.txt"


@pytest.mark.parametrize("is_multipart", [False, True])
async def test_as_many_fields_as_are_allowed(is_multipart: bool) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.post())))

    def form(size: int) -> FormData:
        return FormData([(f"a{number}", "1") for number in range(size)], default_to_multipart=is_multipart)

    async with served(handler) as client:
        async with client.post("/", data=form(1000)) as response:
            assert await response.text() == "1000"
        async with client.post("/", data=form(1001)) as response:
            assert response.status == 413
            assert await response.text() == "Maximum number of form fields 1000 exceeded."
    unlimited = served(handler, client_max_fields=0, client_max_size=0)
    async with unlimited as client, client.post("/", data=form(10_000)) as response:
        assert await response.text() == "10000"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="it is there that open files are looked for")
@pytest.mark.parametrize("way", ["answers", "fails", "is refused"])
async def test_a_large_file_is_on_disk_until_the_request_is_over(way: str, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(LARGE)
    before, seen = files_on_disk(), []

    async def handler(request: web.Request) -> web.Response:
        form = await request.post()
        field = form["large"]
        assert isinstance(field, FileField)
        assert field.file.read() == LARGE
        seen.append((field.filename, files_on_disk() - before))
        if way == "fails":
            raise web.HTTPConflict
        return web.Response()

    limit = 4 * MIB if way == "is refused" else 10 * MIB
    async with served(handler, client_max_size=limit) as client:
        with (tmp_path / "large").open("rb") as large, (tmp_path / "large").open("rb") as again:
            data = {"large": again} if way != "is refused" else {"one": large, "large": again}
            async with client.post("/", data=data) as response:
                assert response.status == {"answers": 200, "fails": 409, "is refused": 413}[way]
        assert seen == ([] if way == "is refused" else [("large", 1)])
        await eventually(lambda: files_on_disk() == before, "closing the file")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="it is there that open files are looked for")
@pytest.mark.parametrize("cancels", [False, True])
async def test_a_client_that_goes_in_the_middle_of_a_file(cancels: bool) -> None:
    before, errors = files_on_disk(), []

    async def handler(request: web.Request) -> web.Response:
        try:
            await request.post()
        except BaseException as error:
            errors.append(type(error))
            raise
        return web.Response()

    app = web.Application(client_max_size=0)
    app.router.add_post("/", handler)
    async with TestServer(app, handler_cancellation=cancels) as server, connect(server) as peer:
        peer.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
            b'--b\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'
        )
        peer.send(LARGE[: 3 * MIB])
        await eventually(lambda: files_on_disk() > before, "opening the file")
        peer.vanish()
        await eventually(lambda: errors, "telling the handler")
        await eventually(lambda: files_on_disk() == before, "closing the file")
        assert errors == [asyncio.CancelledError if cancels else web.RequestPayloadError]


BROKEN = {
    "truncated": (b"--b\r\n" + b'Content-Disposition: form-data; name="a"\r\n\r\nx', 400),
    "bad field": (b"--b\r\nno field\r\n\r\n\r\n--b--", 400),
    "nameless": (b"--b\r\n\r\n\r\n--b--", 400),
    "large head": (b"--b\r\nA: " + b"x" * 20_000 + b"\r\n\r\n\r\n--b--", 413),
    "many parts": (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 1001 + b"--b--", 413),
    "large": (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 200_000, 413),
    "charset": (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--', 400),
}


@pytest.mark.parametrize(("body", "status"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_broken_forms_are_answered(body: bytes, status: int, is_chunked: bool) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=repr(await request.post()))

    async def ask(peer: Peer) -> int:
        peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n")
        if is_chunked:
            peer.send(b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        else:
            peer.send(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        return (await peer.answer()).status

    app = web.Application(client_max_size=100_000)
    app.router.add_post("/", handler)
    async with TestServer(app) as server, connect(server) as peer:
        assert await ask(peer) == status


# Other bodies of parts


async def test_parts_reach_the_server() -> None:
    async def handler(request: web.Request) -> web.Response:
        found = await tree_of(await request.multipart(), decode=True)
        return web.Response(text=repr(found))

    with MultipartWriter("related") as within:
        within.append("inner")
    with MultipartWriter("mixed") as writer:
        writer.append("text").set_content_disposition("attachment", filename="gr\u00fcn.txt")
        writer.append(b"bytes" * 1000, {"Content-Transfer-Encoding": "base64"})
        writer.append("gr\u00fcn = \r\n", {"Content-Transfer-Encoding": "quoted-printable"})
        writer.append(b"x" * 10_000, {"Content-Encoding": "gzip"})
        writer.append(b"y", {"Content-Encoding": "deflate", "Content-Transfer-Encoding": "base64"})
        writer.append(within)
        writer.append_json({"a": 1})
        writer.append_form([("a", "1")])
    expected = [
        (None, "gr\u00fcn.txt", b"text"),
        (None, None, b"bytes" * 1000),
        (None, None, "gr\u00fcn = \r\n".encode()),
        (None, None, b"x" * 10_000),
        (None, None, b"y"),
        [(None, None, b"inner")],
        (None, None, b'{"a": 1}'),
        (None, None, b"a=1"),
    ]
    async with served(handler) as client, client.post("/", data=writer) as response:
        assert await response.text() == repr(expected)


async def test_a_large_part_is_read_in_pieces_past_the_limit() -> None:
    async def handler(request: web.Request) -> web.Response:
        sizes = []
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            size = 0
            while chunk := await part.read_chunk(64 * 1024):
                assert len(chunk) <= 64 * 1024
                size += len(chunk)
            sizes.append(size)
        return web.json_response(sizes)

    with MultipartWriter() as writer:
        writer.append(LARGE)
        writer.append(b"x")
    async with served(handler) as client, client.post("/", data=writer) as response:
        assert await response.json() == [len(LARGE), 1]


@pytest.mark.parametrize(
    ("reads", "status"), [("read", 413), ("text", 413), ("read_chunk", 200), ("release", 200), ("skip", 200)]
)
async def test_what_is_read_whole_is_bounded(reads: str, status: int) -> None:
    async def handler(request: web.Request) -> web.Response:
        async for part in await request.multipart():
            if reads != "skip":
                await getattr(part, reads)()
        return web.Response()

    with MultipartWriter() as writer:
        writer.append(b"x" * 2 * MIB)
    async with served(handler) as client, client.post("/", data=writer) as response:
        assert response.status == status


async def test_a_bomb_in_a_part_is_refused() -> None:
    async def handler(request: web.Request) -> web.Response:
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            await part.read(decode=True)
        return web.Response()

    with MultipartWriter() as writer:
        writer.append(gzip.compress(bytes(100 * MIB))).headers["Content-Encoding"] = "identity"
    body = (await writer.as_bytes()).replace(b"identity", b"gzip")
    for limit in (0, MIB):
        client_of = served(handler, client_max_size=limit)
        async with client_of as client, client.post("/", data=body, headers=writer.headers) as response:
            assert response.status == 413


async def test_a_body_without_parts_is_refused() -> None:
    async def handler(request: web.Request) -> web.Response:
        await request.multipart()
        return web.Response()

    async with served(handler) as client, client.post("/", data=b"x") as response:
        assert response.status == 415


async def test_a_part_is_sent_on() -> None:
    """A gateway: a part of one request is the body of another, as it comes."""
    received: list[bytes] = []

    async def keep(request: web.Request) -> web.Response:
        received.append(await request.read())
        return web.Response()

    async with served(keep, client_max_size=0) as behind, ClientSession() as session:

        async def hand_on(request: web.Request) -> web.Response:
            async for part in await request.multipart():
                async with session.post(behind.make_url("/"), data=part) as response:
                    assert response.status == 200
            return web.Response()

        with MultipartWriter() as writer:
            writer.append(LARGE)
            writer.append("text", {"Content-Transfer-Encoding": "base64"})
        async with served(hand_on) as client, client.post("/", data=writer) as response:
            assert response.status == 200
    assert received == [LARGE, b"text"]


# From a server


async def test_parts_reach_the_client() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        with MultipartWriter("mixed") as writer:
            writer.append(LARGE).set_content_disposition("attachment", filename="large")
            writer.append("text")
        response = web.StreamResponse(headers=writer.headers)
        await response.prepare(request)
        await writer.write(response)
        return response

    async with served(handler) as client:
        for _ in range(2):
            response = await client.get("/")
            wrapper = MultipartReader.from_response(response)
            parts = [
                (part.filename, bytes(await part.read()))
                async for part in wrapper
                if isinstance(part, BodyPartReader)
            ]
            assert parts == [("large", LARGE), (None, b"text")]
            assert wrapper.at_eof()
            assert response.closed
        assert client.session.connector is not None
        assert len(client.session.connector._connections) == 1


async def test_parts_that_come_one_after_another() -> None:
    """As of a camera: each part is there when it has come, and the last is no end."""
    next_one = asyncio.Event()

    async def camera(peer: ScriptedPeer) -> None:
        await peer.request()
        await peer.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n--b\r\n"
        )
        for number in range(5):
            await peer.send(b"Content-Type: image/jpeg\r\n\r\n%d" % number, b"!\r\n--b\r\n")
            await next_one.wait()
            next_one.clear()
        peer.close()

    async with scripted(camera) as server, ClientSession() as session, session.get(server.url()) as response:
        reader = MultipartReader.from_response(response)
        for number in range(5):
            part = await reader.next()
            assert isinstance(part, BodyPartReader)
            assert await part.read() == b"%d!" % number
            next_one.set()
        with pytest.raises(ValueError, match="ended before its close-delimiter"):
            await reader.next()


async def test_a_response_that_breaks_off() -> None:
    async def breaking(peer: ScriptedPeer) -> None:
        await peer.request()
        await peer.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Length: 100\r\n\r\n"
            b"--b\r\n\r\none\r\n--b\r\n\r\ntw"
        )
        peer.close()

    async with (
        scripted(breaking) as server,
        ClientSession() as session,
        session.get(server.url()) as response,
    ):
        reader = MultipartReader.from_response(response)
        part = await reader.next()
        assert isinstance(part, BodyPartReader)
        assert await part.read() == b"one"
        part = await reader.next()
        assert isinstance(part, BodyPartReader)
        for _ in range(2):
            with pytest.raises(ClientPayloadError):
                await part.read()
