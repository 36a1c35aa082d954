"""Lists of coroutine functions that are told when something happens."""

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar, TypeVarTuple

import aiosignal

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Signal(aiosignal.Signal[*Ts]):
    """A list of coroutine functions, to be filled by any list method or as a decorator.

    After `freeze` it can be sent only: a change raises RuntimeError. ``owner`` is who sends it, for `repr`.
    """

    __slots__ = ()

    def __init__(self, owner: object = None) -> None:
        super().__init__(owner)

    def __repr__(self) -> str:
        owner = "" if self._owner is None else f"owner={self._owner!r}, "
        return f"<Signal {owner}frozen={self.frozen}, {list(self)!r}>"

    def __call__(self, func: Callable[[*Ts], Awaitable[T]]) -> Callable[[*Ts], Awaitable[T]]:
        """Append the function and return it, so that a signal is a decorator."""
        self.append(func)
        return func

    async def send(self, *args: *Ts, **kwargs: Any) -> None:
        """Await what is in the list now, in order; the first error ends it and is raised."""
        # Of a copy: before it is frozen, a callback may take itself off, and the next is not to be skipped.
        for callback in tuple(self):
            await callback(*args, **kwargs)

    def copy(self) -> NoReturn:
        """NotImplementedError: a signal is one place to register at. `list(signal)` copies what is in it."""
        raise NotImplementedError("Signal.copy: expected list(signal), a signal is not copied")

    def sort(self, *args: Any, **kwargs: Any) -> NoReturn:
        """NotImplementedError: callbacks have the order that they were registered in."""
        raise NotImplementedError("Signal.sort: expected callbacks in the order of their registration")
