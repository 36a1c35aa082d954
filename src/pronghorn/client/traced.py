"""Bodies of a traced request: each piece that is read or written is told of."""

from collections.abc import Awaitable, Callable
from typing import Any

from ..body.payload import Writer
from ..io.stream import END_WEIGHT, StreamReader

Tell = Callable[[bytes], Awaitable[None]]


class TracedWriter:
    """Awaits ``tell`` with each piece that it has written to ``writer``."""

    __slots__ = ("_tell", "_writer")

    def __init__(self, writer: Writer, tell: Tell) -> None:
        self._writer = writer
        self._tell = tell

    async def write(self, data: bytes) -> None:
        """Write ``data``, and tell."""
        await self._writer.write(data)
        if data:
            await self._tell(data)


class TracedStream(StreamReader):
    """Awaits ``tell`` with what each read gives, before it is given; `read_nowait` tells nothing.

    If that fails, the read does too, and has taken nothing.
    """

    __slots__ = ("_tell",)

    def __init__(self, tell: Tell, protocol: Any = None, **options: Any) -> None:
        super().__init__(protocol, **options)
        self._tell = tell

    async def read(self, n: int = -1) -> bytes:
        # That a whole body is empty is told, too.
        return await self._told(await super().read(n), is_whole=n < 0)

    async def readany(self) -> bytes:
        return await self._told(await super().readany())

    async def readchunk(self) -> tuple[bytes, bool]:
        piece, is_end = await super().readchunk()
        try:
            await self._told(piece)
        except BaseException:
            if is_end:
                self._ends.appendleft(self._position + len(piece))
                if self._source is not None:
                    self._source.consumed(-END_WEIGHT)
            raise
        return piece, is_end

    async def readexactly(self, n: int) -> bytes:
        return await self._told(await super().readexactly(n))

    async def readuntil(self, separator: bytes = b"\n", *, max_size: int | None = None) -> bytes:
        return await self._told(await super().readuntil(separator, max_size=max_size))

    async def _told(self, data: bytes, is_whole: bool = False) -> bytes:
        if data or is_whole:
            try:
                await self._tell(data)
            except BaseException:
                self._give_back(data)
                raise
        return data
