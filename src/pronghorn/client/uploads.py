"""How much of a request's body has been sent."""

from collections.abc import Callable


class UploadTracker:
    """Given to a request, it tells how much of the body has left: ``bytes_written``, of ``total``.

    ``on_progress`` is called with both after each piece; ``total`` is None if nobody knows it.
    A body that is sent once more is counted anew. The bytes are those of the content as it is
    sent: compressed, if it is, and without the framing.
    """

    def __init__(self, on_progress: Callable[[int, int | None], object] | None = None) -> None:
        self._on_progress = on_progress
        self._written = 0
        self._total: int | None = None
        #: How often the body was begun: more than once where a redirect or a retry asked for it again.
        self.attempts = 0
        #: The whole of it has left.
        self.upload_complete = False

    @property
    def bytes_written(self) -> int:
        """Bytes handed to the transport so far."""
        return self._written

    @property
    def total(self) -> int | None:
        """Bytes in all, if that is known."""
        return self._total

    def start(self, total: int | None) -> None:
        """The body begins."""
        self._written = 0
        self._total = total
        self.attempts += 1
        self.upload_complete = False

    def add(self, size: int) -> None:
        """A piece has left."""
        self._written += size
        if self._on_progress is not None:
            self._on_progress(self._written, self._total)

    def finish(self) -> None:
        """Nothing is left of the body."""
        self.upload_complete = True
