"""The modules of the first documents: what lives on behaves, what is gone says what took its place."""

import errno
from typing import Any

import pytest
from multidict import CIMultiDict

import pronghorn
from pronghorn import ClientSession, ClientTimeout
from pronghorn.client.request_info import ConnectionKey
from pronghorn.compat import errors

from ..functional.scripted import answering, scripted, silent
from .row import aliased

KEY = ConnectionKey("example.com", 3128, False, True, None, None, None)


def bases(*names: str) -> dict[str, list[str]]:
    """The bases of classes of aiohttp.errors, by the names that they have there."""
    return aliased(
        f"""
from aiohttp import errors

kinds = {{name: getattr(errors, name) for name in {names!r}}}
found = {{
    name: [base for base in kinds if base != name and issubclass(kind, kinds[base])]
    for name, kind in kinds.items()
}}
"""
    )


def refusals(module: str, *calls: str) -> dict[str, Any]:
    """What each of ``calls`` to things of aiohttp's ``module`` is answered with; each can be derived from."""
    return aliased(
        f"""
import importlib

module = importlib.import_module("aiohttp." + {module!r})
found = {{}}
for call in {calls!r}:
    name = call.partition("(")[0]
    thing = getattr(module, name)
    for kind in (thing, type(name, (thing,), {{}})):
        try:
            eval(call, {{name: kind}})
        except NotImplementedError as error:
            found.setdefault(call, []).append([type(error).__name__, error.name, error.successor])
"""
    )


def check_refusals(module: str, successors: dict[str, str]) -> None:
    found = refusals(module, *successors)
    for call, successor in successors.items():
        name = f"aiohttp.{module}.{call.partition('(')[0]}"
        for kind, said, other in found[call]:
            assert (kind, said) == ("RetiredNameError", name)
            assert successor in other
        assert len(found[call]) == 2


async def failing(answer: bytes | None, **options: Any) -> Exception:
    """What a GET ends in that gets this answer, or none."""
    script = silent if answer is None else answering(*([answer] if answer else []))
    async with scripted(script) as server, ClientSession() as session:
        with pytest.raises(pronghorn.ClientError) as caught:
            await session.get(server.url(), **options)
    return caught.value


async def test_s332_disconnections() -> None:
    assert bases(
        "DisconnectedError", "ClientDisconnectedError", "ServerDisconnectedError", "WSClientDisconnectedError"
    ) == {
        "DisconnectedError": [],
        "ClientDisconnectedError": ["DisconnectedError"],
        "ServerDisconnectedError": ["DisconnectedError"],
        "WSClientDisconnectedError": ["DisconnectedError", "ClientDisconnectedError"],
    }
    error = await failing(b"")
    assert isinstance(error, errors.ServerDisconnectedError)
    assert isinstance(error, errors.DisconnectedError)
    assert not isinstance(error, errors.ClientDisconnectedError)


async def test_s333_what_can_not_be_parsed() -> None:
    names = "HttpProcessingError BadHttpMessage HttpMethodNotAllowed HttpBadRequest BadStatusLine LineTooLong"
    names += (
        " InvalidHeader ContentEncodingError TransferEncodingError ParserError LineLimitExceededParserError"
    )
    processing, bad = ["HttpProcessingError"], ["HttpProcessingError", "BadHttpMessage"]
    assert bases(*names.split()) == {
        "HttpProcessingError": [],
        "BadHttpMessage": processing,
        "HttpMethodNotAllowed": processing,
        **dict.fromkeys(names.split()[3:9], bad),
        "ParserError": [],
        "LineLimitExceededParserError": ["ParserError"],
    }
    fields = CIMultiDict({"Allow": "GET"})
    made = errors.HttpProcessingError(code=499, message="m", headers=fields)
    assert (made.code, made.message, made.headers) == (499, "m", fields)
    plain = errors.HttpProcessingError()
    assert (plain.code, plain.message, plain.headers, errors.HttpProcessingError.code) == (0, "", None, 0)
    positional: Any = errors.HttpProcessingError
    with pytest.raises(TypeError):
        positional(499)
    for kind, code in {
        errors.BadHttpMessage: 400,
        errors.HttpBadRequest: 400,
        errors.ContentEncodingError: 400,
        errors.TransferEncodingError: 400,
    }.items():
        error = kind("m", headers=fields)
        assert (error.code, error.message, error.headers) == (code, "m", fields)
    assert errors.HttpMethodNotAllowed().code == 405
    assert errors.BadStatusLine().line == ""
    assert errors.BadStatusLine("HTTP/x").line == "HTTP/x"
    assert "Unknown" in errors.LineTooLong("x").message
    assert "8190" in errors.LineTooLong("x", 8190).message
    assert errors.InvalidHeader("a b").hdr == "a b"
    assert errors.LineLimitExceededParserError("m", 8190).limit == 8190
    assert errors.HttpProxyError is pronghorn.ClientHttpProxyError
    assert aliased(
        """
from aiohttp import errors, http_exceptions
names = "HttpProcessingError BadHttpMessage HttpBadRequest BadStatusLine LineTooLong InvalidHeader"
names += " ContentEncodingError TransferEncodingError"
found = {"same": all(getattr(errors, name) is getattr(http_exceptions, name) for name in names.split())}
"""
    ) == {"same": True}


