"""The cookies of a jar in a file: JSON, for nobody but its owner to read."""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from math import inf
from pathlib import Path
from typing import Any, Final

from ..wire.cookies import FLAGS, check_pair, make_set_cookie
from ..wire.dates import format_date
from .cookie_store import Key, StoredCookie

#: Field of a record -> its type, and what it is if it is not there.
_FIELDS: Final[dict[str, tuple[type | tuple[type, ...], Any]]] = {
    "key": (str, None),
    "coded_value": (str, None),
    "domain": (str, ""),
    "path": (str, "/"),
    "host_only": (bool, False),
    "samesite": (str, ""),
    "expires_timestamp": ((int, float), inf),
    **dict.fromkeys(FLAGS, (bool, False)),
}


def write_cookies(file_path: "str | os.PathLike[str]", cookies: Iterable[StoredCookie]) -> None:
    """Write ``cookies`` to a file with mode 0600: the whole of it, or the one that was there stays."""
    text = json.dumps([_record(cookie) for cookie in cookies], indent=1)
    path = Path(file_path)
    # Of the standard library's ways to make a file, this one never lets others read it, not for a moment.
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_cookies(file_path: "str | os.PathLike[str]") -> list[StoredCookie]:
    """Read the cookies of a file: ours, or one that aiohttp saved as JSON.

    Raises ValueError for anything else. A pickle is never read: it could run code
    (CVE-2026-34993).
    """
    data = Path(file_path).read_bytes()
    try:
        return [_read_record(record) for record in _records(json.loads(data))]
    except (ValueError, RecursionError) as error:
        found = "a pickle, which is never read: it could run code" if data[:1] == b"\x80" else error
        raise ValueError(f"{file_path}: expected the JSON that `save` writes; {found}") from error


def _record(cookie: StoredCookie) -> dict[str, Any]:
    key = cookie.key
    record: dict[str, Any] = {
        "key": key.name,
        "coded_value": cookie.coded_value,
        "domain": key.domain,
        "path": key.path,
        "host_only": key.is_host_only,
    }
    record |= {name: said for name in (*FLAGS, "samesite") if (said := cookie.attributes.get(name))}
    if cookie.expires < inf:
        record["expires_timestamp"] = cookie.expires
    return record


def _records(loaded: Any) -> Iterator[Any]:
    if isinstance(loaded, list):
        yield from loaded
        return
    # What aiohttp saves: records by name, by domain and path.
    for cookies in _as(dict, loaded, "cookies").values():
        yield from _as(dict, cookies, "the cookies of a domain").values()


def _read_record(record: Any) -> StoredCookie:
    fields = {
        name: _as(kind, _as(dict, record, "a cookie").get(name, default), name)
        for name, (kind, default) in _FIELDS.items()
    }
    name, value, expires = fields["key"], fields["coded_value"], fields["expires_timestamp"]
    check_pair(name, value)
    if not fields["path"].startswith("/"):
        raise ValueError(f"cookie {name}: expected a path that starts with '/', got {fields['path']!r}")
    said = [(flag, "") for flag in FLAGS if fields[flag]]
    said.append(("samesite", fields["samesite"]))
    if expires != inf:
        try:
            said.append(("expires", format_date(expires)))
        except (ValueError, OverflowError) as error:
            raise ValueError(f"cookie {name}: not a moment: {expires!r}") from error
    key = Key(fields["domain"].lower(), fields["path"], name, fields["host_only"])
    return StoredCookie(key, value, make_set_cookie(name, value, said).attributes, expires)


def _as(kind: type | tuple[type, ...], value: Any, what: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{what}: got {type(value).__name__}")
    return value
