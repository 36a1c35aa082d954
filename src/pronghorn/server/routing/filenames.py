"""Which paths can be names of files below a folder: decided once they are decoded, before any disk is asked.

On POSIX a name is whatever holds no "/" and no NUL: a colon and a backslash are letters like others, and
files named so are served. On Windows both lead elsewhere, as do the names of devices, whatever follows them
(``aux.txt``), and trailing dots and spaces, which it drops.
"""

import os
import re
from typing import Final
from urllib.parse import unquote_to_bytes

IS_WINDOWS: Final = os.name == "nt"
#: Bytes of a name that common file systems allow at most.
_LONGEST: Final = 255
_DEVICES: Final = re.compile(
    # CONIN$ and CONOUT$ are consoles; superscript digits are digits here.
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])[ ]*(?:\..*)?",
    re.IGNORECASE | re.DOTALL,
)
_FORBIDDEN: Final = re.compile(r'[\\:*?"<>|\x00-\x1f]')


def decode_path(raw: str) -> str | None:
    """A percent-encoded path, decoded once; None if that brings up a separator, and so another file."""
    if "%" not in raw:
        return raw
    decoded = os.fsdecode(unquote_to_bytes(raw))
    return None if decoded.count("/") != raw.count("/") else decoded


def names_in(path: str, *, is_windows: bool = IS_WINDOWS) -> tuple[str, ...] | None:
    """The names that a decoded relative ``path`` consists of; None if one of them must not reach the disk.

    () is the folder itself. "." and ".." are refused, as are empty names: absolute paths begin with one.
    """
    if not path:
        return ()
    names = tuple(path.split("/"))
    return names if all(_is_name(name, is_windows) for name in names) else None


def _is_name(name: str, is_windows: bool) -> bool:
    if name in ("", ".", "..") or "\0" in name:
        return False
    if len(name) > _LONGEST or (not name.isascii() and len(os.fsencode(name)) > _LONGEST):
        return False
    if not is_windows:
        return True
    return not (name[-1] in ". " or _FORBIDDEN.search(name) or _DEVICES.fullmatch(name))
