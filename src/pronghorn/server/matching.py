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
    @property
    def router(self) -> Any: ...


class AbstractMatchInfo(ABC):
    """The handler that a router chose, and what the path said."""

    __slots__ = ()

    #: The applications on the way to the handler, outermost first.
    _apps: tuple[Any, ...] = ()

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

    @property
    def apps(self) -> tuple[Any, ...]:
        """The applications on the way to the handler, outermost first."""
        return self._apps

    def get_info(self) -> dict[str, Any]:
        """What was found, for tools."""
        return {}

    def add_app(self, app: Any) -> None:
        """Put an application that is further out in front of the others; RuntimeError after `freeze`."""
        self._apps = (app, *self._apps)  # type: ignore[misc]  # there is room for it in who derives from this

    def freeze(self) -> None:
        """The request is on its way: no application can be added."""
