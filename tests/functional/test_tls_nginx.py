"""TLS with nginx: a server that many people know, written by others."""

import asyncio
import hashlib
import os
import select
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from pronghorn import (
    ClientConnectorCertificateError,
    ClientConnectorSSLError,
    ClientSession,
    TCPConnector,
)

from ..tls import authority, certificate, client_context, known_client_context
from .listening import text
from .programs import Names, leaving_nothing, nginx
from .scripted import until

NAMES = {"a.test": "127.0.0.1", "b.test": "127.0.0.1", "other.test": "127.0.0.1"}
BIG = bytes(range(256)) * 20_000
CLOSE = {"Connection": "close"}
#: What nginx tells of the connection of a request.
TOLD = "$ssl_server_name $ssl_protocol $connection $connection_requests $host"


def servers(folder: Path, ports: Sequence[int]) -> str:
    usual, demanding, hasty = ports
    (folder / "ca.pem").write_bytes(authority().cert_pem.bytes())
    (folder / "files").mkdir()
    (folder / "files/big").write_bytes(BIG)
    blocks = []
    own = ""
    for name in ("a.test", "b.test"):
        certificate(name).private_key_and_cert_chain_pem.write_to_path(folder / f"{name}.pem")
        own = f"ssl_certificate {folder}/{name}.pem; ssl_certificate_key {folder}/{name}.pem;"
        blocks.append(f"""
            server {{
                listen 127.0.0.1:{usual} ssl;
                server_name {name};
                {own}
                ssl_protocols TLSv1.2 TLSv1.3;
                client_max_body_size 0;
                location / {{ return 200 "{TOLD}"; }}
                location /files {{ root {folder}; dav_methods PUT; }}
            }}""")
    blocks.append(f"""
        server {{
            listen 127.0.0.1:{demanding} ssl;
            {own}
            ssl_client_certificate {folder}/ca.pem;
            ssl_verify_client on;
            location / {{ return 200 "$ssl_client_verify"; }}
        }}
        server {{
            listen 127.0.0.1:{hasty} ssl;
            {own}
            keepalive_timeout 30ms;
            location / {{ return 200 "{TOLD}"; }}
            location /announced {{ keepalive_timeout 30s 1s; return 200 "{TOLD}"; }}
        }}""")
    return "\n".join(blocks)


@pytest.fixture(scope="module")
def ports() -> Iterator[Sequence[int]]:
    """Of a server for two names, of one that wants to know its clients, of one that is in a hurry."""
    with nginx(servers, 3) as running:
        yield running


def connector(context: ssl.SSLContext | None = None) -> TCPConnector:
    return TCPConnector(resolver=Names(NAMES), ssl=context or client_context())


async def told(session: ClientSession, url: str) -> list[str]:
    async with session.get(url) as response:
        assert response.status == 200
        return (await response.text()).split(" ")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_versions(ports: Sequence[int], version: ssl.TLSVersion) -> None:
    context = client_context()
    context.minimum_version = context.maximum_version = version
    async with ClientSession(connector=connector(context)) as session:
        _, protocol, *_ = await told(session, f"https://a.test:{ports[0]}/")
        assert protocol == version.name.replace("_", ".")


async def test_no_version_in_common(ports: Sequence[int]) -> None:
    context = client_context()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES256-GCM-SHA384")  # with a key exchange by RSA, which the keys are not for
    async with ClientSession(connector=connector(context)) as session, leaving_nothing():
        with pytest.raises(ClientConnectorSSLError) as caught:
            await told(session, f"https://a.test:{ports[0]}/")
        assert caught.value.reason == "SSLV3_ALERT_HANDSHAKE_FAILURE"
        assert str(caught.value).endswith(f"(tls, 127.0.0.1:{ports[0]})")


async def test_each_name_has_its_certificate_and_its_connections(ports: Sequence[int]) -> None:
    async with ClientSession(connector=connector()) as session:
        numbers: dict[str, list[tuple[str, str]]] = {}
        for name in ("a.test", "b.test", "a.test", "b.test"):
            sni, _, number, requests, host = await told(session, f"https://{name}:{ports[0]}/")
            assert sni == host == name
            numbers.setdefault(name, []).append((number, requests))
        (a_first, a_second), (b_first, b_second) = numbers.values()
        assert a_first[0] == a_second[0] != b_first[0] == b_second[0]
        assert [a_second[1], b_second[1]] == ["2", "2"]


async def test_a_certificate_for_another_name(ports: Sequence[int]) -> None:
    async with ClientSession(connector=connector()) as session, leaving_nothing():
        with pytest.raises(ClientConnectorCertificateError, match=r"not valid for 'other\.test'") as caught:
            await told(session, f"https://other.test:{ports[0]}/")
        assert (caught.value.host, caught.value.port) == ("other.test", ports[0])
        # The name that is asked for is that of a server that is there.
        url = f"https://other.test:{ports[0]}/"
        assert (await text(session, url, server_hostname="b.test", headers=CLOSE)).startswith("b.test ")


