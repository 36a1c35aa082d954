import asyncio
import errno
import inspect
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, get_type_hints

import pytest

from pronghorn.io.resolver import (
    AbstractResolver,
    AsyncResolver,
    DefaultResolver,
    ResolveResult,
    ThreadedResolver,
    literal,
)

from ..functional.scripted import until

LOCAL = ResolveResult(
    hostname="here", host="127.0.0.1", port=80, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
)
NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
#: How many look-ups there are at a time.
THREADS = 32
PYTHON = [sys.executable, "-W", "error", *(["-O"] if sys.flags.optimize else []), "-c"]


class OneHost(AbstractResolver):
    """Knows one host."""

    closed = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host != "here":
            raise OSError(f"no address for {host}")
        return [{**LOCAL, "port": port, "family": family}]

    async def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("left_out", ["resolve", "close"])
def test_a_resolver_has_both(left_out: str) -> None:
    assert AbstractResolver.__abstractmethods__ == {"resolve", "close"}
    partial = type("Partial", (OneHost,), {left_out: getattr(AbstractResolver, left_out)})
    with pytest.raises(TypeError, match=left_out):
        partial()


async def test_one_of_your_own() -> None:
    resolver = OneHost()
    assert isinstance(resolver, AbstractResolver)
    assert await resolver.resolve("here", 80) == [LOCAL]
    (found,) = await resolver.resolve("here", family=socket.AF_INET6)
    assert (found["port"], found["family"]) == (0, socket.AF_INET6)
    with pytest.raises(OSError, match="no address for there"):
        await resolver.resolve("there")
    await resolver.close()
    assert resolver.closed


@pytest.mark.parametrize("cls", [AbstractResolver, OneHost, ThreadedResolver, AsyncResolver])
def test_what_it_is_asked(cls: type[AbstractResolver]) -> None:
    """Those who call it leave out what is the default, so that is part of the contract."""
    host, port, family = list(inspect.signature(cls.resolve).parameters.values())[1:]
    assert (host.name, port.name, family.name) == ("host", "port", "family")
    assert (host.default, port.default, family.default) == (inspect.Parameter.empty, 0, socket.AF_INET)
    assert inspect.iscoroutinefunction(cls.resolve)
    assert inspect.iscoroutinefunction(cls.close)


def test_what_it_answers() -> None:
    assert get_type_hints(ResolveResult) == {
        "hostname": str,
        "host": str,
        "port": int,
        "family": int,
        "proto": int,
        "flags": int,
    }
    assert ResolveResult.__required_keys__ == LOCAL.keys()
    assert type(LOCAL) is dict


def test_the_default_is_the_systems() -> None:
    assert DefaultResolver is ThreadedResolver


def test_what_is_not_used_is_not_loaded() -> None:
    code = (
        "import sys, asyncio; loaded = set(sys.modules)\n"
        "from pronghorn.io.resolver import ThreadedResolver; ThreadedResolver()\n"
        "print({'aiodns', 'pycares', 'ipaddress', 'concurrent.futures.thread'} & (set(sys.modules) - loaded))"
    )
    done = subprocess.run([*PYTHON, code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "set()\n"


# Addresses


@pytest.mark.parametrize("resolver_class", [ThreadedResolver, AsyncResolver])
@pytest.mark.parametrize(
    ("host", "own", "other"),
    [
        ("127.0.0.1", socket.AF_INET, socket.AF_INET6),
        ("255.255.255.255", socket.AF_INET, socket.AF_INET6),
        ("::1", socket.AF_INET6, socket.AF_INET),
        ("2001:DB8::1", socket.AF_INET6, socket.AF_INET),
        ("::ffff:192.0.2.1", socket.AF_INET6, socket.AF_INET),
        ("fe80::1%eth0", socket.AF_INET6, socket.AF_INET),
    ],
)
async def test_nobody_is_asked_for_an_address(
    system: "System",
    resolver_class: type[ThreadedResolver | AsyncResolver],
    host: str,
    own: socket.AddressFamily,
    other: socket.AddressFamily,
) -> None:
    resolver = resolver_class()
    known = ResolveResult(
        hostname=host, host=host, port=81, family=own, proto=socket.IPPROTO_TCP, flags=NUMERIC
    )
    assert await resolver.resolve(host, 81, own) == [known]
    assert await resolver.resolve(host, 81, socket.AF_UNSPEC) == [known]
    with pytest.raises(socket.gaierror, match="another family") as caught:
        await resolver.resolve(host, 81, other)
    assert caught.value.errno == socket.EAI_FAMILY
    assert host in str(caught.value)
    assert system.asked == []


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a",
        "127.1",
        "0x7f000001",
        "1.2.3.4.",
        "1.2.3.256",
        "127.0.0.1%lo",
        "fe80::1%",
        "[::1]",
        ":",
        "1\0",
        "é",
    ],
    ids=ascii,
)
def test_what_is_no_address(host: str) -> None:
    assert literal(host) is None


