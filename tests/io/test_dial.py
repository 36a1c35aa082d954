"""Real sockets on the loopback interface."""

import asyncio
import errno
import socket
import ssl
from typing import Any

import pytest
from yarl import URL

from pronghorn.io.dial import Address, Dialling, Progress, Tls, TunnelledAddress
from pronghorn.io.resolver import AddressInfo

from ..functional.scripted import turns, until
from ..tls import expired_context, server_context
from .loopback import (
    BlackHole,
    Peer,
    Rude,
    Sockets,
    cancel_everywhere,
    dial,
    free_port,
    gone,
    has_ipv6,
    infos,
    listening,
    lost,
    trusting,
)

# One address


@pytest.mark.parametrize("address", ["127.0.0.1", *(["::1"] if has_ipv6() else [])])
async def test_the_protocol_gets_a_connected_transport(address: str) -> None:
    progress = Progress()
    async with listening(address) as (port, peers):
        transport, ours = await dial(infos((address, port)), Peer, progress=progress)
        assert ours.transport is transport
        assert transport.get_extra_info("peername")[:2] == (address, port)
        assert str(progress) == (f"connect, [::1]:{port}" if ":" in address else f"connect, 127.0.0.1:{port}")
        transport.write(b"hello")
        transport.close()
        await lost(ours)
        await until(lambda: peers)
        await lost(peers[0])
        assert bytes(peers[0].received) == b"hello"


@pytest.mark.parametrize("tls", [None, trusting()], ids=["tcp", "tls"])
async def test_small_writes_are_not_held_back(tls: Tls | None) -> None:
    async with listening(context=server_context() if tls else None) as (port, _):
        # The protocol number is 0, as resolvers may say: asyncio sets it for that of TCP alone.
        dialling = Dialling(socket_factory=Sockets())
        transport, ours = await dial(infos(("127.0.0.1", port)), Peer, tls=tls, dialling=dialling)
        sock = transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await gone(ours)


async def test_nobody_listens() -> None:
    progress = Progress()
    port = free_port()
    with pytest.raises(ConnectionRefusedError):
        await dial(infos(("127.0.0.1", port)), pytest.fail, progress=progress)
    assert str(progress) == f"connect, 127.0.0.1:{port}"


async def test_there_is_no_address() -> None:
    progress = Progress()
    with pytest.raises(OSError, match="no address") as caught:
        await dial([], Peer, progress=progress)
    assert caught.value.errno == errno.EADDRNOTAVAIL
    assert str(progress) == "connect"


async def test_a_protocol_that_cannot_be_made_leaves_no_socket() -> None:
    """An unclosed socket would be a ResourceWarning, which fails the test."""

    def fail() -> Peer:
        raise LookupError("no protocol")

    async with listening() as (port, peers):
        with pytest.raises(LookupError):
            await dial(infos(("127.0.0.1", port)), fail)
        await until(lambda: peers)
        await lost(peers[0])


# Several addresses


async def test_every_address_is_tried() -> None:
    """The first answers no one, the second is the one."""
    progress = Progress()
    async with listening() as (port, _):
        _, ours = await dial(infos(("127.0.0.1", free_port()), ("127.0.0.1", port)), Peer, progress=progress)
        assert ours.transport.get_extra_info("peername")[1] == port
        assert progress.peer == f"127.0.0.1:{port}"
        await gone(ours)


async def test_where_none_answers_the_first_four_are_named() -> None:
    ports = [free_port() for _ in range(6)]
    progress = Progress()
    with pytest.raises(OSError, match=str(ports[5])):
        await dial(infos(*(("127.0.0.1", port) for port in ports)), Peer, progress=progress)
    assert progress == Progress("connect", ", ".join(f"127.0.0.1:{port}" for port in ports[:4]))


