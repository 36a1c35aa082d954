"""A response that says what it was told to say, and nothing besides."""

from collections.abc import AsyncIterable, Iterable

from multidict import CIMultiDict

from .. import web


class VerbatimResponse(web.StreamResponse):
    """Sends ``headers`` as they are: no Date, no Server, no Content-Type of its own.

    The framing follows from them: a Content-Length is kept to, without one the body is chunked.
    """

    def __init__(
        self,
        *,
        status: int = 200,
        reason: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        super().__init__(status=status, reason=reason)
        self._headers = CIMultiDict(headers)

    def fields(self) -> Iterable[tuple[str, str]]:
        return [field for field in self.headers.items() if field[0].lower() not in _FRAMING_FIELDS]

    async def send_pieces(
        self, request: web.BaseRequest, pieces: Iterable[bytes] | AsyncIterable[bytes]
    ) -> None:
        """Answer ``request`` with ``pieces``, each written by itself."""
        await self.prepare(request)
        if isinstance(pieces, AsyncIterable):
            async for piece in pieces:
                await self.write(piece)
        else:
            for piece in pieces:
                await self.write(piece)
        await self.write_eof()


_FRAMING_FIELDS = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})
