"""Small things that other packages import from aiohttp's insides."""

import asyncio
from asyncio import ensure_future
from contextlib import AbstractContextManager
from http import HTTPStatus
from pathlib import PurePath
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
    "guess_filename",
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


def guess_filename(obj: object, default: str | None = None) -> str | None:
    """The name of an open file, without its folders; ``default`` if it has none that stands for a file."""
    name = getattr(obj, "name", None)
    # That of a descriptor is a number, and "<stdin>" is no file's.
    if isinstance(name, str) and name and name[0] != "<" and name[-1] != ">":
        return PurePath(name).name
    return default
