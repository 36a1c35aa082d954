from collections.abc import Awaitable, Callable, MutableSequence
from typing import Any

import aiosignal
import pytest

from pronghorn.signals import Signal


class Recorder:
    """Callbacks by name, and the calls of them in order."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def callback(self, name: str) -> Callable[..., Awaitable[None]]:
        async def call(*args: Any, **kwargs: Any) -> None:
            self.calls.append((name, args, kwargs))

        return call

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]


async def one() -> None: ...
async def two() -> None: ...
async def three() -> None: ...


def test_it_is_a_mutable_sequence_and_an_aiosignal() -> None:
    signal: Signal[()] = Signal()
    assert isinstance(signal, MutableSequence)
    assert isinstance(signal, aiosignal.Signal)


def test_it_is_filled_like_a_list() -> None:
    signal: Signal[()] = Signal()
    signal.append(one)
    signal.extend([three, three])
    signal.insert(1, two)
    assert list(signal) == [one, two, three, three]
    assert (len(signal), signal[1], signal[-1], two in signal, signal.index(three)) == (
        4,
        two,
        three,
        True,
        2,
    )
    assert signal.pop() is three
    signal.remove(two)
    signal.reverse()
    assert list(signal) == [three, one]
    signal[0] = two
    signal += [three]
    del signal[1]
    assert list(signal) == [two, three]
    assert signal.count(two) == 1
    signal.clear()
    assert not signal


CHANGES: dict[str, Callable[[Any], object]] = {
    "append": lambda signal: signal.append(one),
    "extend": lambda signal: signal.extend([one]),
    "insert": lambda signal: signal.insert(0, one),
    "pop": lambda signal: signal.pop(),
    "remove": lambda signal: signal.remove(two),
    "clear": lambda signal: signal.clear(),
    "reverse": lambda signal: signal.reverse(),
    "+=": lambda signal: signal.__iadd__([one]),
    "[] =": lambda signal: signal.__setitem__(0, one),
    "del []": lambda signal: signal.__delitem__(0),
    "decorator": lambda signal: signal(one),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_after_freezing_is_refused(change: Callable[[Any], object]) -> None:
    signal: Signal[()] = Signal()
    signal.extend([two, three])
    signal.freeze()
    with pytest.raises(RuntimeError, match="frozen"):
        change(signal)
    assert list(signal) == [two, three]


def test_it_tells_whether_it_is_frozen() -> None:
    signal: Signal[()] = Signal()
    assert signal.frozen is False
    signal.freeze()
    assert signal.frozen is True
    signal.freeze()
    assert signal.frozen is True
    with pytest.raises(AttributeError):
        signal.frozen = False  # type: ignore[misc]  # that it is refused is the point


@pytest.mark.parametrize("is_frozen", [False, True])
async def test_callbacks_are_awaited_in_order_with_what_is_sent(is_frozen: bool) -> None:
    recorder = Recorder()
    signal: Signal[int, str] = Signal()
    signal.extend([recorder.callback("b"), recorder.callback("a")])
    if is_frozen:
        signal.freeze()
    await signal.send(1, "x", key=2)
    await signal.send(3, "y")
    assert recorder.calls == [
        ("b", (1, "x"), {"key": 2}),
        ("a", (1, "x"), {"key": 2}),
        ("b", (3, "y"), {}),
        ("a", (3, "y"), {}),
    ]


async def test_sending_to_nobody() -> None:
    signal: Signal[int] = Signal()
    assert await signal.send(1) is None
    signal.freeze()
    assert await signal.send(1) is None


async def test_the_first_error_ends_it() -> None:
    recorder = Recorder()
    signal: Signal[()] = Signal()

    async def fail() -> None:
        raise LookupError("no such thing")

    signal.extend([recorder.callback("a"), fail, recorder.callback("b")])
    with pytest.raises(LookupError, match="no such thing"):
        await signal.send()
    assert recorder.names == ["a"]


async def test_a_plain_function_is_an_error_when_it_is_sent() -> None:
    signal: Signal[()] = Signal()
    signal.append(lambda: None)  # type: ignore[arg-type, return-value]  # what a type checker would refuse
    with pytest.raises(TypeError, match="await"):
        await signal.send()


async def test_what_callbacks_change_counts_from_the_next_time_on() -> None:
    recorder = Recorder()
    signal: Signal[()] = Signal()

    async def once() -> None:
        signal.remove(once)
        signal.append(recorder.callback("late"))

    signal.extend([once, recorder.callback("a")])
    await signal.send()
    assert recorder.names == ["a"]
    await signal.send()
    assert recorder.names == ["a", "a", "late"]


async def test_it_is_a_decorator() -> None:
    recorder = Recorder()
    signal: Signal[str] = Signal()

    @signal
    async def greet(name: str) -> None:
        await recorder.callback("greet")(name)

    assert list(signal) == [greet]
    await signal.send("you")
    await greet("me")
    assert recorder.calls == [("greet", ("you",), {}), ("greet", ("me",), {})]


@pytest.mark.parametrize("is_frozen", [False, True])
def test_it_is_neither_copied_nor_sorted(is_frozen: bool) -> None:
    signal: Signal[()] = Signal()
    signal.append(one)
    if is_frozen:
        signal.freeze()
    with pytest.raises(NotImplementedError, match="list"):
        signal.copy()
    with pytest.raises(NotImplementedError, match="order"):
        signal.sort()
    with pytest.raises(NotImplementedError, match="order"):
        signal.sort(key=id, reverse=True)
    assert list(signal) == [one]


def test_its_owner_is_shown() -> None:
    assert repr(Signal()) == "<Signal frozen=False, []>"
    signal: Signal[()] = Signal("app")
    signal.append(one)
    signal.freeze()
    assert repr(signal) == f"<Signal owner='app', frozen=True, [{one!r}]>"


def test_two_of_them_share_nothing() -> None:
    first: Signal[()] = Signal()
    second: Signal[()] = Signal()
    first.append(one)
    first.freeze()
    assert (list(second), second.frozen) == ([], False)
