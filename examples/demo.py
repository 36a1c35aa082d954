"""The example server and the example client in one go: `make demo`.

Ends with status 0 when every step went well and the server shut down cleanly, within a minute.
"""

import asyncio
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path

HERE = Path(__file__).parent
START_WITHIN = 15
STOP_WITHIN = 10
ALL_WITHIN = 60


async def start(script: str, *args: str, stdout: int | None = None) -> Process:
    # The children run under -O when the demo does.
    flags = ["-O"] if sys.flags.optimize else []
    command = [sys.executable, *flags, str(HERE / script), *args]
    return await asyncio.create_subprocess_exec(*command, stdout=stdout)


async def base_url(server: Process) -> str:
    """Wait for the line by which the server says where it listens."""
    if server.stdout is None:
        raise RuntimeError("the server's output is not piped")
    async with asyncio.timeout(START_WITHIN):
        line = (await server.stdout.readline()).decode()
    announced, _, url = line.strip().rpartition(" ")
    if announced != "listening on":
        raise RuntimeError(f"the server did not start, it said {line!r}")
    return url


async def demo(client_args: list[str]) -> None:
    server = await start("server.py", "--port", "0", stdout=PIPE)
    try:
        url = await base_url(server)
        print(f"server    {url}, process {server.pid}", flush=True)
        client = await start("client.py", url, *client_args)
        try:
            if await client.wait() != 0:
                raise RuntimeError("the client failed")
        finally:
            await end(client)
        server.send_signal(signal.SIGINT)
        async with asyncio.timeout(STOP_WITHIN):
            status = await server.wait()
        if status != 0:
            raise RuntimeError(f"the server ended with status {status}")
        print("shutdown  clean, status 0")
    finally:
        await end(server)


async def end(process: Process) -> None:
    """Whatever went wrong, no process outlives the demo."""
    if process.returncode is None:
        process.kill()
        await process.wait()


async def main() -> None:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(ALL_WITHIN):
            await demo(sys.argv[1:])
    except TimeoutError:
        sys.exit("demo failed: it took too long")
    except RuntimeError as error:
        sys.exit(f"demo failed: {error}")
    print(f"demo      passed in {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    asyncio.run(main())
