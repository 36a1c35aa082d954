"""text/event-stream as it is read; the section numbers are those of the WHATWG HTML standard."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import ANY

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.sse import (
    DEFAULT_LIMITS,
    EventStreamLimits,
    EventStreamParser,
    ServerSentEvent,
)

from .feeding import CUTS

KIB = 1024
MIB = 1024 * KIB
TIGHT = EventStreamLimits(line=20, data=30)


@dataclass
class Told:
    """What a machine told."""

    events: list[ServerSentEvent] = field(default_factory=list)
    #: Which stay the same, once there is one.
    errors: set[str] = field(default_factory=set)
    last_event_id: str = ""
    retry: int | None = None

    @property
    def error(self) -> str:
        return "".join(self.errors)

    @property
    def data(self) -> list[str]:
        return [event.data for event in self.events]


def feed(pieces: Iterable[bytes], limits: EventStreamLimits = DEFAULT_LIMITS, **options: Any) -> Told:
    parser = EventStreamParser(limits, **options)
    told = Told()
    for piece in pieces:
        try:
            for event in parser.feed(piece):
                told.events.append(event)
                assert parser.last_event_id == event.id
        except ProtocolError as error:
            told.errors.add(str(error))
    told.last_event_id = parser.last_event_id
    told.retry = parser.retry
    return told


def read(stream: bytes, limits: EventStreamLimits = DEFAULT_LIMITS, **options: Any) -> Told:
    """What is told of ``stream``, which does not depend on how it is cut."""
    one, other = (feed(cut(stream), limits, **options) for cut in CUTS)
    assert one == other
    return one


def message(data: str, id: str = "") -> ServerSentEvent:
    return ServerSentEvent(data, "message", id, None)


# The examples of sections 9.2.1 and 9.2.6


def test_introduction() -> None:
    stream = (
        b"data: This is the first message.\n\n"
        b"data: This is the second message, it\ndata: has two lines.\n\n"
        b"data: This is the third message.\n\n"
    )
    assert read(stream).events == [
        message("This is the first message."),
        message("This is the second message, it\nhas two lines."),
        message("This is the third message."),
    ]


def test_event_types() -> None:
    stream = b"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n"
    assert read(stream).events == [
        ServerSentEvent("73857293", "add"),
        ServerSentEvent("2153", "remove"),
        ServerSentEvent("113411", "add"),
    ]


def test_several_lines_of_data() -> None:
    assert read(b"data: YHOO\ndata: +2\ndata: 10\n\n").events == [message("YHOO\n+2\n10")]


def test_four_blocks() -> None:
    stream = b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n"
    both = [message("first event", "1"), message("second event")]
    assert read(stream).events == both  # its last block wants an empty line
    assert read(stream + b"\n").events == [*both, message(" third event")]


def test_empty_data() -> None:
    stream = b"data\n\ndata\ndata\n\ndata:"
    assert read(stream).events == [message(""), message("\n")]
    assert read(stream + b"\n").events == [message(""), message("\n")]
    assert read(stream + b"\n\n").events == [message(""), message("\n"), message("")]


def test_one_space_is_no_data() -> None:
    assert read(b"data:test\n\ndata: test\n\n").events == [message("test")] * 2


# Lines


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=repr)
def test_line_ends(end: bytes) -> None:
    lines = [b"event: a", b"data: 1", b"id: x", b"", b"", b"data: 2", b"data:3", b"", b"data: 4"]
    assert read(end.join(lines) + end).events == [
        ServerSentEvent("1", "a", "x"),
        ServerSentEvent("2\n3", "message", "x"),
    ]


def test_mixed_line_ends() -> None:
    assert read(b"data: 1\r\ndata: 2\rdata: 3\n\rdata: 4\r\r\ndata: 5\n\r\n").data == ["1\n2\n3", "4", "5"]


def test_what_is_a_line_end_elsewhere_is_data() -> None:
    text = "a\x0bb\x0cc\x1cd\x1de\x1ef\x85g\u2028h\u2029i"
    assert read(f"data: {text}\n\n".encode()).data == [text]


def test_cr_ends_its_line_at_once() -> None:
    parser = EventStreamParser()
    assert [*parser.feed(b"data: 1\r\n\r")] == [message("1")]
    assert [*parser.feed(b"")] == []
    assert [*parser.feed(b"\ndata: 2\r\r")] == [message("2")]
    assert [*parser.feed(b"\n")] == []  # the rest of that CRLF, and no empty line
    assert [*parser.feed(b"data: 3\n\n")] == [message("3")]


def test_an_unfinished_event_is_none() -> None:
    for stream in (b"data: 1", b"data: 1\n", b"data: 1\nid: 2\r\n", b":\n\nid: 5"):
        told = read(stream)
        assert (told.events, told.last_event_id) == ([], "")


# Bytes


def test_byte_order_mark() -> None:
    bom = b"\xef\xbb\xbf"
    assert read(bom + b"data: 1\n\n").data == ["1"]
    assert read(bom + b"\n" + b"data: 1\n\n").data == ["1"]
    assert read(bom + b": comment\ndata: 1\n\n").data == ["1"]
    # One, and at the very beginning; anywhere else it belongs to a name or a value.
    assert read(bom + bom + b"data: 1\ndata: 2\n\n").data == ["2"]
    assert read(b"\n" + bom + b"data: 1\n\n").data == []
    assert read(b"data: " + bom + b"1\n\n").data == ["\ufeff1"]
    assert read(bom[:2] + b"data: 1\ndata: 2\n\n").data == ["2"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\xc3\xa9\xe2\x82\xac\xf0\x9f\xa6\x8c", "\u00e9\u20ac\U0001f98c"),
        (b"\xff", "\ufffd"),
        (b"a\xe2\x82", "a\ufffd"),
        (b"\xe2\x82b", "\ufffdb"),
        (b"\xc0\xaf", "\ufffd\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        (b"\xf0\x9f\xa6", "\ufffd"),
        (b"\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"),
        (b"\0", "\0"),
    ],
)
def test_utf_8_is_decoded_with_replacement(raw: bytes, text: str) -> None:
    told = read(b"data: " + raw + b"\nevent:" + raw + b"\n\ndata:" + raw + b"\ndata:" + raw + b"\n\n")
    assert told.events == [ServerSentEvent(text, text), ServerSentEvent(f"{text}\n{text}")]


def test_a_character_does_not_go_on_behind_a_line_end() -> None:
    assert read(b"data: \xc3\ndata:\xa9\n\n").data == ["\ufffd\n\ufffd"]


# Fields


@pytest.mark.parametrize(
    "line", [b"Data: 2", b"data : 2", b" data: 2", b"datax: 2", b"dat", b"x", b"\xff: 2", b"foo:data: 2"]
)
def test_other_names_are_ignored(line: bytes) -> None:
    assert read(b"data: 1\n" + line + b"\n\n").events == [message("1")]


def test_a_value_may_have_colons() -> None:
    assert read(b"data: a: b:c\ndata::\nevent: x:y\nid::1\n\n").events == [
        ServerSentEvent("a: b:c\n:", "x:y", ":1")
    ]


def test_comments_are_not_reported() -> None:
    assert read(b":\n: a\n:data: 1\n\n\n:\ndata: 2\n:x\ndata: 3\n\n").data == ["2\n3"]


def test_the_last_type_counts_and_an_empty_one_is_the_default() -> None:
    stream = b"event: a\nevent: b\ndata: 1\n\nevent: a\nevent\ndata: 2\n\nevent: c\n\ndata: 3\n\n"
    assert [event.event for event in read(stream).events] == ["b", "message", "message"]


def test_an_id_stays_until_the_next_one() -> None:
    told = read(b"data: 1\n\nid: a\ndata: 2\n\ndata: 3\n\nid: b\n\ndata: 4\n\nid\ndata: 5\n\nid:  x \n\n")
    assert [event.id for event in told.events] == ["", "a", "a", "b", ""]
    assert told.last_event_id == " x "


def test_an_id_counts_when_its_event_is_whole() -> None:
    told = read(b"id: 1\ndata: a\n\nid: 2\ndata: b\n")
    assert told.last_event_id == "1"


def test_an_id_with_nul_is_ignored() -> None:
    told = read(b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n")
    assert [event.id for event in told.events] == ["1", "1"]


def test_what_the_stream_before_has_left() -> None:
    told = read(b"data: 1\n\nid: 8\ndata: 2\n\n", last_event_id="7", retry=5)
    assert [event.id for event in told.events] == ["7", "8"]
    assert told.retry == 5
    assert read(b"\n\n", last_event_id="7").last_event_id == "7"


@pytest.mark.parametrize(
    ("value", "retry"),
    [
        (b"0", 0),
        (b"3000", 3000),
        (b"0003000", 3000),
        (b"0" * 10_000 + b"1", 1),
        (b"9" * 15, 10**15 - 1),
        (b"9" * 16, None),
        (b"9" * 10_000, None),
        (b"", None),
        (b" 1", None),
        (b"1 ", None),
        (b"+1", None),
        (b"-1", None),
        (b"1.5", None),
        (b"1_0", None),
        (b"0x1", None),
        (b"1\0", None),
        ("\u0661".encode(), None),
        ("\u00b2".encode(), None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_retry(value: bytes, retry: int | None) -> None:
    told = read(b"retry: " + value + b"\ndata: a\n\ndata: b\n\n")
    assert told.retry == retry
    assert [event.retry for event in told.events] == [retry, None]


def test_retry_needs_no_event() -> None:
    told = read(b"retry: 1\n\nretry: 2\nretry: x\n")
    assert (told.events, told.retry) == ([], 2)
    assert read(b"retry: 7\n\ndata: a\n\n").events == [message("a")]


# Never ahead


def test_nothing_is_parsed_before_it_is_asked_for() -> None:
    parser = EventStreamParser()
    events = parser.feed(b"id: 1\nretry: 1\ndata: a\n\nid: 2\nretry: 2\ndata: b\n\nid: 3\n\n")
    assert (parser.last_event_id, parser.retry) == ("", None)
    assert next(events) == ("a", "message", "1", 1)
    assert (parser.last_event_id, parser.retry) == ("1", 1)
    assert next(events) == ("b", "message", "2", 2)
    assert (parser.last_event_id, parser.retry) == ("2", 2)
    assert next(events, None) is None
    assert parser.last_event_id == "3"


def test_who_stops_asking_loses_nothing() -> None:
    parser = EventStreamParser()
    for event in parser.feed(b"data: 1\n\ndata: 2\n\ndata: 3"):
        assert event.data == "1"
        break
    assert [event.data for event in parser.feed(b"\n\ndata: 4\n\n")] == ["2", "3", "4"]


# Limits


def test_limits_by_default() -> None:
    assert EventStreamLimits(line=16 * MIB, data=16 * MIB) == DEFAULT_LIMITS
    line = b"data: " + b"x" * (16 * MIB - 6)
    told = feed([line, b"\n\n"])
    assert (len(told.data[0]), told.error) == (16 * MIB - 6, "")
    assert feed([line + b"x"]).error == f"event stream: a line of more than {16 * MIB} bytes"


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"], ids=repr)
@pytest.mark.parametrize("start", [b"data: ", b":", b"event:", b"x"], ids=repr)
def test_line(start: bytes, end: bytes) -> None:
    fits = start + b"x" * (20 - len(start))
    before, behind = b"data: 1\n\n", b"\n\ndata: 2\n\n"
    assert read(before + fits + end, TIGHT).error == ""
    assert read(before + fits + b"\r\n\r\n" + behind, TIGHT).data[-1] == "2"
    assert read(before + fits + b"x" + end + (behind if end else b""), TIGHT) == Told(
        [message("1")], {"event stream: a line of more than 20 bytes"}, ANY, ANY
    )


def test_data() -> None:
    full = b"data: 123456789\n" * 3
    assert read(full + b"\n" + full + b"\n", TIGHT).data == ["123456789\n123456789\n123456789"] * 2
    assert read(full + b"data:\n\n", TIGHT).data[0][-1] == "\n"
    assert read(b"data\n" * 31 + b"\n", TIGHT).data == ["\n" * 30]
    for beyond in (full + b"data:1\n", b"data\n" * 32):
        for behind in (b"", b"\n", b"\ndata: 2\n\n"):
            assert read(b"data: 1\n\n" + beyond + behind, TIGHT) == Told(
                [message("1")], {"event stream: an event with more than 30 bytes of data"}, ANY, ANY
            )


def test_after_an_error_nothing_is_read() -> None:
    parser = EventStreamParser(TIGHT)
    for piece in (b"x" * 21 + b"\ndata: 1\n\ndata", b"\n\ndata: 1\n\n", b""):
        with pytest.raises(ProtocolError, match="a line of more than 20 bytes"):
            next(parser.feed(piece))
    assert not parser._lines
    assert not parser._line


# Any cut, any bytes


PIECES = st.sampled_from(
    [
        *(
            b"\n",
            b"\r",
            b"\r\n",
            b":",
            b" ",
            b"data",
            b"data:",
            b"data: ",
            b"event: ",
            b"id",
            b"id:",
            b"retry:",
        ),
        *(
            b"\xef\xbb\xbf",
            b"\xef",
            b"\xbb",
            b"\xc3",
            b"\xa9",
            b"\xf0\x9f",
            b"\0",
            b"1",
            b"23",
            b"x",
            b"\x85",
        ),
    ]
)
STREAMS = st.lists(PIECES, max_size=60).map(b"".join)


def by_the_standard(stream: bytes) -> Told:
    """The stream as section 9.2.6 has it read: decoded whole, then by lines."""
    told = Told()
    data, name, last_id, retry = "", "", "", None
    for line in re.split("\r\n|\r|\n", stream.decode("utf-8", "replace").removeprefix("\ufeff"))[:-1]:
        if not line:
            told.last_event_id = last_id
            if data:
                told.events.append(ServerSentEvent(data[:-1], name or "message", last_id, retry))
            data, name, retry = "", "", None
            continue
        what, colon, value = line.partition(":")
        value = value[1:] if value[:1] == " " else value
        match what:
            case "" if colon:
                pass
            case "data":
                data += value + "\n"
            case "event":
                name = value
            case "id" if "\0" not in value:
                last_id = value
            case "retry" if re.fullmatch("[0-9]+", value):
                told.retry = retry = int(value)
    return told


@given(STREAMS)
@example(b"data: 1\r\n\r\n")
def test_as_the_standard_reads_it(stream: bytes) -> None:
    assert read(stream) == by_the_standard(stream)


@given(st.data(), STREAMS, st.sampled_from([DEFAULT_LIMITS, EventStreamLimits(line=12, data=8)]))
def test_any_cut_tells_the_same(data: st.DataObject, stream: bytes, limits: EventStreamLimits) -> None:
    places = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]
    assert feed(pieces, limits) == read(stream, limits)


@given(st.binary(max_size=80))
def test_any_bytes(stream: bytes) -> None:
    assert read(stream) == by_the_standard(stream)
