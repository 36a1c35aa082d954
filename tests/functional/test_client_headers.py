"""The fields of a session: who holds them may change them, and what is sent follows."""

from pronghorn import ClientSession

from .scripted import OK, scripted


async def test_what_is_changed_is_sent() -> None:
    async with scripted(OK, OK, OK) as server, ClientSession(headers={"X-A": "1"}) as session:
        session.headers["X-A"] = "2"
        session.headers.update({"Authorization": "Bearer x"})
        await session.get(server.url())
        del session.headers["X-A"]
        await session.get(server.url())
        session.headers.clear()
        await session.get(server.url())
    first, second, third = (request.fields for request in server.requests)
    assert (first["X-A"], first["Authorization"]) == ("2", "Bearer x")
    assert "X-A" not in second
    assert second["Authorization"] == "Bearer x"
    assert "Authorization" not in third


async def test_credentials_that_were_added_stay_with_the_base_url() -> None:
    async with scripted(OK, OK) as base, scripted(OK) as other, ClientSession(base_url=base.url()) as session:
        await session.get("/")
        session.headers["Authorization"] = "Bearer x"
        await session.get("/")
        await session.get(other.url())
    assert [request.fields.get("Authorization") for request in base.requests] == [None, "Bearer x"]
    assert other.requests[0].fields.get("Authorization") is None


async def test_home_assistant_sets_its_own() -> None:
    async with scripted(OK) as server, ClientSession(headers={"X-A": "1"}) as session:
        session._default_headers = {"User-Agent": "home"}
        await session.get(server.url())
    (request,) = server.requests
    assert request.fields["User-Agent"] == "home"
    assert "X-A" not in request.fields


async def test_an_expectation_that_nobody_knows_is_sent_as_it_is() -> None:
    refusal = b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"
    async with (
        scripted(refusal) as server,
        ClientSession() as session,
        session.post(server.url(), data=b"abc", headers={"Expect": "a miracle"}) as response,
    ):
        assert response.status == 417
    (request,) = server.requests
    assert (request.fields["Expect"], request.body) == ("a miracle", b"abc")


async def test_a_response_is_not_released_before_it_is_read() -> None:
    """What keeps responses asks for it, to read what nobody has read (aiohttp-client-cache)."""
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    async with scripted(whole) as server, ClientSession() as session, session.get(server.url()) as response:
        assert not response._released
        assert await response.read() == b"abc"
        assert response._released
