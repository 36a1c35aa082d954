from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pronghorn.wire import multipart
from pronghorn.wire.errors import ProtocolError
from pronghorn.wire.fields import FieldLines
from pronghorn.wire.limits import DEFAULT_LIMITS as MESSAGE_LIMITS
from pronghorn.wire.multipart import (
    DEFAULT_LIMITS,
    PART_CLOSE,
    MultipartEnd,
    MultipartLimits,
    MultipartParser,
    PartData,
    PartEnd,
    PartEvent,
    PartHead,
    Reading,
    boundary_parameter,
    check_boundary,
    close_delimiter,
    part_head,
)

from .feeding import bytewise, whole

KIB = 1024
MANY = MultipartLimits(parts=10**9, heads=10**12, surplus=10**12)
NAMED = b'Content-Disposition: form-data; name="a"\r\n'

Part = tuple[list[tuple[str, str]], bytes]


@dataclass
class Told:
    """What a machine told: parts that were whole, the one that was not, whether that was all, the error."""

    parts: list[Part] = field(default_factory=list)
    unfinished: Part | None = None
    is_over: bool = False
    error: str = ""
    status_hint: int = 0


def gather(events: Iterable[PartEvent], told: Told) -> None:
    for event in events:
        if told.is_over:
            pytest.fail(f"told after the end: {event!r}")
        if isinstance(event, PartHead):
            fields = [(str(name), value) for name, value in event.headers.items()]
            assert told.unfinished is None
            if event.body is None:
                told.unfinished = (fields, b"")
            else:
                told.parts.append((fields, event.body))
        elif isinstance(event, PartData):
            assert event.chunk
            assert type(event.chunk) is bytes
            assert told.unfinished is not None
            told.unfinished = (told.unfinished[0], told.unfinished[1] + event.chunk)
        elif isinstance(event, PartEnd):
            assert told.unfinished is not None
            told.parts.append(told.unfinished)
            told.unfinished = None
        else:
            assert isinstance(event, MultipartEnd)
            told.is_over = True


def feed(parser: MultipartParser, pieces: Iterable[bytes]) -> Told:
    told = Told()
    try:
        for piece in pieces:
            gather(parser.feed(piece), told)
        parser.feed_eof()
    except ProtocolError as error:
        told.error, told.status_hint = error.message, error.status_hint
        assert parser.reading is Reading.CLOSED
        assert list(parser.feed(b"\r\n--b\r\n\r\nx\r\n--b--\r\n")) == []
        with pytest.raises(ProtocolError, match="ended before its close-delimiter"):
            parser.feed_eof()
    return told


def agreed(wire: bytes, limits: MultipartLimits = DEFAULT_LIMITS, *, is_lenient: bool = False) -> Told:
    """What is told of ``wire``, to the last byte before an error, however it is cut."""
    one, *others = [
        feed(MultipartParser(b"b", limits, is_lenient=is_lenient), cut(wire)) for cut in (whole, bytewise)
    ]
    for other in others:
        assert one == other
    return one


def read(wire: bytes, limits: MultipartLimits = DEFAULT_LIMITS, *, is_lenient: bool = False) -> list[Part]:
    """The parts in ``wire``, with and without bytes after it."""
    told = agreed(wire, limits, is_lenient=is_lenient)
    assert told == Told(told.parts, is_over=True)
    after = b"" if wire.endswith(b"\r\n") else b"\r\n"
    assert agreed(wire + after + b"epilogue\r\n--b\r\n\r\nx\r\n--b--x", limits, is_lenient=is_lenient) == told
    return told.parts


def refuse(wire: bytes, limits: MultipartLimits = DEFAULT_LIMITS, *, is_lenient: bool = False) -> Told:
    """What is told before ``wire`` is refused."""
    told = agreed(wire, limits, is_lenient=is_lenient)
    assert told.error
    assert agreed(wire + b"\r\n--b--\r\n", limits, is_lenient=is_lenient).error
    return told


def body(*contents: bytes) -> bytes:
    return b"".join([b"--b\r\n" + NAMED + b"\r\n" + content + b"\r\n" for content in contents]) + b"--b--\r\n"


def contents(wire: bytes, limits: MultipartLimits = DEFAULT_LIMITS) -> list[bytes]:
    return [content for _, content in read(wire, limits)]


# Reading (RFC 2046 section 5.1.1)


