"""Proxies, as a request asks for them."""

from typing import Any

import pytest
from yarl import URL

from pronghorn import BasicAuth, ClientHttpProxyError, ClientSession

from ..functional.programs import HttpProxy, scripted_tls
from ..functional.scripted import OK, scripted
from ..tls import client_context, server_context

REFUSAL = b"HTTP/1.1 407 Say Who You Are\r\nContent-Length: 0\r\n\r\n"
HOST = "example.test"
SECRET = "Basic dXNlcjpzZWNyZXQ="


async def by_proxy(
    scheme: str = "http", *, session: dict[str, Any] | None = None, refusal: bytes = b"", **options: Any
) -> tuple[HttpProxy, list[Any]]:
    """What a proxy and a server are sent; ``options`` may be functions of its URL."""
    proxy = HttpProxy(refusal)
    async with scripted(proxy) as front, scripted_tls(server_context(HOST)) as server:

        def made(given: dict[str, Any]) -> dict[str, Any]:
            return {name: value(front.url()) if callable(value) else value for name, value in given.items()}

        async with (
            ClientSession(**made(session or {})) as client,
            client.get(
                f"{scheme}://{HOST}:{server.port}/a?b=c", ssl=client_context(), **made(options)
            ) as response,
        ):
            assert await response.text() == "ok"
        proxy.heads = [head.replace(str(server.port).encode(), b"PORT") for head in proxy.heads]
        return proxy, server.requests


def fields_of(requests: list[Any]) -> set[str]:
    return {name.title() for request in requests for name in request.fields}


async def test_s065_proxy() -> None:
    elsewhere = "http://127.0.0.1:1/"
    for options in (
        {"proxy": str},
        {"proxy": URL},
        {"session": {"proxy": str}},
        {"session": {"proxy": elsewhere}, "proxy": URL},
    ):
        proxy, received = await by_proxy("http", **options)
        assert proxy.targets == [f"GET http://{HOST}:PORT/a?b=c"]
        assert proxy.fields("Host") == [f"{HOST}:PORT"]
        assert received == []
        proxy, received = await by_proxy("https", **options)
        assert proxy.targets == [f"CONNECT {HOST}:PORT"]
        assert [(request.method, request.target) for request in received] == [("GET", "/a?b=c")]
    async with ClientSession() as session:
        for mistake in ("proxy.example:3128", "ftp://proxy.example", "http://", ""):
            with pytest.raises(ValueError, match=r"^proxy: expected a URL"):
                await session.get("http://example.test/", proxy=mistake)
        with pytest.raises(TypeError, match="proxy"):
            await session.get("http://example.test/", proxy=5)  # type: ignore[arg-type]  # what is tested


async def test_s066_proxy_auth() -> None:
    auth = BasicAuth("user", "secret")

    def with_credentials(url: str) -> URL:
        return URL(url).with_user("user").with_password("secret")

    for scheme in ("http", "https"):
        for options in (
            {"proxy": str, "proxy_auth": auth},
            {"session": {"proxy": str, "proxy_auth": auth}},
            {"session": {"proxy": str}, "proxy_auth": auth},
            {"proxy": with_credentials},
            {"proxy": lambda url: with_credentials(url).with_user("other"), "proxy_auth": auth},
        ):
            proxy, received = await by_proxy(scheme, **options)
            assert proxy.fields("Proxy-Authorization") == [SECRET]
            assert proxy.fields("Authorization") == [None]
            assert not fields_of(received) & {"Authorization", "Proxy-Authorization"}
        proxy, _ = await by_proxy(scheme, proxy=str)
        assert proxy.fields("Proxy-Authorization") == [None]
        with pytest.raises(ClientHttpProxyError) as caught:
            await by_proxy(scheme, proxy=str, refusal=REFUSAL)
        assert (caught.value.status, caught.value.message) == (407, "Say Who You Are")
        with pytest.raises(ValueError, match=r"^proxy_auth: expected None or a BasicAuth, got tuple"):
            await by_proxy(scheme, proxy=str, proxy_auth=("user", "secret"))


async def test_s071_proxy_headers() -> None:
    told = {"X-Told": "1", "proxy-authorization": "mine"}
    for scheme in ("http", "https"):
        for headers in (told, list(told.items())):
            proxy, received = await by_proxy(scheme, proxy=str, proxy_headers=headers, headers={"X-Own": "2"})
            assert proxy.fields("X-Told") == ["1"]
            assert proxy.fields("Proxy-Authorization") == ["mine"]
            assert proxy.fields("X-Own") == ["2" if scheme == "http" else None]
            assert not fields_of(received) & {"X-Told", "Proxy-Authorization"}
            assert fields_of(received) >= ({"X-Own"} if scheme == "https" else set())
        with pytest.raises(TypeError, match="headers"):
            await by_proxy(scheme, proxy=str, proxy_headers={"X-Told": 1})
    async with scripted(OK) as server, ClientSession() as session:
        await session.get(server.url(), proxy_headers=told)
        assert not fields_of(server.requests) & {"X-Told", "Proxy-Authorization"}, "there is no proxy"
