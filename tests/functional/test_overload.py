"""More than the server may take: a clear answer, and the others are served."""

import asyncio
import json
import resource
import subprocess
import sys
import textwrap

from pronghorn import ClientSession, web
from pronghorn.testing import TestClient, TestServer

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def application(handler: object) -> web.Application:
    app = web.Application()
    app.router.add_get("/", handler)  # type: ignore[arg-type]  # any handler of this module
    return app


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def test_in_flight() -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        entered.set()
        await leave.wait()
        return web.Response(text="slow")

    async with TestClient(TestServer(application(slow), max_in_flight=1)) as client:
        first = asyncio.create_task(client.get("/")._coroutine)
        await entered.wait()
        for _ in range(3):
            async with client.get("/") as response:
                assert response.status == 503
                assert response.headers["Retry-After"] == "1"
        leave.set()
        async with await first as response:
            assert await response.text() == "slow"
        async with client.get("/") as response:
            assert response.status == 200


async def test_connections() -> None:
    async with TestServer(application(hello), max_connections=2) as server:
        kept = [await asyncio.open_connection(server.host, server.port) for _ in range(2)]
        for reader, writer in kept:
            writer.write(GET)
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(GET)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 1\r\n" in answer
        assert b"\r\nConnection: close\r\n" in answer
        writer.close()
        # A place that is left can be taken.
        kept[0][1].close()
        async with asyncio.timeout(5):
            while len(server.runner.server.connections) > 1:  # type: ignore[union-attr]  # it is running
                await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(GET)
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        writer.close()
        kept[1][1].close()


async def test_a_surplus_connection_that_says_nothing_is_closed_soon() -> None:
    async with TestServer(application(hello), max_connections=1) as server:
        _, first = await asyncio.open_connection(server.host, server.port)
        reader, second = await asyncio.open_connection(server.host, server.port)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        first.close()
        second.close()


SERVER = """
    import asyncio, json, resource, sys, time
    from pronghorn import web

    async def hello(request):
        return web.json_response({"cpu": time.process_time()})

    async def main():
        app = web.Application()
        app.router.add_get("/", hello)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
        print(site.port, flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())
"""


async def test_a_server_out_of_descriptors_goes_on_without_spinning() -> None:
    """EMFILE on accept: those who are connected are served, and the loop does not turn in vain."""
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 200
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SERVER)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        port = int(await asyncio.to_thread(process.stdout.readline))
        async with ClientSession() as session:

            async def cpu() -> float:
                async with session.get(f"http://127.0.0.1:{port}/") as response:
                    return float((await response.json())["cpu"])

            await cpu()
            crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(80)]
            before = await cpu()
            start = asyncio.get_running_loop().time()
            while asyncio.get_running_loop().time() - start < 2:
                await cpu()
                await asyncio.sleep(0.1)
            # 20 requests in 2 seconds: a busy loop would take the 2 seconds.
            assert await cpu() - before < 0.5
            for _, writer in crowd:
                writer.close()
        async with ClientSession() as session:
            async with asyncio.timeout(10):
                async with session.get(f"http://127.0.0.1:{port}/") as response:
                    assert json.loads(await response.text())["cpu"] > 0
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
        if process.stdout is not None:
            process.stdout.close()
