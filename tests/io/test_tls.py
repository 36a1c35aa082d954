"""Contexts that are made once, and the reader that stands between TLS and a protocol."""

import asyncio
import json
import ssl
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from pronghorn.io.tls import TlsReader, shared_context

from ..functional.scripted import PATIENCE, until
from ..tls import authority, client_context, server_context

PYTHON = [sys.executable, "-W", "error", *(["-O"] if sys.flags.optimize else [])]


def fresh(body: str, **variables: str) -> Any:
    """What the coroutine ``main`` of a program returns, in a process where no context was made."""
    code = f"import sys; sys.path[:0] = {sys.path}\n{PROGRAM}{textwrap.dedent(body)}{END}"
    done = subprocess.run(
        [*PYTHON, "-c", code], env=variables, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


PROGRAM = """
import asyncio, json, ssl, threading
from pronghorn.io.tls import shared_context

makers = []
make = ssl.create_default_context

def create_default_context():
    makers.append(threading.current_thread().name)
    return make()

ssl.create_default_context = create_default_context

async def until_alone():
    while threading.active_count() > 1:
        await asyncio.sleep(0.001)
"""
END = """
print(json.dumps(asyncio.run(main())))
"""


async def test_one_verifies_and_the_other_does_not() -> None:
    verifying, lax = await shared_context(True), await shared_context(False)
    assert (verifying.verify_mode, verifying.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (lax.verify_mode, lax.check_hostname) == (ssl.CERT_NONE, False)
    assert await shared_context(True) is verifying
    assert await shared_context(False) is lax


def test_is_made_once_in_a_thread_that_ends() -> None:
    made = fresh(
        """
        async def main():
            contexts = await asyncio.gather(*(shared_context(number % 2 == 0) for number in range(20)))
            await until_alone()
            executor = asyncio.get_running_loop()._default_executor
            return [len(set(contexts)), sorted(name.partition("_")[0] for name in makers), executor is None]
        """
    )
    assert made == [2, ["pronghorn-tls", "pronghorn-tls"], True]


def test_who_waits_for_it_can_be_cancelled() -> None:
    made = fresh(
        """
        async def main():
            gate = threading.Event()
            ssl.create_default_context = lambda: (gate.wait(), create_default_context())[1]
            task = asyncio.create_task(shared_context(True))
            while threading.active_count() == 1:
                await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.wait([task])
            gate.set()
            await shared_context(True)
            await until_alone()
            return [task.cancelled(), len(makers)]
        """
    )
    assert made == [True, 1]


def test_what_fails_is_tried_again() -> None:
    made = fresh(
        """
        def fail():
            raise OSError("no certificates")

        async def main():
            ssl.create_default_context = fail
            try:
                await shared_context(True)
            except OSError as error:
                failure = str(error)
            ssl.create_default_context = create_default_context
            await shared_context(True)
            await until_alone()
            return failure
        """
    )
    assert made == "no certificates"


CONNECT = """
        async def main():
            lines = []
            for is_verified in (True, False):
                loop = asyncio.get_running_loop()
                transport, _ = await loop.create_connection(
                    asyncio.Protocol, "127.0.0.1", PORT, ssl=await shared_context(is_verified),
                    server_hostname="localhost",
                )
                lines.append(transport.get_extra_info("ssl_object").selected_alpn_protocol())
                transport.abort()
            return lines
"""


async def test_environment_variables_count(tmp_path: Path) -> None:
    """The certificates of SSL_CERT_FILE are trusted, and keys are logged to SSLKEYLOGFILE."""
    serving = server_context("localhost")
    serving.set_alpn_protocols(["h2", "http/1.1", "http/1.0"])
    authority().cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    log = tmp_path / "keys.log"
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=serving)
    port = server.sockets[0].getsockname()[1]
    agreed = await asyncio.to_thread(
        fresh,
        CONNECT.replace("PORT", str(port)),
        SSL_CERT_FILE=str(tmp_path / "authority.pem"),
        SSLKEYLOGFILE=str(log),
    )
    server.close()
    assert agreed == ["http/1.1", "http/1.1"]
    secrets = [line.split()[0] for line in log.read_text().splitlines() if not line.startswith("#")]
    assert secrets.count("CLIENT_TRAFFIC_SECRET_0") == 2


# The reader


class Noting(asyncio.Protocol):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.told.append(transport)

    def data_received(self, data: bytes) -> None:
        self.told.append(data)

    def eof_received(self) -> bool:
        self.told.append("eof")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.told.append(exc)

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")


def test_all_that_happens_is_passed_on() -> None:
    noting = Noting()
    reader, transport, error = TlsReader(noting), asyncio.Transport(), OSError("gone")
    assert reader.protocol is noting
    reader.connection_made(transport)
    reader.pause_writing()
    reader.resume_writing()
    assert reader.eof_received() is True
    reader.connection_lost(error)
    assert noting.told == [transport, "pause", "resume", "eof", error]


def test_what_was_read_is_not_overwritten() -> None:
    noting = Noting()
    reader, other = TlsReader(noting), TlsReader(Noting())
    for data in (b"first", b"the second"):
        reader.get_buffer(-1)[: len(data)] = data
        reader.buffer_updated(len(data))
        other.get_buffer(-1)[:3] = b"xyz"
    assert noting.told == [b"first", b"the second"]


@pytest.mark.parametrize("size", [1, 16_384, 70_000, 1_000_000])
async def test_every_byte_arrives(size: int) -> None:
    sent = bytes(number % 251 for number in range(size))

    class Sending(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            transport.write(sent)
            transport.close()

    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sending, "127.0.0.1", 0, ssl=server_context())
    port = server.sockets[0].getsockname()[1]
    noting = Noting()
    async with asyncio.timeout(PATIENCE):
        await loop.create_connection(
            lambda: TlsReader(noting), "127.0.0.1", port, ssl=client_context(), server_hostname="localhost"
        )
        await until(lambda: noting.told[-1] is None)
    server.close()
    assert b"".join(data for data in noting.told if isinstance(data, bytes)) == sent
