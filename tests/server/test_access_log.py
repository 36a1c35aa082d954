"""The access log: its format, what it makes of what clients send, and that nothing is built for nobody."""

import logging
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

from pronghorn import web
from pronghorn.server.access_log import AccessLogger
from pronghorn.testing.memory import make_request

from .peer import GET, eventually, in_memory, open_in_memory


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def lines() -> Iterator[Lines]:
    lines = Lines()
    logger = logging.getLogger("test.access")
    logger.addHandler(lines)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield lines
    logger.removeHandler(lines)
    logger.setLevel(logging.NOTSET)


def logged(
    lines: Lines, log_format: str, request: Any = None, response: Any = None, elapsed: float = 0.25
) -> str:
    logger = AccessLogger(logging.getLogger("test.access"), log_format)
    logger.log(request or make_request(), response or web.Response(), elapsed)
    return lines.lines[-1]


@pytest.mark.parametrize(
    ("log_format", "line"),
    [
        ("%%", "%"),
        ("100%% sure", "100% sure"),
        ("%r", "GET /a%20b?c=d HTTP/1.1"),
        ("%s", "418"),
        ("%T", "0"),
        ("%Tf", "0.250000"),
        ("%D", "250000"),
        ("%P", f"<{os.getpid()}>"),
        ("%a", "-"),
        ("%l %u", "- -"),
        ("%{User-Agent}i", "antelope/1"),
        ("%{user-agent}i", "antelope/1"),
        ("%{Missing}i", "-"),
        ("%{X-Teapot}o", "yes"),
        ("%{Missing}o", "-"),
        ("<%s %s>", "<418 418>"),
        ("", ""),
    ],
)
def test_directives(lines: Lines, log_format: str, line: str) -> None:
    request = make_request(target="/a%20b?c=d", headers=[("Host", "a"), ("User-Agent", "antelope/1")])
    response = web.Response(status=418, headers={"X-Teapot": "yes"})
    assert logged(lines, log_format, request, response) == line


def test_the_moment_is_that_of_the_request(lines: Lines) -> None:
    line = logged(lines, "%t")
    assert re.fullmatch(r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]", line)


@pytest.mark.parametrize("log_format", ["%", "%q", "%{Name}", "%{Name}x", "%{}i", "a % b", "%{bad name}i"])
def test_an_unknown_directive_is_refused(log_format: str) -> None:
    with pytest.raises(ValueError, match="directive"):
        AccessLogger(logging.getLogger("test.access"), log_format)


@pytest.mark.parametrize("code", [*range(0x20), 0x22, 0x5C, 0x7F, *range(0x80, 0xA0)])
def test_no_control_character_and_no_quote_gets_through(lines: Lines, code: int) -> None:
    request = make_request(headers=[("Host", "a"), ("User-Agent", f"a{chr(code)}b")])
    assert logged(lines, "%{User-Agent}i", request) == f"a\\x{code:02x}b"


@pytest.mark.parametrize("code", [0x61C, 0x200E, 0x2028, 0x2029, 0x202A, 0x202E, 0x2066, 0x2069])
def test_no_line_is_broken_or_turned_around(lines: Lines, code: int) -> None:
    request = make_request(headers=[("Host", "a"), ("User-Agent", f"a{chr(code)}b")])
    assert logged(lines, "%{User-Agent}i", request) == f"a\\u{code:04x}b"


def test_the_name_of_a_peer_is_escaped(lines: Lines) -> None:
    """Who connects by a unix socket may have given its own any name."""
    request = make_request().clone(remote='/tmp/a\n127.0.0.1 "x')
    assert logged(lines, "%a %s", request) == "/tmp/a\\x0a127.0.0.1 \\x22x 200"


def test_bytes_that_are_no_text(lines: Lines) -> None:
    request = make_request(
        headers=[("Host", "a"), ("User-Agent", b"a\xff".decode("utf-8", "surrogateescape"))]
    )
    logged(lines, "%{User-Agent}i", request).encode()


def test_text_of_the_world_stays(lines: Lines) -> None:
    request = make_request(headers=[("Host", "a"), ("User-Agent", "антилопа ✓")])
    assert logged(lines, "%{User-Agent}i", request) == "антилопа ✓"


async def answer(request: web.BaseRequest) -> web.Response:
    return web.Response(text="hello")


async def test_a_request_is_a_line(lines: Lines) -> None:
    log = AccessLogger(logging.getLogger("test.access"), AccessLogger.LOG_FORMAT)
    connection = await in_memory(answer, access_log=log)
    connection.feed(GET.replace(b"\r\n\r\n", b"\r\nUser-Agent: x\r\nReferer: /y\r\n\r\n"))
    await eventually(lambda: lines.lines)
    (line,) = lines.lines
    assert re.fullmatch(r'192\.0\.2\.7 \[[^]]+\] "GET / HTTP/1\.1" 200 5 "/y" "x"', line)
    connection.transport.abort()


async def test_nothing_is_built_when_nobody_listens() -> None:
    class Careful(AccessLogger):
        enabled = False

        def log(self, request: Any, response: Any, time: float) -> None:
            pytest.fail("built for nobody")

    log = Careful(logging.getLogger("test.access"))
    connection = await in_memory(answer, access_log=log)
    connection.feed(GET)
    while task := connection.server.connections[0].task:
        await task
    assert connection.sent.endswith(b"hello")
    connection.transport.abort()


def test_enabled_follows_the_logger() -> None:
    logger = logging.getLogger("test.level")
    log = AccessLogger(logger)
    logger.setLevel(logging.WARNING)
    assert not log.enabled
    logger.setLevel(logging.INFO)
    assert log.enabled


async def test_the_level_may_change_while_serving(lines: Lines) -> None:
    """What counts is who listens when a connection is made."""
    logger = logging.getLogger("test.access")
    server = web.Server(answer, access_log=AccessLogger(logger))
    for level in (logging.WARNING, logging.INFO):
        logger.setLevel(level)
        connection = open_in_memory(server)
        (served,) = server.connections
        connection.feed(GET)
        while task := served.task:
            await task
        connection.transport.abort()
        await eventually(lambda: not server.connections)
    assert len(lines.lines) == 1


async def test_the_address_of_a_client_that_has_gone_is_known(lines: Lines) -> None:
    async def leave(request: web.BaseRequest) -> web.Response:
        connection.channel.connection_lost(None)
        return web.Response()

    connection = await in_memory(leave, access_log=AccessLogger(logging.getLogger("test.access"), "%a"))
    (served,) = connection.server.connections
    connection.feed(GET)
    while task := served.task:
        await task
    assert lines.lines == ["192.0.2.7"]