def test_parts() -> None:
    wire = (
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n'
        b'--b\r\ncontent-disposition:form-data; name="\xc3\xbc\xfc" \r\nContent-Type: a/b\r\n\r\ntwo\r\n\r\n'
        b"--b\r\n\r\n\r\n"
        b"--b--\r\n"
    )
    assert read(wire) == [
        ([("Content-Disposition", 'form-data; name="a"')], b"one"),
        ([("content-disposition", 'form-data; name="ü\udcfc"'), ("Content-Type", "a/b")], b"two\r\n"),
        ([], b""),
    ]


def test_headers_are_looked_up_in_any_case() -> None:
    (head, _) = MultipartParser(b"b").feed(body(b"x"))
    assert isinstance(head, PartHead)
    assert head.headers["CONTENT-disposition"] == 'form-data; name="a"'


CONTENTS = [
    *b"|\r|\n|\r\n|\r\n\r\n|\r\r\n|-|--|-b|\r\n-|\r\n--|\r\n--\r\n|\r\n--B|\n--b|\n--b\r\n|\r--b|\r--b--".split(
        b"|"
    ),
    *b"x--b\r\n|\r\n -b|\r\n- -b|\r\r\r\n--|\x00\xff\r\n\x00|Content-Type: a/b\r\n\r\n".split(b"|"),
]


@pytest.mark.parametrize("content", CONTENTS)
def test_content(content: bytes) -> None:
    assert contents(body(content)) == [content]
    assert contents(body(b"x" + content, content, content + b"x")) == [
        b"x" + content,
        content,
        content + b"x",
    ]


def test_no_parts() -> None:
    """What browsers send for an empty form, and aiohttp for a writer that nothing was appended to."""
    assert read(b"--b--\r\n") == []
    assert read(b"--b--") == []


def test_the_last_line_may_have_no_end() -> None:
    assert contents(body(b"x")[:-2]) == [b"x"]


@pytest.mark.parametrize("preamble", b"|A sentence.|\r\n|--|x--b\r\n|\n--b|-|--B|\r\n--B|\r".split(b"|"))
def test_preamble(preamble: bytes) -> None:
    assert contents(preamble + b"\r\n" + body(b"x")) == [b"x"]


@pytest.mark.parametrize("padding", [b" ", b"\t", b" \t" * 32])
def test_padding(padding: bytes) -> None:
    """By transports that are not there: RFC 2046 section 5.1.1 has readers skip it."""
    line = b"--b" + padding + b"\r\n"
    assert contents(line + b"\r\nx\r\n" + line + b"\r\ny\r\n--b--" + padding) == [b"x", b"y"]
    assert "behind the boundary" in refuse(b"--b" + padding * 65 + b"\r\n").error


@pytest.mark.parametrize(
    "boundary", [b"b" * 70, b"'()+_,-./:=?", b"a b", b"--", b"-", b"=_\x7e@*{}", b"*****"]
)
def test_boundaries(boundary: bytes) -> None:
    wire = b"--%b\r\n\r\nx\r\n--%b\r\n\r\ny\r\n--%b--\r\n" % (boundary, boundary, boundary)
    for cut in (whole, bytewise):
        assert feed(MultipartParser(boundary), cut(wire)).parts == [([], b"x"), ([], b"y")]


@pytest.mark.parametrize(
    "boundary", [b"", b"b" * 71, b"b" * 257, b"b ", b"b\r\n", b"\r\nb", b"b\x00", b"\xc3\xbc", b'b"']
)
def test_no_boundaries(boundary: bytes) -> None:
    for use in (MultipartParser, check_boundary, boundary_parameter, close_delimiter):
        with pytest.raises(ValueError, match="boundary: expected 1 to 70"):
            use(boundary)
    with pytest.raises(ValueError, match="boundary: expected 1 to 70"):
        part_head(boundary, [])


def test_no_secret_is_kept() -> None:
    secret = b"open-sesame-8730"
    fields = NAMED[:-2] + b"; filename=" + secret + b"\r\nContent-Type: a/b\r\nX-Token: " + secret
    assert len(read(b"--b\r\n" + fields + b"\r\n\r\nx\r\n--b--\r\n")[0][0]) == 3
    (table,) = [value for value in vars(multipart).values() if isinstance(value, FieldLines)]
    assert b"Content-Type: a/b" in table
    assert secret.decode() not in repr(table)


# Refusing


