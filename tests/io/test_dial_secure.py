"""What a tunnel leads to is given to a protocol, by TLS or not."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pronghorn.io.dial import Progress, Tls, secure

from ..functional.scripted import PATIENCE, until
from ..tls import expired_context, server_context
from .loopback import Peer, Rude, cancel_everywhere, dial, gone, infos, listening, lost, trusting


async def secured(transport: asyncio.Transport, ours: Peer, tls: Tls | None, progress: Progress) -> Any:
    async with asyncio.timeout(PATIENCE):
        return await secure(transport, ours, tls, progress)


@asynccontextmanager
async def tunnelled(port: int) -> AsyncIterator[asyncio.Transport]:
    """A transport to a port of this machine, as a proxy gives one; closed after the block."""
    transport, _ = await dial(infos(("127.0.0.1", port)), Peer)
    yield transport
    await until(transport.is_closing)


async def test_without_tls() -> None:
    progress, ours = Progress("proxy"), Peer()
    async with listening() as (port, peers), tunnelled(port) as transport:
        assert await secured(transport, ours, None, progress) == (transport, ours)
        assert ours.transport is transport
        transport.write(b"hello")
        await until(lambda: peers and peers[0].received == b"hello")
        peers[0].transport.write(b"you")
        await until(lambda: ours.received == b"you")
        assert progress.phase == "proxy"
        await gone(ours)


async def test_with_tls() -> None:
    progress, ours = Progress("proxy", "somewhere"), Peer()
    async with listening(context=server_context()) as (port, peers), tunnelled(port) as below:
        transport, protocol = await secured(below, ours, trusting(), progress)
        assert protocol is ours
        assert ours.transport is transport
        assert transport.get_extra_info("ssl_object").server_hostname == "localhost"
        transport.write(b"hello")
        await until(lambda: peers and peers[0].received == b"hello")
        peers[0].transport.write(b"you")
        await until(lambda: ours.received == b"you")
        assert str(progress) == "tls, somewhere"
        await gone(ours)


async def test_with_tls_in_tls() -> None:
    """As by a proxy that is spoken to by TLS itself; the inner one is undone here."""
    ours = Peer()
    loop = asyncio.get_running_loop()

    class Server(Peer):
        inner = Peer()

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            # uvloop wants the outer handshake to have ended.
            loop.call_soon(lambda: tasks.append(loop.create_task(self.begin())))

        async def begin(self) -> None:
            await loop.start_tls(self.transport, self.inner, server_context("inner.test"), server_side=True)

    tasks: list[asyncio.Task[None]] = []
    async with listening(context=server_context(), kind=Server) as (port, _):
        below, _ = await dial(infos(("127.0.0.1", port)), Peer, tls=trusting())
        await until(lambda: tasks)
        transport, _ = await secured(below, ours, trusting("inner.test"), Progress())
        transport.write(b"hello")
        await until(lambda: Server.inner.received == b"hello")
        await gone(ours)
        await asyncio.gather(*tasks)
        await until(below.is_closing)


@pytest.mark.parametrize("tls", [None, trusting()], ids=["tcp", "tls"])
async def test_a_way_that_is_closed_leads_nowhere(tls: Tls | None) -> None:
    ours, progress = Peer(), Progress("proxy", "somewhere")
    async with listening() as (port, _), tunnelled(port) as transport:
        transport.close()
        with pytest.raises(ConnectionResetError, match="lost"):
            await secured(transport, ours, tls, progress)
        assert not ours.is_made.is_set()
        assert str(progress) == "proxy, somewhere"


@pytest.mark.parametrize("kind", ["expired", "no TLS", "closed", "reset"])
async def test_tls_that_fails(kind: str) -> None:
    class Leaving(Peer):
        def data_received(self, data: bytes) -> None:
            getattr(self.transport, "close" if kind == "closed" else "abort")()

    context = expired_context() if kind == "expired" else None
    ours, progress = Peer(), Progress("proxy", "somewhere")
    async with (
        listening(context=context, kind=Rude if kind == "no TLS" else Leaving) as (port, peers),
        tunnelled(port) as transport,
    ):
        documented = ssl.SSLError if kind in {"expired", "no TLS"} else ConnectionError
        with pytest.raises(documented):
            await secured(transport, ours, trusting(), progress)
        assert progress.phase == "tls"
        assert not ours.is_made.is_set()
        if kind != "expired":
            await lost(peers[0])


async def test_a_server_that_has_left_before_the_handshake_begins() -> None:
    """Neither loop calls that a failure: there would be a connection that is never lost."""

    class Leaving(Peer):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            transport.close()

    for _ in range(20):
        ours = Peer()
        async with listening(kind=Leaving) as (port, _), tunnelled(port) as transport:
            with pytest.raises(ConnectionError):
                await secured(transport, ours, trusting(), Progress())
            assert not ours.is_made.is_set()


async def test_a_way_that_is_closed_while_tls_is_agreed_on() -> None:
    """Nor that: asyncio gives no transport, and uvloop one that is closed and was never secured."""
    ours = Peer()
    async with listening() as (port, peers), tunnelled(port) as transport:
        task = asyncio.create_task(secured(transport, ours, trusting(), Progress()))
        await until(lambda: peers and peers[0].received)
        transport.abort()
        with pytest.raises(ConnectionResetError, match="while TLS was agreed on"):
            await task
        assert not ours.is_made.is_set()


async def test_an_unexpected_certificate() -> None:
    def check(transport: Any) -> None:
        raise LookupError("another")

    async with listening(context=server_context()) as (port, _), tunnelled(port) as transport:
        with pytest.raises(LookupError, match="another"):
            await secured(transport, Peer(), trusting(check=check), Progress())


async def test_a_server_that_speaks_first() -> None:
    """What it sends with the end of the handshake is not given to a protocol that has no transport yet."""

    class Talking(Peer):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            transport.write(b"first")

    class Listening(Peer):
        def data_received(self, data: bytes) -> None:
            assert self.is_made.is_set()
            super().data_received(data)

    ours = Listening()
    async with listening(context=server_context(), kind=Talking) as (port, _), tunnelled(port) as transport:
        await secured(transport, ours, trusting(), Progress())
        await until(lambda: ours.received == b"first")
        await gone(ours)


@pytest.mark.parametrize("when", ["waiting", "woken"])
async def test_cancelled_at_each_await(when: str) -> None:
    async with listening(context=server_context()) as (port, peers):

        async def call() -> Peer:
            transport, _ = await dial(infos(("127.0.0.1", port)), Peer)
            ours = Peer()
            await secured(transport, ours, trusting(), Progress())
            return ours

        assert await cancel_everywhere(call, gone, when) >= 3
        await until(lambda: all(peer.is_lost.is_set() for peer in peers if peer.is_made.is_set()))
