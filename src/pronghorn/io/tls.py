"""The TLS contexts of clients that bring none of their own: made once, and off the loop.

Reading the system's certificates takes tens of milliseconds. Both contexts honour SSLKEYLOGFILE, and
offer by ALPN what is spoken here (RFC 7301).
"""

import asyncio
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Generic, TypeVar

_ALPN: Final = ("http/1.1",)
ProtocolT = TypeVar("ProtocolT", bound=asyncio.Protocol)
#: More than the largest record (RFC 8446 section 5.1).
_ROOM: Final = 64 * 1024
_made: dict[bool, ssl.SSLContext] = {}
_making: Final = threading.Lock()


def _make(is_verified: bool) -> ssl.SSLContext:
    with _making:
        if is_verified not in _made:
            context = ssl.create_default_context()
            if not is_verified:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(_ALPN)
            _made[is_verified] = context
        return _made[is_verified]


async def shared_context(is_verified: bool) -> ssl.SSLContext:
    """The context that verifies servers by the system's trust, or the one that takes any certificate.

    SSL_CERT_FILE, SSL_CERT_DIR and SSLKEYLOGFILE count as they are at the first use.
    """
    context = _made.get(is_verified)
    if context is not None:
        return context
    # A thread of its own: the loop's executor may be full of what its user does.
    executor = ThreadPoolExecutor(1, "pronghorn-tls")
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, _make, is_verified)
    finally:
        executor.shutdown(wait=False)


class _Room(threading.local):
    """Where a thread's connections are read into, one at a time."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(_ROOM))


_room: Final = _Room()


class TlsReader(asyncio.BufferedProtocol, Generic[ProtocolT]):
    """Stands between TLS and ``protocol``, and reads into room that is there already.

    For each read of a plain protocol, event loops have 256 KiB allocated, and give most of it back. With
    uvloop that is 24 of the 60 us that a GET costs, most of them in the kernel for pages. OpenSSL decrypts
    without the interpreter's lock, so the room is the thread's own.
    """

    __slots__ = ("protocol",)

    def __init__(self, protocol: ProtocolT) -> None:
        #: What the bytes are given to.
        self.protocol = protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.protocol.connection_made(transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return _room.view

    def buffer_updated(self, nbytes: int) -> None:
        self.protocol.data_received(bytes(_room.view[:nbytes]))

    def eof_received(self) -> bool | None:
        return self.protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        self.protocol.resume_writing()
