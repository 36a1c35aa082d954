"""Packaging, scope and namespace promises."""

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
from multidict import istr

import pronghorn
from pronghorn import (
    AsyncResolver,
    ClientError,
    ClientPayloadError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    hdrs,
)

from ..functional.scripted import OK, answering, scripted
from ..io.dns_server import serving
from .row import aliased, sent

ROOT = Path(__file__).parents[2]

#: Finds none of OTHERS.
REFUSING = """
import asyncio
import socket
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in OTHERS and top not in sys.modules:
            raise ModuleNotFoundError(f"{name} is not installed", name=name)

sys.meta_path.insert(0, Refusing())
from aiohttp import web
"""
ROUND_TRIP = """
async def greet(request):
    return web.Response(text=f"hello {await request.text()}")

async def main():
    app = web.Application()
    app.router.add_post("/", greet)
    runner = web.AppRunner(app)
    await runner.setup()
    sock = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, sock).start()
    async with aiohttp.ClientSession() as session:
        async with session.post(f"http://127.0.0.1:{sock.getsockname()[1]}/", data="you") as response:
            text = await response.text()
    await runner.cleanup()
    return text

found = {"text": asyncio.run(main())}
"""

TALK = """
async def talk(request):
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for msg in ws:
        await (ws.send_str(msg.data * 2) if msg.type == aiohttp.WSMsgType.TEXT else ws.send_bytes(msg.data))
    left.append(ws.close_code)
    return ws

async def main():
    app = web.Application()
    app.router.add_get("/", talk)
    runner = web.AppRunner(app)
    await runner.setup()
    sock = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, sock).start()
    url = f"ws://127.0.0.1:{sock.getsockname()[1]}/"
    async with aiohttp.ClientSession() as session:
        for compress in (0, 15):
            async with session.ws_connect(url, compress=compress) as ws:
                await ws.send_str("hello ")
                await ws.send_bytes(bytes(100_000))
                said.append([ws.compress > 0, await ws.receive_str(), len(await ws.receive_bytes())])
                await ws.close(code=4000)
    await runner.cleanup()

said, left = [], []
asyncio.run(main())
found = {"said": said, "left": left}
"""


def with_what_they_need(names: set[str]) -> set[str]:
    """Distributions, and those that they are installed with."""
    found: set[str] = set()
    while names:
        name = names.pop()
        found.add(name)
        try:
            needed = requires(name) or []
        except PackageNotFoundError:
            needed = []  # for another platform
        names |= {distribution(line) for line in needed if "extra ==" not in line} - found
    return found


def distribution(requirement: str) -> str:
    (name,) = re.findall(r"^[\w.-]+", requirement)
    return re.sub(r"[-_.]+", "-", name).lower()


def others() -> list[str]:
    """The modules that are not installed with us."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    installed = with_what_they_need({distribution(line) for line in project["dependencies"]})
    assert {"multidict", "yarl"} <= installed
    found = {
        module
        for module, names in packages_distributions().items()
        if installed.isdisjoint(map(distribution, names)) and module not in ("aiohttp", "pronghorn")
    }
    assert "pytest" in found
    return sorted(found)


def test_s001_a_client_and_a_server_with_what_is_installed() -> None:
    assert aliased(f"OTHERS = {others()}\n{REFUSING}{ROUND_TRIP}") == {"text": "hello you"}


def test_s002_websockets_of_both_sides_with_what_is_installed() -> None:
    assert aliased(f"OTHERS = {others()}\n{REFUSING}{TALK}") == {
        "said": [[False, "hello hello ", 100_000], [True, "hello hello ", 100_000]],
        "left": [4000, 4000],
    }


#: Those of the references, and what aiohttp has added since.
EXCEPTIONS = """
    ClientConnectionError ClientConnectionResetError ClientConnectorCertificateError ClientConnectorDNSError
    ClientConnectorError ClientConnectorSSLError ClientError ClientHttpProxyError ClientOSError
    ClientPayloadError ClientProxyConnectionError ClientResponseError ClientSSLError ConnectionTimeoutError
    ContentTypeError FingerprintMismatch InvalidURL InvalidUrlClientError InvalidUrlRedirectClientError
    NonHttpUrlClientError NonHttpUrlRedirectClientError RedirectClientError ServerConnectionError
    ServerDisconnectedError ServerFingerprintMismatch ServerTimeoutError SocketTimeoutError TooManyRedirects
    UnixClientConnectorError UploadAbortedError WSMessageTypeError WSServerHandshakeError WebSocketError
