"""What a client does all day, against the example server: a page, JSON, a form, large bodies, WebSockets.

python examples/client.py http://127.0.0.1:8080
"""

import argparse
import asyncio
import hashlib
import sys
import time
from collections.abc import AsyncIterator

from yarl import URL

import pronghorn
from content import chunks

MIB = 1024 * 1024
CONNECTIONS = 20


class Progress:
    """A bar on stderr: redrawn in place on a terminal, drawn once when it is full elsewhere."""

    width = 40

    def __init__(self, label: str, total: int) -> None:
        self.label = label
        self.total = total
        self.done = 0
        self.started = time.perf_counter()
        self._drawn = -1
        self._is_terminal = sys.stderr.isatty()

    @property
    def rate(self) -> str:
        return f"{self.done / MIB / max(time.perf_counter() - self.started, 1e-9):,.0f} MiB/s"

    def advance(self, count: int) -> None:
        self.done += count
        percent = 100 * self.done // max(self.total, 1)
        if percent != self._drawn and (self._is_terminal or self.done >= self.total):
            self._drawn = percent
            self._draw(percent)

    def _draw(self, percent: int) -> None:
        bar = "#" * (self.width * percent // 100)
        start, end = "\r" if self._is_terminal else "", "\n" if self.done >= self.total else ""
        line = f"{start}{self.label:<10}[{bar:.<{self.width}}] {percent:>3}%  {self.rate:>11}{end}"
        print(line, end="", file=sys.stderr, flush=True)


def report(step: str, outcome: str) -> None:
    print(f"{step:<10}{outcome}", flush=True)


class Failed(Exception):
    """The server answered, and wrongly."""


def expect(fact: bool, failure: str) -> None:
    if not fact:
        raise Failed(failure)


async def converse(session: pronghorn.ClientSession, base: URL) -> None:
    """A page, JSON both ways, a form."""
    async with session.get(base) as response:
        response.raise_for_status()
        page = await response.text()
        expect(response.headers["Content-Type"].startswith("text/html"), "the page is not HTML")
    report("page", f"{response.status} {response.reason}, {len(page):,} characters of HTML")

    message = {"text": "h\u00e9llo", "numbers": [1, 2.5, None]}
    async with session.post(base / "api/echo", json=message) as response:
        answer = await response.json()
    expect(answer == {"received": message}, f"JSON came back as {answer}")
    report("json", f"{response.status} {response.reason}, came back as it was sent")

    fields = {"animal": "pronghorn", "speed": "88 km/h & more"}
    async with session.post(base / "form", data=fields) as response:
        answer = await response.json()
    expect(answer == {"fields": fields}, f"the form came back as {answer}")
    report("form", f"{response.status} {response.reason}, {len(fields)} fields understood")


async def upload(session: pronghorn.ClientSession, base: URL, size: int) -> str:
    """Send a body that is never whole in memory; the digest of what was sent."""
    digest = hashlib.sha256()
    progress = Progress("upload", size)

    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks(size):
            digest.update(chunk)
            yield chunk
            progress.advance(len(chunk))

    async with session.post(base / "upload", data=body()) as response:
        answer = await response.json()
    sent = {"size": size, "sha256": digest.hexdigest()}
    expect(answer == sent, f"sent {sent}, the server received {answer}")
    report("upload", f"{size / MIB:g} MiB, {progress.rate}, SHA-256 equal at both ends")
    return digest.hexdigest()


async def download(session: pronghorn.ClientSession, base: URL, size: int) -> str:
    """Receive a body chunk by chunk; the digest of what came."""
    digest = hashlib.sha256()
    async with session.get(base / "download" / str(size)) as response:
        response.raise_for_status()
        progress = Progress("download", int(response.headers["Content-Length"]))
        async for chunk in response.content.iter_any():
            digest.update(chunk)
            progress.advance(len(chunk))
    expect(progress.done == size, f"asked for {size} octets, {progress.done} came")
    report("download", f"{size / MIB:g} MiB, {progress.rate}")
    return digest.hexdigest()


async def repeat(session: pronghorn.ClientSession, base: URL, count: int) -> None:
    """Many requests at once; the connector's limit makes them take turns on its connections."""

    async def once() -> tuple[str, int]:
        async with session.get(base / "api/time") as response:
            response.raise_for_status()
            host, port = (await response.json())["peer"]
            return host, port

    started = time.perf_counter()
    connections = set(await asyncio.gather(*(once() for _ in range(count))))
    seconds = time.perf_counter() - started
    expect(len(connections) <= CONNECTIONS, f"the server saw {len(connections)} connections")
    rate = f"{count / seconds:,.0f} per second"
    report("requests", f"{count:,} over {len(connections)} connections in {seconds:.2f} s, {rate}")


async def talk(session: pronghorn.ClientSession, base: URL) -> None:
    """A WebSocket that sends everything back: text, binary, a ping; and the close handshake."""
    text, octets = "h\u00e9llo, wire", b"".join(chunks(MIB))
    async with session.ws_connect(base / "ws/echo", autoping=False) as socket:
        await socket.send_str(text)
        expect(await socket.receive_str() == text, "text came back otherwise")
        await socket.send_bytes(octets)
        expect(await socket.receive_bytes() == octets, "binary came back otherwise")
        await socket.ping(b"still there?")
        pong = await socket.receive()
        answered = pong.type is pronghorn.WSMsgType.PONG and pong.data == b"still there?"
        expect(answered, f"the ping was answered by {pong}")
        await socket.close(code=pronghorn.WSCloseCode.OK, message=b"thank you")
        expect(socket.close_code == pronghorn.WSCloseCode.OK, f"closed with {socket.close_code}")
    report("websocket", "text, 1 MiB of binary and a ping came back; closed with 1000")


async def chat(session: pronghorn.ClientSession, base: URL) -> None:
    """Two who are in one room."""
    url = base / "ws/chat"
    async with session.ws_connect(url) as ada, session.ws_connect(url) as ben:
        name = (await ada.receive_json())["you"]
        await ada.send_str("hello, room")
        for socket in (ada, ben):
            while "text" not in (heard := await socket.receive_json()):
                pass  # who is there
            expect(heard == {"name": name, "text": "hello, room"}, f"the room heard {heard}")
    report("chat", f"2 in a room heard what {name} said")


async def run(base: URL, size: int, count: int) -> None:
    connector = pronghorn.TCPConnector(limit=CONNECTIONS)
    timeout = pronghorn.ClientTimeout(total=60)
    async with pronghorn.ClientSession(connector=connector, timeout=timeout) as session:
        await converse(session, base)
        sent = await upload(session, base, size)
        received = await download(session, base, size)
        expect(sent == received, "upload and download differ")
        report("sha-256", f"{received[:16]}... of upload and download are equal")
        await repeat(session, base, count)
        await talk(session, base)
        await chat(session, base)


def main() -> None:
    parser = argparse.ArgumentParser(description="The example client.")
    parser.add_argument("url", type=URL, nargs="?", default="http://127.0.0.1:8080/")
    parser.add_argument("--size", type=int, default=64 * MIB, help="octets of the upload and of the download")
    parser.add_argument("--requests", type=int, default=1000)
    args = parser.parse_args()
    try:
        asyncio.run(run(args.url, args.size, args.requests))
    except (Failed, pronghorn.ClientError, TimeoutError) as error:
        sys.exit(f"failed: {error!r}")


if __name__ == "__main__":
    main()
