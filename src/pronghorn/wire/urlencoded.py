"""application/x-www-form-urlencoded, read as browsers write it (WHATWG URL section 5.1)."""

from typing import Final

from yarl import query_to_pairs

from .charsets import codec_of
from .errors import ProtocolError

_LINE_SPACE: Final = b" \t\r\n"


def parse_urlencoded(
    data: bytes | bytearray, charset: str = "utf-8", limit: int = 1000
) -> list[tuple[str, str]]:
    """Names and values, in order; at most ``limit``, or any number for 0.

    "&" alone is between them: few readers still take ";" for it. What is not in ``charset`` is
    read as U+FFFD. ProtocolError for more than the limit, and for a ``charset`` that is none.
    """
    codec = codec_of(charset)
    if codec is None:
        raise ProtocolError("form: expected the name of a charset", 415)
    data = data.rstrip(_LINE_SPACE)  # old senders end the body with a CRLF
    if limit and data.count(b"&") >= limit:
        raise ProtocolError(f"form: more than {limit} fields", 413)
    return query_to_pairs(data.decode(codec, "replace"), encoding=codec)
