"""Servers that lead on: by target, and with what they were sent kept as it came.

`World` has one for each origin that is asked for.
"""

import base64
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

from pronghorn import BasicAuth, ClientSession, TCPConnector
from pronghorn.abc import AbstractResolver
from pronghorn.io.resolver import ResolveResult

from ..tls import client_context, server_context
from .programs import scripted_tls
from .scripted import OK, Peer, Script, Scripted, scripted

AUTH = BasicAuth("user", "s3cret")
BASIC = AUTH.encode()
#: Each way in which the secret might show.
TRACES = ("s3cret", *(base64.b64encode(b"user:s3cret"[start:])[2:-4].decode() for start in range(3)))
#: What is sent with every request of every test.
PLAIN = {"User-Agent": "x", "Accept": "y", "Accept-Encoding": "z"}

HTTP, HTTPS = "http://a.test", "https://a.test"
#: From one origin to another.
CHANGES = {
    "scheme, up": (HTTP, HTTPS),
    "scheme, down": (HTTPS, HTTP),
    "port": (HTTP, "http://a.test:8080"),
    "port, by TLS": (HTTPS, "https://a.test:8443"),
    "host": (HTTP, "http://b.test"),
    "host, by TLS": (HTTPS, "https://b.test"),
    "host above": ("http://sub.a.test", HTTP),
    "host below": (HTTP, "http://sub.a.test"),
    "dot": (HTTP, "http://a.test."),
    "all": (HTTPS, "http://b.test:8080"),
}


def to(location: str, status: int = 302, *fields: str, body: bytes = b"") -> bytes:
    """A response that leads to ``location``."""
    lines = [f"HTTP/1.1 {status} Moved", f"Location: {location}", *fields, f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Site:
    """Answers by target, with "ok" where nothing else is said."""

    def __init__(self, answers: Mapping[str, bytes] | None = None) -> None:
        #: May change.
        self.answers = dict(answers or {})
        #: Each head as it came.
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.connections = 0

    @property
    def lines(self) -> list[str]:
        """Methods and targets."""
        return [head.split(b" HTTP/")[0].decode() for head in self.heads]

    def fields(self, name: str) -> list[list[str]]:
        """The values of a field, of each request."""
        found = []
        for head in self.heads:
            pairs = (line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:-2])
            found.append([value for given, value in pairs if given.lower() == name.lower()])
        return found

    async def __call__(self, peer: Peer) -> None:
        self.connections += 1
        while True:
            head = await peer.reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            self.bodies.append(await self._body(peer, head))
            await peer.send(self.answers.get(head.split(b" ", 2)[1].decode(), OK))

    async def _body(self, peer: Peer, head: bytes) -> bytes:
        lines = head.lower().split(b"\r\n")
        if b"transfer-encoding: chunked" in lines:
            body = b""
            while size := int(await peer.reader.readuntil(b"\r\n"), 16):
                body += (await peer.reader.readexactly(size + 2))[:-2]
            await peer.reader.readexactly(2)
            return body
        length = [line.split(b": ")[1] for line in lines if line.startswith(b"content-length: ")]
        return await peer.reader.readexactly(int(length[0])) if length else b""


class Places(AbstractResolver):
    """Has each host and port at a port of this machine."""

    def __init__(self, ports: Mapping[tuple[str, int], int] | None = None) -> None:
        #: May change.
        self.ports = dict(ports or {})

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        try:
            place = self.ports[host, port]
        except KeyError:
            raise OSError(f"{host}:{port} is nowhere") from None
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=place, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        pass


# A world of them


def shows(anything: object) -> bool:
    return any(trace in f"{anything!s} {anything!r}" for trace in TRACES)


@dataclass
class World:
    """Sites by their origins, which open when they are asked for."""

    stack: AsyncExitStack
    places: Places = field(default_factory=Places)
    sites: dict[str, Site] = field(default_factory=dict)

    async def site(self, origin: str) -> Site:
        if origin not in self.sites:
            site = self.sites[origin] = Site()
            self.places.ports[place(origin)] = (await self.open(origin, site)).port
        return self.sites[origin]

    async def open(self, origin: str, script: Script) -> Scripted:
        if origin.startswith("https:"):
            names = server_context("a.test", "b.test", "sub.a.test")
            return await self.stack.enter_async_context(scripted_tls(names, script))
        return await self.stack.enter_async_context(scripted(script))

    async def chain(self, here: str, there: str, status: int = 302) -> tuple[Site, Site]:
        """The sites of a chain from ``here`` by ``there`` and back."""
        one, other = await self.site(here), await self.site(there)
        one.answers = {"/start": to("/next", status), "/next": to(f"{there}/middle", status)}
        other.answers = {"/middle": to("/again", status), "/again": to(f"{here}/end", status)}
        return one, other

    def session(self, **options: Any) -> ClientSession:
        options["headers"] = [*PLAIN.items(), *CIMultiDict(options.get("headers", ())).items()]
        connector = TCPConnector(resolver=self.places, ssl=client_context())
        return ClientSession(connector=connector, **options)


def place(origin: str) -> tuple[str, int]:
    url = URL(origin)
    return url.raw_host or "", url.port or 0


@asynccontextmanager
async def a_world() -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        yield World(stack)


def environment(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for scheme in ("http", "https", "all", "no", "ws", "wss"):
        monkeypatch.delenv(f"{scheme}_proxy", raising=False)
        monkeypatch.delenv(f"{scheme}_proxy".upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
