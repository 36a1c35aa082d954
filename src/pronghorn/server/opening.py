"""Files opened so that what was checked is what is served: below a folder, through no symbolic link.

On POSIX every step is taken from the descriptor of the one before, and none through a link, so nothing that
is moved or replaced meanwhile leads elsewhere. Windows has no such calls: there the whole path is compared
with where it really is, and the file with what was looked at.

All of this waits for disks, and is called on threads.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

#: Each step can be taken from a descriptor.
HAS_STEPS: Final = (
    os.open in os.supports_dir_fd and os.stat in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
)
_NOFOLLOW: Final[int] = getattr(os, "O_NOFOLLOW", 0)
# Non-blocking, so that what turns out to be a pipe is not waited for.
_FILE: Final = (
    os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
)
# O_PATH: it has to be passed through, not to be read.
_FOLDER: Final = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | _NOFOLLOW
_SEPARATOR: Final = os.sep


class NotServedError(Exception):
    """There is nothing at a path that may be served."""


class IsFolderError(NotServedError):
    """There is a folder at it."""


@dataclass(slots=True)
class Place:
    """A name in a folder: the descriptor of that, or None for a whole path."""

    name: str
    folder: int | None = None
    #: The name may be that of a symbolic link.
    follows: bool = False

    def beside(self, suffix: str, *, follows: bool) -> "Place":
        """The name that has ``suffix`` appended."""
        return Place(self.name + suffix, self.folder, follows)

    def look(self) -> os.stat_result | None:
        """The regular file that is there, None if there is none. NotServedError for everything else."""
        try:
            found = os.stat(self.name, dir_fd=self.folder, follow_symlinks=self.follows)
        except (OSError, ValueError):
            return None
        if stat.S_ISDIR(found.st_mode):
            raise IsFolderError
        # Not only for what is read: opening a device can do something, opening a pipe wakes who writes to it.
        if not stat.S_ISREG(found.st_mode):
            raise NotServedError
        return found

    def open(self, seen: os.stat_result) -> tuple[int, os.stat_result]:
        """Open what `look` has ``seen``: a descriptor, and what it is of. NotServedError if it can't be."""
        try:
            descriptor = os.open(self.name, _FILE | (0 if self.follows else _NOFOLLOW), dir_fd=self.folder)
        except OSError as error:
            raise NotServedError from error
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or not (self.follows or os.path.samestat(seen, found)):
                raise NotServedError  # it was replaced in between
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor, found

    @contextmanager
    def listing(self) -> "Iterator[Iterator[os.DirEntry[str]]]":
        """What is in the folder that is there, for the length of the block. OSError if it can't be read."""
        if not HAS_STEPS:
            with os.scandir(self.name) as entries:
                yield entries
            return
        flags = os.O_RDONLY | os.O_DIRECTORY | (0 if self.follows else _NOFOLLOW)
        descriptor = os.open(self.name, flags, dir_fd=self.folder)
        try:
            with os.scandir(descriptor) as entries:
                yield entries
        finally:
            os.close(descriptor)


@contextmanager
def below(root: str, parts: Sequence[str], *, follows: bool, has_steps: bool = HAS_STEPS) -> Iterator[Place]:
    """The place of ``parts`` below ``root``, an absolute path without links, for the length of the block.

    ``parts`` are names, not "..". NotServedError if a folder on the way is none, or a link while these are
    not followed. Without parts it is the place of ``root``.
    """
    if follows or len(parts) < 2:
        # There is no folder on the way, or it does not matter how it got there.
        yield Place(_SEPARATOR.join((root, *parts)), follows=follows)
        return
    if not has_steps:
        yield Place(_real(_SEPARATOR.join((root, *parts))))
        return
    try:
        folder = os.open(_SEPARATOR.join((root, parts[0])), _FOLDER)
    except (OSError, ValueError) as error:
        raise NotServedError from error
    try:
        for part in parts[1:-1]:
            above = folder
            try:
                folder = os.open(part, _FOLDER, dir_fd=above)
            except (OSError, ValueError) as error:
                raise NotServedError from error
            finally:
                if folder != above:
                    os.close(above)
        yield Place(parts[-1], folder)
    finally:
        os.close(folder)


def _real(path: str) -> str:
    """``path``, if no link leads there; NotServedError if one does."""
    try:
        real = os.path.realpath(path, strict=True)
    except (OSError, ValueError) as error:
        raise NotServedError from error
    if os.path.normcase(real) != os.path.normcase(path):
        raise NotServedError
    return path
