"""Handlers that are classes."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Any, NoReturn

from ..hdrs import METH_ALL
from .errors import HTTPMethodNotAllowed
from .request import Request
from .response import StreamResponse


class AbstractView(ABC):
    """A handler that is made for each request and awaited for the response."""

    def __init__(self, request: Request) -> None:
        self._request = request

    @property
    def request(self) -> Request:
        """The request."""
        return self._request

    @abstractmethod
    def __await__(self) -> Generator[Any, None, StreamResponse]:
        """Handle the request."""


class View(AbstractView):
    """A handler with a coroutine method for each HTTP method: ``async def get(self)`` and so on.

    The others are answered with 405.
    """

    def __await__(self) -> Generator[Any, None, StreamResponse]:
        return self._iter().__await__()

    async def _iter(self) -> StreamResponse:
        method = self.request.method
        # Not every attribute can be asked for: GET leads to `get`, REQUEST does not lead to `request`.
        if method not in METH_ALL or (handle := getattr(self, method.lower(), None)) is None:
            self._raise_allowed_methods()
        response: StreamResponse = await handle()
        return response

    def _raise_allowed_methods(self) -> NoReturn:
        allowed = {method for method in METH_ALL if hasattr(self, method.lower())}
        raise HTTPMethodNotAllowed(self.request.method, allowed)
