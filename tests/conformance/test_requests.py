"""Every literal that a client may send: to the machine, and over a socket to a server. Ids name the row."""

import re
from collections.abc import Iterable

import pytest

from pronghorn import web
from pronghorn.testing import RawTestServer
from pronghorn.wire.errors import ProtocolError

from ..functional.scripted import turns
from ..server.peer import connect
from ..wire.feeding import CUTS, Message, answer, expect_terminal, gather, server
from . import (
    family_1_framing,
    family_2_codings,
    family_3_chunks,
    family_4_fields,
    family_5_start_line,
    family_6_upgrade_expect,
)
from .cases import SMUGGLED, Read, Request, few_pieces, joined

CASES = joined(
    family_1_framing.REQUESTS,
    family_2_codings.REQUESTS,
    family_3_chunks.REQUESTS,
    family_4_fields.REQUESTS,
    family_5_start_line.REQUESTS,
    family_6_upgrade_expect.REQUESTS,
)
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)

# Between two heads, or at the end; the text of a refusal never has a status behind a version.
_STATUS = re.compile(rb"HTTP/1\.1 ([2-9][0-9]{2}) ")


def afters(case: Request) -> tuple[bytes, ...]:
    """What is sent behind ``case``."""
    return (b"",) if case.ends else (b"", SMUGGLED)


def expected(case: Request, after: bytes, reads: list[Read]) -> list[Read]:
    """What is to be read of ``case``, and of the request that follows it if one may."""
    if after and case.refused is None:
        may_follow = len(reads) > len(case.read) if case.persists is None else case.persists
        if may_follow:
            return [*case.read, ("GET", "/smuggled", b"")]
    return list(case.read)


# The machine


def told(pieces: Iterable[bytes], *, ends: bool) -> tuple[list[Message], int | None]:
    """The messages of ``pieces``, each answered as soon as it is whole, and the status of the refusal."""
    connection = server()
    messages: list[Message] = []
    try:
        for piece in pieces:
            events = connection.feed(piece)
            while events:
                gather(events, messages)
                if not messages[-1].is_whole:
                    break
                answer(connection, 404)
                events = connection.resume()
        if ends:
            connection.feed_eof()
    except ProtocolError as error:
        expect_terminal(connection)
        return messages, error.status_hint
    return messages, None


@each_case
def test_machine(case: Request) -> None:
    for after in afters(case):
        for cut in CUTS:
            messages, status = told(cut(case.wire + after), ends=case.ends)
            whole = [(str(each.first), each.second, each.content) for each in messages if each.is_whole]
            # Content that nobody reads is read by the machine.
            reads = [(method, target, b"" if target == "/unread" else said) for method, target, said in whole]
            assert status == case.refused
            assert reads == expected(case, after, reads)
            assert len(messages) <= len(whole) + case.is_in_body


# A server


class Handler:
    """Reads every request and remembers what it read; it has no tunnel to give, and leaves /unread alone."""

    def __init__(self) -> None:
        self.begun = 0
        self.reads: list[Read] = []

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.begun += 1
        content = b"" if request.path == "/unread" else await request.read()
        self.reads.append((request.method, request.raw_path, content))
        return web.Response(status=405 if request.method == "CONNECT" else 200, text="read")


def in_pieces(case: Request, after: bytes) -> list[bytes]:
    """``case`` and what is behind it, in reads of their own."""
    pieces = few_pieces(case.wire)
    # Who has asked for the last answer and sends more, once that answer was given, talks to a closed socket.
    return [*pieces[:-1], pieces[-1] + after] if case.persists is False else [*pieces, after]


async def answered(pieces: Iterable[bytes], to: RawTestServer, *, ends: bool) -> tuple[list[int], bool]:
    """The statuses of all final answers, up to the end of the connection; whether that was a reset."""
    async with connect(to) as peer:
        for piece in pieces:
            peer.send(piece)
            await turns()
        if ends:
            peer.end()
        said = await peer.rest()
    return [int(status) for status in _STATUS.findall(said)], peer.was_reset


@each_case
async def test_server(case: Request) -> None:
    handler = Handler()
    async with RawTestServer(handler) as to:
        for after in afters(case):
            for pieces in ([case.wire + after], in_pieces(case, after)):
                handler.begun, handler.reads = 0, []
                statuses, was_reset = await answered(pieces, to, ends=case.ends or case.refused is None)
                assert handler.reads == expected(case, after, handler.reads)
                assert handler.begun <= len(handler.reads) + case.is_in_body
                goods = [405 if method == "CONNECT" else 200 for method, _, _ in handler.reads]
                assert statuses == goods + [case.refused] * (case.refused is not None)
                assert not was_reset