@pytest.mark.parametrize(
    "tail", [b"x", b"b\r\n", b"-\r\n", b"-x", b"\n", b"\rx", b"\r\r\n", b" x", b" --", b"\x0b\r\n", b"\0"]
)
def test_the_line_of_a_delimiter(tail: bytes) -> None:
    """A boundary may not begin another one; and no line ends in a bare LF."""
    assert "behind the boundary" in refuse(b"--b" + tail).error
    told = refuse(body(b"x")[:-4] + tail)
    assert "behind the boundary" in told.error
    assert told.unfinished == ([("Content-Disposition", 'form-data; name="a"')], b"x")


@pytest.mark.parametrize("tail", [b"x", b"-\r\n", b"\n", b"\rx", b" x", b"\t--b", b" " * 65 + b"\r\n"])
def test_the_line_of_the_close_delimiter(tail: bytes) -> None:
    told = refuse(body(b"x")[:-2] + tail)
    assert "behind the boundary" in told.error
    assert told.is_over
    assert len(told.parts) == 1


BAD_HEADS = [
    *b"A: b\nC: d|A: b\r\n C: d|A: b\r\n\tc|A : b| A: b|: b|A b|A: b\x00|A: \rb|A: b\x7f|\xc3\xbc: b".split(
        b"|"
    ),
    *b"A: b\r\n--b|--b|A: b\r\nContent-Length: +5|Content-Length: -1|Content-Length: 1_0".split(b"|"),
    b"Content-Type: a/b\r\nA: b\r\ncontent-type: c/d",
    NAMED + NAMED.lower()[:-2],
    b"Content-Length: 1\r\nContent-Length: 1",
]


@pytest.mark.parametrize("head", BAD_HEADS)
def test_malformed_fields(head: bytes) -> None:
    told = refuse(b"--b\r\n\r\nx\r\n--b\r\n" + head + b"\r\n\r\ny\r\n--b--\r\n")
    assert told.parts == [([], b"x")]
    assert told.unfinished is None


@pytest.mark.parametrize("length", [b"0", b"1", b"5", b"19", b"9999999999999999999"])
def test_a_length_in_a_part_says_nothing(length: bytes) -> None:
    """The boundary decides (GHSA-v9pg-7xvm-68hf, CVE-2024-30251: readers that went by it)."""
    wire = b"--b\r\nContent-Length: %b\r\n\r\nabc\r\n--b\r\n\r\ny\r\n--b--\r\n" % length
    assert read(wire) == [([("Content-Length", length.decode())], b"abc"), ([], b"y")]


@pytest.mark.parametrize("size", range(1, len(body(b"xyz", b"")) - 4))
def test_CVE_2024_30251_a_truncated_body_is_an_error(size: int) -> None:
    told = refuse_end(body(b"xyz", b"")[:size])
    assert told.error == "multipart: ended before its close-delimiter"


def refuse_end(wire: bytes) -> Told:
    told = agreed(wire)
    assert told.error
    assert not told.is_over
    return told


@pytest.mark.parametrize(
    "wire", [b"", b"\r\n", b"--", b"x", b"--b", b"--b-", b"--b\r\n", b"\r\n--b", b"x--b--\r\n", b"--a--\r\n"]
)
def test_no_delimiter_at_all(wire: bytes) -> None:
    assert refuse_end(wire).parts == []


def test_an_empty_part_without_a_line_of_its_own() -> None:
    """Here one reader sees two parts, and one a part whose content is the second."""
    wire = b"--b\r\n" + NAMED + b"\r\n--b\r\n" + NAMED + b"\r\n--b--\r\n"
    told = refuse(wire)
    assert "expected CRLF before its delimiter" in told.error
    assert told.unfinished == ([("Content-Disposition", 'form-data; name="a"')], b"")
    assert [content for _, content in read(wire, is_lenient=True)] == [b"", b""]
    assert "behind the boundary" in refuse(b"--b\r\n\r\n--bx\r\n", is_lenient=True).error
    assert "expected CRLF" in refuse(b"--b\r\n\r\n--bx\r\n").error
    assert contents(b"--b\r\n\r\n--a\r\n--b--\r\n") == [b"--a"]


# Limits


def test_the_promised_defaults() -> None:
    assert (DEFAULT_LIMITS.parts, DEFAULT_LIMITS.head, DEFAULT_LIMITS.heads) == (1000, 16 * KIB, KIB * KIB)
    assert (DEFAULT_LIMITS.line, DEFAULT_LIMITS.fields) == (MESSAGE_LIMITS.field_line, MESSAGE_LIMITS.fields)


