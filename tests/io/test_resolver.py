import inspect
import socket
from typing import get_type_hints

import pytest

from pronghorn.io.resolver import AbstractResolver, ResolveResult

LOCAL = ResolveResult(
    hostname="here", host="127.0.0.1", port=80, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST
)


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


def test_what_it_is_asked() -> None:
    """Those who call it leave out what is the default, so that is part of the contract."""
    for cls in (AbstractResolver, OneHost):
        host, port, family = list(inspect.signature(cls.resolve).parameters.values())[1:]
        assert (host.name, port.name, family.name) == ("host", "port", "family")
        assert (host.default, port.default, family.default) == (inspect.Parameter.empty, 0, socket.AF_INET)
    assert inspect.iscoroutinefunction(AbstractResolver.resolve)
    assert inspect.iscoroutinefunction(AbstractResolver.close)


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
