"""Handlers that are classes."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Any

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
