import socket

import pytest

from pronghorn.testing import get_port_socket, get_unused_port_socket, unused_port

INET, INET6 = socket.AddressFamily.AF_INET, socket.AddressFamily.AF_INET6


def test_a_port_that_nobody_listens_on() -> None:
    port = unused_port()
    assert 0 < port < 65536
    with socket.create_server(("127.0.0.1", port)) as server:
        assert server.getsockname()[1] == port


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", INET), ("::1", INET6)])
def test_a_socket_of_a_free_port(host: str, family: socket.AddressFamily) -> None:
    with get_unused_port_socket(host, family) as sock, get_unused_port_socket(host, family) as other:
        assert sock.getsockname()[0] == host
        assert 0 != sock.getsockname()[1] != other.getsockname()[1]
        assert (sock.family, sock.type) == (family, socket.SOCK_STREAM)


def test_a_socket_of_that_port() -> None:
    port = unused_port()
    with get_port_socket("127.0.0.1", port, INET) as sock:
        assert sock.getsockname() == ("127.0.0.1", port)


def test_a_port_again_right_after_its_connections() -> None:
    """A server that has closed a connection leaves its port waiting, which a test need not."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(server.getsockname()), server.accept()[0]:
            pass
    with get_port_socket("127.0.0.1", port, INET) as sock:
        sock.listen()


def test_a_port_that_is_taken() -> None:
    """It raises, and leaves no socket open, which would warn."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(OSError, match="in use"),
    ):
        get_port_socket("127.0.0.1", server.getsockname()[1], INET)
