"""From the name of a host to its addresses."""

import socket
from abc import ABC, abstractmethod
from typing import TypedDict


class ResolveResult(TypedDict):
    """One address."""

    #: The name that was asked for.
    hostname: str
    #: The address, as text.
    host: str
    port: int
    #: ``socket.AF_INET`` or ``socket.AF_INET6``.
    family: int
    proto: int
    #: ``socket.AI_*``
    flags: int


class AbstractResolver(ABC):
    """Finds the addresses of hosts."""

    @abstractmethod
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of ``host``, best first, each with ``port``; OSError if there is none."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of whatever is held."""
