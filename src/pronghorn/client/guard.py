"""What a response holds of its connection."""

import warnings
from typing import final

from .connection import Answer
from .errors import ClientConnectionError
from .outgoing import ClientRequest


@final
class Guard:
    """Holds a connection for a response whose exchange goes on; lets go when the response is forgotten."""

    __slots__ = ("_exchange", "_request", "connection")

    def __init__(self, answer: Answer, request: ClientRequest) -> None:
        self.connection = answer.connection
        self._exchange = answer.exchange
        self._request = request

    def is_held(self) -> bool:
        """The exchange of this response, and not a later one, is going on."""
        return self.connection.is_in(self._exchange)

    def give_up(self, error: Exception) -> None:
        """End the exchange; who still reads gets ``error``."""
        self.connection.fail_exchange(error)

    def let_go(self) -> None:
        """Hold nothing any more, and leave the exchange to the connection."""
        self._exchange = 0  # they are counted from 1

    def __del__(self) -> None:
        if self.is_held():
            # First the place in the pool: where warnings are errors, nothing follows one.
            self.connection.drop(ClientConnectionError("The response was dropped"))
            warnings.warn(
                f"Unclosed response to {self._request!r}", ResourceWarning, source=self, stacklevel=2
            )
