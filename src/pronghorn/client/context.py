"""What a method of a session returns: something about to be asked for."""

from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any, TypeVar, final

from .response import ClientResponse, Released

T = TypeVar("T")


class Context(Coroutine[Any, Any, T]):
    """A coroutine that those who derive from this can be entered for, too."""

    __slots__ = ("_coroutine",)

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine

    def send(self, value: Any) -> Any:
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        return self._coroutine.throw(*error)

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, T]:
        return self._coroutine.__await__()


@final
class RequestContext(Context[ClientResponse]):
    """A request about to be made: ``await`` it for the response, or enter it with ``async with``."""

    __slots__ = ("_resp",)

    async def __aenter__(self) -> ClientResponse:
        self._resp = response = await self._coroutine
        response._is_entered = True
        return response

    def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Released:
        return self._resp.release()
