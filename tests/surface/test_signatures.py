"""Signatures: what the file of facts writes is read, and what theirs demands of ours is found."""

import inspect
from typing import Any, TypedDict, Unpack

import pytest

from .signatures import (
    KO,
    PO,
    POK,
    REQUIRED,
    UNKNOWN,
    VAR,
    VARKW,
    Parameter,
    Signature,
    is_wider,
    parse,
    problems,
    read,
)

PARSED: list[tuple[str, list[Parameter]]] = [
    ("()", []),
    ("(self)", [Parameter("self", POK)]),
    ("(a, /, b)", [Parameter("a", PO), Parameter("b", POK)]),
    ("(*args, **kwargs)", [Parameter("args", VAR), Parameter("kwargs", VARKW)]),
    ("(*args: Any, a, **kw: Any)", [Parameter("args", VAR), Parameter("a", KO), Parameter("kw", VARKW)]),
    ("(*, a, b=1)", [Parameter("a", KO), Parameter("b", KO, "1")]),
    ("(a: int = 1)", [Parameter("a", POK, "1")]),
    ("(a: float = -1.5)", [Parameter("a", POK, "-1.5")]),
    ("(a: str = 'x, y')", [Parameter("a", POK, "'x, y'")]),
    ("(a: bytes = b'\\r\\n')", [Parameter("a", POK, r"b'\r\n'")]),
    ("(a: bool = True, b=None)", [Parameter("a", POK, "True"), Parameter("b", POK, "None")]),
    ("(a: tuple[str, ...] = (), b=2)", [Parameter("a", POK, "()"), Parameter("b", POK, "2")]),
    ("(a=(1, 2))", [Parameter("a", POK, UNKNOWN)]),
    ("(a=[], b={})", [Parameter("a", POK, UNKNOWN), Parameter("b", POK, UNKNOWN)]),
    ("(a=Ellipsis)", [Parameter("a", POK, UNKNOWN)]),
    ("(a=HttpVersion(major=1, minor=1), b=0)", [Parameter("a", POK, UNKNOWN), Parameter("b", POK, "0")]),
    ("(a: type = <class 'x.Y'>, *, b)", [Parameter("a", POK, UNKNOWN), Parameter("b", KO)]),
    ("(a=<function C.<lambda> at 0x..>, b=1)", [Parameter("a", POK, UNKNOWN), Parameter("b", POK, "1")]),
    ("(a=<module 'w' from '(stdlib)/w.py'>, b=1)", [Parameter("a", POK, UNKNOWN), Parameter("b", POK, "1")]),
    ("(a=<Logger aiohttp.access (WARNING)>)", [Parameter("a", POK, UNKNOWN)]),
    (
        "(a: str = '%a \"%r\" %{Referer}i', b=1)",
        [Parameter("a", POK, "'%a \"%r\" %{Referer}i'"), Parameter("b", POK, "1")],
    ),
    ("(a: 'str | None' = \"it's\")", [Parameter("a", POK, '"it\'s"')]),
    ("(a: str = 'it\\'s', b=1)", [Parameter("a", POK, '"it\'s"'), Parameter("b", POK, "1")]),
    (
        "(a: Callable[[int, str], dict[str, int]], b: ForwardRef('X[str]'))",
        [Parameter("a", POK), Parameter("b", POK)],
    ),
    (
        "(a: ~_T, b: Literal[b'\\r\\n', b'\\n'] = b'\\n')",
        [Parameter("a", POK), Parameter("b", POK, r"b'\n'")],
    ),
]


@pytest.mark.parametrize(("text", "parameters"), PARSED)
def test_a_signature_is_read_from_its_text(text: str, parameters: list[Parameter]) -> None:
    assert list(parse(text).parameters) == parameters


@pytest.mark.parametrize("text", [text for text, _ in PARSED])
def test_what_is_returned_is_read_too(text: str) -> None:
    assert parse(f"{text} -> dict[str, Callable[[], int]]").returns == "dict[str, Callable[[], int]]"
    assert parse(text).returns == ""


@pytest.mark.parametrize("text", ["", "(", "(a", "(a: [int)", "(a='x)"])
def test_a_signature_that_does_not_close_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a signature"):
        parse(text)


def test_every_signature_of_a_module_is_read_as_inspect_reads_it() -> None:
    functions = [value for _, value in inspect.getmembers(inspect, inspect.isfunction)]
    assert len(functions) > 50
    for function in functions:
        text = str(inspect.signature(function))
        assert parse(text).parameters == read(function).parameters, text


class Options(TypedDict, total=False):
    params: str
    data: bytes


class Demands(Options):
    method: str  # in a TypedDict of its own total=True: required


def with_options(url: str, **options: Unpack[Options]) -> None: ...
def with_quoted_options(url: str, **options: "Unpack[Options]") -> None: ...
def with_demands(**options: Unpack[Demands]) -> None: ...
def with_any(url: str, **options: Any) -> None: ...


@pytest.mark.parametrize("function", [with_options, with_quoted_options])
def test_the_keys_of_unpacked_options_are_keywords(function: Any) -> None:
    assert read(function).parameters == (
        Parameter("url", POK),
        Parameter("data", KO, UNKNOWN),
        Parameter("params", KO, UNKNOWN),
        Parameter("options", VARKW),
    )