async def test_connections_are_kept(ports: Sequence[int]) -> None:
    ours = connector()
    async with ClientSession(connector=ours) as session:
        url = f"https://a.test:{ports[0]}/"
        requests = [(await told(session, url))[2:4] for _ in range(5)]
        assert [count for _, count in requests] == ["1", "2", "3", "4", "5"]
        several = await asyncio.gather(*(told(session, url) for _ in range(20)))
        numbers = {answer[2] for answer in several}
        assert requests[0][0] in numbers
        assert ours.stats().idle == ours.stats().created == len(numbers)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_large_bodies_both_ways(ports: Sequence[int], version: ssl.TLSVersion) -> None:
    context = client_context()
    context.maximum_version = version
    digest = hashlib.sha256(BIG).digest()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(BIG), 70_000):
            yield BIG[start : start + 70_000]

    ours = connector(context)
    async with ClientSession(connector=ours) as session:
        async with session.get(f"https://a.test:{ports[0]}/files/big") as response:
            assert hashlib.sha256(await response.read()).digest() == digest
        for data in (BIG, pieces()):
            url = f"https://a.test:{ports[0]}/files/up-{version.name}"
            async with session.put(url, data=data) as response:
                assert response.status in (201, 204)
            got = hashlib.sha256()
            async with session.get(url) as response:
                async for piece in response.content.iter_chunked(10_000):
                    got.update(piece)
            assert got.digest() == digest
        assert ours.stats().created == 1


async def test_a_client_has_to_be_known(ports: Sequence[int]) -> None:
    url = f"https://b.test:{ports[1]}/"
    async with ClientSession(connector=connector(known_client_context())) as session:
        assert await told(session, url) == ["SUCCESS"]
        # As nobody: nginx agrees on TLS, and then tells by HTTP.
        async with session.get(url, ssl=client_context()) as response:
            assert response.status == 400
            assert "No required SSL certificate was sent" in await response.text()


async def test_idle_connections_that_the_server_closes(ports: Sequence[int]) -> None:
    ours = connector()
    async with ClientSession(connector=ours) as session, leaving_nothing():
        url = f"https://b.test:{ports[2]}/"
        first = (await told(session, url))[2]
        await until(lambda: ours.stats().idle == 0)
        assert ours.stats().closed == {"lost": 1}
        assert (await told(session, url))[2] != first
        await until(lambda: ours.stats().idle == 0)


async def test_a_request_meets_the_end_of_its_connection(ports: Sequence[int]) -> None:
    """The server's close_notify has come, and the loop has not turned since."""
    ours = connector()
    async with ClientSession(connector=ours) as session:
        url = f"https://b.test:{ports[2]}/"
        first = (await told(session, url))[2]
        (connection,) = ours._connections
        assert connection.transport is not None
        poll = select.poll()
        poll.register(connection.transport.get_extra_info("socket").fileno(), select.POLLIN)
        assert poll.poll(5000)
        assert (await told(session, url))[2] != first


async def test_a_server_that_announces_little_idleness(ports: Sequence[int]) -> None:
    ours = connector()
    async with leaving_nothing(), ClientSession(connector=ours) as session:
        url = f"https://b.test:{ports[2]}/announced"
        first = (await told(session, url))[2]
        assert ours.stats().idle == 0
        assert (await told(session, url))[2] != first


async def test_plain_http_for_a_port_of_tls(ports: Sequence[int]) -> None:
    url = f"http://a.test:{ports[0]}/"
    async with ClientSession(connector=connector()) as session, session.get(url) as response:
        assert response.status == 400
        assert "plain HTTP request was sent to HTTPS port" in await response.text()


async def test_nobody_vouches_for_it_by_default(ports: Sequence[int]) -> None:
    ours = TCPConnector(resolver=Names(NAMES))
    async with ClientSession(connector=ours) as session, leaving_nothing():
        with pytest.raises(ClientConnectorCertificateError, match="certificate verify failed"):
            await session.get(f"https://a.test:{ports[0]}/")


PYTHON = [sys.executable, "-W", "error", *(["-O"] if sys.flags.optimize else [])]
PROGRAM = """
import asyncio, sys
from pronghorn import ClientSession

async def main():
    async with ClientSession() as session, session.get(sys.argv[1], server_hostname="a.test") as response:
        print(await response.text())

asyncio.run(main())
"""


def test_the_trust_of_the_system(ports: Sequence[int], tmp_path: Path) -> None:
    """And SSLKEYLOGFILE, for whoever wants to see what is said."""
    trusted, keys = tmp_path / "ca.pem", tmp_path / "keys"
    trusted.write_bytes(authority().cert_pem.bytes())
    told = subprocess.run(
        [*PYTHON, "-c", PROGRAM, f"https://127.0.0.1:{ports[0]}/"],
        env={**os.environ, "SSL_CERT_FILE": str(trusted), "SSLKEYLOGFILE": str(keys)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("a.test TLSv1.3")
    assert "CLIENT_TRAFFIC_SECRET_0" in keys.read_text()