def test_CVE_2023_25577_CVE_2023_30798_1e5_parts() -> None:
    """Refused at the first one too many; those behind it are not looked at."""
    wire = body(*[b""] * 100_000)
    parser, told = MultipartParser(b"b"), Told()
    with pytest.raises(ProtocolError, match="more than 1000 parts") as caught:
        gather(parser.feed(wire), told)
    assert caught.value.status_hint == 413
    assert len(told.parts) == 1000
    assert parser.held > 98 * len(wire) // 100


def test_parts_at_their_limit() -> None:
    limits = MultipartLimits(parts=2)
    assert contents(body(b"x", b"y"), limits) == [b"x", b"y"]
    told = refuse(body(b"x", b"y", b"z"), limits)
    assert (len(told.parts), told.status_hint) == (2, 413)
    assert read(b"--b--\r\n", MultipartLimits(parts=0)) == []


def test_CVE_2026_34516_a_head_at_its_limit() -> None:
    limits = MultipartLimits(head=10)
    assert read(b"--b\r\nA: 4567890\r\n\r\n\r\n--b--\r\n", limits) == [([("A", "4567890")], b"")]
    assert refuse(b"--b\r\nA: 45678901\r\n\r\n\r\n--b--\r\n", limits).status_hint == 413
    endless = MultipartParser(b"b")
    assert list(endless.feed(b"--b\r\nA: " + b"a" * 8000)) == list(endless.feed(b"a" * 8000)) == []
    with pytest.raises(ProtocolError, match="more than 16384 bytes of fields"):
        list(endless.feed(b"a" * 8000))


def test_a_field_line_at_its_limit() -> None:
    limits = MultipartLimits(line=10)
    assert read(b"--b\r\nA: 4567890\r\nB: 4567890\r\n\r\n\r\n--b--\r\n", limits)
    told = refuse(b"--b\r\nA: 4567890\r\nB: 45678901\r\n\r\n\r\n--b--\r\n", limits)
    assert (told.error, told.status_hint) == ("part: a field line longer than 10 bytes", 413)


def test_fields_at_their_limit() -> None:
    limits = MultipartLimits(fields=3)
    assert len(read(b"--b\r\n" + b"A: b\r\n" * 3 + b"\r\n\r\n--b--\r\n", limits)[0][0]) == 3
    told = refuse(b"--b\r\n" + b"A: b\r\n" * 4 + b"\r\n\r\n--b--\r\n", limits)
    assert (told.error, told.status_hint) == ("part: more than 3 fields", 413)


def test_all_heads_at_their_limit() -> None:
    limits = MultipartLimits(heads=2 * (len(NAMED) - 2))
    assert len(contents(body(b"x", b"y"), limits)) == 2
    told = refuse(body(b"x", b"y", b"z"), limits)
    assert (len(told.parts), told.status_hint) == (2, 413)
    assert "bytes of fields in all" in told.error


def test_CVE_2024_53981_CVE_2026_40347_what_is_outside_of_parts_is_bounded() -> None:
    limits = MultipartLimits(surplus=10)
    assert agreed(b"x" * 10 + b"\r\n" + body(b"x"), limits).is_over
    assert "preamble" in refuse(b"x" * 11 + b"\r\n" + body(b"x"), limits).error
    told = agreed(body(b"x") + b"x" * 10, limits)
    assert (told.error, told.is_over) == ("", True)
    told = refuse(body(b"x") + b"x" * 11, limits)
    assert (told.error, told.is_over) == ("epilogue: more than 10 bytes", True)


# Nesting and flow


def nested(
    wire: bytes, cut: Callable[[bytes], list[bytes]], limits: MultipartLimits = DEFAULT_LIMITS
) -> Told:
    """What is told of the parts in the one part of ``wire``, whose boundary is c."""
    outer, told = MultipartParser(b"b", limits), Told()
    inner: MultipartParser | None = None
    for piece in cut(wire):
        for event in outer.feed(piece):
            if isinstance(event, PartHead):
                inner = outer.nested(b"c")
            assert inner is not None
            if isinstance(event, PartHead | PartData):
                gather(inner.feed((event.body or b"") if isinstance(event, PartHead) else event.chunk), told)
            elif isinstance(event, PartEnd):
                inner.feed_eof()
    outer.feed_eof()
    return told


INNER = b"before\r\n--c\r\n\r\nx\r\n--a\r\n\r\n--c\r\n\r\ny\r\n--c--\r\nafter\r\n"


@pytest.mark.parametrize("cut", [whole, bytewise])
def test_a_part_that_holds_parts(cut: Callable[[bytes], list[bytes]]) -> None:
    told = nested(body(INNER), cut)
    assert told == Told([([], b"x\r\n--a\r\n"), ([], b"y")], is_over=True)
    nested(body(INNER), cut, MultipartLimits(parts=3))
    with pytest.raises(ProtocolError, match="more than 2 parts"):
        nested(body(INNER), cut, MultipartLimits(parts=2))


