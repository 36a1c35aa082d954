"""A resolver that answers when it may, a listener that remembers, and addresses as they are said."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pronghorn.io.resolver import AbstractResolver, AddressInfo, ResolveResult

NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


def result(address: str, port: int = 80, hostname: str = "a.test") -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=hostname, host=address, port=port, family=family, proto=socket.IPPROTO_TCP, flags=NUMERIC
    )


def info(address: str, port: int = 80, scope: int = 0) -> AddressInfo:
    """What `socket.getaddrinfo` gives for an address."""
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, scope)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)


def hosts(infos: Sequence[AddressInfo]) -> list[str]:
    return [sockaddr[0] for *_, sockaddr in infos]


class Table(AbstractResolver):
    """Knows every host; waits until it may answer, if it is told to."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses or ("192.0.2.1",)
        self.asked: list[tuple[str, int, int]] = []
        self.cancelled = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        #: Is returned as it is, or raised.
        self.answer: Any = None
        #: Goes on when it is cancelled.
        self.is_stubborn = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append((host, port, family))
        while not self.may_answer.is_set():
            try:
                await self.may_answer.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                if not self.is_stubborn:
                    raise
        if isinstance(self.answer, BaseException):
            raise self.answer
        if self.answer is not None:
            found: list[ResolveResult] = self.answer
            return found
        return [result(address, port, host) for address in self.addresses]

    async def close(self) -> None:
        raise RuntimeError("it is not the cache's")


class Heard:
    """A listener that remembers what it hears, and does what it is told at one event."""

    def __init__(self, at: str = "", do: Callable[[], Awaitable[object]] | None = None) -> None:
        self.events: list[str] = []
        self._at = at
        self._do = do

    async def _hear(self, event: str) -> None:
        self.events.append(event)
        if event == self._at and self._do is not None:
            await self._do()

    async def hit(self) -> None:
        await self._hear("hit")

    async def miss(self) -> None:
        await self._hear("miss")

    async def start(self) -> None:
        await self._hear("start")

    async def end(self) -> None:
        await self._hear("end")