""".split()

CAUGHT = """
import asyncio
import socket

async def main(url, name):
    async with aiohttp.ClientSession() as session:
        try:
            await session.get(url)
        except getattr(aiohttp, name) as error:
            return type(error).__name__

with socket.create_server(("127.0.0.1", 0)) as sock:
    closed = f"http://127.0.0.1:{sock.getsockname()[1]}/"
found = {
    "missing": [name for name in NAMES if not issubclass(getattr(aiohttp, name, int), Exception)],
    "others": [
        name
        for name, kind in vars(aiohttp.client_exceptions).items()
        if isinstance(kind, type)
        and issubclass(kind, aiohttp.ClientError)
        and getattr(aiohttp, name, None) is not kind
    ],
    "caught": [
        asyncio.run(main(url, name))
        for url, name in
        [(closed, "ClientError"), (closed, "ClientConnectorError"), ("http://", "InvalidURL")]
    ],
}
"""


async def test_s004_a_detector_of_charsets_is_the_callers() -> None:
    def detect(_response: ClientResponse, body: bytes) -> str:
        return "koi8-r" if b"\xd6" in body else "utf-8"

    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain%b\r\nContent-Length: 1\r\n\r\n\xd6"
    for options, charset, text in (
        ({}, b"; charset=latin-1", "\u00d6"),
        ({"fallback_charset_resolver": detect}, b"", "\u0436"),
        ({"fallback_charset_resolver": detect}, b"; charset=latin-1", "\u00d6"),
    ):
        async with (
            scripted(head % charset) as server,
            ClientSession(**options) as session,
            session.get(server.url()) as response,
        ):
            assert await response.text() == text
    async with (
        scripted(head % b"") as server,
        ClientSession() as session,
        session.get(server.url()) as response,
    ):
        with pytest.raises(UnicodeDecodeError):  # nothing is guessed
            await response.text()


async def test_s005_aiodns_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "aiodns" not in map(distribution, project["dependencies"])
    assert "aiodns" in map(distribution, project["optional-dependencies"]["speedups"])
    async with serving({"one.test": ["192.0.2.1"]}) as dns:
        resolver = AsyncResolver(nameservers=["127.0.0.1"], udp_port=dns.port, timeout=1, tries=1)
        (found,) = await resolver.resolve("one.test", 81)
        await resolver.close()
    assert (found["host"], found["port"]) == ("192.0.2.1", 81)
    monkeypatch.setitem(sys.modules, "aiodns", None)
    with pytest.raises(RuntimeError, match="pip install aiodns"):
        AsyncResolver()
    async with (
        scripted(OK) as server,
        ClientSession() as session,
        session.get(f"http://localhost:{server.port}/") as response,
    ):
        assert await response.text() == "ok"


EXPORTED = """
import importlib

found = {
    module: [
        name
        for name in names
        if getattr(aiohttp, name, None) is not getattr(importlib.import_module("aiohttp." + module), name)
    ]
    for module, names in MODULES.items()
}
"""
BY_MODULE = """
import importlib

found = {"there and here": {}}
for path in NAMES:
    module, name = path.split(".")
    there = hasattr(importlib.import_module("aiohttp." + module), name)
    found["there and here"][path] = [there, hasattr(aiohttp, name)]
"""
#: The public names of modules, as far as they mean something today.
EXPORTS = {
    "client": """
        BaseConnector ClientConnectionError ClientConnectionResetError ClientConnectorCertificateError
        ClientConnectorDNSError ClientConnectorError ClientConnectorSSLError ClientError ClientHttpProxyError
        ClientOSError ClientPayloadError ClientProxyConnectionError ClientRequest ClientResponse
        ClientResponseError ClientSSLError ClientSession ClientTimeout ClientWSTimeout
        ClientWebSocketResponse ConnectionTimeoutError ContentTypeError Fingerprint InvalidURL
        InvalidUrlClientError InvalidUrlRedirectClientError NamedPipeConnector NonHttpUrlClientError
        NonHttpUrlRedirectClientError RedirectClientError RequestInfo ServerConnectionError
        ServerDisconnectedError ServerFingerprintMismatch ServerTimeoutError SocketTimeoutError TCPConnector
        TooManyRedirects UnixConnector UploadAbortedError UploadTracker WSMessageTypeError
        WSServerHandshakeError request
    """,
    "multipart": """
        BadContentDispositionHeader BadContentDispositionParam BodyPartReader MultipartReader
        MultipartWriter content_disposition_filename parse_content_disposition
    """,
    "protocol": "HttpVersion HttpVersion10 HttpVersion11",
    "utils": "",
}
#: Of the modules that an older text names beside these, what goes by its name and that of the package.
OLDER_EXPORTS = {
    "errors": """
        ClientConnectionError ClientError ClientOSError ClientResponseError InvalidURL
        ServerDisconnectedError WSServerHandshakeError
    """,
    "parsers": "EofStream",
    "wsgi": "",
}
#: And what is there alone: it says what took its place.
NOT_EXPORTED = """
    errors.HttpProcessingError errors.BadStatusLine parsers.StreamParser parsers.StreamWriter
    protocol.HttpMessage protocol.HttpPrefixParser wsgi.WSGIServerHttpProtocol wsgi.WsgiResponse
