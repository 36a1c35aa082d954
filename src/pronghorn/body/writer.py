"""Where a body goes, as payloads see it."""

from abc import ABC, abstractmethod
from typing import Any

from multidict import CIMultiDict


class AbstractStreamWriter(ABC):
    """Takes the body of one message; who implements it decides how it travels.

    A payload is given one and calls nothing but `write`. The rest is for those who stand a
    writer of their own under a message.
    """

    #: Bytes that wait to be sent.
    buffer_size: int = 0
    #: Bytes sent so far, framing included.
    output_size: int = 0
    #: Bytes still to be written, None if that is open.
    length: int | None = 0

    @abstractmethod
    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Send ``chunk``, waiting while the peer does not read."""

    @abstractmethod
    async def write_eof(self, chunk: bytes = b"") -> None:
        """Send the last piece and end the body."""

    @abstractmethod
    async def drain(self) -> None:
        """Wait while the peer does not read."""

    @abstractmethod
    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        """Apply a content coding to what follows."""

    @abstractmethod
    def enable_chunking(self) -> None:
        """Send the body in chunks."""

    @abstractmethod
    async def write_headers(self, status_line: str, headers: "CIMultiDict[str]") -> None:
        """Send the head."""

    def send_headers(self) -> None:
        """Send a head that was held back to leave with the body."""

    @property
    def transport(self) -> Any:
        """The transport below, if there is one."""
        return None