@pytest.mark.parametrize("kind", ["expired", "no TLS", "closed"])
async def test_tls_fails_with_the_first_and_works_with_the_second(kind: str) -> None:
    class Leaving(Peer):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            transport.close()

    bad = {
        "expired": listening(context=expired_context()),
        "no TLS": listening(kind=Rude),
        "closed": listening(kind=Leaving),
    }
    progress = Progress()
    async with bad[kind] as (first, _), listening(context=server_context()) as (second, peers):
        transport, ours = await dial(
            infos(("127.0.0.1", first), ("127.0.0.1", second)), Peer, tls=trusting(), progress=progress
        )
        assert transport.get_extra_info("ssl_object").version().startswith("TLS")
        transport.write(b"hello")
        await until(lambda: peers and peers[0].received == b"hello")
        assert str(progress) == f"tls, 127.0.0.1:{second}"
        await gone(ours)


@pytest.mark.parametrize("is_first", [True, False])
async def test_an_error_of_tls_tells_more_than_one_of_connecting(is_first: bool) -> None:
    progress = Progress()
    async with listening(context=expired_context()) as (port, _):
        addresses = infos(("127.0.0.1", port), ("127.0.0.1", free_port()))
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            await dial(addresses[:: 1 if is_first else -1], Peer, tls=trusting(), progress=progress)
        assert str(progress) == f"tls, 127.0.0.1:{port}"


async def test_the_first_error_of_tls_is_told() -> None:
    progress = Progress()
    async with listening(kind=Rude) as (first, _), listening(context=expired_context()) as (second, _):
        with pytest.raises(ssl.SSLError) as caught:
            await dial(
                infos(("127.0.0.1", first), ("127.0.0.1", second)), Peer, tls=trusting(), progress=progress
            )
        assert not isinstance(caught.value, ssl.SSLCertVerificationError)
        assert progress.peer == f"127.0.0.1:{first}"


class Unexpected(Exception):
    """Raised by a check."""


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_an_unexpected_certificate_is_told_whatever_else_fails(place: int) -> None:
    def check(transport: Any) -> None:
        raise Unexpected(transport.get_extra_info("peername")[1])

    progress, sockets = Progress(), Sockets()
    async with (
        listening(context=server_context()) as (port, peers),
        listening(context=expired_context()) as (expired, _),
    ):
        ports = [free_port(), expired]
        ports.insert(place, port)
        with pytest.raises(Unexpected) as caught:
            await dial(
                infos(*(("127.0.0.1", each) for each in ports)),
                Peer,
                tls=trusting(check=check),
                progress=progress,
                dialling=Dialling(socket_factory=sockets),
            )
        assert caught.value.args == (port,)
        assert str(progress) == f"tls, 127.0.0.1:{port}"
        await until(lambda: not sockets.open)
        assert not peers[0].received


async def test_an_unexpected_certificate_is_survived_where_another_is_expected() -> None:
    async with (
        listening(context=server_context()) as (first, _),
        listening(context=server_context()) as (second, _),
    ):

        def check(transport: Any) -> None:
            if transport.get_extra_info("peername")[1] == first:
                raise Unexpected

        transport, ours = await dial(
            infos(("127.0.0.1", first), ("127.0.0.1", second)), Peer, tls=trusting(check=check)
        )
        assert transport.get_extra_info("peername")[1] == second
        await gone(ours)


@pytest.mark.parametrize("tls", [None, trusting()], ids=["tcp", "tls"])
async def test_nothing_is_sent_to_who_is_not_admitted(tls: Tls | None) -> None:
    seen: list[tuple[Any, ...]] = []

    def admit(peer: tuple[Any, ...]) -> None:
        seen.append(peer)
        raise PermissionError(errno.EACCES, "not you")

    progress = Progress()
    async with listening() as (port, peers):
        with pytest.raises(PermissionError, match="not you"):
            await dial(infos(("0.0.0.0", port)), Peer, tls=tls, admit=admit, progress=progress)
        assert seen == [("127.0.0.1", port)], "it is asked of what was connected to"
        assert str(progress) == f"connect, 127.0.0.1:{port}"
        await until(lambda: peers)
        await lost(peers[0])
        assert not peers[0].received


