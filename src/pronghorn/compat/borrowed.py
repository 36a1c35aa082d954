"""Small things that other packages import from aiohttp's insides."""

import asyncio
from asyncio import ensure_future
from contextlib import AbstractContextManager
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from propcache.api import under_cached_property as reify

__all__ = [
    "RESPONSES",
    "BaseTimerContext",
    "MappingProxyType",
    "TimerNoop",
    "create_future",
    "ensure_future",
    "reify",
]

#: Status code to the registered phrase and a sentence on it.
RESPONSES: Final = {status.value: (status.phrase, status.description) for status in HTTPStatus}


class BaseTimerContext(AbstractContextManager[None]):
    """What limits the time of a ``with`` block."""

    def assert_timeout(self) -> None:
        """Raise TimeoutError if the time has run out."""


class TimerNoop(BaseTimerContext):
    """No limit."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *error: object) -> None:
        return None


def create_future(loop: asyncio.AbstractEventLoop) -> "asyncio.Future[object]":
    """A future of ``loop``."""
    return loop.create_future()
