"""Credentials from the user's netrc file: ``machine host login name password secret``.

The standard library reads it, on a thread. While anybody asks it is looked at once a second, and read if it
has changed: for each request a thread would cost more than the rest of it.
"""

import asyncio
import os
import stat
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, final

from ..log import client_logger
from .auth import BasicAuth

#: By host, in lower case; None for one that is named without what could be sent.
_Entries = dict[str, BasicAuth | None]
#: Where the entry for all others is kept: no machine has that name.
_DEFAULT: Final = ""
_NOTHING: Final[_Entries] = {}

#: Seconds for which nobody looks again.
_FRESH: Final = 1.0
#: Ten thousand machines have room in it.
_MOST_BYTES: Final = 1024 * 1024


class _State(NamedTuple):
    """What tells that a file is the one that was read."""

    path: str
    #: In nanoseconds, as the next one.
    modified: int
    #: Permissions change without the time of modification.
    changed: int
    size: int


@final
class NetrcFile:
    """The file that the environment names, and what it held when it was read; ``clock`` counts in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reading = threading.Lock()
        self._state: _State | None = None
        self._entries = _NOTHING
        #: What of the environment it was found by; None if nobody has looked yet.
        self._found_by: tuple[str | None, ...] | None = None
        self._looked_at = 0.0

    async def auth(self, host: str) -> BasicAuth | None:
        """As `netrc_auth`."""
        found_by = os.environ.get("NETRC"), os.environ.get("HOME")
        now = self._clock()
        if found_by == self._found_by:
            if now < self._looked_at + _FRESH:
                return _find(self._entries, host)
            self._looked_at = now  # for those who ask while this one looks
        from concurrent.futures import ThreadPoolExecutor

        # A thread of its own: the loop's executor may be full of what its user does.
        executor = ThreadPoolExecutor(1, "pronghorn-netrc")
        try:
            looking = asyncio.get_running_loop().run_in_executor(executor, self._look, found_by, now)
            return _find(await looking, host)
        finally:
            executor.shutdown(wait=False)

    def _look(self, found_by: tuple[str | None, ...], now: float) -> _Entries:
        """What the file holds, read if it is not the one that was read last."""
        with self._reading:
            path = _path(found_by[0])
            state, entries, fault = (None, _NOTHING, "") if path is None else self._read(path)
            if fault and state != self._state:
                client_logger.warning("netrc: %s: %s", path, fault)
            self._state, self._entries = state, entries
            self._found_by, self._looked_at = found_by, now
            return entries

    def _read(self, path: Path) -> tuple[_State, _Entries, str]:
        """The file's state, what it holds, and what is wrong with it."""
        state = _State(str(path), 0, 0, -1)
        try:
            found = path.stat()
            state = _State(str(path), found.st_mtime_ns, found.st_ctime_ns, found.st_size)
            if state == self._state:
                return state, self._entries, ""
            if stat.S_ISREG(found.st_mode) and found.st_size <= _MOST_BYTES:
                return state, *_parse(str(path))
            # By the null device it is switched off.
            is_meant = str(path) == os.devnull
            return state, _NOTHING, "" if is_meant else f"expected a file of at most {_MOST_BYTES} bytes"
        except (FileNotFoundError, NotADirectoryError):
            return state, _NOTHING, ""
        except OSError as error:
            return state, _NOTHING, f"it can't be read: {error.strerror or type(error).__name__}"


_file: Final = NetrcFile()


async def netrc_auth(host: str) -> BasicAuth | None:
    """The credentials for ``host``, a name in ASCII or an address; None if there are none.

    They are in the file that NETRC names, else in ~/.netrc (~/_netrc on Windows); an entry "default" is for
    hosts that have none. A file that can't be read is none, and the log says so once. Nobody asks unless
    ``trust_env`` is set.
    """
    return await _file.auth(host)


def _find(entries: _Entries, host: str) -> BasicAuth | None:
    return entries.get(host.lower(), entries.get(_DEFAULT)) if host else None


def _path(given: str | None) -> Path | None:
    try:
        if given:
            return Path(given).expanduser()
        return Path.home() / ("_netrc" if sys.platform == "win32" else ".netrc")
    except RuntimeError:  # nobody knows where the user is at home
        return None


def _parse(path: str) -> tuple[_Entries, str]:
    """What the file holds, and what is wrong with it, in words that show nothing of it."""
    from netrc import NetrcParseError, netrc

    try:
        hosts = netrc(path).hosts
    except NetrcParseError as error:
        return _NOTHING, f"it is not used, since line {error.lineno} is malformed"
    except ValueError:  # of the charset
        return _NOTHING, "it is not used, since it is no text"
    entries: _Entries = {}
    fault = ""
    for host, (login, account, password) in hosts.items():
        name = login or account or ""
        auth = None
        if name or password:
            try:
                auth = BasicAuth(name, password or "", _charset(f"{name}{password}"))
            except ValueError:
                # Not the default's either: who wrote it meant other ones for this host.
                fault = 'an entry is not used, since it has a control character or a ":" in its login'
        entries[_DEFAULT if host == "default" else host.lower()] = auth
    return entries, fault


def _charset(text: str) -> str:
    """As credentials are encoded in, unless that can't be done."""
    try:
        text.encode("latin1")
    except UnicodeEncodeError:
        return "utf-8"
    return "latin1"
