"""Path patterns, taken apart."""

import random
import re

import pytest

from pronghorn.server.routing.pattern import Run, escaped, parse

PIECES = ("{a}", "{b}", "{c}", "-", ".", "--", "-.", "x")


def test_what_a_pattern_consists_of() -> None:
    pattern = parse("/é/{a}/x{b:[0-9]{2}}")
    assert pattern.names == ("a", "b")
    assert pattern.template == "/%C3%A9/{a}/x{b}"
    assert pattern.regex == pattern.linear_regex == "/é/(?P<a>[^/]+)/x(?P<b>[0-9]{2})"
    assert pattern.runs == ()
    assert pattern.segments == ("", "é", None, None)


def test_pieces_of_one_segment_are_a_run() -> None:
    pattern = parse("/v{a}-{b}.{c}.txt/{d}")
    assert pattern.runs == (Run(("a", "b", "c"), ("-", ".")),)
    assert pattern.linear_regex == r"/v(?P<a>[^/]+)\.txt/(?P<d>[^/]+)"
    assert pattern.segments == ("", None, None)


@pytest.mark.parametrize(
    "regex",
    [r"\d+", r"[0-9]{1,3}", r"\w+", "[a-z0-9_-]+", "[^/]+", "[^{}/]*", r"\d{4}-\d{2}-\d{2}", "en", "v[1-3]?"],
)
def test_expressions_that_fit_within_a_segment(regex: str) -> None:
    assert parse(f"/{{a:{regex}}}/b").segments == ("", None, "b")


@pytest.mark.parametrize(
    "regex", [".*", "a/b", r"\D+", "[--0]", "[a-z--0]", "(a|/)", r"\S", "[^a]", r"[^/\w]", "a|b", "^"]
)
def test_expressions_that_may_not(regex: str) -> None:
    assert parse(f"/{{a:{regex}}}/b").segments is None


@pytest.mark.parametrize(
    "path", ["/{", "/}", "/{}", "/{a", "/a}", "/{a}}", "/{1a}", "/{a-b}", "/{a:}", "/{é}", "/{{a}}"]
)
def test_braces_that_belong_to_no_part(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        parse(path)


@pytest.mark.parametrize(
    ("between", "text", "parts"),
    [
        (("-",), "a-b", ("a", "b")),
        (("-",), "a-b-c", ("a-b", "c")),
        (("-",), "---", ("-", "-")),
        (("-",), "--", None),
        (("-",), "ab", None),
        (("-",), "a-", None),
        (("-",), "-a", None),
        (("",), "abc", ("ab", "c")),
        (("",), "a", None),
        (("-", "."), "1-2.3", ("1", "2", "3")),
        (("-", "."), "1.2-3", None),
        (("--",), "a---b", ("a-", "b")),
    ],
)
def test_sharing_out(between: tuple[str, ...], text: str, parts: tuple[str, ...] | None) -> None:
    names = tuple("abc"[: len(between) + 1])
    given = {"a": text}
    assert Run(names, between).share_out(given) is (parts is not None)
    if parts is not None:
        assert given == dict(zip(names, parts, strict=True))


def test_runs_share_out_as_the_expression_does() -> None:
    chosen = random.Random(9)
    for _ in range(300):
        pieces = chosen.sample(PIECES, chosen.randint(2, len(PIECES)))
        pattern = parse("/" + "".join(pieces))
        for _ in range(20):
            path = "/" + "".join(chosen.choices("x-.a", k=chosen.randint(1, 9)))
            expected = re.fullmatch(pattern.regex, path)
            found = re.fullmatch(pattern.linear_regex, path)
            parts = None if found is None else found.groupdict()
            if parts is not None and not all(run.share_out(parts) for run in pattern.runs):
                parts = None
            assert parts == (None if expected is None else expected.groupdict()), (pieces, path)


def test_escaped() -> None:
    assert re.fullmatch(escaped("/a.b%20c%2F%C3%A9"), "/a.b c%2Fé")
    assert not re.fullmatch(escaped("/a.b"), "/axb")
