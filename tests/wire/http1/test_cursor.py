import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.http1.cursor import Cursor


def holding(*pieces: bytes) -> Cursor:
    cursor = Cursor()
    for piece in pieces:
        cursor.push(piece)
    return cursor


def test_take() -> None:
    cursor = holding(b"hello")
    assert cursor.take(0) == b""
    assert cursor.take(2) == b"he"
    assert len(cursor) == 3
    cursor.push(b", world")
    assert cursor.take(100) == b"llo, world"
    assert cursor.take(1) == b""
    assert len(cursor) == 0


def test_a_read_that_is_consumed_whole_is_not_copied() -> None:
    data = b"hello, world"
    cursor = holding(data)
    assert cursor.take(len(data)) is data
    cursor.push(data)
    assert cursor.data is data


def test_what_is_consumed_is_forgotten_only_when_all_is() -> None:
    cursor = holding(b"hello")
    cursor.take(4)
    cursor.forget()
    assert (len(cursor), cursor.take(1)) == (1, b"o")
    cursor.forget()
    assert (cursor.data, len(cursor)) == (b"", 0)
    cursor.push(b"x")
    assert cursor.take(1) == b"x"


def test_take_whole() -> None:
    cursor = holding(b"hello")
    assert cursor.take_whole(6) is None
    assert len(cursor) == 5
    assert cursor.take_whole(2) == b"he"
    assert cursor.take_whole(3) == b"llo"
    assert cursor.take_whole(1) is None


def test_what_is_taken_is_bytes() -> None:
    cursor = holding(b"ab", b"cd")
    assert type(cursor.take(3)) is bytes
    cursor.push(b"ef")
    assert type(cursor.take_whole(3)) is bytes
    cursor.push(b"\r\n")
    assert type(cursor.take_line(10)) is bytes


def test_take_line() -> None:
    cursor = holding(b"one\r\n\r\ntwo\r", b"\nthree")
    assert [cursor.take_line(10) for _ in range(4)] == [b"one", b"", b"two", None]
    assert cursor.take(10) == b"three"


@pytest.mark.parametrize("line", [b"\n", b"a\n", b"a\n\r\n", b"\n\r\n"])
def test_take_line_refuses_a_bare_LF(line: bytes) -> None:
    with pytest.raises(ProtocolError, match="bare LF"):
        holding(line).take_line(10)
    cursor = holding(b"a\r\n", line)
    cursor.take_line(10)
    with pytest.raises(ProtocolError, match="bare LF"):
        cursor.take_line(10)


@pytest.mark.parametrize(("size", "limit"), [(5, 5), (0, 0), (8190, 8190)])
def test_take_line_at_its_limit(size: int, limit: int) -> None:
    line = b"a" * size
    assert holding(line + b"\r\n").take_line(limit) == line
    cursor = holding(line + b"\r")
    assert cursor.take_line(limit) is None
    cursor.push(b"\n")
    assert cursor.take_line(limit) == line


@pytest.mark.parametrize("line", [b"aaaaaa\r\n", b"aaaaaaaa", b"aaaaaaaa\r\n", b"aaaaaa\r"])
def test_take_line_over_its_limit(line: bytes) -> None:
    with pytest.raises(ProtocolError, match="longer than 5") as caught:
        holding(line).take_line(5)
    assert caught.value.status_hint == 431


@settings(deadline=None)
@given(st.lists(st.one_of(st.binary(min_size=1, max_size=30), st.integers(0, 40)), max_size=40))
def test_it_is_a_queue_of_bytes(steps: list[bytes | int]) -> None:
    """Whatever the order of pushes and takes, what comes out is what went in."""
    cursor, model = Cursor(), b""
    for step in steps:
        if isinstance(step, bytes):
            cursor.push(step)
            model += step
        else:
            assert cursor.take(step) == model[:step]
            model = model[step:]
        assert len(cursor) == len(model)


@settings(deadline=None)
@given(st.lists(st.text("ab", max_size=6), max_size=12), st.integers(1, 7))
def test_lines_do_not_depend_on_the_cut(lines: list[str], size: int) -> None:
    wire = "".join(f"{line}\r\n" for line in lines).encode()
    cursor, taken = Cursor(), []
    for at in range(0, len(wire), size):
        cursor.push(wire[at : at + size])
        while (line := cursor.take_line(6)) is not None:
            taken.append(line.decode())
    assert taken == lines
