"""Content that goes another way than through the machine, and is counted by it."""

import pytest

from pronghorn.wire.http1.connection import Http1Connection
from pronghorn.wire.roles import SERVER


def answering(length: int | None, method: str = "GET", status: int = 200) -> Http1Connection:
    machine = Http1Connection(SERVER)
    machine.feed(f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    machine.send_head(status, "OK", (), length)
    return machine


def test_it_counts() -> None:
    machine = answering(10)
    assert machine.send_beside(4)
    assert machine.send_data(b"12") == (b"12",)
    with pytest.raises(ValueError, match="4 bytes short"):
        machine.send_end()
    assert machine.send_beside(4)
    assert machine.send_beside(0)
    assert machine.send_end() == b""


def test_no_more_than_was_declared() -> None:
    machine = answering(10)
    with pytest.raises(ValueError, match="11 bytes, but 10 are left"):
        machine.send_beside(11)


def test_what_the_message_may_not_carry_is_dropped() -> None:
    for machine in (answering(10, "HEAD"), answering(10, status=304)):
        assert not machine.send_beside(10)
        machine.send_end()


def test_chunks_have_to_be_framed() -> None:
    with pytest.raises(ValueError, match="chunked"):
        answering(None).send_beside(10)


def test_without_a_message() -> None:
    machine = answering(0)
    machine.send_end()
    with pytest.raises(RuntimeError, match="no content is due"):
        machine.send_beside(0)