def test_a_required_key_is_a_required_keyword() -> None:
    assert read(with_demands).named("method") == Parameter("method", KO, REQUIRED)
    assert read(with_demands).named("data") == Parameter("data", KO, UNKNOWN)


def test_what_has_no_signature_takes_positions_only() -> None:
    class Plain(Exception):
        pass

    assert problems(parse("(*args)"), read(Plain)) == []
    assert problems(parse("(message: str)"), read(Plain)) == ["lacks message"]


NARROWER: list[tuple[str, str, list[str]]] = [
    # by position
    ("(a)", "()", ["lacks a"]),
    ("(a, b)", "(b, a)", ["a is at another position", "b is at another position"]),
    ("(a)", "(b)", ["lacks a"]),
    ("(a)", "(b=1)", ["lacks a"]),
    ("(a)", "(a, /)", ["a is by position only"]),
    ("(a)", "(*, a)", ["a is by keyword only"]),
    ("(a, b)", "(a, *, b)", ["b is by keyword only"]),
    ("(a, /)", "()", ["lacks position 1"]),
    ("(a, /)", "(*, a)", ["lacks position 1", "requires a"]),
    ("(*args)", "(a=None)", ["lacks *args"]),
    ("(a, *args)", "(a, b=1, *args)", ["takes b before *args"]),
    # by keyword
    ("(*, a, b)", "(*, b)", ["lacks a"]),
    ("(*, a)", "(a, /)", ["lacks a"]),
    ("(*, a)", "(**kwargs)", ["lacks a"]),
    ("(**kwargs)", "(*, a=1)", ["lacks **kwargs"]),
    # required
    ("(a=1)", "(a)", ["a is required"]),
    ("(*, a=1)", "(*, a)", ["a is required"]),
    ("(a)", "(a, b)", ["requires b"]),
    ("()", "(*, a)", ["requires a"]),
    # defaults
    ("(limit=50)", "(limit=100)", ["default of limit is 100, theirs 50"]),
    ("(*, limit=50)", "(limit=100)", ["default of limit is 100, theirs 50"]),
    ("(limit=50)", "(*args, limit=100)", ["default of limit is 100, theirs 50"]),
    ("(a=1)", "(a=True)", ["default of a is True, theirs 1"]),
    ("(a=None)", "(a=())", ["default of a is (), theirs None"]),
    ("(a='')", "(a=b'')", ["default of a is b'', theirs ''"]),
]

SAME = [
    ("(a, b=1, *args, c, d=None, **kw)", "(a, b=1, *args, c, d=None, **kw)"),
    ("(a: int) -> None", "(a: str) -> int"),
    ("(*, a, b)", "(*, b, a)"),
    ("(a, /)", "(b, /)"),
    ("(timeout=60)", "(timeout=60.0)"),
    ("(a=<object at 0x..>)", "(a=<_SENTINEL.sentinel: 1>)"),
    ("(a=<object at 0x..>)", "(a=None)"),
    ("(a=None)", "(a=<object at 0x..>)"),
    ("(*args, **kwargs)", "(*arguments, **options)"),
    ("(a, _hidden=1)", "(a)"),
    ("(a, *, _hidden=1)", "(a)"),
]

WIDER = [
    ("()", "(a=1)"),
    ("(a)", "(a=1)"),
    ("(a, /)", "(a)"),
    ("(*, a)", "(a)"),
    ("(*, a)", "(*, a, b=1)"),
    ("(a)", "(a, *args)"),
    ("(a)", "(a, **kwargs)"),
    ("(a)", "(*args, a)"),
]


@pytest.mark.parametrize(("theirs", "ours", "found"), NARROWER)
def test_what_is_narrower_is_told(theirs: str, ours: str, found: list[str]) -> None:
    assert sorted(problems(parse(theirs), parse(ours))) == sorted(found)


@pytest.mark.parametrize(("theirs", "ours"), [*SAME, *WIDER])
def test_what_takes_every_call_is_not_narrower(theirs: str, ours: str) -> None:
    assert problems(parse(theirs), parse(ours)) == []


@pytest.mark.parametrize(("theirs", "ours"), SAME)
def test_equal_calls_are_the_same(theirs: str, ours: str) -> None:
    assert not is_wider(parse(theirs), parse(ours))


@pytest.mark.parametrize(("theirs", "ours"), WIDER)
def test_more_calls_are_wider(theirs: str, ours: str) -> None:
    assert is_wider(parse(theirs), parse(ours))


def test_open_options_are_demanded_of_open_options() -> None:
    theirs = parse("(url: str, **kwargs: Any)")
    assert problems(theirs, read(with_options)) == []
    assert problems(theirs, read(with_any)) == []


def test_named_options_are_demanded_by_name() -> None:
    theirs = parse("(url, *, params=None, headers=None)")
    assert problems(theirs, read(with_options)) == ["lacks headers"]
    assert problems(theirs, read(with_any)) == ["lacks params", "lacks headers"]


def test_a_method_is_called_without_self() -> None:
    assert parse("(self, a)").bound() == parse("(a)")
    assert parse("(*args)").bound() == parse("(*args)")


def test_a_special_method_is_called_by_position() -> None:
    assert parse("(a, *, b=1)").by_position() == Signature((Parameter("a", PO), Parameter("b", KO, "1")))