async def test_who_is_admitted_is_tried_after_who_is_not() -> None:
    async with listening() as (first, _), listening() as (second, _):

        def admit(peer: tuple[Any, ...]) -> None:
            if peer[1] == first:
                raise PermissionError(errno.EACCES, "not you")

        _, ours = await dial(infos(("127.0.0.1", first), ("127.0.0.1", second)), Peer, admit=admit)
        assert ours.transport.get_extra_info("peername")[1] == second
        await gone(ours)


async def test_an_address_that_leads_elsewhere_is_tried_once() -> None:
    """0.0.0.0 is this host: what is connected to is another address, which is not in the list."""
    async with listening(kind=Rude) as (port, peers):
        with pytest.raises(ssl.SSLError):
            await dial(infos(("0.0.0.0", port)), Peer, tls=trusting())
        assert len(peers) == 1


class Resetting(socket.socket):
    """As one that the peer resets as soon as it is connected."""

    def getpeername(self) -> Any:
        raise OSError(errno.ENOTCONN, "not connected")


async def test_a_socket_that_is_reset_at_once_is_no_connection() -> None:
    async with listening() as (first, _), listening() as (second, _):
        made: list[socket.socket] = []

        def make(info: AddressInfo) -> socket.socket:
            made.append(Resetting() if info[4][1] == first else socket.socket())
            return made[-1]

        dialling = Dialling(socket_factory=make)
        addresses = infos(("127.0.0.1", first), ("127.0.0.1", second))
        _, ours = await dial(addresses, Peer, dialling=dialling)
        assert ours.transport.get_extra_info("peername")[1] == second
        assert made[0].fileno() == -1
        await gone(ours)
        with pytest.raises(OSError, match="not connected"):
            await dial(addresses[:1], Peer, dialling=dialling)
        assert made[-1].fileno() == -1


# How sockets are made


async def test_a_socket_is_bound_to_an_address_of_ours() -> None:
    own = free_port()
    async with listening() as (port, peers):
        _, ours = await dial(
            infos(("127.0.0.1", port)), Peer, dialling=Dialling(local=infos(("127.0.0.1", own)))
        )
        await until(lambda: peers)
        assert peers[0].transport.get_extra_info("peername") == ("127.0.0.1", own)
        await gone(ours)


async def test_no_address_of_ours_is_of_that_family() -> None:
    with pytest.raises(OSError, match="no matching local address"):
        await dial(infos(("127.0.0.1", 1)), Peer, dialling=Dialling(local=infos(("::1", 0))))


async def test_sockets_are_made_by_the_factory() -> None:
    sockets = Sockets()
    async with listening() as (port, _):
        address = infos(("127.0.0.1", port))
        transport, ours = await dial(address, Peer, dialling=Dialling(socket_factory=sockets))
        assert sockets.asked == address
        assert transport.get_extra_info("sockname") == sockets.made[0].getsockname()
        await gone(ours)


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "too many"), LookupError("mine")])
async def test_a_factory_that_fails(error: Exception) -> None:
    def fail(info: AddressInfo) -> socket.socket:
        raise error

    with pytest.raises(type(error)) as caught:
        await dial(infos(("127.0.0.1", 1)), Peer, dialling=Dialling(socket_factory=fail))
    assert caught.value is error


async def unreachable(sock: socket.socket, address: Any) -> None:
    raise OSError(errno.EHOSTUNREACH, "unreachable")


