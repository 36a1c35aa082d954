"""What one role writes, the other reads back, however the bytes are cut."""

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pronghorn.wire.http1.connection import Http1Connection, Reading
from pronghorn.wire.roles import CLIENT, SERVER, Role

from ..feeding import Message, feed, gather

TCHARS = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FRAMING = {
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "expect",
    "upgrade",
    "trailer",
}

tokens = st.text(TCHARS, min_size=1, max_size=12)
names = tokens.filter(lambda name: name.lower() not in FRAMING)
values = st.text(
    st.characters(min_codepoint=0x20, exclude_characters="\x7f", exclude_categories=["Cs"]), max_size=20
)
fields = st.lists(st.tuples(names, values), max_size=6)
targets = st.text("/abc?=&%20~", max_size=20).map(lambda rest: f"/{rest}")
contents = st.lists(st.binary(max_size=50), max_size=5)
cuts = st.lists(st.integers(1, 600), max_size=15)


@dataclass
class Sent:
    """Content in pieces, and how it is sent."""

    pieces: list[bytes]
    has_length: bool
    is_at_once: bool

    @property
    def content(self) -> bytes:
        return b"".join(self.pieces)

    def write(
        self, connection: Http1Connection, first: str | int, second: str, fields: list[tuple[str, str]]
    ) -> bytes:
        if self.is_at_once:
            return connection.send_head(first, second, fields, None, body=self.content)
        length = len(self.content) if self.has_length else None
        wire = connection.send_head(first, second, fields, length)
        for piece in self.pieces:
            wire += b"".join(connection.send_data(piece))
        return wire + connection.send_end()


sendings = st.builds(Sent, contents, st.booleans(), st.booleans())


def split(wire: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    return [wire[start:end] for start, end in pairwise(edges)]


def stripped(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value.strip(" \t")) for name, value in fields]


def without(fields: list[tuple[str, str]], *names: str) -> list[tuple[str, str]]:
    return [field for field in fields if field[0] not in names]


@settings(deadline=None)
@given(tokens.filter(lambda method: method != "CONNECT"), targets, fields, sendings, cuts)
def test_requests(
    method: str, target: str, fields: list[tuple[str, str]], sent: Sent, cuts: list[int]
) -> None:
    wire = sent.write(Http1Connection(CLIENT), method, target, [("Host", "a"), *fields])
    told = feed(Http1Connection(SERVER), split(wire, cuts)).only
    assert (told.first, told.second, told.content, told.is_whole) == (method, target, sent.content, True)
    assert without(told.fields, "Host", "Content-Length", "Transfer-Encoding") == stripped(fields)


@settings(deadline=None)
@given(
    st.sampled_from([200, 206, 299, 304, 204, 404, 500, 999]),
    st.text(
        st.characters(min_codepoint=0x20, exclude_characters="\x7f", exclude_categories=["Cs"]), max_size=20
    ),
    st.sampled_from(["GET", "HEAD", "POST"]),
    fields,
    sendings,
    cuts,
)
def test_responses(
    status: int, reason: str, method: str, fields: list[tuple[str, str]], sent: Sent, cuts: list[int]
) -> None:
    answering, asking = Http1Connection(SERVER), Http1Connection(CLIENT)
    answering.feed(asking.send_head(method, "/", [("Host", "a")], None, body=b""))
    wire = sent.write(answering, status, reason, fields)
    told = feed(asking, split(wire, cuts)).only
    content = b"" if method == "HEAD" or status in (204, 304) else sent.content
    assert (told.first, told.second, told.content, told.is_whole) == (status, reason, content, True)
    assert without(told.fields, "Content-Length", "Transfer-Encoding") == stripped(fields)
    assert asking.is_over
    assert answering.is_over


@settings(deadline=None)
@given(st.lists(st.tuples(targets, sendings), min_size=1, max_size=4), cuts)
def test_a_connection(exchanges: list[tuple[str, Sent]], cuts: list[int]) -> None:
    """Requests pipelined in one stream: each is read when the one before it was answered."""
    asking, answering, wire = Http1Connection(CLIENT), Http1Connection(SERVER), b""
    for target, sent in exchanges:
        wire += sent.write(asking, "POST", target, [("Host", "a")])
        asking.feed(b"HTTP/1.1 204 No\r\n\r\n")
        asking.resume()
    told: list[Message] = []
    for piece in split(wire, cuts):
        gather(answering.feed(piece), told)
        while answering.reading is Reading.WHOLE:
            answering.send_head(204, "No", [], None, body=b"")
            gather(answering.resume(), told)
    assert [(message.second, message.content) for message in told] == [
        (t, sent.content) for t, sent in exchanges
    ]
    assert all(message.is_whole for message in told)


@settings(deadline=None)
@given(st.binary(max_size=300), cuts, st.sampled_from([CLIENT, SERVER]))
def test_no_bytes_bring_another_error(data: bytes, cuts: list[int], role: Role) -> None:
    """Whatever comes, there is an event or a ProtocolError, and then silence."""
    connection = Http1Connection(role)
    if role is CLIENT:
        connection.send_head("GET", "/", [("Host", "a")], None, body=b"")
        data = b"HTTP/1.1 200 OK\r\n" + data
    else:
        data = b"GET / HTTP/1.1\r\nHost: a\r\n" + data
    feed(connection, split(data, cuts), eof=True)
