"""Content-Disposition (RFC 6266), read and written; in a form, by RFC 7578 section 4.2.

Parameters outside ASCII have two spellings. In most fields they are ext-values
(RFC 8187), ``filename*=UTF-8''%C3%BC``, in mail also in pieces (RFC 2231 section 3).
In a form they are not: the name stands there as it is, in UTF-8, and one who reads
``filename*`` sees another file than the one before him who did not.

What is read is linear and bounded, and whatever can be understood in two ways is
none: a repeated parameter, a quoted string without its end.
"""

import re
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from .fields import TCHAR

# A field line of 8,190 octets has room for 2,000; who needs five is exotic.
_PARAMETERS: Final = 128

# Possessive, so that nothing is looked at twice. An empty parameter is none (RFC 9110 section 5.6.6).
_PARAMETER: Final = (
    r'[ \t]*+;[ \t]*+(?:{0}[^=;" \t]{{0,64}}+)[ \t]*+=[ \t]*+{0}"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^;"]*+))?'
)
_FIND_PARAMETER: Final = re.compile(_PARAMETER.format("("), re.DOTALL)
_PARAMETERIZED: Final = re.compile(rf'([^;"]*+)(?:{_PARAMETER.format("(?:")})*+[ \t]*', re.DOTALL)
_TOKEN: Final = re.compile(f"[{re.escape(TCHAR.decode())}]+")
# What all browsers and most libraries write, read at once in a quarter of the time.
_FORM_DATA: Final = re.compile(
    r'form-data; name="([^"\\\x00-\x1f\x7f]*+)"(?:; filename="([^"\\\x00-\x1f\x7f]*+)")?'
)
# RFC 2231 section 3: pieces are numbered without leading zeros.
_NAME: Final = re.compile(r"([!#$%&'+.^_`|~0-9A-Za-z-]+)(\*(?:(0|[1-9][0-9]{0,2})(\*)?)?)?")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LINE_END: Final = re.compile(r"\r\n?|\n")
_QUOTED_PAIR: Final = re.compile(r"\\(.)")
# Browsers send "\" as it is. Only what senders that know quoted pairs do escape is one.
_FORM_QUOTED_PAIR: Final = re.compile(r'\\(["\\ \t])')

_EXT_CHARS: Final = r"(?:[!#$&+.^_`|~0-9A-Za-z-]|%[0-9A-Fa-f]{2})*+"
# RFC 8187 section 3.2.1; the charset is looked up, not matched.
_EXT_VALUE: Final = re.compile(rf"(?:([!#$%&+^_`{{}}~0-9A-Za-z-]*+)'[0-9A-Za-z-]*+')?({_EXT_CHARS})")
# Any codec by its name would let a peer choose idna or punycode, which take quadratic time.
_CHARSETS: Final = {
    **dict.fromkeys(("", "utf-8", "utf8", "us-ascii"), "utf-8"),
    **dict.fromkeys(("iso-8859-1", "latin-1", "latin1"), "iso-8859-1"),
}


class BadContentDispositionHeader(RuntimeWarning):
    """A Content-Disposition that can't be understood; it counts as none."""


class BadContentDispositionParam(RuntimeWarning):
    """A parameter of a Content-Disposition that can't be understood; it was left out."""


def split_parameters(text: str) -> tuple[str, list[tuple[str, str]]] | None:
    """``value; name=text; ...`` -> (value, [(name, text), ...]), quoted strings with their quotes.

    None if the parameters are malformed or too many. Neither names nor texts are checked.
    """
    found = _PARAMETERIZED.fullmatch(text)
    if found is None or text.count(";") > _PARAMETERS:
        return None
    value = found[1]
    return value.rstrip(" \t"), _FIND_PARAMETER.findall(text, len(value))


# Reading


def parse_content_disposition(
    header: str | None, *, in_form: bool | None = None
) -> tuple[str | None, dict[str, str]]:
    """Read a Content-Disposition: its type in lower case, and its parameters.

    Names are in lower case; ``filename*`` holds what its ext-value means, the pieces of
    ``filename*0``... are as they were sent: `disposition_parameter` puts them together.
    Values are as sent, paths too. With ``in_form`` every name with a "*" is left out
    (RFC 7578 section 4.2); by default for the type "form-data".

    What can't be understood is (None, {}) with a BadContentDispositionHeader, or left out
    with a BadContentDispositionParam. Their text never repeats what came: the interpreter
    remembers each text that it has warned with.
    """
    if not header:
        return None, {}
    if found := _FORM_DATA.fullmatch(header):
        name, filename = found.groups()
        return "form-data", {"name": name} if filename is None else {"name": name, "filename": filename}
    if not header.isprintable() and _CONTROL.search(header):
        return _refuse("a control character")
    split = split_parameters(header)
    if split is None or not _TOKEN.fullmatch(split[0]):
        return _refuse("expected a token, then parameters")
    disposition = split[0].lower()
    if in_form is None:
        in_form = disposition == "form-data"
    parameters: dict[str, str] = {}
    for raw_name, raw_value in split[1]:
        spelling = _read_name(raw_name)
        value: str | None = raw_value
        if spelling is None:
            if raw_name or raw_value:
                _leave_out("expected a token as its name")
            continue
        key, is_starred, is_extended, is_piece = spelling
        if is_starred and in_form:
            continue
        if is_extended:
            value = _read_extended(raw_value, is_piece)
            if value is None:
                _leave_out("expected charset''value, percent-encoded")
                continue
        elif raw_value.startswith('"'):
            value = raw_value[1:-1]
            if "\\" in value:
                value = (_FORM_QUOTED_PAIR if in_form else _QUOTED_PAIR).sub(r"\1", value)
        elif not _TOKEN.fullmatch(value := raw_value.rstrip(" \t")):
            return _refuse("expected a token or a quoted string as value")
        if key in parameters:
            return _refuse("a parameter came twice")
        parameters[key] = value
    return disposition, parameters


