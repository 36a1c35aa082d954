"""Whom functional tests talk to by TLS, by proxies and by names.

Real programs are child processes on free ports: `nginx`, `tinyproxy`, `squid`, `microsocks`. What they can't
be made to do, or don't tell, is done by scripts for `scripted` and `scripted_tls` on the loop of the test.

    with tinyproxy(auth="user:secret") as port:    # gone after the block, with what it has started
"""

import asyncio
import errno
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pronghorn.abc import AbstractResolver
from pronghorn.io.resolver import ResolveResult

from .scripted import OK, Peer, Script, Scripted, scripted, until

#: Seconds that a program may take to listen.
_PATIENCE = 20.0
#: Where Debian keeps what is no user's command.
_PLACES = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])

#: Makes the arguments of a program from its folder and its ports.
Configure = Callable[[Path, Sequence[int]], Sequence[str]]


# Real programs


def find(program: str) -> str:
    """The path of a program. Where it is missing, the test says so, and in CI it fails."""
    found = shutil.which(program, path=_PLACES)
    if found is not None:
        return found
    missing = f"{program} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@contextmanager
def running(program: str, configure: Configure, count: int = 1) -> Iterator[Sequence[int]]:
    """The ports that ``program`` listens on; RuntimeError if it does not."""
    path = find(program)
    with TemporaryDirectory(prefix=program) as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # squid, started by root, goes on as somebody else
        ports = [stack.enter_context(_reserved_port()) for _ in range(count)]
        output = folder / "output"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [path, *configure(folder, ports)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            for port in ports:
                _wait_for(process, port, output)
            yield ports
        finally:
            # The whole group: squid starts programs of its own.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def _reserved_port() -> Iterator[int]:
    """A port that nobody else is given: neither another run of the tests nor a client that connects."""
    with socket.socket() as sock:
        # With the option on both sides, Linux lets one of two that are bound to a port listen.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


def _wait_for(process: "subprocess.Popen[bytes]", port: int, output: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as sock:
            if not sock.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.002)
    raise RuntimeError(f"{process.args!r} does not listen on {port}:\n{output.read_text()}")


@contextmanager
def nginx(servers: Callable[[Path, Sequence[int]], str], count: int = 1) -> Iterator[Sequence[int]]:
    """The ports of nginx, with the blocks that ``servers`` writes for its folder and its ports."""

    def configure(folder: Path, ports: Sequence[int]) -> Sequence[str]:
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        (folder / "nginx.conf").write_text(
            f"""
            daemon off;
            master_process off;
            pid {folder}/pid;
            error_log stderr;
            events {{ worker_connections 256; }}
            http {{
                access_log off;
                {places}
                {servers(folder, ports)}
            }}
            """
        )
        return ["-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]

    with running("nginx", configure, count) as ports:
        yield ports


@contextmanager
def tinyproxy(*, auth: str = "") -> Iterator[int]:
    """The port of tinyproxy; ``auth`` is "user:password"."""

    def configure(folder: Path, ports: Sequence[int]) -> Sequence[str]:
        basic = "BasicAuth {} {}".format(*auth.split(":")) if auth else ""
        (folder / "conf").write_text(f"Port {ports[0]}\nListen 127.0.0.1\nTimeout 60\n{basic}\n")
        return ["-d", "-c", str(folder / "conf")]

    with running("tinyproxy", configure) as ports:
        yield ports[0]


#: The protocol of squid's helpers: a line with user and password, and one that says whether they are right.
_CHECK = 'while read -r given; do [ "$given" = "{}" ] && echo OK || echo ERR; done\n'


@contextmanager
def squid(*, auth: str = "", pem: bytes = b"") -> Iterator[int]:
    """The port of squid; ``auth`` is "user:password", ``pem`` a key and certificates, for TLS."""

    def configure(folder: Path, ports: Sequence[int]) -> Sequence[str]:
        port = f"http_port 127.0.0.1:{ports[0]}"
        if pem:
            (folder / "pem").write_bytes(pem)
            port = f"https_port 127.0.0.1:{ports[0]} tls-cert={folder}/pem"
        (folder / "check").write_text(_CHECK.format(auth.replace(":", " ")))
        access = "http_access allow all"
        if auth:
            access = f"""
auth_param basic program /bin/sh {folder}/check
auth_param basic children 1 startup=1 idle=1
auth_param basic realm tests
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all"""
        (folder / "conf").write_text(f"""
{port}
visible_hostname squid.test
pid_filename none
access_log none
cache_log /dev/null
cache deny all
cache_mem 0 MB
netdb_filename none
pinger_enable off
{access}
""")
        return ["-N", "-f", str(folder / "conf")]

    with running("squid", configure) as ports:
        yield ports[0]


@contextmanager
def microsocks(*, auth: str = "") -> Iterator[int]:
    """The port of microsocks, which speaks SOCKS5; ``auth`` is "user:password"."""

    def configure(folder: Path, ports: Sequence[int]) -> Sequence[str]:
        user, _, password = auth.partition(":")
        return ["-i", "127.0.0.1", "-p", str(ports[0]), *(("-u", user, "-P", password) if auth else ())]

    with running("microsocks", configure) as ports:
        yield ports[0]


# Names


class Names(AbstractResolver):
    """Knows the addresses of a few hosts, "127.0.0.1" or "127.0.0.1:81", and keeps what it was asked."""

    def __init__(self, names: Mapping[str, str | Sequence[str]]) -> None:
        #: May change.
        self.names = dict(names)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        addresses = self.names.get(host)
        if addresses is None:
            raise OSError(f"{host} is not in the table")
        found = []
        for address in [addresses] if isinstance(addresses, str) else addresses:
            ip, _, other = address.partition(":") if "." in address else (address, "", "")
            own = socket.AF_INET6 if ":" in ip else socket.AF_INET
            found.append(
                ResolveResult(hostname=host, host=ip, port=int(other or port), family=own, proto=0, flags=0)
            )
        return found

    async def close(self) -> None:
        pass


# Scripts of servers and proxies


@asynccontextmanager
async def scripted_tls(context: ssl.SSLContext, *scripts: Script) -> AsyncIterator[Scripted]:
    """As `scripted`, by TLS."""
    server = Scripted(scripts or (OK,))
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context, limit=2**20)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await server.stop()


@asynccontextmanager
async def scripted_at(*addresses: str) -> AsyncIterator[list[Scripted]]:
    """As `scripted`, one at each of ``addresses``, all on one port. Without IPv6 the test is skipped."""
    async with AsyncExitStack() as stack:
        servers: list[Scripted] = []
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            try:
                sock = socket.create_server((address, servers[0].port if servers else 0), family=family)
            except OSError as error:
                if family == socket.AF_INET6 and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    pytest.skip("no IPv6 on this machine")
                raise
            servers.append(await stack.enter_async_context(scripted(OK, sock=sock)))
        yield servers


class HttpProxy:
    """A proxy that keeps the octets that it was sent.

    CONNECT leads to the port of this machine that it names, whatever the host. A request in absolute-form is
    answered by the proxy itself. Either is answered with ``refusal``, if that is not empty.
    """

    def __init__(self, refusal: bytes = b"") -> None:
        #: Each head as it came.
        self.heads: list[bytes] = []
        self.refusal = refusal

    @property
    def targets(self) -> list[str]:
        """Methods and targets."""
        return [head.split(b" HTTP/")[0].decode() for head in self.heads]

    def fields(self, name: str) -> list[str | None]:
        """What each request said in a field."""
        found = []
        for head in self.heads:
            lines = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:-2])
            found.append({key.lower(): value for key, value in lines}.get(name.lower()))
        return found

    async def __call__(self, peer: Peer) -> None:
        while True:
            head = await peer.reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            method, target, _ = head.split(b" ", 2)
            if self.refusal:
                await peer.send(self.refusal)
            elif method == b"CONNECT":
                await relay(peer, int(target.rpartition(b":")[2]), b"HTTP/1.1 200 Connected\r\n\r\n")
                return
            else:
                await peer.send(OK)