""".split()


def unexported(exports: dict[str, str]) -> Any:
    """What of this is not, and is the same thing, in the package itself."""
    modules = {module: names.split() for module, names in exports.items()}
    return aliased(f"MODULES = {modules}\n{EXPORTED}")


def test_s006_names_of_modules_are_exported() -> None:
    assert unexported(EXPORTS) == {module: [] for module in EXPORTS}


def test_s007_names_of_further_modules() -> None:
    """The later text (S-006) counts: what lives on is exported, and nothing else of these."""
    assert unexported(OLDER_EXPORTS) == {module: [] for module in OLDER_EXPORTS}
    (left,) = aliased(f"NAMES = {NOT_EXPORTED}\n{BY_MODULE}").values()
    assert left == {name: [True, False] for name in NOT_EXPORTED}


def test_s008_every_exception_by_its_name_in_the_package() -> None:
    assert aliased(f"NAMES = {EXCEPTIONS}\n{CAUGHT}") == {
        "missing": [],
        "others": [],
        "caught": ["ClientConnectorError", "ClientConnectorError", "InvalidUrlClientError"],
    }


MISTAKES: list[tuple[type[Exception], dict[str, Any]]] = [
    (TypeError, {"method": 5}),
    (ValueError, {"method": "GE T"}),
    (TypeError, {"params": {"a": None}}),
    (TypeError, {"params": 5}),
    (TypeError, {"headers": {"X-A": 5}}),
    (ValueError, {"headers": {"X-A": "a\r\nb"}}),
    (TypeError, {"data": 5}),
    (ValueError, {"data": b"x", "json": {}}),
    (TypeError, {"session": {"connector": "tcp"}}),
    (TypeError, {"session": {"unheard_of": 1}}),
]


async def test_s009_mistakes_are_plain_errors_and_those_of_peers_are_ours() -> None:
    for kind, options in MISTAKES:
        with pytest.raises(kind) as caught:
            await sent(**options)
        assert type(caught.value) is kind
    answers = {
        b"HTTP/1.1 never\r\n\r\n": ClientResponseError,
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nshort"[:-2]: ClientPayloadError,
        b"": pronghorn.ServerDisconnectedError,
    }
    for answer, error in answers.items():
        assert issubclass(error, ClientError)
        async with scripted(answering(answer)) as server, ClientSession() as session:
            with pytest.raises(error):
                await (await session.get(server.url())).read()


def test_s010_what_is_deprecated_stays() -> None:
    error = ClientResponseError(None, status=404)  # type: ignore[arg-type]  # as in tests of others
    with pytest.warns(DeprecationWarning, match="status"):
        assert error.code == 404
    with pytest.warns(DeprecationWarning, match="ClientTimeout"):
        assert ClientSession(read_timeout=5).timeout.total == 5
    assert pronghorn.FingerprintMismatch is pronghorn.ServerFingerprintMismatch
    assert pronghorn.WSCloseCode.ok is pronghorn.WSCloseCode.OK
    assert pronghorn.WSMsgType.text is pronghorn.WSMsgType.TEXT
    modules = ("errors", "helpers", "parsers", "protocol", "signals", "utils", "wsgi")
    imports = "\n".join(f"import aiohttp.{module}" for module in modules)
    assert aliased(f"{imports}\nfound = {{'error': aiohttp.errors.ClientOSError.__name__}}") == {
        "error": "ClientOSError"
    }


async def test_s011_names_of_fields() -> None:
    fields = {name: value for name, value in vars(hdrs).items() if isinstance(value, istr)}
    assert len(fields) > 120
    assert [name for name, value in fields.items() if value.upper().replace("-", "_") != name] == []
    request = await sent("POST", data=b"{}", headers={hdrs.CONTENT_TYPE: "text/mine", hdrs.IF_MATCH: "*"})
    assert request.fields.getall("Content-Type") == ["text/mine"]
    assert request.fields["CONTENT-TYPE"] == "text/mine"
    assert request.fields["If-Match"] == "*"
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nContent-Length: 0\r\n\r\n"
    async with scripted(answer) as server, ClientSession() as session, session.get(server.url()) as response:
        assert response.headers[hdrs.CONTENT_TYPE] == response.headers["CONTENT-TYPE"] == "text/html"


PATHS = r"""
import asyncio
import aiohttp.abc, aiohttp.client, aiohttp.connector, aiohttp.multipart, aiohttp.payload, aiohttp.resolver
from multidict import CIMultiDict
from yarl import URL