def _refuse(reason: str) -> tuple[None, dict[str, str]]:
    warnings.warn(BadContentDispositionHeader(f"Content-Disposition: {reason}"), stacklevel=3)
    return None, {}


def _leave_out(reason: str) -> None:
    warnings.warn(BadContentDispositionParam(f"Content-Disposition: a parameter: {reason}"), stacklevel=3)


# Names are few and tell nothing; of those that come, the grammar lets none be long.
@lru_cache(maxsize=256)
def _read_name(raw: str) -> tuple[str, bool, bool, bool] | None:
    """In lower case; if it has a "*", if an ext-value follows, if it names a piece. None for no name."""
    found = _NAME.fullmatch(raw)
    if found is None:
        return None
    _, star, piece, last = found.groups()
    return raw.lower(), star is not None, star == "*" or last is not None, piece is not None


def _read_extended(value: str, is_piece: bool) -> str | None:
    """The text of an ext-value, None if it is none; a piece of one is only checked, and told as it is."""
    value = value.rstrip(" \t")
    found = _EXT_VALUE.fullmatch(value)
    if found is None or not value:
        return None
    charset, text = found.groups()
    if is_piece:
        return value
    return None if charset is None else _decode(unquote_to_bytes(text), charset)


def _decode(raw: bytes, charset: str) -> str | None:
    codec = _CHARSETS.get(charset.lower())
    try:
        text = raw.decode(codec) if codec else None
    except UnicodeDecodeError:
        return None
    # What the field itself could not carry is not carried in by encoding it.
    return None if text is None or _CONTROL.search(text) else text


def disposition_parameter(parameters: Mapping[str, str], name: str) -> str | None:
    """The value of a parameter in the best of its spellings: ``name*``, ``name``, or its pieces."""
    for spelling in (f"{name}*", name):
        if spelling in parameters:
            return parameters[spelling]
    charset, pieces = "", []
    for number in range(len(parameters)):
        piece = parameters.get(f"{name}*{number}*")
        if piece is not None:
            head, quotes, rest = piece.partition("'")
            if quotes and not number:
                charset, piece = head, rest.partition("'")[2]
            pieces.append(unquote_to_bytes(piece))
        elif (piece := parameters.get(f"{name}*{number}")) is not None:
            pieces.append(piece.encode("utf-8", "surrogateescape"))
        else:
            break
    return _decode(b"".join(pieces), charset) if pieces else None


def content_disposition_filename(params: Mapping[str, str], name: str = "filename") -> str | None:
    """The name of a file, without directories (RFC 6266 section 4.3); None if there is no such parameter.

    "" is what a form sends for a file that nobody chose, and what "..", "." and "a/" come to.
    For a parameter that is no filename, ask `disposition_parameter`.
    """
    value = disposition_parameter(params, name)
    if value is None:
        return None
    segment = value.replace("\\", "/").rpartition("/")[2]
    if segment[1:2] == ":" and segment[0].isalpha():
        segment = segment[2:]  # a drive, from which Windows would take the rest to start
    return "" if segment in {".", ".."} else segment


# Writing


def content_disposition_header(
    disptype: str, quote_fields: bool = True, _charset: str = "utf-8", **params: str
) -> str:
    r"""The value of a Content-Disposition field.

    With ``quote_fields`` a filename is percent-encoded in ``_charset`` (RFC 7578 section 4.2);
    what is no form says it as ext-value too, if that changed it. Without, values stand there in
    UTF-8 as browsers write them: '"', CR and LF percent-encoded, line ends of names as CRLF.
    Only "\" is escaped as well: as browsers leave it, readers of quoted pairs take it away.

    Raises ValueError for a type or a name that is no token, for a control character in a value,
    and for a value that ``_charset`` can't encode; LookupError for an unknown ``_charset``;
    TypeError for a value that is not a str.
    """
    if not _TOKEN.fullmatch(disptype):
        raise ValueError(f"Content-Disposition: expected a token as its type, got {disptype!r}")
    in_form = disptype.lower() == "form-data"
    parts = [disptype]
    for name, value in params.items():
        spelling = _read_name(name)
        if spelling is None or spelling[1]:
            raise ValueError(f"Content-Disposition: expected a token without '*' as name, got {name!r}")
        if not isinstance(value, str):
            raise TypeError(f"Content-Disposition: expected str for {name}, got {type(value).__name__}")
        is_filename = spelling[0] == "filename"
        if not quote_fields:
            value = _escape_as_browsers(value, is_filename)
        if not value.isprintable() and _CONTROL.search(value):
            raise ValueError(f"Content-Disposition: control character in {name} {value!r}")
        if not quote_fields or (not is_filename and (in_form or value.isascii())):
            # RFC 7578 section 5.1: UTF-8; hardly a server would find the name of a field in `name*`.
            parts.append(_format_quoted(name, value))
            continue
        encoded = quote(value, safe="", encoding=_charset)
        if is_filename:
            parts.append(_format_quoted(name, encoded))
        if not in_form and encoded != value:
            if not _EXT_VALUE.fullmatch(f"{_charset}''"):
                raise ValueError(f"Content-Disposition: expected the name of a charset, got {_charset!r}")
            parts.append(f"{name}*={_charset}''{encoded}")
    return "; ".join(parts)


def _escape_as_browsers(value: str, is_filename: bool) -> str:
    """As the HTML standard has it in multipart/form-data."""
    if not is_filename:
        value = _LINE_END.sub("\r\n", value)
    return value.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _format_quoted(name: str, value: str) -> str:
    if '"' in value or "\\" in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{value}"'
