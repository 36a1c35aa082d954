"""The examples of the older documents, as they were meant, against a server like the one that they ask.

Each is named by its number in the list of examples. Those whose feature is not built yet are not here.
"""

import asyncio
import hashlib
import json
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

import pronghorn
from pronghorn import ClientResponse, ClientSession, FormData, StreamReader, streamer, web

from .scripted import scripted

CONTENT = bytes(range(256)) * 2000
Base = URL


async def tell(request: web.Request) -> web.Response:
    """What came, as JSON."""
    body = await request.read()
    cookies = dict(pair.split("=") for pair in request.headers.get("Cookie", "").split("; ") if pair)
    return web.json_response(
        {
            "method": request.method,
            "target": request.raw_path,
            "args": dict(request.query),
            "headers": dict(request.headers),
            "cookies": cookies,
            "body": body.decode("latin-1"),
        }
    )


async def set_cookies(request: web.Request) -> web.Response:
    fields = [("Set-Cookie", f"{name}={value}; Path=/") for name, value in request.query.items()]
    return web.Response(text="set", headers=fields)


async def content(request: web.Request) -> web.Response:
    return web.Response(body=CONTENT)


async def russian(request: web.Request) -> web.Response:
    return web.Response(body="привет".encode("windows-1251"), content_type="text/plain")


@pytest.fixture
async def base(pronghorn_server: Any) -> Base:
    app = web.Application(client_max_size=0)
    app.add_routes(
        [
            web.get("/cookies/set", set_cookies),
            web.get("/content", content),
            web.get("/russian", russian),
            web.route("*", "/{anything:.*}", tell),
        ]
    )
    server = await pronghorn_server(app)
    url: Base = server.make_url("/")
    return url


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession(cookie_jar=pronghorn.CookieJar(unsafe=True)) as opened:
        yield opened


async def told(response: ClientResponse) -> dict[str, Any]:
    async with response:
        answer: dict[str, Any] = await response.json()
        return answer


# Sending


async def test_ex_05_json(base: Base, session: ClientSession) -> None:
    answer = await told(await session.post(base, json={"test": "object"}))
    assert json.loads(answer["body"]) == {"test": "object"}
    assert answer["headers"]["Content-Type"] == "application/json"


async def test_ex_06_json_serialize(base: Base) -> None:
    async with ClientSession(json_serialize=lambda value: f"<{value}>") as session:
        assert (await told(await session.post(base, json=5)))["body"] == "<5>"


async def test_ex_07_params(base: Base, session: ClientSession) -> None:
    params = {"key1": "value1", "key2": "value2"}
    async with session.get(base / "get", params=params) as resp:
        assert (await resp.json())["args"] == params


async def test_ex_08_an_encoded_url(base: Base, session: ClientSession) -> None:
    answer = await told(await session.get(URL(f"{base}%30", encoded=True)))
    assert answer["target"] == "/%30"


async def test_ex_14_custom_headers(base: Base, session: ClientSession) -> None:
    payload = {"some": "data"}
    headers = {"content-type": "application/json"}
    answer = await told(await session.post(base, data=json.dumps(payload), headers=headers))
    assert answer["body"] == '{"some": "data"}'
    assert answer["headers"]["content-type"] == "application/json"
    assert "Content-Type" not in answer["headers"]


async def test_ex_16_a_form(base: Base, session: ClientSession) -> None:
    payload = {"key1": "value1", "key2": "value2"}
    answer = await told(await session.post(base, data=payload))
    assert answer["body"] == "key1=value1&key2=value2"
    assert answer["headers"]["Content-Type"] == "application/x-www-form-urlencoded"


