"""Events as they are written, and that they are read back."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pronghorn.wire.sse import ServerSentEvent, check_line, format_comment, format_event

from .test_sse import feed, read


def test_format() -> None:
    assert format_event("a") == b"data: a\n\n"
    assert format_event("") == b"data: \n\n"
    assert format_event("a", "add", "7", 10) == b"event: add\nid: 7\nretry: 10\ndata: a\n\n"
    assert format_event("a", event="message", id="") == b"id: \ndata: a\n\n"
    assert format_event(" a\u00e9") == b"data:  a\xc3\xa9\n\n"


def test_format_several_lines() -> None:
    assert format_event("a\nb\rc\r\nd") == b"data: a\ndata: b\ndata: c\ndata: d\n\n"
    assert format_event("\n") == b"data: \ndata: \n\n"
    assert format_event("a\n\n\rb\r\n") == b"data: a\ndata: \ndata: \ndata: b\ndata: \n\n"
    assert format_event("a\u2028b\x85c") == "data: a\u2028b\x85c\n\n".encode()


def test_format_without_data() -> None:
    assert format_event(id="7") == b"id: 7\n\n"
    assert format_event(retry=0) == b"retry: 0\n\n"
    told = read(format_event(id="7", retry=5))
    assert (told.events, told.last_event_id, told.retry) == ([], "7", 5)


def test_format_comment() -> None:
    assert format_comment() == b":\n"
    assert format_comment("still here") == b": still here\n"
    assert format_comment("a\nb\r\nc\rdata: d") == b": a\n: b\n: c\n: data: d\n"
    with pytest.raises(TypeError, match="text: expected a str"):
        format_comment(b"a")  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("name", ["event", "id"])
@pytest.mark.parametrize("char", ["\n", "\r", "\0"], ids=repr)
def test_no_line_end_gets_into_a_line(name: str, char: str) -> None:
    for value in (char, f"a{char}data: b", f"{char}a", f"a{char}"):
        with pytest.raises(ValueError, match=f"^{name}: CR, LF and NUL are not allowed"):
            format_event("a", **{name: value})  # type: ignore[arg-type]  # by its name
        with pytest.raises(ValueError, match=f"^{name}: CR"):
            check_line(name, value)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"data": 5}, TypeError, "data: expected a str, got 5"),
        ({"data": b"a"}, TypeError, "data: expected a str"),
        ({"event": None}, TypeError, "event: expected a str, got None"),
        ({"id": 5}, TypeError, "id: expected a str, got 5"),
        ({"retry": "5"}, TypeError, "retry: expected an int or None, got '5'"),
        ({"retry": True}, TypeError, "retry: expected an int"),
        ({"retry": 1.5}, TypeError, "retry: expected an int"),
        ({"retry": -1}, ValueError, "retry: expected 0 or more, got -1"),
        ({"data": "\ud800"}, ValueError, "surrogates not allowed"),
        ({"id": "\ud800"}, ValueError, "surrogates not allowed"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        format_event(**arguments)


TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from("\r\n \0:\ufeff\u2028"))
LINE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"))


@given(st.lists(st.tuples(TEXT, LINE, LINE | st.none(), st.integers(0, 10**15 - 1) | st.none(), TEXT)))
def test_what_is_formatted_is_read_back(events: list[tuple[str, str, str | None, int | None, str]]) -> None:
    wire, expected, last = b"", [], ""
    for data, name, id_, retry, comment in events:
        wire += format_event(data, name, id_, retry) + format_comment(comment)
        last = last if id_ is None else id_
        expected.append(ServerSentEvent(re.sub("\r\n|\r", "\n", data), name or "message", last, retry))
    told = read(wire)
    assert told.events == expected
    # And an event that was read is written as it was read.
    assert feed([b"".join(format_event(*event) for event in expected)]).events == expected
