import gc

import pytest
from multidict import CIMultiDict
from yarl import URL

from pronghorn.client.connection import Answer
from pronghorn.client.errors import ClientConnectionError
from pronghorn.client.guard import Guard
from pronghorn.client.outgoing import ClientRequest
from pronghorn.client.terms import Terms
from pronghorn.wire.events import HttpVersion11, ResponseHead

from .wired import NO_TIMEOUT, Wired, lend

HEAD = ResponseHead(200, "OK", HttpVersion11, CIMultiDict(), b"")
REQUEST = ClientRequest("GET", URL("http://here/"))


async def guard_of(connector: Wired) -> Guard:
    """A guard of an exchange that goes on."""
    connection = await lend(connector)
    connection.begin(Terms(NO_TIMEOUT), None)
    return Guard(Answer(HEAD, None, connection, connection.uses, (), ()), REQUEST)


async def test_it_holds_its_exchange_and_no_later_one() -> None:
    async with Wired() as connector:
        guard = await guard_of(connector)
        assert guard.is_held()
        guard.connection.begin(Terms(NO_TIMEOUT), None)
        assert not guard.is_held()


async def test_giving_up_closes_what_goes_on() -> None:
    async with Wired() as connector:
        guard = await guard_of(connector)
        guard.give_up(ClientConnectionError("Connection closed"))
        assert not guard.is_held()
        assert guard.connection.channel.transport is None or guard.connection.channel.transport.is_closing()


async def test_what_was_let_go_is_nobodys() -> None:
    async with Wired() as connector:
        guard = await guard_of(connector)
        connection = guard.connection
        guard.let_go()
        del guard
        gc.collect()
        assert connection.is_lent


async def test_what_is_forgotten_is_closed_with_a_warning() -> None:
    async with Wired() as connector:
        guards = [await guard_of(connector)]
        connection = guards[0].connection
        with pytest.warns(ResourceWarning, match="Unclosed response to <ClientRequest GET http://here/>"):
            guards.clear()
        assert not connection.is_lent
