"""Masking (RFC 6455 section 5.3): each octet XOR one of the four of a key, in turn.

Masking twice gives back what was there. It is the one loop of the wire that is worth C, where a compiler
was there; without one, integers of any size are how Python XORs many octets at once.
"""

import os
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

#: What holds octets, one item each.
Octets: TypeAlias = bytes | bytearray | memoryview

_KEYS: Final = 64
#: Above it integers take longer than tables: 64 KiB take 190 us by those and 85 by these.
_LARGE: Final = 4096
_OCTETS: Final = bytes(range(256))
_integer: Final = int.from_bytes


def mask_in_python(data: Octets, key: bytes) -> bytes:
    """``data`` masked with ``key``, four bytes, from its first octet on."""
    size = len(data)
    if size > _LARGE:
        return _mask_by_tables(data, key)
    repeated = (key * ((size + 3) >> 2))[:size]
    return (_integer(data, "little") ^ _integer(repeated, "little")).to_bytes(size, "little")


def mask_in_place_in_python(data: memoryview, key: bytes) -> None:
    """As `mask_in_python`, written over what was there."""
    data[:] = mask_in_python(data, key)


def _mask_by_tables(data: Octets, key: bytes) -> bytes:
    masked = bytearray(data)
    for place in range(4):
        table = mask_in_python(_OCTETS, key[place : place + 1] * 4)
        masked[place::4] = masked[place::4].translate(table)
    return bytes(masked)


mask: Callable[[Octets, bytes], bytes]
mask_in_place: Callable[[memoryview, bytes], None]
try:
    from ._mask import apply_mask as mask
    from ._mask import apply_mask_in_place as mask_in_place
except ImportError:
    mask, mask_in_place = mask_in_python, mask_in_place_in_python


def masking_keys() -> Iterator[bytes]:
    """New keys without end, each unpredictable (RFC 6455 section 10.3).

    The system is asked for 64 at once: a call for each costs three times as much. Who shares one between
    processes shares keys, so each connection has its own.
    """
    while True:
        pool = os.urandom(4 * _KEYS)
        for at in range(0, len(pool), 4):
            yield pool[at : at + 4]