# The system's


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "pronghorn-dns"]


class System:
    """Stands for `socket.getaddrinfo`: each call waits until it may answer."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked: list[tuple[Any, ...]] = []
        #: What is answered, or raised.
        self.answer: Any = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))]

    def getaddrinfo(self, *args: Any) -> Any:
        self.asked.append(args)
        if not self.may_answer.wait(60):
            raise RuntimeError("nobody lets it answer")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    @property
    def hosts(self) -> list[str]:
        return [args[0] for args in self.asked]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    system = System()
    monkeypatch.setattr(socket, "getaddrinfo", system.getaddrinfo)  # the system is the seam
    yield system
    system.may_answer.set()
    for thread in threads():
        thread.join(20)


@pytest.mark.parametrize("family", [socket.AF_UNSPEC, socket.AF_INET])
async def test_the_system_is_asked(family: socket.AddressFamily) -> None:
    resolver = ThreadedResolver()
    found = await resolver.resolve("localhost", 8080, family)
    assert {"127.0.0.1"} <= {result["host"] for result in found} <= {"127.0.0.1", "::1"}
    for result in found:
        assert (result["hostname"], result["port"], result["flags"]) == ("localhost", 8080, NUMERIC)
        assert result["family"] == (socket.AF_INET6 if ":" in result["host"] else socket.AF_INET)
    await resolver.close()


@pytest.mark.parametrize(
    ("family", "flags"),
    [(socket.AF_UNSPEC, socket.AI_ADDRCONFIG), (socket.AF_INET, 0), (socket.AF_INET6, 0)],
)
async def test_what_the_system_is_asked(system: System, family: socket.AddressFamily, flags: int) -> None:
    await ThreadedResolver().resolve("a.test", 80, family)
    assert system.asked == [("a.test", 80, family, socket.SOCK_STREAM, 0, flags)]


async def test_what_the_system_answers(system: System) -> None:
    """In its order, with the zone of an address that needs one, and without what can't be connected to."""
    index, name = socket.if_nameindex()[0]
    system.answer = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", 80, 0, index)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80)),
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (10, b"from a Python without IPv6")),
        (socket.AF_UNIX, socket.SOCK_STREAM, 0, "", "/path"),
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 80, 0, 0)),
    ]
    found = await ThreadedResolver().resolve("a.test", 80, socket.AF_UNSPEC)
    assert [(result["host"], result["family"]) for result in found] == [
        (f"fe80::1%{name}", socket.AF_INET6),
        ("192.0.2.1", socket.AF_INET),
        ("2001:db8::1", socket.AF_INET6),
    ]
    assert {(result["hostname"], result["port"], result["proto"]) for result in found} == {("a.test", 80, 6)}


@pytest.mark.parametrize(
    "host", ["does-not-exist.invalid", "a" * 64 + ".test", "a..b", "xn--\u00e4", "\0", ""], ids=ascii
)
async def test_names_that_have_no_address(host: str) -> None:
    """RFC 6761 section 6.4 keeps ``invalid`` free; the others can't be names at all."""
    with pytest.raises(socket.gaierror) as caught:
        await ThreadedResolver().resolve(host, 80)
    assert str(caught.value.strerror).startswith(f"{host}: ")
    assert "None" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "number", "message"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "try again"), socket.EAI_AGAIN, "a.test: try again"),
        (OSError(errno.EMFILE, "too many files"), errno.EMFILE, "a.test: too many files"),
        (OSError("words"), socket.EAI_FAIL, "a.test: words"),
        (UnicodeError("label too long"), socket.EAI_NONAME, "a.test: not the name of a host: label too long"),
        ([], socket.EAI_NONAME, "a.test: no address"),
        ([(socket.AF_INET6, 1, 6, "", (10, b""))], socket.EAI_NONAME, "a.test: no address"),
    ],
)
async def test_failures_name_the_host(system: System, answer: Any, number: int, message: str) -> None:
    system.answer = answer
    with pytest.raises(socket.gaierror) as caught:
        await ThreadedResolver().resolve("a.test")
    assert (caught.value.errno, caught.value.strerror) == (number, message)


async def test_what_else_goes_wrong_is_raised_to_who_asked(system: System) -> None:
    system.answer = LookupError("not expected")
    with pytest.raises(LookupError, match="not expected"):
        await ThreadedResolver().resolve("a.test")


async def test_a_default_executor_that_is_full_stops_no_look_up() -> None:
    loop = asyncio.get_running_loop()
    executor = ThreadPoolExecutor(1)
    loop.set_default_executor(executor)
    is_over = threading.Event()
    held_up = loop.run_in_executor(None, is_over.wait)
    try:
        async with asyncio.timeout(20):
            assert await ThreadedResolver().resolve("localhost")
        assert not held_up.done()
    finally:
        is_over.set()
        await held_up


