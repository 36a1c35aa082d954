"""What the tests and the long run hold a case to."""

from .differences import Difference, Known, difference
from .finding import Finding
from .known_requests import KNOWN_DIFFERENCES as KNOWN_OF_REQUESTS
from .known_responses import KNOWN_DIFFERENCES as KNOWN_OF_RESPONSES
from .readers import (
    GET,
    Asking,
    h11_of_requests,
    h11_of_response,
    llhttp_of_requests,
    llhttp_of_response,
    ours_of_requests,
    ours_of_response,
)


def request_differences(wire: bytes) -> list[Difference]:
    ours = ours_of_requests(wire)
    theirs = {"llhttp": llhttp_of_requests(wire), "h11": h11_of_requests(wire)}
    found = [difference(peer, wire, GET, ours, told) for peer, told in theirs.items()]
    return [each for each in found if each is not None]


def response_differences(wire: bytes, asking: Asking) -> list[Difference]:
    ours = ours_of_response(wire, asking)
    theirs = {"llhttp": llhttp_of_response(wire, asking), "h11": h11_of_response(wire, asking)}
    found = [difference(peer, wire, asking, ours, told) for peer, told in theirs.items() if told is not None]
    return [each for each in found if each is not None]


def explain(found: Difference, known: tuple[Known, ...]) -> Known:
    """The entry that covers a difference; Finding if it is on no list."""
    for each in known:
        if each.covers(found):
            return each
    raise Finding(f"on no list: {found}")


def check_requests(wire: bytes) -> None:
    for found in request_differences(wire):
        explain(found, KNOWN_OF_REQUESTS)


def check_response(wire: bytes, asking: Asking) -> None:
    for found in response_differences(wire, asking):
        explain(found, KNOWN_OF_RESPONSES)
