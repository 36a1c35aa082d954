"""Field sections: all the field lines of one head (RFC 9112 section 5).

Who keeps a connection open tends to say the same of itself again. Ten fields that
were seen before cost 1.7 us line by line, and 0.4 us as one. So the last section of
each length is kept, if each of its lines is (`fields.py`): then it holds no secret
either. A miss costs the comparison of two sections of the same length, and no hash
of what nobody may ever send again.
"""

from functools import lru_cache
from typing import Final, final

from multidict import CIMultiDict, istr

from ..errors import ProtocolError
from ..fields import FieldLines, list_members
from ..limits import Limits

CONNECTION: Final = istr("Connection")
CONTENT_LENGTH: Final = istr("Content-Length")
CONTENT_TYPE: Final = istr("Content-Type")
HOST: Final = istr("Host")
TRANSFER_ENCODING: Final = istr("Transfer-Encoding")

_CRLF: Final = b"\r\n"
_KEPT_SIZE: Final = 1024
_NO_OPTIONS: Final[frozenset[str]] = frozenset()

#: The fields, and the options of all Connection fields.
Section = tuple[CIMultiDict[str], frozenset[str]]


@final
class FieldSections:
    """Reads field sections."""

    __slots__ = ("_kept", "lines")

    def __init__(self) -> None:
        self.lines = FieldLines()
        #: By their length, with what they say: at most as many as a kept one may have bytes.
        self._kept: dict[int, tuple[bytes, Section]] = {}

    def read(self, raw: bytes, limits: Limits) -> Section:
        """Parse a section, without the end of its last line; ProtocolError for what is none, or too large."""
        size = len(raw)
        kept = self._kept.get(size)
        if kept is not None and kept[0] == raw and size <= limits.field_line:
            headers, options = kept[1]
            if len(headers) <= limits.fields:
                return headers.copy(), options
        lines = raw.split(_CRLF) if raw else []
        if len(lines) > limits.fields:
            raise ProtocolError(f"field section: more than {limits.fields} fields", 431)
        if size > limits.field_line and max(map(len, lines)) > limits.field_line:
            raise ProtocolError(f"field line: longer than {limits.field_line} bytes", 431)
        table = self.lines
        headers = CIMultiDict([table[line] for line in lines])
        _check_singletons(headers)
        options = _NO_OPTIONS
        if CONNECTION in headers:
            options = connection_options(", ".join(headers.getall(CONNECTION)))
        # What is different each time mostly comes last, a cookie for one.
        if size <= _KEPT_SIZE and all(map(table.__contains__, reversed(lines))):
            self._kept[size] = raw, (headers.copy(), options)
        return headers, options


def _check_singletons(headers: CIMultiDict[str]) -> None:
    """What frames, routes and describes a message comes once: by a second one, readers are set at odds."""
    if (
        (HOST in headers and len(headers.getall(HOST)) > 1)
        or (CONTENT_TYPE in headers and len(headers.getall(CONTENT_TYPE)) > 1)
        or (CONTENT_LENGTH in headers and len(headers.getall(CONTENT_LENGTH)) > 1)
        or (TRANSFER_ENCODING in headers and len(headers.getall(TRANSFER_ENCODING)) > 1)
    ):
        raise ProtocolError(
            "Host, Content-Type, Content-Length or Transfer-Encoding: expected once, got more"
        )


@lru_cache(maxsize=256)
def connection_options(value: str) -> frozenset[str]:
    """The options of a Connection field (RFC 9110 section 7.6.1): whole members, never substrings."""
    return frozenset(list_members(value))
