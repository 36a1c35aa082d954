"""Ports of this machine that nobody listens on, and sockets bound to them."""

import os
import socket
import sys
from typing import Final

#: Where this only skips the wait for old connections: on Windows two sockets can share an address by it.
REUSE_ADDRESS: Final = os.name == "posix" and sys.platform != "cygwin"


def unused_port() -> int:
    """A port that nobody listened on a moment ago; whoever binds it first has it.

    A socket of `get_unused_port_socket` can't be taken away in between.
    """
    with get_unused_port_socket("127.0.0.1") as sock:
        port: int = sock.getsockname()[1]
        return port


def get_unused_port_socket(
    host: str, family: socket.AddressFamily = socket.AddressFamily.AF_INET
) -> socket.socket:
    """A stream socket that is bound to ``host`` and a free port."""
    return get_port_socket(host, 0, family)


def get_port_socket(host: str, port: int, family: socket.AddressFamily) -> socket.socket:
    """A stream socket that is bound to ``host`` and ``port``, 0 being a free one; OSError if it is taken."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if REUSE_ADDRESS:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock
