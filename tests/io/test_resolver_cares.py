"""`AsyncResolver`, and a name server that is as slow, silent or mad as it is told to be."""

import asyncio
import socket
import sys
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest

from pronghorn.io.resolver import AsyncResolver

from ..functional.scripted import until
from .dns_server import DAMAGE, REFUSED, SERVFAIL, SILENT, Answer, DnsServer, serving

NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


def asking(server: DnsServer, **options: Any) -> AsyncResolver:
    return AsyncResolver(
        nameservers=["127.0.0.1"], udp_port=server.port, **{"timeout": 5, "tries": 1, **options}
    )


def test_it_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    old = ModuleType("aiodns")
    old.DNSResolver = object  # type: ignore[attr-defined]  # a module takes any
    for installed in (None, old):
        monkeypatch.setitem(sys.modules, "aiodns", installed)
        with pytest.raises(RuntimeError, match=r"AsyncResolver needs aiodns 3\.2 or newer: pip install"):
            AsyncResolver()


async def test_a_name_server_is_asked() -> None:
    addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    async with serving({"both.test": addresses}) as server:
        resolver = asking(server)
        for family, expected in [
            (socket.AF_INET, addresses[:2]),
            (socket.AF_INET6, addresses[2:]),
            (socket.AF_UNSPEC, addresses),
        ]:
            found = await resolver.resolve("both.test", 81, family)
            assert sorted(result["host"] for result in found) == expected
            for result in found:
                assert result["family"] == (socket.AF_INET6 if ":" in result["host"] else socket.AF_INET)
                assert (result["hostname"], result["port"], result["flags"]) == ("both.test", 81, NUMERIC)
        assert await resolver.resolve("192.0.2.9")
        await resolver.close()
        assert {name for name, _ in server.asked} == {"both.test"}


NAMES: dict[str, Any] = {
    "empty.test": [],
    "fail.test": Answer(rcode=SERVFAIL),
    "no.test": Answer(rcode=REFUSED),
}


@pytest.mark.parametrize(
    ("host", "number"),
    [
        ("nobody.test", socket.EAI_NONAME),
        ("empty.test", socket.EAI_NONAME),
        ("fail.test", socket.EAI_AGAIN),
        ("no.test", socket.EAI_AGAIN),
        ("a..b", socket.EAI_NONAME),
        ("a" * 64 + ".test", socket.EAI_NONAME),
        ("xn--\u00e4", socket.EAI_NONAME),
    ],
    ids=ascii,
)
async def test_names_that_c_ares_does_not_find(host: str, number: int) -> None:
    async with serving(NAMES) as server:
        resolver = asking(server)
        with pytest.raises(socket.gaierror) as caught:
            await resolver.resolve(host)
        assert caught.value.errno == number
        assert str(caught.value.strerror).startswith(f"{host}: ")
        await resolver.close()


async def test_a_name_server_that_is_silent() -> None:
    async with serving({"gone.test": SILENT}) as server, asyncio.timeout(20):
        resolver = asking(server, timeout=0.05, tries=2)
        with pytest.raises(socket.gaierror, match="Timeout") as caught:
            await resolver.resolve("gone.test")
        assert caught.value.errno == socket.EAI_AGAIN
        assert len(server.asked) == 2
        await resolver.close()


@pytest.mark.parametrize("damage", DAMAGE)
async def test_answers_that_are_malformed(damage: str) -> None:
    """RFC 5452: who does not know the question can't answer it; that one is not heard."""
    async with serving({"a.test": Answer(["192.0.2.1"], damage=DAMAGE[damage])}) as server:
        resolver = asking(server, timeout=0.05)
        async with asyncio.timeout(20):
            with pytest.raises(socket.gaierror, match=r"^\[Errno -\d+\] a\.test: "):
                await resolver.resolve("a.test")
            server.names["a.test"] = ["192.0.2.2"]
            (found,) = await resolver.resolve("a.test")
        assert found["host"] == "192.0.2.2"
        await resolver.close()


async def test_a_slow_answer_holds_up_no_other() -> None:
    may_answer = asyncio.Event()
    async with serving(
        {"slow.test": Answer(["192.0.2.1"], after=may_answer), "a.test": ["192.0.2.2"]}
    ) as server:
        resolver = asking(server)
        slow = asyncio.create_task(resolver.resolve("slow.test"))
        await until(lambda: server.asked)
        (found,) = await resolver.resolve("a.test")
        assert found["host"] == "192.0.2.2"
        assert not slow.done()
        may_answer.set()
        (found,) = await slow
        assert found["host"] == "192.0.2.1"
        await resolver.close()


async def test_cancelled_look_ups_end_with_the_last(caplog: pytest.LogCaptureFixture) -> None:
    """c-ares has no way to stop one alone."""
    may_answer = asyncio.Event()
    names = {"gone.test": SILENT, "slow.test": Answer(["192.0.2.1"], after=may_answer)}
    async with serving(names) as server, asyncio.timeout(20):
        resolver = asking(server, timeout=60)
        gone = asyncio.create_task(resolver.resolve("gone.test"))
        slow = asyncio.create_task(resolver.resolve("slow.test"))
        await until(lambda: len(server.asked) == 2)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        may_answer.set()
        assert await slow
        server.names["gone.test"] = ["192.0.2.2"]
        (found,) = await resolver.resolve("gone.test")
        assert found["host"] == "192.0.2.2"
        await resolver.close()
    assert caplog.records == []


async def test_closing_ends_look_ups() -> None:
    async with serving({"gone.test": SILENT, "a.test": ["192.0.2.1"]}) as server, asyncio.timeout(20):
        resolver = asking(server, timeout=60)
        await resolver.close()
        tasks = [asyncio.create_task(resolver.resolve("gone.test")) for _ in range(3)]
        await until(lambda: server.asked)
        await resolver.close()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(outcome, socket.gaierror)
            assert str(outcome.strerror).startswith("gone.test: ")
        assert await resolver.resolve("a.test"), "it can be used again"
        await resolver.close()
        await resolver.close()


async def test_cancelled_when_it_is_closed_already() -> None:
    async with serving({"gone.test": SILENT}) as server, asyncio.timeout(20):
        resolver = asking(server, timeout=60)
        task = asyncio.create_task(resolver.resolve("gone.test"))
        await until(lambda: server.asked)
        closing = asyncio.create_task(resolver.close())
        closing.add_done_callback(lambda _: task.cancel())
        await closing
        with pytest.raises((asyncio.CancelledError, socket.gaierror)):
            await task


@pytest.mark.parametrize("nameservers", [["rubbish"], ["192.0.2.1", "::g"]])
async def test_name_servers_that_are_none(nameservers: list[str]) -> None:
    resolver = AsyncResolver(nameservers=nameservers)
    with pytest.raises(socket.gaierror, match=r"a\.test: c-ares does not start with what it was given"):
        await resolver.resolve("a.test")
    await resolver.close()


async def test_what_c_ares_may_find(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing; and addresses that are of a link. In aiodns 3.2, where there was no `close`."""
    index, name = socket.if_nameindex()[0]

    class DNSResolver:
        found: ClassVar[list[Any]] = []
        cancelled = 0

        def __init__(self, loop: Any) -> None:
            self.loop = loop

        async def getaddrinfo(self, *args: Any, **options: Any) -> Any:
            return SimpleNamespace(nodes=self.found)

        def cancel(self) -> None:
            DNSResolver.cancelled += 1

    monkeypatch.setattr("aiodns.DNSResolver", DNSResolver)
    resolver = AsyncResolver()
    with pytest.raises(socket.gaierror, match=r"a\.test: no address") as caught:
        await resolver.resolve("a.test")
    assert caught.value.errno == socket.EAI_NONAME
    DNSResolver.found.append(SimpleNamespace(family=socket.AF_INET6, addr=(b"fe80::1", 80, 0, index)))
    (found,) = await resolver.resolve("a.test", 80, socket.AF_INET6)
    assert found["host"] == f"fe80::1%{name}"
    assert DNSResolver.cancelled == 0
    await resolver.close()
    assert DNSResolver.cancelled == 1


class Silence:
    """A name server that needs no loop, and never answers."""

    def __enter__(self) -> int:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        port: int = self._socket.getsockname()[1]
        return port

    def __exit__(self, *error: object) -> None:
        self._socket.close()


def test_it_binds_to_the_loop_that_asks(capfd: pytest.CaptureFixture[str]) -> None:
    """Also to the next one; c-ares would print what it can't tell to a loop that is closed."""
    with Silence() as port:
        resolver = AsyncResolver(nameservers=["127.0.0.1"], udp_port=port, timeout=60, tries=1)

        async def give_up() -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(resolver.resolve("a.test"), 0.05)

        asyncio.run(give_up())
        asyncio.run(give_up())
        asyncio.run(resolver.close())
    assert capfd.readouterr() == ("", "")


def test_two_live_loops() -> None:
    with Silence() as port:
        resolver = AsyncResolver(nameservers=["127.0.0.1"], udp_port=port, timeout=60, tries=1)
        first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
        try:
            task = first.create_task(resolver.resolve("a.test"))
            first.run_until_complete(asyncio.sleep(0))
            with pytest.raises(RuntimeError, match=r"belongs to <.*>, and is used on <.*>"):
                second.run_until_complete(resolver.resolve("a.test"))
            first.run_until_complete(resolver.close())
            with pytest.raises(socket.gaierror):
                first.run_until_complete(task)
        finally:
            first.close()
            second.close()
