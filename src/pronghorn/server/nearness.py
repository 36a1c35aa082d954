"""Files that the event loop's own thread may open: on a disk of this machine, and looked at a moment ago.

A turn of another thread costs more than a small file: with 64 connections, a request for 1 KiB takes 130 us
of CPU without one, and 175 us with one. What the thread is for is what may take long: a disk that is another
machine's, and a path that nobody has asked for of late. So a file goes by a thread first; while it is asked
for again within seconds, the kernel has its path and its content at hand (and says so of the content, see
`io.sendfile`).
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Final, final

#: File systems whose disks are this machine's; what else there is, networks and FUSE, may take any time.
_LOCAL: Final = frozenset(
    {"bcachefs", "btrfs", "erofs", "ext2", "ext3", "ext4", "f2fs", "overlay", "xfs", "zfs"}
)
_IN_MEMORY: Final = frozenset({"ramfs", "tmpfs"})
_MOUNTS: Final = Path("/proc/self/mountinfo")
#: Seconds for which a path is at hand.
_WHILE: Final = 5.0
#: Paths that are kept in mind.
_MOST_PATHS: Final = 4096


@lru_cache(maxsize=256)
def nearness(device: int) -> tuple[bool, bool]:
    """Whether the file system of a ``st_dev`` is in memory, and whether it is near, which that is too.

    The first question waits for a file of the kernel's. Systems that can't be asked have nothing near.
    """
    try:
        number = f"{os.major(device)}:{os.minor(device)}"
        for line in _MOUNTS.read_text(errors="surrogateescape").splitlines():
            place, _, kind = line.partition(" - ")
            if place.split(" ", 3)[2] == number:
                name = kind.split(" ", 1)[0]
                return name in _IN_MEMORY, name in _LOCAL or name in _IN_MEMORY
    except (OSError, AttributeError, IndexError):
        pass  # no Linux
    return False, False


@final
class AtHand:
    """Paths that were found near a moment ago."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def has(self, path: str, now: float) -> bool:
        """It was noted less than seconds before ``now``."""
        return self._until.get(path, 0.0) > now

    def note(self, path: str, now: float) -> None:
        """It is near, and its path was gone through."""
        if len(self._until) >= _MOST_PATHS and path not in self._until:
            self._until.clear()
        self._until[path] = now + _WHILE

    def forget(self, path: str) -> None:
        """It is not what it was."""
        self._until.pop(path, None)


at_hand: Final = AtHand()
