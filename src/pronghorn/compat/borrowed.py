"""Small things that other packages import from aiohttp's insides."""

import asyncio
import os
import sys
from asyncio import ensure_future
from collections.abc import Mapping
from contextlib import AbstractContextManager
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, NamedTuple

from multidict import MultiDict, MultiDictProxy
from propcache.api import under_cached_property as reify

from ..wire.fields import parse_media_type

__all__ = [
    "DEBUG",
    "RESPONSES",
    "BaseTimerContext",
    "HeadersMixin",
    "MappingProxyType",
    "MimeType",
    "TimerNoop",
    "create_future",
    "ensure_future",
    "parse_mimetype",
    "reify",
]

#: Whether this process was started in asyncio's debug mode.
DEBUG: Final = sys.flags.dev_mode or (
    not sys.flags.ignore_environment and bool(os.environ.get("PYTHONASYNCIODEBUG"))
)
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


class HeadersMixin:
    """What the fields in ``_headers`` say of the content, for a class that keeps its own there."""

    _headers: Mapping[str, str]

    @property
    def content_type(self) -> str:
        """The media type; application/octet-stream if there is none."""
        value = self._headers.get("Content-Type")
        return parse_media_type(value)[0] if value else "application/octet-stream"

    @property
    def charset(self) -> str | None:
        """The charset, if there is one."""
        return parse_media_type(self._headers.get("Content-Type", ""))[1].get("charset")

    @property
    def content_length(self) -> int | None:
        """The length in bytes, if there is one; ValueError if it is no number."""
        value = self._headers.get("Content-Length")
        return None if value is None else int(value)


def create_future(loop: asyncio.AbstractEventLoop) -> "asyncio.Future[object]":
    """A future of ``loop``."""
    return loop.create_future()


class MimeType(NamedTuple):
    """A media type in its parts, which were a plain tuple once."""

    type: str
    subtype: str
    suffix: str
    parameters: MultiDictProxy[str]


def parse_mimetype(mimetype: str) -> MimeType:
    """``type/subtype+suffix; name=value`` in its parts, "" for what is not there; "*" is "*/*"."""
    essence, parameters = parse_media_type(mimetype)
    kind, _, rest = ("*/*" if essence == "*" else essence).partition("/")
    subtype, _, suffix = rest.partition("+")
    return MimeType(kind, subtype, suffix, MultiDictProxy(MultiDict(parameters)))