async def test_s334_of_the_client() -> None:
    names = (
        "ClientError ClientHttpProcessingError ClientRequestError ClientResponseError ClientConnectionError"
    )
    names += " ClientOSError ClientTimeoutError ProxyConnectionError FingerprintMismatch InvalidURL"
    found = bases(*names.split())
    for name, base in {
        "ClientHttpProcessingError": "ClientError",
        "ClientRequestError": "ClientHttpProcessingError",
        "ClientResponseError": "ClientHttpProcessingError",
        "ClientConnectionError": "ClientError",
        "ClientOSError": "ClientConnectionError",
        "ClientTimeoutError": "ClientConnectionError",
        "ProxyConnectionError": "ClientConnectionError",
        "FingerprintMismatch": "ClientConnectionError",
    }.items():
        assert base in found[name]
    assert aliased(
        """
from aiohttp import errors
found = {
    "timeout": issubclass(errors.ClientTimeoutError, TimeoutError),
    "os": issubclass(errors.ClientOSError, OSError),
    "today": [errors.ClientError is aiohttp.ClientError, errors.InvalidURL is aiohttp.InvalidURL],
    "handshake": errors.WSServerHandshakeError is aiohttp.WSServerHandshakeError,
}
"""
    ) == {"timeout": True, "os": True, "today": [True, True], "handshake": True}
    assert isinstance(await failing(None, timeout=ClientTimeout(sock_read=0.02)), errors.ClientTimeoutError)
    assert isinstance(await failing(b"garbage\r\n\r\n"), errors.ClientResponseError)
    assert isinstance(await failing(b""), errors.ClientRequestError)
    refused = pronghorn.ClientProxyConnectionError(KEY, ConnectionRefusedError(errno.ECONNREFUSED, "refused"))
    with pytest.raises(errors.ProxyConnectionError):
        raise refused
    mismatch = errors.FingerprintMismatch(b"a", b"b", "example.com", 443)
    assert (mismatch.expected, mismatch.got, mismatch.host, mismatch.port) == (b"a", b"b", "example.com", 443)
    async with ClientSession() as session:
        with pytest.raises(errors.InvalidURL):
            await session.get("http://")


def test_s335_helpers() -> None:
    found = aliased(
        """
import asyncio
import io
from aiohttp import helpers

async def main():
    loop = asyncio.get_running_loop()
    future = helpers.create_future(loop)
    loop.call_soon(future.set_result, 1)
    return [await future, await helpers.ensure_future(asyncio.sleep(0, 2))]

kinds = []
form = helpers.FormData()
for add in (
    lambda: form.add_fields(("a", "1"), ("b", "2")),
    lambda: form.add_field("c", io.BytesIO(b"3"), filename="c"),
):
    add()
    kinds.append([form.is_multipart, form.content_type])
kind, subtype, suffix, parameters = helpers.parse_mimetype("Text/Html+XML; Charset=utf-8")
found = {
    "futures": asyncio.run(main()),
    "form": kinds,
    "same": [helpers.FormData is aiohttp.FormData, helpers.CookieJar is aiohttp.CookieJar],
    "type": [kind, subtype, suffix, dict(parameters)],
    "named": helpers.parse_mimetype("text/html").subtype,
}
"""
    )
    assert found == {
        "futures": [1, 2],
        "form": [
            [False, "application/x-www-form-urlencoded"],
            [True, "multipart/form-data"],
        ],
        "same": [True, True],
        "type": ["text", "html", "xml", {"charset": "utf-8"}],
        "named": "html",
    }
    assert pronghorn.FormData({"a": "1"})().content_type == "application/x-www-form-urlencoded"
    check_refusals("helpers", {"Timeout(1, loop=None)": "asyncio.timeout"})


