"""Every literal that a server may answer: to the machine, and from a scripted server to a session."""

import asyncio
from collections.abc import Iterable

import pytest

from pronghorn import ClientError, ClientResponseError, ClientSession

from ..functional.scripted import OK, PATIENCE, answering, scripted, until
from ..wire.feeding import CUTS, client, feed
from . import (
    family_1_framing,
    family_2_codings,
    family_3_chunks,
    family_4_fields,
    family_5_start_line,
    family_6_upgrade_expect,
)
from .cases import SURPLUS, Response, few_pieces, joined

CASES = joined(
    family_1_framing.RESPONSES,
    family_2_codings.RESPONSES,
    family_3_chunks.RESPONSES,
    family_4_fields.RESPONSES,
    family_5_start_line.RESPONSES,
    family_6_upgrade_expect.RESPONSES,
)
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def afters(case: Response) -> tuple[bytes, ...]:
    """What is sent behind ``case``."""
    return (b"",) if case.ends else (b"", SURPLUS)


@each_case
def test_machine(case: Response) -> None:
    for after in afters(case):
        for cut in CUTS:
            outcome = feed(client(case.method), cut(case.wire + after), eof=case.ends)
            if case.raises is not None:
                assert outcome.error
                assert not any(message.is_whole for message in outcome.messages if message.first >= 200)
            else:
                assert outcome.error is None
                final = outcome.messages[-1]
                assert (final.first, final.content, final.is_whole) == (case.status, case.content, True)
            if case.raises or after:
                assert not outcome.connection.is_reusable
                assert not outcome.connection.feed(SURPLUS)
                assert not outcome.connection.resume()


async def expect_answer(case: Response, pieces: Iterable[bytes]) -> None:
    """Fail unless a session reads ``pieces`` as ``case``, and then nothing but an answer of its own."""
    script = answering(*pieces, then="close" if case.ends else "stay")
    async with scripted(script, OK) as server, ClientSession() as session, asyncio.timeout(PATIENCE):
        if case.raises is None:
            async with session.request(case.method, server.url()) as response:
                assert (response.status, await response.read()) == (case.status, case.content)
        else:
            with pytest.raises(ClientError) as caught:
                async with session.request(case.method, server.url()) as response:
                    await response.read()
            assert type(caught.value) is case.raises
            if isinstance(caught.value, ClientResponseError):
                assert caught.value.status == 400
        if case.raises or SURPLUS in b"".join(pieces):
            # What came before it was asked for answers nothing.
            await until(lambda: server.peers[0].has_left)
            async with session.get(server.url("/next")) as response:
                assert (response.status, await response.read()) == (200, b"ok")
            assert server.peers[1].requests[0].target == "/next"


@each_case
async def test_session(case: Response) -> None:
    for after in afters(case):
        await expect_answer(case, [case.wire + after])
        await expect_answer(case, [*few_pieces(case.wire), after])
