"""What lives as long as an application: entered when it starts, left in reverse order when it ends."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from frozenlist import FrozenList

#: Of the application: an async generator function that yields once, or what makes an async context manager.
CleanupCallback = Callable[[Any], AsyncIterator[None] | AbstractAsyncContextManager[Any]]


class CleanupError(RuntimeError):
    """Several contexts failed while they were left: see `exceptions`."""

    @property
    def exceptions(self) -> list[BaseException]:
        """What they raised, the last entered first."""
        exceptions: list[BaseException] = self.args[1]
        return exceptions


class CleanupContext(FrozenList[CleanupCallback]):
    """Functions of the application whose contexts it lives in."""

    def __init__(self) -> None:
        super().__init__()
        self._entered: list[AbstractAsyncContextManager[Any]] = []

    async def enter(self, app: Any) -> None:
        """Enter each, in order; of those that were entered before one fails, `leave` leaves all.

        TypeError for what is neither of the two.
        """
        for callback in self:
            context = _context_of(callback, app)
            await context.__aenter__()
            self._entered.append(context)

    async def leave(self, app: Any) -> None:
        """Leave each that was entered, in reverse order, whatever the others do.

        What one raises is raised. For several it is CleanupError, or what is no Exception, as a cancellation,
        with that as its cause.
        """
        errors: list[BaseException] = []
        while self._entered:
            try:
                await self._entered.pop().__aexit__(None, None, None)
            except BaseException as error:  # noqa: BLE001 - raised below, when the others have been left
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            several = CleanupError("several contexts failed while they were left", errors)
            fatal = next((error for error in errors if not isinstance(error, Exception)), None)
            if fatal is None:
                raise several
            raise fatal from several


def _context_of(callback: CleanupCallback, app: Any) -> AbstractAsyncContextManager[Any]:
    made = callback(app)
    if isinstance(made, AbstractAsyncContextManager):
        return made
    if isinstance(made, AsyncIterator):
        return asynccontextmanager(lambda: made)()
    if isinstance(made, Coroutine):
        made.close()  # that it was never awaited need not be said as well
    raise TypeError(
        f"cleanup_ctx: expected {callback!r} to be an async generator function or to make an async context "
        f"manager, got {type(made).__name__}"
    )
