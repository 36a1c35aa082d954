"""Told when a client leaves."""

import asyncio
from collections.abc import Generator
from typing import Any, Protocol, final


@final
class Disconnection(asyncio.Future[None]):
    """Done when the client has gone, cancelled when the request is over before that; never an exception.

    Several may wait: a waiter that is cancelled leaves the others waiting. ``task`` is that of the
    request; without one, who made it has to end it. ``is_gone``: it is done from the beginning.
    """

    def __init__(self, task: "asyncio.Task[None] | None" = None, *, is_gone: bool = False) -> None:
        super().__init__()
        if is_gone:
            self.set_result(None)
        self._task = task
        if task is not None:
            task.add_done_callback(self._end)

    def _end(self, _: object) -> None:
        self._task = None
        self.cancel()

    def cancel(self, msg: Any = None) -> bool:
        """Cancel it for all who wait; who asks the request again gets another one."""
        if self._task is not None:
            self._task.remove_done_callback(self._end)
        return super().cancel(msg)

    def __await__(self) -> Generator[Any, None, None]:
        if self.done():
            return self.result()
        # Cancelling a task cancels what it awaits: that is to be this waiter's own.
        return (yield from asyncio.shield(self).__await__())


class Attended(Protocol):
    """A request, as somebody's whose leaving is noticed."""

    _disconnection: Disconnection | None


def disconnection_of(
    request: Attended, task: "asyncio.Task[None] | None", *, is_gone: bool
) -> "asyncio.Future[None]":
    """That of ``request``, made for the first who asks; ``task`` handles it, None if it is over."""
    kept = request._disconnection
    if kept is None or (kept.cancelled() and task is not None):
        kept = request._disconnection = Disconnection(task, is_gone=is_gone)
        if task is None:
            kept.cancel()
    return kept


def tell(request: Attended | None) -> None:
    """The client of ``request`` has gone."""
    if request is not None and request._disconnection is not None and not request._disconnection.done():
        request._disconnection.set_result(None)
