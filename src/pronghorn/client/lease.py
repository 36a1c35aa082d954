"""`Connection`: a connection that is lent to whoever asked the connector for it."""

import asyncio
import warnings
from collections.abc import Callable
from typing import Any, final

from ..io.dial import Address
from ..io.tls import TlsReader
from .connection import ClientConnection, Keeper
from .protocol import ResponseHandler


@final
class Connection:
    """A connection of a connector, until it is released, closed or detached."""

    __slots__ = ("_callbacks", "_key", "_loop", "_protocol")

    def __init__(
        self, connector: Keeper, key: Address, protocol: ResponseHandler, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._key = key
        self._protocol: ResponseHandler | None = protocol
        self._loop = loop
        self._callbacks: list[Callable[[], object]] = []
        protocol.connection.hold()

    def __repr__(self) -> str:
        return f"<Connection {'closed' if self.closed else 'open'} {self._key.host}:{self._key.port}>"

    def __del__(self, _warn: Any = warnings.warn) -> None:
        if getattr(self, "_protocol", None) is not None:
            unclosed = repr(self)
            if not self._loop.is_closed():
                self.close()
            _warn(f"Unclosed connection {unclosed}", ResourceWarning, source=self)

    @property
    def closed(self) -> bool:
        """It was released, closed or detached, or it was lost."""
        return self.transport is None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that it belongs to. Deprecated: use `asyncio.get_running_loop`."""
        warnings.warn(
            "Connection.loop is deprecated: use asyncio.get_running_loop()", DeprecationWarning, stacklevel=2
        )
        return self._loop

    @property
    def transport(self) -> asyncio.Transport | None:
        """What the bytes go over; None when it is closed."""
        transport = None if self._protocol is None else self._protocol.transport
        # Not `is_lost`: a transport that was given another protocol does not tell ours.
        return None if transport is None or transport.is_closing() else transport

    @property
    def protocol(self) -> ResponseHandler | None:
        """What the event loop sees; None when it is released, closed or detached."""
        return self._protocol

    def add_callback(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` when it is released, closed or detached."""
        self._callbacks.append(callback)

    def close(self) -> None:
        """Close the transport; what has not left is lost."""
        self._hand_back(ClientConnection.abandon)

    def release(self) -> None:
        """Let others use it; it is closed if it was used for something else than whole requests."""
        self._hand_back(ClientConnection.give_up_hold)

    def detach(self) -> asyncio.Transport | None:
        """Take the transport, which nobody closes any more but the caller; its place in the pool is free.

        Give it a protocol (``set_protocol``) at once: nobody expects what comes before that, which ends it.
        """
        if (protocol := self._end()) is None:
            return None
        protocol.connection.leave()
        self._tell()
        return protocol.transport

    def _hand_back(self, end: Callable[[ClientConnection], None]) -> None:
        if (protocol := self._end()) is not None:
            if is_told(protocol):
                end(protocol.connection)
            else:
                give_up(protocol)
            self._tell()

    def _end(self) -> ResponseHandler | None:
        protocol, self._protocol = self._protocol, None
        return protocol

    def _tell(self) -> None:
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - it is nothing to who gives a connection back
                self._loop.call_exception_handler(
                    {"message": f"A callback of {self!r} failed", "exception": error}
                )


def is_told(protocol: ResponseHandler) -> bool:
    """Its transport tells it what happens, and not another protocol that a user has set."""
    transport = protocol.transport
    try:
        told = None if transport is None else transport.get_protocol()
    except NotImplementedError:  # a transport that can't be given another
        return True
    except AttributeError:  # asyncio's own for TLS forgets its protocol when it is closed a second time
        return False
    return (told.protocol if isinstance(told, TlsReader) else told) is protocol


def give_up(protocol: ResponseHandler) -> None:
    """Close a transport that does not tell ``protocol``, which will not learn of its loss."""
    protocol.connection.leave()
    if protocol.transport is not None and not protocol.transport.is_closing():
        protocol.transport.abort()
