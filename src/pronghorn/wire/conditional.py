"""Entity tags and preconditions (RFC 9110 sections 8.8.3 and 13): validators in, what to do out."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from .dates import format_date

#: The value that stands for any representation, where tags are compared.
ETAG_ANY: Final = "*"

# Section 8.8.3: etagc is %x21 / %x23-7E / obs-text, which is what UTF-8 and surrogateescape make of it.
_ETAGC: Final = "[!#-~\x80-\U0010ffff]*"
_VALUE: Final = re.compile(_ETAGC)
_TAG: Final = re.compile(rf'(W/)?"({_ETAGC})"')
#: What stands between the members of a list; empty members are passed over (section 5.6.1).
_GAP: Final = re.compile(r"[ \t,]*")
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class ETag:
    """An entity tag, without its quotes. ``ETag("*")`` is no tag: it stands for any."""

    value: str
    is_weak: bool = False


Tags = tuple[ETag, ...]
_ANY: Final = ETag(ETAG_ANY)


def parse_etags(field: str) -> Tags:
    """The tags of an If-Match or If-None-Match field: ``(ETag("*"),)`` for "*".

    What is malformed ends the list. One pass, whatever comes.
    """
    if field.strip(" \t") == ETAG_ANY:
        return (_ANY,)
    tags: list[ETag] = []
    at, end = _skip(field, 0), len(field)
    while at < end:
        found = _TAG.match(field, at)
        if found is None:
            break
        after = _skip(field, found.end())
        if after < end and "," not in field[found.end() : after]:
            break
        # '"*"' is the one tag that `format_etag` never writes: it equals none, and is not "any".
        if found[2] != ETAG_ANY:
            tags.append(ETag(found[2], found[1] is not None))
        at = after
    return tuple(tags)


def _skip(field: str, at: int) -> int:
    found = _GAP.match(field, at)
    return at if found is None else found.end()


def format_etag(etag: ETag) -> str:
    """The tag as it stands in a field: quoted, "W/" before a weak one; "*" for any.

    ValueError for a value that no entity tag can have, TypeError for one that is no str.
    """
    if not isinstance(etag.value, str):
        raise TypeError(f"etag: expected a str, got {type(etag.value).__name__}")
    if etag.value == ETAG_ANY:
        return ETAG_ANY
    if not _VALUE.fullmatch(etag.value):
        raise ValueError(f"etag: expected no space, control character or '\"', got {etag.value!r}")
    return f'W/"{etag.value}"' if etag.is_weak else f'"{etag.value}"'


class Outcome(Enum):
    """What preconditions leave to be done; the value is the status to answer with, 0 for the method's own."""

    PROCEED = 0
    NOT_MODIFIED = 304
    FAILED = 412


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The preconditions of a request. None is a field that did not come, or a date that is none.

    Dates are seconds since the epoch. ``if_match`` and ``if_none_match`` are empty for fields
    that hold no tag: they came, and nothing matches them.
    """

    if_match: Tags | None = None
    if_unmodified_since: float | None = None
    if_none_match: Tags | None = None
    if_modified_since: float | None = None


def evaluate(method: str, given: Preconditions, etag: ETag | None, modified: float | None) -> Outcome:
    """What to do, in the order of section 13.2.2.

    ``etag`` and ``modified`` (seconds since the epoch) are those of the representation that is
    there; None is one that it does not have.
    """
    # HTTP-date counts whole seconds.
    second = None if modified is None else int(modified)
    if given.if_match is not None:
        if not _matches_strongly(given.if_match, etag):
            return Outcome.FAILED
    elif given.if_unmodified_since is not None and second is not None and second > given.if_unmodified_since:
        return Outcome.FAILED
    if given.if_none_match is not None:
        if _matches_weakly(given.if_none_match, etag):
            return Outcome.NOT_MODIFIED if method in _SAFE_METHODS else Outcome.FAILED
    elif (
        given.if_modified_since is not None
        and second is not None
        and method in _SAFE_METHODS
        and second <= given.if_modified_since
    ):
        return Outcome.NOT_MODIFIED
    return Outcome.PROCEED


def is_range_valid(if_range: str | None, etag: ETag | None, modified: float | None) -> bool:
    """Whether a Range is to be looked at, by the If-Range field beside it (section 13.1.5), None without one.

    A tag is compared strongly. A date has to be the Last-Modified that was sent, to the letter:
    a client has it from there, and an earlier or a later one tells of another representation.
    """
    if if_range is None:
        return True
    if_range = if_range.strip(" \t")
    found = _TAG.fullmatch(if_range)
    if found is not None:
        return etag is not None and not etag.is_weak and found[1] is None and found[2] == etag.value
    return modified is not None and if_range == format_date(modified)


def _matches_strongly(tags: Iterable[ETag], etag: ETag | None) -> bool:
    """Section 8.8.3.2: equal, and neither is weak."""
    return any(
        tag == _ANY or (etag is not None and not etag.is_weak and not tag.is_weak and tag.value == etag.value)
        for tag in tags
    )


def _matches_weakly(tags: Iterable[ETag], etag: ETag | None) -> bool:
    """Section 8.8.3.2: equal, weak or not."""
    return any(tag == _ANY or (etag is not None and tag.value == etag.value) for tag in tags)
