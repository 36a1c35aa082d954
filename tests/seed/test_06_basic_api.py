"""The functions at the top of the package."""

from pronghorn import ClientResponse, ClientSession

from ..functional.scripted import OK, scripted


async def test_s106_request_is_the_source_of_responses() -> None:
    async with (
        scripted(OK) as server,
        ClientSession() as session,
        session.request("GET", server.url()) as response,
    ):
        assert isinstance(response, ClientResponse)
        assert await response.text() == "ok"
    assert not hasattr(ClientSession, "requests")