def test_the_end_of_a_part_is_the_end_of_what_is_in_it() -> None:
    with pytest.raises(ProtocolError, match="ended before"):
        nested(body(INNER.partition(b"--c--")[0]), bytewise)


def test_bodies_nested_1000_deep() -> None:
    parser = MultipartParser(b"b")
    for _ in range(8):
        parser = parser.nested(b"b")
    with pytest.raises(ProtocolError, match="nested too deep") as caught:
        parser.nested(b"b")
    assert caught.value.status_hint == 413


def test_what_is_not_asked_for_is_not_parsed() -> None:
    wire = body(b"x", b"y")[:-2] + b"no delimiter's end"
    parser = MultipartParser(b"b")
    events = parser.feed(wire)
    assert parser.held == len(wire)
    head = next(events)
    assert isinstance(head, PartHead)
    assert head.body == b"x"
    assert wire[-parser.held :].startswith(b"\r\nContent-Disposition")
    with pytest.raises(RuntimeError, match="still being read"):
        parser.feed(b"x")
    with pytest.raises(RuntimeError, match="still being read"):
        parser.feed_eof()
    assert [type(event) for event in (next(events), next(events))] == [PartHead, MultipartEnd]
    with pytest.raises(ProtocolError, match="behind the boundary"):
        next(events)


def test_a_generator_closed_loses_nothing() -> None:
    wire = body(b"x", b"y" * 100, b"")
    parser, told = MultipartParser(b"b"), Told()
    for piece in [wire[:100], wire[100:150], wire[150:], *[b""] * 10]:
        events = parser.feed(piece)
        gather(islice(events, 1), told)
        events.close()
    assert [content for _, content in told.parts] == [b"x", b"y" * 100, b""]
    assert told.is_over


def test_two_can_not_read() -> None:
    parser = MultipartParser(b"b")
    first, second = parser.feed(body(b"x")), parser.feed(b"")
    assert isinstance(next(second), PartHead)
    with pytest.raises(RuntimeError, match="still being read"):
        next(first)


def test_content_is_told_in_large_pieces_and_not_copied() -> None:
    wire = body(bytes(KIB * KIB))
    reads = [wire[at : at + 64 * KIB] for at in range(0, len(wire), 64 * KIB)]
    parser = MultipartParser(b"b")
    chunks = [event.chunk for piece in reads for event in parser.feed(piece) if isinstance(event, PartData)]
    assert len(chunks) == 17
    assert all(chunk is read for chunk, read in zip(chunks[1:-1], reads[1:-1], strict=True))
    assert b"".join(chunks) == bytes(KIB * KIB)


# Any content, any cut


@st.composite
def cuts(draw: st.DrawFn, wire: bytes) -> list[bytes]:
    places = sorted(draw(st.lists(st.integers(0, len(wire)), max_size=12)))
    return [wire[start:end] for start, end in zip([0, *places], [*places, len(wire)], strict=True)]


NEARLY = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b"-", b"--", b"b", b"--b", b"\r\n--", b" ", b"x", b"A: b", b"\r\n\r\n"]
    ),
    max_size=24,
).map(b"".join)


@settings(deadline=None)
@given(st.lists(NEARLY, max_size=5), st.data())
def test_what_is_written_is_read_back(values: list[bytes], data: st.DataObject) -> None:
    for value in values:
        assume(b"\r\n--b" not in b"\r\n" + value)
    wire = b"".join([part_head(b"b", [("A", "b")]) + value + PART_CLOSE for value in values])
    told = feed(MultipartParser(b"b"), data.draw(cuts(wire + close_delimiter(b"b"))))
    assert told == Told([([("A", "b")], value) for value in values], is_over=True)


@settings(deadline=None, max_examples=500)
@given(NEARLY, st.booleans(), st.data())
def test_what_is_told_does_not_depend_on_the_cut(wire: bytes, is_lenient: bool, data: st.DataObject) -> None:
    wire = data.draw(st.sampled_from([b"", b"--b\r\n", b"--b\r\n\r\n"])) + wire
    told = agreed(wire, is_lenient=is_lenient)
    assert told == feed(MultipartParser(b"b", is_lenient=is_lenient), data.draw(cuts(wire)))
    assert bool(told.error) is not told.is_over or told.error.startswith("delimiter")