def test_s336_helpers_that_no_document_names() -> None:
    found = aliased(
        """
import asyncio
import logging
from aiohttp import helpers, web
from aiohttp.test_utils import TestServer

class Once:
    def __init__(self):
        self._cache = {}
        self.count = 0

    @helpers.reify
    def value(self):
        self.count += 1
        return self.count

class Named:
    def __init__(self, name):
        self.name = name

lines = []
logger = logging.getLogger("access")
logger.setLevel(logging.INFO)
logger.handle = lambda record: lines.append(record.getMessage())

async def main():
    async def answer(request):
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_get("/asked", answer)
    logging_options = {
        "access_log": logger,
        "access_log_class": helpers.AccessLogger,
        "access_log_format": '%a %l %u "%r" %s %b "%{Referer}i" "%{User-Agent}i"',
    }
    async with (
        TestServer(app, **logging_options) as server,
        aiohttp.ClientSession(headers={"User-Agent": "me"}) as session,
        session.get(server.make_url("/asked")) as response,
    ):
        await response.read()

asyncio.run(main())
once = Once()
found = {
    "lines": lines,
    "reify": [once.value, once.value],
    "names": [helpers.guess_filename(Named(name), "none") for name in ("/a/b.txt", "<stdin>", 3, None)],
    "default": helpers.guess_filename(object()),
    "addresses": [helpers.is_ip_address(host) for host in ("127.0.0.1", "::1", "example.com", "localhost")],
    "gone": {},
}
for name in ("requote_uri", "unquote_unreserved", "str_to_bytes"):
    try:
        getattr(helpers, name)("a")
    except NotImplementedError as error:
        found["gone"][name] = error.successor
"""
    )
    assert found["lines"] == ['127.0.0.1 - - "GET /asked HTTP/1.1" 200 2 "-" "me"']
    assert found["reify"] == [1, 1]
    assert found["names"] == ["b.txt", "none", "none", "none"]
    assert found["default"] is None
    assert found["addresses"] == [True, True, False, False]
    assert found["gone"] == {
        "requote_uri": "yarl.URL",
        "unquote_unreserved": "yarl.URL",
        "str_to_bytes": "str.encode",
    }


def test_s337_multipart() -> None:
    assert aliased(
        """
import asyncio
import io
import aiohttp.multipart
from aiohttp import multipart, payload, streams
from aiohttp.formdata import FormData

class Sink:
    content = b""

    async def write(self, data):
        self.content += data

async def read(writer):
    sink = Sink()
    await writer.write(sink)
    content = streams.StreamReader()
    content.feed_data(sink.content)
    content.feed_eof()
    found = []
    async for part in multipart.MultipartReader({"Content-Type": writer.content_type}, content):
        assert isinstance(part, multipart.BodyPartReader)
        found.append([part.name, part.filename, await part.text()])
    return found

async def main():
    with multipart.MultipartWriter("mixed") as writer:
        writer.append("text").set_content_disposition("attachment", filename="a.txt")
        writer.append(payload.BytesPayload(b"bytes"))
    form = FormData({"field": "1"})
    form.add_field("file", io.BytesIO(b"content"), filename="b.txt")
    return [await read(writer), await read(form())]

kind, parameters = multipart.parse_content_disposition('attachment; filename="c.txt"')
names = "MultipartReader MultipartWriter BodyPartReader BadContentDispositionHeader"
names += " BadContentDispositionParam parse_content_disposition content_disposition_filename"
wrapper = multipart.MultipartReader.response_wrapper_cls
found = {
    "read": asyncio.run(main()),
    "filename": multipart.content_disposition_filename(parameters),
    "exported": all(getattr(aiohttp, name) is getattr(multipart, name) for name in names.split()),
    "wrapper": wrapper is multipart.MultipartResponseWrapper,
    "payload": issubclass(multipart.MultipartWriter, payload.Payload),
    "dotted": aiohttp.multipart is multipart,
}
"""
    ) == {
        "read": [
            [[None, "a.txt", "text"], [None, None, "bytes"]],
            [["field", None, "1"], ["file", "b.txt", "content"]],
        ],
        "filename": "c.txt",
        **dict.fromkeys(("exported", "wrapper", "payload", "dotted"), True),
    }


def test_s338_parsers() -> None:
    check_refusals(
        "parsers",
        {
            "StreamParser()": "handler",
            "StreamProtocol()": "handler",
            "StreamWriter(None, None, None, None, None)": "StreamResponse.write",
            "ParserBuffer()": "StreamReader.readuntil",
            "LinesParser(8190)": "StreamReader.readline",
            "ChunksParser(size=8192)": "StreamReader.iter_chunked",
        },
    )
    assert aliased(
        """
from aiohttp import parsers, streams

found = {"same": parsers.EofStream is streams.EofStream, "is error": issubclass(streams.EofStream, Exception)}
"""
    ) == {"same": True, "is error": True}


def test_s339_signals() -> None:
    check_refusals(
        "signals",
        dict.fromkeys(("BaseSignal()", "DebugSignal()", "PreSignal()", "PostSignal(None)"), "Signal"),
    )
    assert aliased(
        """
import asyncio
from aiohttp.signals import Signal

async def listen(value):
    found["sent"] = value

found = {}
signal = Signal(None)
signal.append(listen)
asyncio.run(signal.send("told"))
"""
    ) == {"sent": "told"}


def test_s341_wsgi() -> None:
    check_refusals(
        "wsgi",
        {
            "WSGIServerHttpProtocol(print, readpayload=False, is_ssl=False)": "WSGI",
            "FileWrapper(None)": "WSGI",
            "WsgiResponse(None, None)": "WSGI",
        },
    )