class Socks4Proxy:
    """A proxy for SOCKS4 and 4a, which microsocks does not speak: it leads to the port that is asked for."""

    def __init__(self, is_refusing: bool = False) -> None:
        #: Versions, hosts, ports and user-ids.
        self.asked: list[tuple[str, str, int, bytes]] = []
        self.is_refusing = is_refusing

    async def __call__(self, peer: Peer) -> None:
        version, command, port, address = struct.unpack(">BBH4s", await peer.reader.readexactly(8))
        if (version, command) != (4, 1):
            raise ValueError(f"expected CONNECT of SOCKS4, got {version}, {command}")
        user = (await peer.reader.readuntil(b"\0"))[:-1]
        kind, host = "4", socket.inet_ntoa(address)
        # Addresses that are none, 0.0.0.1 to 0.0.0.255, say that a name follows.
        if address[:3] == b"\0\0\0" and address[3]:
            kind, host = "4a", (await peer.reader.readuntil(b"\0"))[:-1].decode()
        self.asked.append((kind, host, port, user))
        if self.is_refusing:
            await peer.send(struct.pack(">BBH4s", 0, 91, 0, bytes(4)))
            peer.close()
        else:
            await relay(peer, port, struct.pack(">BBH4s", 0, 90, 0, bytes(4)))


async def relay(peer: Peer, port: int, greeting: bytes) -> None:
    """Connect to ``port``, say ``greeting``, and pass on what comes, until one side has closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await peer.send(greeting)
        ways = [
            asyncio.ensure_future(_pass_on(peer.reader, writer)),
            asyncio.ensure_future(_pass_on(reader, peer.writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
    finally:
        writer.close()
        peer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()


# What is left


@asynccontextmanager
async def leaving_nothing() -> AsyncIterator[None]:
    """What the block takes of descriptors, tasks and threads is given back soon after it.

    Entered after a session and before its server, it looks while the session is open and its server gone.
    """
    # The first stream of a loop has uvloop open a descriptor for itself.
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0):
        pass
    before = _taken()
    yield
    try:
        await until(lambda: all(now <= then for now, then in zip(_taken(), before, strict=True)))
    except TimeoutError:
        pytest.fail(f"descriptors, tasks and threads: {before} before, {_taken()} after")


def _taken() -> tuple[int, int, int]:
    return sum(1 for _ in Path("/dev/fd").iterdir()), len(asyncio.all_tasks()), threading.active_count()
