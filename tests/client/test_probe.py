import asyncio
import socket

from pronghorn.client.probe import Probe


class Transport(asyncio.BaseTransport):
    """A transport that has a socket, or none."""

    def __init__(self, sock: socket.socket | None) -> None:
        super().__init__({"socket": sock})


def test_what_waits_to_be_read() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        probe = Probe(Transport(ours))
        assert not probe.is_readable()
        theirs.send(b"x")
        assert probe.is_readable()
        assert probe.is_readable(), "it takes nothing"
        ours.recv(1)
        assert not probe.is_readable()


def test_the_end() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        probe = Probe(Transport(ours))
        theirs.close()
        assert probe.is_readable()


def test_there_is_no_socket() -> None:
    assert not Probe(Transport(None)).is_readable()