async def test_threads_are_few_and_gone_when_nobody_waits(system: System) -> None:
    system.may_answer.clear()
    resolver = ThreadedResolver()
    tasks = [asyncio.create_task(resolver.resolve(f"{number}.test")) for number in range(3 * THREADS)]
    await until(lambda: len(system.asked) == THREADS)
    assert len(threads()) == THREADS
    assert all(thread.daemon for thread in threads())
    system.may_answer.set()
    for number, found in enumerate(await asyncio.gather(*tasks)):
        assert [result["hostname"] for result in found] == [f"{number}.test"]
    assert set(system.hosts[:THREADS]) == {f"{number}.test" for number in range(THREADS)}
    await until(lambda: not threads())
    await resolver.close()


async def test_cancelled_before_its_turn(system: System) -> None:
    system.may_answer.clear()
    resolver = ThreadedResolver()
    tasks = [asyncio.create_task(resolver.resolve(f"{number}.test")) for number in range(THREADS + 2)]
    await until(lambda: len(system.asked) == THREADS)
    tasks[-2].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[-2]
    system.may_answer.set()
    await asyncio.gather(*tasks[:-2], tasks[-1])
    assert f"{THREADS}.test" not in system.hosts
    assert f"{THREADS + 1}.test" in system.hosts


async def test_cancelled_while_the_system_is_asked(system: System, caplog: pytest.LogCaptureFixture) -> None:
    system.may_answer.clear()
    resolver = ThreadedResolver()
    task = asyncio.create_task(resolver.resolve("a.test"))
    await until(lambda: system.asked)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    system.answer = OSError("nobody hears it")
    system.may_answer.set()
    await until(lambda: not threads())
    assert caplog.records == []


async def test_closing_ends_look_ups(system: System) -> None:
    """Those that have a thread and those that wait for one; and then it has all its threads again."""
    system.may_answer.clear()
    resolver = ThreadedResolver()
    tasks = [asyncio.create_task(resolver.resolve(f"{number}.test")) for number in range(THREADS + 1)]
    await until(lambda: len(system.asked) == THREADS)
    await resolver.close()
    for number, outcome in enumerate(await asyncio.gather(*tasks, return_exceptions=True)):
        assert isinstance(outcome, socket.gaierror)
        assert outcome.strerror == f"{number}.test: the resolver was closed"
    assert len(threads()) == THREADS
    again = asyncio.create_task(resolver.resolve("again.test"))
    await until(lambda: "again.test" in system.hosts)
    assert len(threads()) == THREADS + 1
    system.may_answer.set()
    assert await again
    await until(lambda: not threads())
    assert f"{THREADS}.test" not in system.hosts
    await resolver.close()
    await resolver.close()


def test_any_loop_may_use_it(system: System) -> None:
    resolver = ThreadedResolver(None)
    for host in ("first.test", "second.test"):
        (found,) = asyncio.run(resolver.resolve(host))
        assert found["hostname"] == host
    with ThreadPoolExecutor(4) as executor:
        for many in executor.map(lambda host: asyncio.run(resolver.resolve(host)), ["a.test", "b.test"] * 4):
            assert many[0]["hostname"] in {"a.test", "b.test"}


def test_an_answer_to_a_loop_that_is_closed(system: System, caplog: pytest.LogCaptureFixture) -> None:
    """An exception in the thread would be a warning, which fails the test."""
    system.may_answer.clear()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ThreadedResolver().resolve("a.test"), 0.01)

    asyncio.run(give_up())
    system.may_answer.set()
    for thread in threads():
        thread.join(20)
    assert threads() == []
    assert caplog.records == []


async def test_no_thread_can_be_started(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks is told, unless another thread will come to it."""
    resolver = ThreadedResolver()
    system.may_answer.clear()
    with monkeypatch.context() as patched:

        def refuse(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(socket.gaierror, match=r"a\.test: .*can't start new thread") as caught:
            await resolver.resolve("a.test")
        assert caught.value.errno == socket.EAI_AGAIN
    first = asyncio.create_task(resolver.resolve("b.test"))
    await until(lambda: system.hosts == ["b.test"])
    monkeypatch.setattr(threading.Thread, "start", refuse)
    second = asyncio.create_task(resolver.resolve("c.test"))
    await asyncio.sleep(0)
    system.may_answer.set()
    await asyncio.gather(first, second)
    assert system.hosts == ["b.test", "c.test"]


def test_the_interpreter_does_not_wait_for_the_system() -> None:
    code = """
import asyncio, socket, threading, time
from pronghorn.io.resolver import ThreadedResolver
socket.getaddrinfo = lambda *args: time.sleep(600)
async def main():
    resolver = ThreadedResolver()
    try:
        await asyncio.wait_for(resolver.resolve("a.test"), 0.1)
    except TimeoutError:
        await resolver.close()
        print([thread.name for thread in threading.enumerate()][1:])
asyncio.run(main())
"""
    done = subprocess.run([*PYTHON, code], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("['pronghorn-dns']\n", "")
