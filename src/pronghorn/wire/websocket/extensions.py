"""The grammar of Sec-WebSocket-Extensions (RFC 6455 section 9.1).

    extensions = 1#( token *( ";" parameter ) )
    parameter  = token [ "=" ( token / quoted-string ) ]

A quoted value is a token when it is unquoted. Space may stand between any two of these.
"""

import re
from typing import Final, NamedTuple, final

_TCHAR: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_SPACE: Final = r"[ \t]*"
_NAME: Final = re.compile(rf"{_SPACE}({_TCHAR}+){_SPACE}")
_VALUE: Final = re.compile(rf'{_SPACE}(?:({_TCHAR}+)|"((?:\\?{_TCHAR})+)"){_SPACE}')
_EMPTY: Final = re.compile(r"[ \t,]*")


@final
class Extension(NamedTuple):
    """One extension, as it is offered or agreed to."""

    name: str
    #: In their order, names as often as they came; the value of one without a value is None.
    parameters: tuple[tuple[str, str | None], ...] = ()

    def __str__(self) -> str:
        written = (name if value is None else f"{name}={value}" for name, value in self.parameters)
        return "; ".join((self.name, *written))


def parse_extensions(value: str) -> list[Extension]:
    """The extensions of a field, empty members left out; ValueError if it does not keep to the grammar."""
    extensions = []
    at = _skip(value, 0)
    while at < len(value):
        name, at = _name(value, at)
        parameters = []
        while value[at : at + 1] == ";":
            parameter, at = _name(value, at + 1)
            content = None
            if value[at : at + 1] == "=":
                content, at = _value(value, at + 1)
            parameters.append((parameter, content))
        if value[at : at + 1] not in ("", ","):
            raise _malformed("',' or ';'", at)
        extensions.append(Extension(name, tuple(parameters)))
        at = _skip(value, at)
    return extensions


def _skip(value: str, at: int) -> int:
    found = _EMPTY.match(value, at)
    return found.end() if found else at


def _name(value: str, at: int) -> tuple[str, int]:
    found = _NAME.match(value, at)
    if found is None:
        raise _malformed("a token", at)
    return found[1], found.end()


def _value(value: str, at: int) -> tuple[str, int]:
    found = _VALUE.match(value, at)
    if found is None:
        raise _malformed("a token or a quoted one", at)
    return found[1] or found[2].replace("\\", ""), found.end()


def _malformed(expected: str, at: int) -> ValueError:
    return ValueError(f"Sec-WebSocket-Extensions: expected {expected} at character {at}")
