"""What is told of connections that were not made: by when, and why not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ssl import CertificateError, SSLError
from typing import Final

from ..io.dial import Address, Progress
from ..io.policy import PolicyError
from .errors import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorPolicyError,
    ClientConnectorSSLError,
    ConnectionTimeoutError,
)
from .outgoing import ClientRequest


@asynccontextmanager
async def in_time(
    request: ClientRequest,
    seconds: float | None,
    name: str = "sock_connect",
    kind: type[TimeoutError] = ConnectionTimeoutError,
    passed: float = 0.0,
) -> AsyncIterator[None]:
    """Bound what is done for the connection of a request; ``kind`` says what ran out, and at what."""
    deadline = asyncio.timeout(None if seconds is None else seconds - passed)
    try:
        async with deadline:
            yield
    except TimeoutError as error:
        if not deadline.expired() or isinstance(error, ConnectionTimeoutError):
            raise
        address = request.address
        raise kind(
            f"No connection to {address.host}:{address.port} within {seconds} s ({name}): {request.progress}"
        ) from error


def connector_error(
    address: Address,
    error: OSError,
    progress: Progress,
    kind: Callable[[Address, OSError], ClientConnectorError] = ClientConnectorError,
) -> ClientConnectorError:
    """The documented error for what went wrong on the way to ``address``: ``kind``, if no other is."""
    for cause, documented in _DOCUMENTED:
        if isinstance(error, cause):
            kind = documented
            break
    failure = kind(address, error)
    failure.phase, failure.peer = progress.phase, progress.peer
    return failure


_DOCUMENTED: Final[tuple[tuple[type[OSError], type[ClientConnectorError]], ...]] = (
    (CertificateError, ClientConnectorCertificateError),
    (SSLError, ClientConnectorSSLError),
    (PolicyError, ClientConnectorPolicyError),
)
