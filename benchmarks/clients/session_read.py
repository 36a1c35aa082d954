"""`read()` of the large body, twice: peak resident memory of the first read, throughput of the faster one.

Fresh memory is dear, and on a virtual machine its price varies threefold with what its host has lent at that
moment. Of two reads that follow each other at once, one is given memory that was in use just before.
"""

import argparse
import asyncio
import json
import time
import zlib
from importlib import import_module
from resource import RUSAGE_SELF, getrusage
from typing import Any

import uvloop

from traffic import LARGE_PATH, LARGE_SIZE, large_checksum


async def read(session: Any, url: str) -> tuple[bytes, dict[str, float]]:
    began, usage = time.perf_counter(), getrusage(RUSAGE_SELF)
    async with session.get(url) as response:
        body = await response.read()
    usage_end, seconds = getrusage(RUSAGE_SELF), time.perf_counter() - began
    return body, {
        "seconds": seconds,
        "user": usage_end.ru_utime - usage.ru_utime,
        "sys": usage_end.ru_stime - usage.ru_stime,
        "resident": usage_end.ru_maxrss * 1024,  # Linux counts it in KiB
    }


async def measure(options: argparse.Namespace) -> None:
    package: Any = import_module(options.package)
    async with package.ClientSession() as session:
        async with session.get(options.url) as response:
            await response.read()  # connected, and everything imported that is imported late
        body, first = await read(session, options.url + LARGE_PATH)
        del body  # so that the second read finds its memory free
        body, second = await read(session, options.url + LARGE_PATH)
    if len(body) != LARGE_SIZE or zlib.crc32(body) != large_checksum():
        raise SystemExit("not the body that was sent")
    faster = min(first, second, key=lambda figures: figures["seconds"])
    print(json.dumps(faster | {"resident": first["resident"]}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--package", choices=("pronghorn", "aiohttp"), required=True)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), required=True)
    options = parser.parse_args()
    run = uvloop.run if options.loop == "uvloop" else asyncio.run
    run(measure(options))
