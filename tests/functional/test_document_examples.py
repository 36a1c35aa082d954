"""The examples of the older documents, as they were meant, against a server like the one that they ask.

Each is named by its number in the list of examples. Those whose feature is not built yet are not here.
"""

import asyncio
import hashlib
import json
import socket
import ssl
import subprocess
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

import pronghorn
from pronghorn import ClientResponse, ClientSession, FormData, StreamReader, UnixConnector, streamer, web
from pronghorn.io.resolver import AsyncResolver

from .. import tls
from ..io.dns_server import A, serving
from .programs import find, scripted_tls
from .scripted import OK, Peer, scripted, turns, until

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


# Connectors


async def test_ex_29_a_connector_of_ones_own(base: Base) -> None:
    conn = pronghorn.TCPConnector()
    session = pronghorn.ClientSession(connector=conn)
    assert (await told(await session.get(base / "get")))["method"] == "GET"
    await session.close()
    assert conn.closed


@pytest.mark.parametrize(
    ("options", "most"),
    [({"limit": 30}, 30), ({"limit": 0}, 40), ({"limit_per_host": 30}, 30)],
    ids=["ex_30", "ex_31", "ex_32"],
)
async def test_ex_30_31_32_limits(options: dict[str, Any], most: int) -> None:
    held = 0
    gate = asyncio.Event()

    async def gated(peer: Peer) -> None:
        nonlocal held
        while True:
            await peer.request()
            held += 1
            await gate.wait()
            await peer.send(OK)

    async def fetch() -> str:
        async with session.get(server.url()) as resp:
            return await resp.text()

    conn = pronghorn.TCPConnector(**options)
    async with scripted(gated) as server, ClientSession(connector=conn) as session:
        fetching = [asyncio.ensure_future(fetch()) for _ in range(40)]
        await until(lambda: held >= most)
        await turns(10)
        assert held == most
        gate.set()
        assert await asyncio.gather(*fetching) == ["ok"] * 40


async def test_ex_04_33_name_servers_of_ones_own(base: Base) -> None:
    async with serving({"httpbin.test": ["127.0.0.1"]}) as dns:
        resolver = AsyncResolver(nameservers=["127.0.0.1"], udp_port=dns.port)
        conn = pronghorn.TCPConnector(resolver=resolver)
        async with ClientSession(connector=conn) as session:
            answer = await told(await session.get(base.with_host("httpbin.test") / "get"))
        await resolver.close()
    assert answer["headers"]["Host"] == f"httpbin.test:{base.port}"
    assert ("httpbin.test", A) in dns.asked


@pytest.mark.parametrize("document", ["ex_48", "ex_57"])
async def test_ex_48_57_a_unix_socket(tmp_path: Path, document: str) -> None:
    path = str(tmp_path / "socket")
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    async with scripted(OK, sock=sock) as server:
        conn = UnixConnector(path=path)
        session = ClientSession(connector=conn)
        async with session.get("http://python.org") as resp:
            assert resp.status == 200
        await session.close()
    assert [(request.target, request.fields["Host"]) for request in server.requests] == [("/", "python.org")]


# TLS


@pytest.fixture
def cafile(tmp_path: Path) -> str:
    path = tmp_path / "ca-bundle.crt"
    path.write_bytes(tls.authority().cert_pem.bytes())
    return str(path)


async def test_ex_34_no_verification(session: ClientSession) -> None:
    async with scripted_tls(tls.self_signed_context()) as server:
        with pytest.warns(DeprecationWarning, match="ssl=False"):
            r = await session.get(f"https://127.0.0.1:{server.port}", verify_ssl=False)
        assert await r.text() == "ok"


async def test_ex_35_an_authority_of_ones_own(session: ClientSession, cafile: str) -> None:
    async with scripted_tls(tls.server_context("localhost")) as server:
        sslcontext = ssl.create_default_context(cafile=cafile)
        with pytest.warns(DeprecationWarning, match="ssl=ssl_context"):
            r = await session.get(f"https://localhost:{server.port}", ssl_context=sslcontext)
        assert await r.text() == "ok"


async def test_ex_36_a_client_certificate(session: ClientSession, cafile: str, tmp_path: Path) -> None:
    device = tls.authority().issue_cert("device@example.test")
    public, private = tmp_path / "device.pem", tmp_path / "device.key"
    device.cert_chain_pems[0].write_to_path(str(public))
    device.private_key_pem.write_to_path(str(private))
    shown = []

    async def look(peer: Peer) -> None:
        shown.append(peer.writer.get_extra_info("peercert")["subjectAltName"])
        await peer.answer(OK)

    async with scripted_tls(tls.demanding_context(), look) as server:
        sslcontext = ssl.create_default_context(cafile=cafile)
        sslcontext.load_cert_chain(str(public), str(private))
        with pytest.warns(DeprecationWarning, match="ssl=ssl_context"):
            r = await session.get(f"https://127.0.0.1:{server.port}", ssl_context=sslcontext)
        assert await r.text() == "ok"
    assert shown == [(("email", "device@example.test"),)]


async def test_ex_37_38_39_errors_of_tls(cafile: str) -> None:
    conn = pronghorn.TCPConnector(ssl=ssl.create_default_context(cafile=cafile))
    async with (
        scripted_tls(tls.expired_context()) as first,
        scripted_tls(tls.server_context("right.host")) as second,
        ClientSession(connector=conn) as session,
    ):
        expired, wrong = f"https://127.0.0.1:{first.port}/", f"https://127.0.0.1:{second.port}/"
        with pytest.raises(pronghorn.ClientConnectorSSLError) as of_ssl:
            await session.get(expired)
        assert isinstance(of_ssl.value, ssl.SSLError)
        with pytest.raises(pronghorn.ClientConnectorCertificateError) as of_certificate:
            await session.get(wrong)
        assert isinstance(of_certificate.value, ssl.CertificateError)
        for url, kind in ((expired, ssl.SSLError), (wrong, ssl.CertificateError)):
            with pytest.raises(pronghorn.ClientSSLError) as caught:
                await session.get(url)
            assert isinstance(caught.value, kind)


@pytest.mark.filterwarnings("ignore:fingerprint is deprecated:DeprecationWarning")
async def test_ex_40_41_a_pin(session: ClientSession, tmp_path: Path) -> None:
    async with scripted_tls(tls.server_context()) as server:
        url = f"https://127.0.0.1:{server.port}/"
        with pytest.raises(ValueError, match="32 bytes of a SHA-256, got 64"):  # as it was printed
            await session.get(url, fingerprint=b"0" * 64)
        bad_fingerprint = b"0" * 32
        exc = None
        try:
            await session.get(url, fingerprint=bad_fingerprint)
        except pronghorn.FingerprintMismatch as e:
            exc = e
        assert exc is not None
        assert exc.expected == bad_fingerprint

        pem = tmp_path / "crt.pem"
        pem.write_bytes(tls.certificate().cert_chain_pems[0].bytes())
        command = [find("openssl"), *f"x509 -in {pem} -inform PEM -outform DER".split()]
        der = subprocess.run(command, capture_output=True, check=True).stdout
        assert exc.got == hashlib.sha256(der).digest()
        r = await session.get(url, fingerprint=exc.got)
        assert await r.text() == "ok"


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
