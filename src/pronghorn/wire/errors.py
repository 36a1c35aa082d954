"""The one error of the wire, and its most common kind."""


class ProtocolError(Exception):
    """The peer broke the protocol; the connection that raised it is finished.

    ``status_hint`` is the status code a server answers with, if it still can.
    Who is to blame, and as which public exception it is told, is decided above:
    the wire reads requests and responses with the same code.
    """

    def __init__(self, message: str, status_hint: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status_hint = status_hint


class ConnectionEnded(ProtocolError):
    """The peer closed in the middle of a message, or before it had sent one that was due."""
