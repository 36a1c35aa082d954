"""Signals."""

from collections.abc import MutableSequence
from typing import Any

import pytest

import pronghorn
from pronghorn import Signal, web
from pronghorn.testing import TestServer

from .row import aliased


class Listener:
    """A callback that notes what it is called with."""

    def __init__(self, name: str, log: list[Any]) -> None:
        self.name = name
        self.log = log

    async def __call__(self, *args: Any, **kwargs: Any) -> None:
        self.log.append((self.name, args, kwargs))


def test_s306_a_mutable_sequence() -> None:
    assert pronghorn.Signal is Signal
    assert issubclass(Signal, MutableSequence)
    signal: Signal[()] = Signal()
    first, second, third = (Listener(name, []) for name in "abc")
    signal.append(first)
    signal.extend([third])
    signal.insert(1, second)
    assert (len(signal), signal[1], signal.index(third), second in signal) == (3, second, 2, True)
    del signal[0]
    signal[0] = first
    signal.reverse()
    assert list(signal) == [third, first]
    assert signal.pop() is first
    signal.remove(third)
    signal += [second]
    signal.clear()
    assert not signal


async def test_s307_filled_then_frozen() -> None:
    log: list[Any] = []
    app = web.Application()
    assert isinstance(app.on_startup, Signal)
    app.on_startup.append(Listener("first", log))
    app.on_startup.extend([Listener("second", log)])
    assert log == []
    async with TestServer(app):
        assert log == [("first", (app,), {}), ("second", (app,), {})]
        with pytest.raises(RuntimeError):
            app.on_startup.append(Listener("late", log))


@pytest.mark.parametrize("is_frozen", [True, False])
async def test_s308_send(is_frozen: bool) -> None:
    log: list[Any] = []
    signal: Signal[int, str] = Signal()
    for name in ("first", "second", "first"):
        signal.append(Listener(name, log))
    if is_frozen:
        signal.freeze()
    await signal.send(1, "two", three=3)
    assert log == [(name, (1, "two"), {"three": 3}) for name in ("first", "second", "first")]
    plain: Any = Signal()
    plain.append(log.clear)
    if is_frozen:
        plain.freeze()
    with pytest.raises(TypeError, match="await"):
        await plain.send()


def test_s309_frozen() -> None:
    signal: Any = Signal()
    assert signal.frozen is False
    signal.freeze()
    assert signal.frozen is True
    with pytest.raises(AttributeError):
        signal.frozen = False
    assert signal.frozen is True


CHANGES: dict[str, Any] = {
    "append": lambda signal: signal.append(print),
    "extend": lambda signal: signal.extend([print]),
    "insert": lambda signal: signal.insert(0, print),
    "pop": lambda signal: signal.pop(),
    "remove": lambda signal: signal.remove(signal[0]),
    "clear": lambda signal: signal.clear(),
    "reverse": lambda signal: signal.reverse(),
    "replace": lambda signal: signal.__setitem__(0, print),
    "delete": lambda signal: signal.__delitem__(0),
    "add": lambda signal: signal.__iadd__([print]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_s310_freeze(change: Any) -> None:
    log: list[Any] = []
    signal: Any = Signal()
    signal.append(Listener("only", log))
    signal.freeze()
    with pytest.raises(RuntimeError):
        change(signal)
    await signal.send()
    assert log == [("only", (), {})]


def test_s311_the_module() -> None:
    found = aliased(
        """
from aiohttp.signals import BaseSignal, DebugSignal, PostSignal, PreSignal, Signal

found = {"is_same": Signal is aiohttp.Signal}
for kind in (BaseSignal, DebugSignal, PostSignal, PreSignal):
    try:
        kind()
    except NotImplementedError as error:
        found[kind.__name__] = [type(error).__name__, error.name, error.successor]
"""
    )
    assert found.pop("is_same")
    assert found == {
        name: ["RetiredNameError", f"aiohttp.signals.{name}", "Signal"]
        for name in ("BaseSignal", "DebugSignal", "PostSignal", "PreSignal")
    }


async def test_s312_once_a_list() -> None:
    log: list[Any] = []
    app = web.Application()
    signal: Any = Signal(app)
    listener = Listener("only", log)
    signal.append(listener)
    assert signal == [listener]
    with pytest.raises(NotImplementedError):
        signal.copy()
    with pytest.raises(NotImplementedError):
        signal.sort()
    await signal.send(app)
    assert log == [("only", (app,), {})]
