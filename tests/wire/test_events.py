import pytest
from multidict import CIMultiDict

from pronghorn.wire.events import (
    Data,
    End,
    Event,
    Head,
    HttpVersion,
    HttpVersion10,
    HttpVersion11,
    InformationalHead,
    RequestHead,
    ResponseHead,
)

SECTION = b"Host:a\r\nX:\t b \t\r\nx: c:d\r\nEmpty:\r\nEight: \xe9"


def request() -> RequestHead:
    return RequestHead("GET", "/", HttpVersion11, CIMultiDict({"Host": "a"}), SECTION)


def response() -> ResponseHead:
    return ResponseHead(200, "OK", HttpVersion10, CIMultiDict(), b"")


def informational() -> InformationalHead:
    return InformationalHead(103, "Early Hints", HttpVersion11, CIMultiDict(), b"")


def test_versions_are_ordered() -> None:
    assert HttpVersion10 < HttpVersion11 < HttpVersion(2, 0)
    assert (HttpVersion11.major, HttpVersion11.minor) == (1, 1)


def test_a_head_says_nothing_that_it_was_not_told() -> None:
    for head in (request(), response(), informational()):
        assert (head.body, head.upgrade, head.expects_continue) == (None, "", False)


def test_a_head_keeps_what_it_is_made_of() -> None:
    assert (request().method, request().target) == ("GET", "/")
    assert (response().status, response().reason, response().version) == (200, "OK", HttpVersion10)
    assert isinstance(informational(), ResponseHead)


def test_a_head_persists_by_its_version_until_it_says_otherwise() -> None:
    assert request().is_persistent
    assert not response().is_persistent


def test_raw_headers_are_as_they_came() -> None:
    assert request().raw_headers == (
        (b"Host", b"a"),
        (b"X", b"b"),
        (b"x", b"c:d"),
        (b"Empty", b""),
        (b"Eight", b"\xe9"),
    )
    assert response().raw_headers == ()


def test_content() -> None:
    assert Data(b"a").chunk == b"a"
    assert End().trailers is None
    assert End(CIMultiDict(a="b")).trailers == CIMultiDict(A="b")


@pytest.mark.parametrize("event", [request(), response(), informational(), Data(b""), End()])
def test_every_event_names_its_exchange(event: Event) -> None:
    assert event.exchange == 0
    assert isinstance(event, Head) is hasattr(event, "headers")
    with pytest.raises(AttributeError):
        event.other = 1  # type: ignore[attr-defined]  # events have slots: there are many of them