async def test_ex_17_text(base: Base, session: ClientSession) -> None:
    answer = await told(await session.post(base, data=json.dumps({"some": "data"})))
    assert answer["body"] == '{"some": "data"}'
    assert answer["headers"]["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("is_described", [False, True], ids=["ex_18", "ex_19"])
async def test_ex_18_19_a_file_in_a_form(
    base: Base, session: ClientSession, tmp_path: Path, is_described: bool
) -> None:
    path = tmp_path / "report.xls"
    path.write_bytes(CONTENT)
    data: Any
    if is_described:
        data = FormData()
        data.add_field(
            "file", path.open("rb"), filename="report.xls", content_type="application/vnd.ms-excel"
        )
    else:
        data = {"file": path.open("rb")}
    answer = await told(await session.post(base / "post", data=data))
    kind, _, boundary = answer["headers"]["Content-Type"].partition("; boundary=")
    assert kind == "multipart/form-data"
    body = answer["body"].encode("latin-1")
    head, _, rest = body.partition(b"\r\n\r\n")
    assert head.startswith(f"--{boundary}\r\n".encode())
    assert b'Content-Disposition: form-data; name="file"; filename="report.xls"' in head
    assert b"Content-Type: application/vnd.ms-excel" in head
    assert rest == CONTENT + f"\r\n--{boundary}--\r\n".encode()
    assert answer["headers"]["Content-Length"] == str(len(body))


async def test_ex_20_a_file(base: Base, session: ClientSession, tmp_path: Path) -> None:
    path = tmp_path / "massive-body.avi"
    path.write_bytes(CONTENT)
    with path.open("rb") as f:
        answer = await told(await session.post(base / "post", data=f))
    assert answer["body"].encode("latin-1") == CONTENT
    assert answer["headers"]["Content-Length"] == str(len(CONTENT))
    assert f.closed


async def test_ex_21_a_streamer(base: Base, session: ClientSession, tmp_path: Path) -> None:
    path = tmp_path / "huge_file"
    path.write_bytes(CONTENT)

    @streamer
    def file_sender(writer: Any, file_name: Path) -> Any:
        with file_name.open("rb") as f:
            chunk = f.read(2**16)
            while chunk:
                yield from writer.write(chunk)
                chunk = f.read(2**16)

    answer = await told(await session.post(base / "post", data=file_sender(file_name=path)))
    assert answer["body"].encode("latin-1") == CONTENT
    assert answer["headers"]["Transfer-Encoding"] == "chunked"


async def test_ex_22_a_response_is_relayed_and_hashed(base: Base, session: ClientSession) -> None:
    async def feed_stream(resp: ClientResponse, stream: StreamReader) -> str:
        h = hashlib.sha256()
        while True:
            chunk = await resp.content.readany()
            if not chunk:
                break
            h.update(chunk)
            stream.feed_data(chunk)
        stream.feed_eof()
        return h.hexdigest()

    resp = await session.get(base / "content")
    stream = StreamReader()
    posting = asyncio.ensure_future(session.post(base / "post", data=stream))
    assert await feed_stream(resp, stream) == hashlib.sha256(CONTENT).hexdigest()
    assert (await told(await posting))["body"].encode("latin-1") == CONTENT


async def test_ex_23_one_body_is_piped_into_another(base: Base, session: ClientSession) -> None:
    r = await session.get(base / "content")
    answer = await told(await session.post(base / "post", data=r.content))
    assert answer["body"].encode("latin-1") == CONTENT
    assert answer["headers"]["Transfer-Encoding"] == "chunked"


async def test_ex_24_a_compressed_body(pronghorn_raw_server: Any, session: ClientSession) -> None:
    async def raw(request: web.BaseRequest) -> web.Response:
        return web.Response(
            body=await request.read(), headers={"X-Coding": request.headers["Content-Encoding"]}
        )

    server = await pronghorn_raw_server(raw, auto_decompress=False)
    data = zlib.compress(CONTENT)
    headers = {"Content-Encoding": "deflate"}
    async with session.post(server.make_url("/"), data=data, headers=headers) as resp:
        assert resp.headers["X-Coding"] == "deflate"
        assert await resp.read() == data


# Headers and cookies


async def test_ex_15_cookies_of_the_session(base: Base) -> None:
    cookies = {"cookies_are": "working"}
    async with ClientSession(cookies=cookies) as session, session.get(base / "cookies") as resp:
        assert (await resp.json())["cookies"] == cookies


async def test_ex_25_cookies_are_shared(base: Base, session: ClientSession) -> None:
    await session.get(base.with_path("/cookies/set").with_query(my_cookie="my_value"))
    filtered = session.cookie_jar.filter_cookies(base)
    assert filtered["my_cookie"].value == "my_value"
    async with session.get(base / "cookies") as r:
        json_body = await r.json()
        assert json_body["cookies"]["my_cookie"] == "my_value"


async def test_ex_26_headers_of_the_session(base: Base) -> None:
    headers = {"Authorization": "Basic bG9naW46cGFzcw=="}
    async with ClientSession(headers=headers) as session, session.get(base / "headers") as r:
        assert (await r.json())["headers"]["Authorization"] == "Basic bG9naW46cGFzcw=="


@pytest.mark.parametrize("example", ["27", "28", "54", "63"])
async def test_ex_27_28_other_jars(base: Base, example: str) -> None:
    jar = pronghorn.CookieJar(unsafe=True) if example == "27" else pronghorn.DummyCookieJar()
    async with pronghorn.ClientSession(cookie_jar=jar) as session:
        await session.get(base.with_path("/cookies/set").with_query(a="b"))
        answer = await told(await session.get(base / "cookies"))
    assert answer["cookies"] == ({"a": "b"} if example == "27" else {})


async def test_ex_46_52_53_cookies_of_a_response_and_of_the_jar(base: Base, session: ClientSession) -> None:
    async with session.get(base.with_path("/cookies/set").with_query(example_cookie_name="x")) as resp:
        assert resp.cookies["example_cookie_name"].value == "x"
    assert len(session.cookie_jar) == 1  # type: ignore[arg-type]  # an AbstractCookieJar is Sized
    assert [(cookie.key, cookie["domain"]) for cookie in session.cookie_jar] == [
        ("example_cookie_name", base.host)
    ]


# Receiving


async def test_ex_09_51_60_text_in_an_encoding(base: Base, session: ClientSession) -> None:
    async with session.get(base / "russian") as resp:
        assert await resp.text(encoding="windows-1251") == "привет"
        assert await resp.text("windows-1251") == "привет"


async def test_ex_10_11_12_reading(base: Base, session: ClientSession) -> None:
    async with session.get(base / "get") as resp:
        body = await resp.read()
        assert await resp.json() == json.loads(body)
    async with session.get(base / "content") as resp:
        assert CONTENT.startswith(await resp.content.read(10))


async def test_ex_13_a_stream_is_saved(base: Base, session: ClientSession, tmp_path: Path) -> None:
    path = tmp_path / "saved"
    async with session.get(base / "content") as resp:
        with path.open("wb") as fd:
            while True:
                chunk = await resp.content.read(1000)
                if not chunk:
                    break
                assert len(chunk) <= 1000
                fd.write(chunk)
    assert path.read_bytes() == CONTENT


async def test_ex_42_to_45_status_and_headers(session: ClientSession) -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nSERVER: nginx\r\nCONTENT-TYPE: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    async with scripted(answer) as server, session.get(server.url()) as resp:
        assert resp.status == 200
        assert resp.headers["Content-Type"] == "application/json"
        assert resp.headers.get("content-type") == "application/json"
        assert resp.raw_headers[:2] == ((b"SERVER", b"nginx"), (b"CONTENT-TYPE", b"application/json"))


async def test_ex_49_58_a_response_is_entered(base: Base, session: ClientSession) -> None:
    resp = await session.get(base / "content")
    async with resp:
        assert resp.status == 200
    assert resp.connection is None


async def test_ex_50_59_no_content_type(session: ClientSession) -> None:
    async with (
        scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as server,
        session.get(server.url()) as resp,
    ):
        assert "CONTENT-TYPE" not in resp.headers
        assert resp.content_type == "application/octet-stream"


# Signals


async def test_ex_01_the_life_of_a_signal() -> None:
    seen = []

    async def callback(data: str) -> None:
        seen.append(data)

    sig: Any = pronghorn.Signal()
    sig.append(callback)
    sig.freeze()
    await sig.send("data")
    assert seen == ["data"]
    with pytest.raises(RuntimeError):
        sig.append(callback)
