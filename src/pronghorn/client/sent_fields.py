"""The fields of a request: what the caller gives, and what is made up beside it."""

import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from multidict import CIMultiDict

from .._version import __version__
from ..wire.coding import accepted_codings
from ..wire.compression import make_compressor

Headers = Mapping[str, str] | Iterable[tuple[str, str]]
Fields = tuple[tuple[str, str], ...]

CLIENT_SOFTWARE: Final = f"Python/{sys.version_info[0]}.{sys.version_info[1]} pronghorn/{__version__}"

#: Fields that a request makes of itself unless it is told them: a session's are told to each request.
DECIDED_FIELDS: Final = frozenset(
    {
        "host",
        "content-type",
        "content-length",
        "transfer-encoding",
        "connection",
        "cookie",
        "proxy-authorization",
    }
)


@lru_cache(maxsize=64)
def auto_fields(skipped: frozenset[str] = frozenset()) -> Fields:
    """What every request says of itself unless it is told otherwise; ``skipped`` is in lower case."""
    fields = (
        ("User-Agent", CLIENT_SOFTWARE),
        ("Accept", "*/*"),
        ("Accept-Encoding", accepted_codings()),
    )
    return tuple(field for field in fields if field[0].lower() not in skipped)


def skipped_names(names: Iterable[str] | None) -> frozenset[str]:
    """The names of fields that are not to be made up, in lower case; TypeError for what are no names."""
    given = () if names is None else (names,) if isinstance(names, str) else tuple(names)
    for name in given:
        if not isinstance(name, str):
            raise TypeError(f"skip_auto_headers: expected names of fields, got {name!r}")
    return frozenset(name.lower() for name in given)


def as_fields(headers: Headers) -> CIMultiDict[str]:
    """A copy of ``headers``; TypeError if they are none."""
    try:
        fields = CIMultiDict(headers)
    except (TypeError, ValueError) as error:
        raise TypeError(f"headers: expected a mapping or pairs, got {headers!r}") from error
    for name, value in fields.items():
        if not isinstance(value, str):
            raise TypeError(f"headers: expected a str for {name}, got {value!r}")
    return fields


def transfer_fields(headers: Headers | None, coding: str, chunked: bool) -> CIMultiDict[str]:
    """``headers`` with what a content coding or chunks add to them; ValueError for contradictions."""
    fields = as_fields(headers or ())
    if coding:
        make_compressor(coding)
        if "Content-Encoding" in fields:
            raise ValueError("compress: the headers have a Content-Encoding already")
        fields["Content-Encoding"] = coding
    option = "chunked" if chunked else "compress"
    if "Content-Length" in fields:
        raise ValueError(f"{option}: expected no Content-Length in the headers, the length is not known")
    if chunked and "Transfer-Encoding" in fields:
        raise ValueError("chunked: the headers have a Transfer-Encoding already")
    fields["Transfer-Encoding"] = "chunked"
    return fields
