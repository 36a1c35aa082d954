import pytest
from yarl import URL

from pronghorn import ClientTimeout, web
from pronghorn.testing import RawTestServer, TestClient, TestServer


async def echo(request: web.BaseRequest) -> web.Response:
    return web.json_response(
        {
            "method": request.method,
            "target": request.raw_path,
            "fields": dict(request.headers),
            "body": await request.text(),
        },
        headers={"X-Method": request.method},
    )


def server() -> RawTestServer:
    return RawTestServer(echo)


@pytest.mark.parametrize("method", ["get", "options", "head", "post", "put", "patch", "delete"])
async def test_each_method(method: str) -> None:
    async with TestClient(server()) as client:
        response = await getattr(client, method)("/path?q=1", headers={"X-A": "b"})
        assert response.status == 200
        assert response.headers["X-Method"] == method.upper()
        if method != "head":
            echoed = await response.json()
            assert echoed["target"] == "/path?q=1"
            assert echoed["fields"]["X-A"] == "b"


async def test_any_method_and_a_body() -> None:
    async with TestClient(server()) as client:
        async with client.request("REPORT", "/", data=b"content") as response:
            echoed = await response.json()
        assert (echoed["method"], echoed["body"]) == ("REPORT", "content")
        response = await client.post("/", json={"a": 1})
        assert (await response.json())["body"] == '{"a": 1}'


async def test_the_session_takes_its_options() -> None:
    timeout = ClientTimeout(total=5)
    async with TestClient(server(), headers={"X-Default": "1"}, timeout=timeout) as client:
        assert client.session.timeout == timeout
        async with client.get("/") as response:
            assert (await response.json())["fields"]["X-Default"] == "1"


async def test_the_server_lives_and_ends_with_the_client() -> None:
    app = web.Application()
    app.router.add_get("/", echo)
    client = TestClient(TestServer(app))
    assert client.server.runner is None
    async with client:
        assert client.server.runner is not None
        assert client.make_url("/a") == URL(f"http://127.0.0.1:{client.server.port}/a")
        assert (await client.get("/")).status == 200
    assert client.session.closed
    assert client.server.runner is None


async def test_starting_and_closing_by_hand() -> None:
    client = TestClient(server())
    await client.start_server()
    await client.start_server()
    assert (await client.get("/")).status == 200
    await client.close()
    await client.close()


async def test_a_url_may_be_given() -> None:
    async with TestClient(server()) as client:
        async with client.get(client.make_url("/a")) as response:
            assert (await response.json())["target"] == "/a"
        async with client.get(URL("/b")) as response:
            assert (await response.json())["target"] == "/b"


def test_pytest_does_not_collect_it() -> None:
    assert not TestClient.__test__
