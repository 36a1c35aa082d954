"""Octets that look random and are the same wherever they are made: both ends can know their digest."""

import random
from collections.abc import Iterator

CHUNK = 64 * 1024


def chunks(size: int) -> Iterator[bytes]:
    """`size` octets in chunks of at most 64 KiB."""
    source = random.Random(size)
    for start in range(0, size, CHUNK):
        yield source.randbytes(min(CHUNK, size - start))