@pytest.mark.parametrize(
    ("delay", "interleave", "order"),
    [
        (None, None, "4a 4b 4c 6a 6b"),
        (None, 1, "4a 6a 4b 6b 4c"),
        (None, 2, "4a 4b 6a 4c 6b"),
        (0.001, None, "4a 6a 4b 6b 4c"),
        (0.001, 2, "4a 4b 6a 4c 6b"),
    ],
)
async def test_families_take_turns(
    delay: float | None, interleave: int | None, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", unreachable)
    sockets = Sockets()
    hosts = ["192.0.2.10", "192.0.2.11", "192.0.2.12", "2001:db8::10", "2001:db8::11"]
    named = dict(zip(hosts, ["4a", "4b", "4c", "6a", "6b"], strict=True))
    with pytest.raises(OSError, match="unreachable"):
        await dial(
            infos(*((host, 80) for host in hosts)),
            Peer,
            dialling=Dialling(delay=delay, interleave=interleave, socket_factory=sockets),
        )
    assert " ".join(named[info[4][0]] for info in sockets.asked) == order
    assert not sockets.open


async def test_an_address_that_nothing_comes_back_from_is_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as (port, _):
        hole = BlackHole(1, monkeypatch)
        sockets = Sockets()
        _, ours = await dial(
            infos(("127.0.0.1", 1), ("127.0.0.1", port)),
            Peer,
            dialling=Dialling(delay=0.01, socket_factory=sockets),
        )
        assert hole.tried == [1, port]
        assert sockets.made[0].fileno() == -1
        assert len(asyncio.all_tasks()) == 1
        await gone(ours)


async def test_without_a_delay_nobody_is_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as (port, _):
        hole = BlackHole(1, monkeypatch)
        sockets = Sockets()
        dialled = dial(
            infos(("127.0.0.1", 1), ("127.0.0.1", port)),
            Peer,
            dialling=Dialling(delay=None, socket_factory=sockets),
        )
        task = asyncio.create_task(dialled)
        await until(lambda: hole.tried)
        await turns(10)
        assert hole.tried == [1]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not sockets.open


# Cancelled


@pytest.mark.parametrize("when", ["waiting", "woken"])
@pytest.mark.parametrize("tls", [None, trusting()], ids=["tcp", "tls"])
@pytest.mark.parametrize("count", [1, 3], ids=["one address", "after dead ones"])
async def test_cancelled_at_each_await(count: int, tls: Tls | None, when: str) -> None:
    async with listening(context=server_context() if tls else None) as (port, peers):
        addresses = infos(*(("127.0.0.1", free_port()) for _ in range(count - 1)), ("127.0.0.1", port))
        sockets = Sockets()
        dialling = Dialling(socket_factory=sockets)
        steps = await cancel_everywhere(
            lambda: dial(addresses, Peer, dialling=dialling, tls=tls), lambda result: gone(result[1]), when
        )
        assert steps >= 2
        assert sockets.made
        assert not sockets.open
        await until(lambda: all(peer.is_lost.is_set() for peer in peers if peer.is_made.is_set()))


# The key of a connection


def test_the_whole_address_is_the_key() -> None:
    address = Address("a", 80)
    assert address == Address("a", 80, False, True, None, None, None, None)
    other: dict[str, Any] = {
        "host": "b",
        "port": 81,
        "is_ssl": True,
        "ssl": False,
        "proxy": "p",
        "proxy_auth": "x",
        "proxy_headers_hash": 1,
        "server_hostname": "c",
    }
    assert set(other) == set(Address._fields)
    assert len({address, *(address._replace(**{name: value}) for name, value in other.items())}) == 9


def test_progress_says_where_it_stands() -> None:
    assert str(Progress()) == "dns"
    assert str(Progress("connect", "192.0.2.1:80")) == "connect, 192.0.2.1:80"


def test_a_tunnel_is_shared_with_no_forwarded_request() -> None:
    plain = Address("here", 80, proxy=URL("http://proxy"))
    tunnelled = TunnelledAddress(*plain)
    assert plain != tunnelled
    assert tunnelled != plain
    assert tunnelled == TunnelledAddress(*plain)
    assert tunnelled != TunnelledAddress(*plain._replace(port=81))
    assert len({plain, tunnelled, TunnelledAddress(*plain)}) == 2
    assert isinstance(tunnelled._replace(port=81), TunnelledAddress)
