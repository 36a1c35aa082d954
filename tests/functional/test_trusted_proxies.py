"""Proxies that are trusted, with nginx: one that clients reach by TLS, and another one behind it."""

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pronghorn import ClientSession, TCPConnector, web
from pronghorn.server.trusted_proxies import trusted_proxies
from pronghorn.testing import TestServer

from ..tls import certificate, client_context
from .programs import Names, nginx

#: Of clients and of the proxies; both are on the loopback interface.
CLIENT, PROXY = "127.0.0.2", "127.0.0.1"
#: What a client writes to look like somebody else.
FORGED = {
    "X-Forwarded-For": "10.0.0.1, 127.0.0.1",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.test",
    "Forwarded": 'for=10.0.0.1;host=evil.test, for="127.0.0.1, for="',
}
X_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")


async def tell(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.remote} {request.url}")


def app(**options: Any) -> web.Application:
    application = web.Application(middlewares=[trusted_proxies(**options)])
    application.router.add_get("/{tail:.*}", tell)
    return application


def proxies(upstream: str) -> Any:
    def configure(folder: Path, ports: Sequence[int]) -> str:
        edge, inner = ports
        pem = folder / "a.pem"
        certificate("a.test").private_key_and_cert_chain_pem.write_to_path(pem)
        return f"""
            server {{
                listen 127.0.0.1:{edge} ssl;
                ssl_certificate {pem}; ssl_certificate_key {pem};
                location / {{
                    proxy_set_header Host inner.test;
                    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                    proxy_set_header X-Forwarded-Proto $scheme;
                    proxy_set_header X-Forwarded-Host $http_host;
                    proxy_set_header Forwarded
                        "$http_forwarded, for=$remote_addr;proto=$scheme;host=\\"$http_host\\"";
                    proxy_pass http://127.0.0.1:{inner};
                }}
            }}
            server {{
                listen 127.0.0.1:{inner};
                location / {{
                    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                    proxy_set_header Forwarded "$http_forwarded, for=\\"$remote_addr:$remote_port\\"";
                    proxy_pass {upstream};
                }}
            }}"""

    return configure


async def ask(port: int) -> str:
    connector = TCPConnector(resolver=Names({"a.test": PROXY}), ssl=client_context(), local_addr=(CLIENT, 0))
    async with (
        ClientSession(connector=connector) as session,
        session.get(f"https://a.test:{port}//evil.test/x?y", headers=FORGED) as response,
    ):
        assert response.status == 200
        return await response.text()


@pytest.mark.parametrize("fields", [X_FORWARDED, ("Forwarded",)], ids=["x-forwarded", "forwarded"])
async def test_over_tcp(fields: Sequence[str]) -> None:
    async with TestServer(app(networks=[PROXY], fields=fields)) as server:
        with nginx(proxies(f"http://127.0.0.1:{server.port}"), 2) as (edge, _):
            assert await ask(edge) == f"{CLIENT} https://a.test:{edge}//evil.test/x?y"


@pytest.mark.parametrize("fields", [X_FORWARDED, ("Forwarded",)], ids=["x-forwarded", "forwarded"])
async def test_over_a_unix_socket(fields: Sequence[str], tmp_path: Path) -> None:
    runner = web.AppRunner(app(networks=[PROXY], fields=fields, unix_sockets=True))
    await runner.setup()
    listener = socket.socket(socket.AF_UNIX)
    path = tmp_path / "socket"
    try:
        listener.bind(str(path))
        path.chmod(0o777)  # for workers of nginx, which may be somebody else's
        await web.SockSite(runner, listener).start()
        with nginx(proxies(f"http://unix:{path}"), 2) as (edge, _):
            assert await ask(edge) == f"{CLIENT} https://a.test:{edge}//evil.test/x?y"
    finally:
        await runner.cleanup()
        listener.close()


async def test_the_inner_one_alone_is_trusted() -> None:
    """As far as anybody can be believed, it is the outer proxy that asks."""
    async with TestServer(app(networks=["127.0.0.3"], fields=X_FORWARDED)) as server:
        with nginx(proxies(f"http://127.0.0.1:{server.port}"), 2) as (edge, _):
            assert (await ask(edge)).startswith(f"{PROXY} http://")
