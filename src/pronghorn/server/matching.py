"""What a router finds for a request, as far as requests know of it."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar, overload

from ..keys import BaseKey

T = TypeVar("T")


class ApplicationLike(Protocol):
    """What a request can be asked of its application."""

    @overload
    def __getitem__(self, key: BaseKey[T], /) -> T: ...
    @overload
    def __getitem__(self, key: str, /) -> Any: ...


class AbstractMatchInfo(ABC):
    """The handler that a router chose, and what the path said."""

    __slots__ = ()

    @property
    @abstractmethod
    def handler(self) -> Callable[[Any], Awaitable[Any]]:
        """Called with the request; its awaited result is the response."""

    @property
    def http_exception(self) -> Exception | None:
        """The refusal, if that is what was found."""
        return None

    @property
    def expect_handler(self) -> Callable[[Any], Awaitable[Any]] | None:
        """Called first if the client waits for 100 (Continue); a response that it gives is the answer."""
        return None
