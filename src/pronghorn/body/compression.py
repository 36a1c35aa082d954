"""Bodies whose content is coded on its way out."""

import asyncio
from typing import Final

from ..wire.compression import Compressor
from .payload import Writer

#: Compressing more than this takes longer than handing it to a thread: 64 KiB are 1 to 2 ms of zlib.
_ON_LOOP: Final = 16 * 1024


class CompressingWriter:
    """Passes on to ``writer`` what it is given, compressed; large pieces off the loop."""

    def __init__(self, writer: Writer, compressor: Compressor) -> None:
        self._writer = writer
        self._compressor = compressor

    async def write(self, data: bytes) -> None:
        """Compress and send ``data``."""
        if len(data) <= _ON_LOOP:
            coded = self._compressor.compress(data)
        else:
            coded = await asyncio.get_running_loop().run_in_executor(None, self._compressor.compress, data)
        if coded:
            await self._writer.write(coded)

    async def finish(self) -> None:
        """Send the rest: the content was whole."""
        coded = self._compressor.flush()
        if coded:
            await self._writer.write(coded)
