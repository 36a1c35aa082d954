"""Charsets that a peer may name (RFC 9110 section 8.3.2), and text in them.

Python finds more under such a name than charsets: punycode takes quadratic time, two minutes for
1 MiB, and a name that it does not know it remembers for good. So names are first looked up here.
"""

from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache
from typing import Final

from .errors import ProtocolError

# Codecs of Python's own, those of the machine that it runs on, and those that give no text.
_NO_CHARSETS: Final = frozenset(
    """base64_codec bz2_codec hex_codec idna mbcs oem punycode quopri_codec raw_unicode_escape rot_13
    unicode_escape uu_codec zlib_codec""".split()
)
_WITHOUT_ALIAS: Final = """cp720 cp737 cp856 cp874 cp875 cp1006 iso8859_1 koi8_t koi8_u mac_arabic
    mac_croatian mac_farsi mac_romanian utf_8_sig""".split()
_CHARSETS: Final = frozenset((*aliases, *aliases.values(), *_WITHOUT_ALIAS)) - {
    name for alias, codec in aliases.items() if codec in _NO_CHARSETS for name in (alias, codec)
}
_LONGEST: Final = max(map(len, _CHARSETS))


def codec_of(charset: str) -> str | None:
    """The name under which Python has a charset; None for what is none."""
    return _codec_of(charset) if len(charset) <= _LONGEST else None


# The same few are named again and again; what is not among them is at most this long.
@lru_cache(maxsize=256)
def _codec_of(charset: str) -> str | None:
    name = normalize_encoding(charset).lower()
    return name if name in _CHARSETS else None


def decode_text(data: bytes | bytearray, charset: str) -> str:
    """The text that ``data`` is in ``charset``; ProtocolError if it is none, or ``data`` not in it."""
    codec = codec_of(charset)
    if codec is None:
        raise ProtocolError(f"text: {charset[:_LONGEST]!r} is not the name of a charset", 415)
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        raise ProtocolError(f"text: expected {codec}, got other bytes at {error.start}") from error
