"""What a TCPConnector is told, and says of it; what it does is in tests/functional."""

import hashlib
import socket
import ssl
from types import MappingProxyType
from typing import Any

import pytest
from yarl import URL

from pronghorn import AsyncResolver, Fingerprint, PublicAddressesOnly, TCPConnector, ThreadedResolver
from pronghorn.io.dial import Address

DIGEST = hashlib.sha256(b"a certificate").digest()
PROXY = URL("http://proxy:3128")


def test_defaults() -> None:
    connector = TCPConnector()
    assert (connector.limit, connector.limit_per_host, connector.force_close) == (100, 0, False)
    assert connector.family == socket.AF_UNSPEC
    assert connector.use_dns_cache is connector.dns_cache is True
    assert (connector.verify_ssl, connector.ssl_context, connector.fingerprint) == (True, None, None)
    assert connector.policy is None
    assert isinstance(connector.cached_hosts, MappingProxyType)
    assert not connector.cached_hosts
    assert isinstance(connector._resolver, ThreadedResolver)
    assert connector._ssl is True


def test_what_was_chosen() -> None:
    resolver, policy = AsyncResolver(), PublicAddressesOnly()
    connector = TCPConnector(family=socket.AF_INET6, use_dns_cache=False, resolver=resolver, policy=policy)
    assert connector.family == socket.AF_INET6
    assert connector.use_dns_cache is connector.dns_cache is False
    assert connector.policy is policy
    assert connector._resolver is resolver


@pytest.mark.parametrize(
    ("given", "verifies", "pin"),
    [(True, True, None), (False, False, None), (Fingerprint(DIGEST), False, DIGEST)],
)
def test_ssl(given: Any, verifies: bool, pin: bytes | None) -> None:
    connector = TCPConnector(ssl=given)
    assert (connector.verify_ssl, connector.fingerprint) == (verifies, pin)
    assert connector.ssl_context is None


def test_ssl_context() -> None:
    context = ssl.create_default_context()
    connector = TCPConnector(ssl=context)
    assert connector.ssl_context is context
    assert connector.verify_ssl


def test_older_names_of_ssl() -> None:
    context = ssl.create_default_context()
    with pytest.warns(DeprecationWarning, match="verify_ssl is deprecated"):
        assert TCPConnector(verify_ssl=False)._ssl is False
    with pytest.warns(DeprecationWarning, match="ssl_context is deprecated"):
        assert TCPConnector(ssl_context=context).ssl_context is context
    with pytest.warns(DeprecationWarning, match="fingerprint is deprecated"):
        assert TCPConnector(fingerprint=DIGEST).fingerprint == DIGEST
    with pytest.raises(ValueError, match="mutually exclusive"):
        TCPConnector(verify_ssl=False, ssl_context=context)
    with pytest.raises(ValueError, match="mutually exclusive"):
        TCPConnector(ssl=False, fingerprint=DIGEST)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"family": 99}, ValueError, "family: expected AF_INET, AF_INET6 or 0"),
        ({"resolver": object()}, TypeError, "resolver: expected an AbstractResolver"),
        ({"policy": object()}, TypeError, "policy: expected an AddressPolicy"),
        ({"ssl": "yes"}, TypeError, "ssl: expected an SSLContext, a bool or a Fingerprint"),
        ({"proxy_ssl": "yes"}, TypeError, "ssl: expected an SSLContext, a bool or a Fingerprint"),
        ({"fingerprint": b"short"}, ValueError, "expected the 32 bytes of a SHA-256"),
        ({"ttl_dns_cache": -1}, ValueError, "expected None or a number not below 0"),
        ({"limit": -1}, ValueError, "limit: expected"),
        ({"keepalive_timeout": 5, "force_close": True}, ValueError, "keepalive_timeout and force_close"),
    ],
)
@pytest.mark.filterwarnings("ignore:fingerprint is deprecated:DeprecationWarning")
def test_what_can_not_be_chosen(options: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        TCPConnector(**options)


@pytest.mark.parametrize(
    ("address", "has_policy", "tunnels"),
    [
        (Address("h", 80), False, False),
        (Address("h", 443, is_ssl=True), False, False),
        (Address("h", 80, proxy=PROXY), False, False),
        (Address("h", 443, is_ssl=True, proxy=PROXY), False, True),
        (Address("h", 80, proxy=PROXY), True, True),
        (Address("h", 80, proxy=URL("socks5h://proxy")), False, True),
    ],
)
def test_tunnels(address: Address, has_policy: bool, tunnels: bool) -> None:
    connector = TCPConnector(policy=PublicAddressesOnly() if has_policy else None)
    assert connector.tunnels(address) is tunnels


def test_clear_dns_cache() -> None:
    connector = TCPConnector()
    connector.clear_dns_cache()
    connector.clear_dns_cache("host", 80)
    with pytest.raises(ValueError, match="host and port: expected both or neither"):
        connector.clear_dns_cache("host")


async def test_what_has_no_meaning_any_more_is_accepted() -> None:
    async with TCPConnector(enable_cleanup_closed=True, timeout_ceil_threshold=1, loop=None) as connector:
        assert not connector.closed
    assert connector.closed