class Connector(aiohttp.connector.BaseConnector):
    async def _create_connection(self, req, traces, timeout):
        asked.append((type(req) is aiohttp.client.ClientRequest, str(req.url)))
        raise aiohttp.ClientConnectionError("nowhere")

async def main():
    async with aiohttp.ClientSession(connector=Connector()) as session:
        try:
            await session.get("http://host.test/a")
        except aiohttp.ClientConnectionError as error:
            return str(error)

asked = []
stream = aiohttp.StreamReader()
stream.feed_data(b"--b\r\n\r\none\r\n--b--\r\n")
stream.feed_eof()

async def part():
    fields = CIMultiDict({"Content-Type": "multipart/mixed; boundary=b"})
    return await (await aiohttp.multipart.MultipartReader(fields, stream).next()).text()

writer = aiohttp.multipart.MultipartWriter()
resolver = aiohttp.resolver.AsyncResolver(nameservers=["192.0.2.1"])
found = {
    "said": asyncio.run(main()),
    "asked": asked,
    "part": asyncio.run(part()),
    "payload": isinstance(writer.append("text"), aiohttp.payload.Payload),
    "jar": isinstance(aiohttp.CookieJar(), aiohttp.abc.AbstractCookieJar),
    "resolver": isinstance(resolver, aiohttp.abc.AbstractResolver),
}
"""


def test_s012_dotted_paths() -> None:
    assert aliased(PATHS) == {
        "said": "nowhere",
        "asked": [[True, "http://host.test/a"]],
        "part": "one",
        "payload": True,
        "jar": True,
        "resolver": True,
    }


MISSPELT = r"""
import asyncio
import aiohttp.abc, aiohttp.helper, aiohttp.protocols

class Mine(aiohttp.abc.AbstructResolver):
    async def resolve(self, host, port=0, family=0):
        return await aiohttp.ThreadResolver().resolve("127.0.0.1", port, family)

    async def close(self):
        pass

async def main():
    async def answer(reader, writer):
        request = await reader.readuntil(b"\r\n\r\n")
        facts.append(b"host.test" in request)
        writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\nok")

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    for resolver in (Mine(), aiohttp.DefaultResolver()):
        for jar in (aiohttp.CookiesJar(unsafe=True), aiohttp.helper.DummyCookieJar()):
            connector = aiohttp.TCPConnector(resolver=resolver, force_close=True)
            host = "host.test" if type(resolver) is Mine else "127.0.0.1"
            async with aiohttp.ClientSession(connector=connector, cookie_jar=jar) as session:
                async with session.get(f"http://{host}:{port}/", headers={"Host": "host.test"}) as response:
                    is_1_1 = response.version == aiohttp.protocols.HttpVersion(1, 1)
                    facts.append((await response.text(), is_1_1))
                facts.append(len(jar))
    listening.close()

facts = []
asyncio.run(main())
jars = (aiohttp.CookiesJar, aiohttp.DummyCookieJar, aiohttp.helper.DummyCookieJar)
fields = aiohttp.MultiDict([("a", "1"), ("a", "2")])
found = {
    "facts": facts,
    "jars": [issubclass(jar, aiohttp.AbstractCookieJar) for jar in jars],
    "fields": [aiohttp.MultiDictProxy(fields).getall("a"), aiohttp.istr("Content-Type").upper()],
    "version": list(aiohttp.protocols.HttpVersion(1, 0)),
}
"""


def test_s013_dotted_paths_as_they_were_misspelt() -> None:
    said = ["ok", True]
    assert aliased(MISSPELT) == {
        "facts": [True, said, 1, True, said, 0] * 2,
        "jars": [True, True, True],
        "fields": [["1", "2"], "CONTENT-TYPE"],
        "version": [1, 0],
    }
