"""Field sections: that one which was seen before says what it said the first time, and only that."""

from dataclasses import replace

import pytest

from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.http1.section import FieldSections, connection_options
from pronghorn.wire.limits import DEFAULT_LIMITS, Limits

from ..feeding import client, feed, server

LINES = [b"Host: a", b"ACCEPT:*/*", b"Connection: Close", b"Accept: text/html", b"Connection: x"]
FIELDS = [
    ("Host", "a"),
    ("ACCEPT", "*/*"),
    ("Connection", "Close"),
    ("Accept", "text/html"),
    ("Connection", "x"),
]
RAW = b"\r\n".join(LINES)
KEPT_SIZE = 1024


def kept_of(sections: FieldSections) -> list[bytes]:
    return [raw for raw, _ in sections._kept.values()]


def test_a_section_says_the_same_each_time() -> None:
    sections = FieldSections()
    for _ in range(3):
        headers, options = sections.read(RAW, DEFAULT_LIMITS)
        assert list(headers.items()) == FIELDS
        assert options == {"close", "x"}
    assert kept_of(sections) == [RAW]


def test_what_is_done_to_one_head_is_not_done_to_the_next() -> None:
    sections = FieldSections()
    for _ in range(3):
        headers, _ = sections.read(RAW, DEFAULT_LIMITS)
        assert list(headers.items()) == FIELDS
        headers["Host"] = "b"
        headers.add("X-Own", "1")


def test_sections_of_one_length() -> None:
    sections = FieldSections()
    for host in (b"a", b"b", b"a", b"c", b"c"):
        headers, _ = sections.read(b"Host: " + host, DEFAULT_LIMITS)
        assert list(headers.items()) == [("Host", host.decode())]
        assert kept_of(sections) == [b"Host: " + host]


def test_no_fields() -> None:
    sections = FieldSections()
    for _ in range(2):
        headers, options = sections.read(b"", DEFAULT_LIMITS)
        assert (list(headers), options) == ([], frozenset())


@pytest.mark.parametrize(
    "line", [b"Cookie: a=b", b"authorization: Basic YTpi", b"X-Own: 1", b"Via: " + b"a" * 300]
)
@pytest.mark.parametrize("place", [0, 1, 5])
def test_a_section_with_a_line_that_is_not_kept(line: bytes, place: int) -> None:
    sections = FieldSections()
    raw = b"\r\n".join([*LINES[:place], line, *LINES[place:]])
    for _ in range(2):
        assert len(sections.read(raw, DEFAULT_LIMITS)[0]) == len(LINES) + 1
    assert not kept_of(sections)


def test_what_is_kept_is_bounded() -> None:
    sections = FieldSections()
    for size in range(7, 3 * KEPT_SIZE):
        raw = b"Age: %d\r\n" % size * (size // 200) + b"Via:" + b"a" * (size % 200)
        sections.read(raw, DEFAULT_LIMITS)
        sections.read(raw, DEFAULT_LIMITS)
    assert 100 < len(kept_of(sections)) <= KEPT_SIZE
    assert max(map(len, kept_of(sections))) <= KEPT_SIZE


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        (replace(DEFAULT_LIMITS, fields=4), 431),
        (replace(DEFAULT_LIMITS, field_line=16), 431),
        (replace(DEFAULT_LIMITS, fields=5, field_line=17), None),
    ],
    ids=["too many", "too long", "just"],
)
@pytest.mark.parametrize("is_kept", [False, True])
def test_limits_hold_for_what_is_kept(limits: Limits, status: int | None, is_kept: bool) -> None:
    """They are the connection's, the table is everybody's."""
    sections = FieldSections()
    if is_kept:
        sections.read(RAW, DEFAULT_LIMITS)
    if status is None:
        assert list(sections.read(RAW, limits)[0].items()) == FIELDS
        return
    with pytest.raises(ProtocolError) as caught:
        sections.read(RAW, limits)
    assert caught.value.status_hint == status


@pytest.mark.parametrize(
    "raw", [RAW + b"\r\n" + line for line in (b"", b" Vary: a", b"Host: b", b"Accept : a", b"Vary: \0", b"a")]
)
def test_what_is_refused_is_refused_again(raw: bytes) -> None:
    sections = FieldSections()
    sections.read(RAW, DEFAULT_LIMITS)
    for _ in range(2):
        with pytest.raises(ProtocolError):
            sections.read(raw, DEFAULT_LIMITS)
    assert kept_of(sections) == [RAW]


def test_connections_agree_with_themselves() -> None:
    """A head that was seen before, by another connection and with another start line."""
    fields = b"Host: a\r\nConnection: Upgrade, close\r\nUpgrade: x\r\nExpect: 100-continue\r\n\r\n"
    for _ in range(2):
        for version, is_1_1 in ((b"1.1", True), (b"1.0", False)):
            (request,) = feed(server(), [b"GET /a HTTP/%b\r\n" % version + fields]).messages
            assert (request.is_persistent, request.upgrade) == (False, "x" if is_1_1 else "")
            assert request.expects_continue is is_1_1
        (response,) = feed(client(), [b"HTTP/1.1 204 No\r\n" + fields]).messages
        assert not response.is_persistent
        assert not response.expects_continue


def test_connection_options() -> None:
    assert connection_options(" a,,B ,") == {"a", "b"}
    assert connection_options("") == frozenset()
