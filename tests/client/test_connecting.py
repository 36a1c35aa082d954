"""What is told of connections that were not made."""

import asyncio
import errno
import ssl
from typing import Any

import pytest
from yarl import URL

from pronghorn import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorPolicyError,
    ClientConnectorSSLError,
    ClientProxyConnectionError,
    ConnectionTimeoutError,
    PoolTimeoutError,
)
from pronghorn.client.connecting import connector_error, in_time
from pronghorn.client.outgoing import ClientRequest
from pronghorn.io.dial import Address, Progress
from pronghorn.io.policy import PolicyError

ADDRESS = Address("here", 443, is_ssl=True)


def request(progress: Progress) -> ClientRequest:
    made = ClientRequest("GET", URL("https://here/"))
    made.progress = progress
    return made


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("sock_connect", ConnectionTimeoutError, {}),
        ("pool", PoolTimeoutError, {"name": "pool", "kind": PoolTimeoutError}),
        ("total", TimeoutError, {"name": "total", "kind": TimeoutError}),
    ],
)
async def test_in_time(name: str, kind: type[Exception], options: dict[str, Any]) -> None:
    progress = Progress("dns")

    async def wait() -> None:
        async with in_time(request(progress), 0.001, **options):
            progress.phase, progress.peer = "tls", "127.0.0.1:443"
            await asyncio.Event().wait()

    with pytest.raises(kind) as caught:
        await wait()
    assert type(caught.value) is kind
    assert str(caught.value) == f"No connection to here:443 within 0.001 s ({name}): tls, 127.0.0.1:443"


async def test_what_has_passed_counts() -> None:
    with pytest.raises(ConnectionTimeoutError, match="within 60 s"):
        async with in_time(request(Progress("pool")), 60, passed=60):
            await asyncio.Event().wait()


async def test_no_limit() -> None:
    async with in_time(request(Progress()), None):
        await asyncio.sleep(0)


async def test_the_inner_one_tells() -> None:
    with pytest.raises(PoolTimeoutError):
        async with in_time(request(Progress()), 0.001):
            raise PoolTimeoutError("the inner one")


async def test_other_timeouts_stay_what_they_are() -> None:
    error = TimeoutError("somebody else's")
    with pytest.raises(TimeoutError) as caught:
        async with in_time(request(Progress()), 60):
            raise error
    assert caught.value is error


async def test_cancelled() -> None:
    async def wait() -> None:
        async with in_time(request(Progress()), 60):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), ClientConnectorError),
        (TimeoutError("a resolver's"), ClientConnectorError),
        (ssl.SSLError(1, "wrong version"), ClientConnectorSSLError),
        (ssl.SSLCertVerificationError(1, "self-signed"), ClientConnectorCertificateError),
        (PolicyError("here", "10.0.0.1", 443, "private"), ClientConnectorPolicyError),
    ],
)
def test_documented_errors(error: OSError, kind: type[ClientConnectorError]) -> None:
    told = connector_error(ADDRESS, error, Progress("tls", "10.0.0.1:443"))
    assert type(told) is kind
    assert (told.host, told.port, told.os_error) == ("here", 443, error)
    assert (told.phase, told.peer) == ("tls", "10.0.0.1:443")
    assert str(told).endswith(" (tls, 10.0.0.1:443)")


def test_a_kind_of_ones_own_is_for_what_has_none() -> None:
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
    told = connector_error(ADDRESS, refused, Progress("connect"), ClientProxyConnectionError)
    assert type(told) is ClientProxyConnectionError
    told = connector_error(ADDRESS, ssl.SSLError(1, "no"), Progress("tls"), ClientProxyConnectionError)
    assert type(told) is ClientConnectorSSLError
