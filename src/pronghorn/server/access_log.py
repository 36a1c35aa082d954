"""The access log: one line a request, in a format of directives that is compiled once."""

import logging
import os
import re
import time as clock
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, Protocol

from .request import BaseRequest
from .response import StreamResponse

Part = Callable[[BaseRequest, StreamResponse, float], str]

_DIRECTIVE: Final = re.compile(r"%(?:\{([A-Za-z0-9-]+)\}([io])|(Tf|[altuPrsbTD%]))")
_CONTROL: Final = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), 0x22, 0x5C, 0x7F, *range(0x80, 0xA0))},
    # Other line breaks, and what turns the order of the characters behind it around.
    **{code: f"\\u{code:04x}" for code in (0x61C, *range(0x200E, 0x2010), *range(0x2028, 0x202F))},
    **{code: f"\\u{code:04x}" for code in range(0x2066, 0x206A)},
}


def _escape(text: str) -> str:
    """What a client sent, as printable text: no line breaks, no terminal sequences, no closing quotes."""
    return text.translate(_CONTROL).encode("utf-8", "backslashreplace").decode()


def _start_time(elapsed: float) -> str:
    return clock.strftime("[%d/%b/%Y:%H:%M:%S %z]", clock.localtime(clock.time() - elapsed))


def _request_line(request: BaseRequest) -> str:
    major, minor = request.version
    return _escape(f"{request.method} {request.raw_path} HTTP/{major}.{minor}")


_PARTS: Final[dict[str, Part]] = {
    "%": lambda request, response, elapsed: "%",
    # The peer of a unix socket may have one with any name.
    "a": lambda request, response, elapsed: _escape(request.remote or "-"),
    # Apache's logname and user, whom nobody asks for here: the default format of older documents has them.
    "l": lambda request, response, elapsed: "-",
    "u": lambda request, response, elapsed: "-",
    "t": lambda request, response, elapsed: _start_time(elapsed),
    "P": lambda request, response, elapsed: f"<{os.getpid()}>",
    "r": lambda request, response, elapsed: _request_line(request),
    "s": lambda request, response, elapsed: str(response.status),
    "b": lambda request, response, elapsed: str(response.body_length),
    "T": lambda request, response, elapsed: str(round(elapsed)),
    "Tf": lambda request, response, elapsed: f"{elapsed:06f}",
    "D": lambda request, response, elapsed: str(round(elapsed * 1_000_000)),
}


def _field_part(name: str, side: str) -> Part:
    if side == "i":
        return lambda request, response, elapsed: _escape(request.headers.get(name, "-"))
    return lambda request, response, elapsed: _escape(response.headers.get(name, "-"))


class Log(Protocol):
    """Where finished requests are reported."""

    @property
    def enabled(self) -> bool: ...
    def log(self, request: BaseRequest, response: StreamResponse, time: float) -> None: ...


class AbstractAccessLogger(ABC):
    """Told of each request when it has been answered."""

    __slots__ = ("log_format", "logger")

    def __init__(self, logger: logging.Logger, log_format: str) -> None:
        self.logger = logger
        self.log_format = log_format

    @property
    def enabled(self) -> bool:
        """Somebody listens: asked before every `log`."""
        return True

    @abstractmethod
    def log(self, request: BaseRequest, response: StreamResponse, time: float) -> None:
        """Log one request that took ``time`` seconds."""


class AccessLogger(AbstractAccessLogger):
    """Writes ``log_format`` with these directives: %a remote address, %t time of the request, %P process,
    %r request line, %s status, %b bytes of content, %T seconds, %Tf seconds with fraction, %D microseconds,
    %{Name}i and %{Name}o fields of request and response, %%; %l and %u are always "-".

    ValueError for an unknown directive.
    """

    LOG_FORMAT = '%a %t "%r" %s %b "%{Referer}i" "%{User-Agent}i"'

    def __init__(self, logger: logging.Logger, log_format: str = LOG_FORMAT) -> None:
        super().__init__(logger, log_format)
        self._parts: list[str | Part] = []
        place = 0
        for directive in _DIRECTIVE.finditer(log_format):
            self._add_text(log_format[place : directive.start()])
            name, side, plain = directive.groups()
            self._parts.append(_field_part(name, side) if name else _PARTS[plain])
            place = directive.end()
        self._add_text(log_format[place:])

    @property
    def enabled(self) -> bool:
        """The logger takes what is logged."""
        return self.logger.isEnabledFor(logging.INFO)

    def log(self, request: BaseRequest, response: StreamResponse, time: float) -> None:
        line = "".join(
            part if isinstance(part, str) else part(request, response, time) for part in self._parts
        )
        self.logger.info("%s", line)

    def _add_text(self, text: str) -> None:
        if "%" in text:
            raise ValueError(f"access log format: unknown directive in {text!r}")
        if text:
            self._parts.append(text)
