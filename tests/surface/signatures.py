"""Signatures: theirs as the file writes them, ours as `inspect` reads them, and what theirs demands of ours.

Every call that is valid for theirs must be valid for ours and mean the same. Annotations do not matter.
"""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from inspect import _ParameterKind as Kind
from typing import Any, Final, TypedDict, Unpack, get_args, get_origin, is_typeddict

PO, POK, VAR, KO, VARKW = (
    Kind.POSITIONAL_ONLY,
    Kind.POSITIONAL_OR_KEYWORD,
    Kind.VAR_POSITIONAL,
    Kind.KEYWORD_ONLY,
    Kind.VAR_KEYWORD,
)
POSITIONAL: Final = (PO, POK)
NAMED: Final = (POK, KO)

#: What opens and closes in a signature; reprs stand in angle brackets.
BRACKETS: Final = {"(": ")", "[": "]", "{": "}", "<": ">"}

REQUIRED: Final = "required"
#: Optional, and what it is without it can't be compared: an object, a sentinel, a key of a TypedDict.
UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class Parameter:
    """One parameter; ``default`` is the repr of a literal, or REQUIRED, or UNKNOWN."""

    name: str
    kind: Kind
    default: str = REQUIRED

    @property
    def is_private(self) -> bool:
        return self.name.startswith("_") and self.kind in NAMED and not self.is_required

    @property
    def is_required(self) -> bool:
        return self.default == REQUIRED and self.kind not in (VAR, VARKW)


@dataclass(frozen=True)
class Signature:
    """Parameters in their order, and the text of what is returned."""

    parameters: tuple[Parameter, ...]
    returns: str = ""

    def of_kind(self, *kinds: Kind) -> list[Parameter]:
        return [parameter for parameter in self.parameters if parameter.kind in kinds]

    def named(self, name: str) -> Parameter | None:
        return next((item for item in self.of_kind(*NAMED) if item.name == name), None)

    def bound(self) -> "Signature":
        """Without the first parameter, as a method is called."""
        is_taken = self.parameters and self.parameters[0].kind in POSITIONAL
        return replace(self, parameters=self.parameters[1:]) if is_taken else self

    def public(self) -> "Signature":
        """Without parameters that nobody is meant to give."""
        return replace(self, parameters=tuple(item for item in self.parameters if not item.is_private))

    def by_position(self) -> "Signature":
        """As the language calls it: a special method's parameters are never named."""
        parameters = [replace(item, kind=PO) if item.kind is POK else item for item in self.parameters]
        return replace(self, parameters=tuple(parameters))


# Theirs


def parse(text: str) -> Signature:
    """Read ``(a: int, /, b='x', *args, c: T = <object at 0x..>, **kwargs) -> T``."""
    end = _closing(text, 0)
    parameters: list[Parameter] = []
    kind = POK
    for item in _split(text[1:end], ","):
        declared, default = (*_split(item, "="), "")[:2]
        name = _split(declared, ":")[0]
        if name == "/":
            parameters = [replace(parameter, kind=PO) for parameter in parameters]
        elif name.startswith("**"):
            parameters.append(Parameter(name[2:], VARKW))
        elif name.startswith("*"):
            kind = KO
            if name != "*":
                parameters.append(Parameter(name[1:], VAR))
        else:
            parameters.append(Parameter(name, kind, _read_default(default) if default else REQUIRED))
    return Signature(tuple(parameters), text[end + 1 :].strip().removeprefix("->").strip())


def _closing(text: str, start: int) -> int:
    """Where the bracket at ``start`` closes."""
    opened: list[str] = []
    for index, char in _outside_quotes(text, start):
        if char in BRACKETS:
            opened.append(BRACKETS[char])
        elif opened and char == opened[-1]:
            opened.pop()
            if not opened:
                return index
    raise ValueError(f"expected a signature whose brackets close, got {text!r}")


def _split(text: str, separator: str) -> list[str]:
    """The parts between separators that stand in no bracket and in no quotes."""
    parts: list[str] = []
    depth = start = 0
    for index, char in _outside_quotes(text, 0):
        depth += (char in BRACKETS) - (char in BRACKETS.values())
        if char == separator and not depth:
            parts.append(text[start:index].strip())
            start = index + 1
    return [*parts, last] if (last := text[start:].strip()) else parts


def _outside_quotes(text: str, start: int) -> Iterator[tuple[int, str]]:
    quote = ""
    index = start
    while index < len(text):
        char = text[index]
        if quote:
            if char == "\\":
                index += 1
            elif char == quote:
                quote = ""
        elif char in "'\"":
            quote = char
        else:
            yield index, char
        index += 1


def _read_default(text: str) -> str:
    try:
        return describe(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return UNKNOWN


def describe(value: object) -> str:
    """The repr of a literal that can be compared, else UNKNOWN."""
    if type(value) in (int, float, str, bytes, bool, type(None)) or value == ():
        return repr(value)
    return UNKNOWN


# Ours


def read(function: Callable[..., Any]) -> Signature:
    """The signature of a function or a class; the keys of an ``Unpack[TypedDict]`` are keywords."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # of the builtins without a signature none takes keywords
        return Signature((Parameter("args", VAR),))
    parameters: list[Parameter] = []
    for item in signature.parameters.values():
        if item.kind is VARKW and (options := _unpacked(resolve(item.annotation, function))):
            parameters += [Parameter(name, KO) for name in sorted(options.__required_keys__)]
            parameters += [Parameter(name, KO, UNKNOWN) for name in sorted(options.__optional_keys__)]
            parameters.append(Parameter(item.name, VARKW))
        else:
            is_optional = item.default is not item.empty
            default = describe(item.default) if is_optional else REQUIRED
            parameters.append(Parameter(item.name, item.kind, default))
    return Signature(tuple(parameters))


def _unpacked(annotation: Any) -> type[TypedDict] | None:
    if get_origin(annotation) is Unpack and is_typeddict(inside := get_args(annotation)[0]):
        return inside
    return None


def resolve(annotation: Any, function: Callable[..., Any]) -> Any:
    """An annotation that may be written as a string; None if it names what is not there at run time."""
    if not isinstance(annotation, str):
        return annotation
    function = inspect.unwrap(function)
    names = vars(sys.modules[function.__module__]) if function.__module__ in sys.modules else {}
    try:
        return eval(annotation, dict(names))
    except (NameError, AttributeError, TypeError, SyntaxError):
        return None


# What theirs demands of ours


def problems(theirs: Signature, ours: Signature) -> list[str]:
    """What is narrower in ours; nothing, if every call of theirs is one of ours."""
    theirs = theirs.public()
    return [*_narrower_positional(theirs, ours), *_narrower_named(theirs, ours), *_demanded(theirs, ours)]


def is_wider(theirs: Signature, ours: Signature) -> bool:
    """Whether ours, having no problems, takes calls that theirs refuses."""
    return _calls(theirs.public()) != _calls(ours.public())


def _calls(signature: Signature) -> tuple[object, ...]:
    """The calls that a signature takes, without the order of keywords and without names that nobody says."""
    positional = [
        (item.name if item.kind is POK else "", item.is_required) for item in signature.of_kind(PO, POK)
    ]
    named = {(item.name, item.is_required) for item in signature.of_kind(KO)}
    return positional, named, bool(signature.of_kind(VAR)), bool(signature.of_kind(VARKW))


def _narrower_positional(theirs: Signature, ours: Signature) -> Iterator[str]:
    mine = ours.of_kind(PO, POK)
    for index, parameter in enumerate(theirs.of_kind(PO, POK)):
        if index >= len(mine):
            if parameter.kind is POK and ours.named(parameter.name):
                if not ours.of_kind(VAR):
                    yield f"{parameter.name} is by keyword only"
            elif parameter.kind is POK:
                yield f"lacks {parameter.name}"
            elif not ours.of_kind(VAR):
                yield f"lacks position {index + 1}"
        elif parameter.kind is POK and mine[index].name != parameter.name:
            if (found := ours.named(parameter.name)) is None:
                is_positional = any(item.name == parameter.name for item in mine)
                yield f"{parameter.name} is by position only" if is_positional else f"lacks {parameter.name}"
            else:
                place = "by keyword only" if found.kind is KO else "at another position"
                yield f"{parameter.name} is {place}"
        elif parameter.kind is POK and mine[index].kind is PO:
            yield f"{parameter.name} is by position only"
        else:
            yield from _narrower_default(parameter, mine[index])
    for rest in theirs.of_kind(VAR):
        if not ours.of_kind(VAR):
            yield f"lacks *{rest.name}"
        elif len(mine) > len(theirs.of_kind(PO, POK)):
            yield f"takes {mine[-1].name} before *{rest.name}"


def _narrower_named(theirs: Signature, ours: Signature) -> Iterator[str]:
    positions = {item.name for item in theirs.of_kind(POK)}
    for parameter in theirs.of_kind(KO):
        if found := ours.named(parameter.name):
            yield from _narrower_default(parameter, found)
        else:
            yield f"lacks {parameter.name}"
    for parameter in ours.of_kind(KO):
        if parameter.name in positions and (wanted := theirs.named(parameter.name)):
            yield from _narrower_default(wanted, parameter)
    if theirs.of_kind(VARKW) and not ours.of_kind(VARKW):
        yield f"lacks **{theirs.of_kind(VARKW)[0].name}"


def _narrower_default(theirs: Parameter, ours: Parameter) -> Iterator[str]:
    if ours.is_required:
        if not theirs.is_required:
            yield f"{theirs.name} is required"
    elif not theirs.is_required and not _means_the_same(theirs.default, ours.default):
        yield f"default of {theirs.name} is {ours.default}, theirs {theirs.default}"


def _means_the_same(theirs: str, ours: str) -> bool:
    """Whether two defaults are equal, as far as they can be compared; 1 is not True."""
    if UNKNOWN in (theirs, ours):
        return True
    one, other = ast.literal_eval(theirs), ast.literal_eval(ours)
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _demanded(theirs: Signature, ours: Signature) -> Iterator[str]:
    """What ours requires and theirs does not know."""
    count = len(theirs.of_kind(PO, POK))
    for index, parameter in enumerate(ours.of_kind(PO, POK)):
        is_known = index < count or theirs.named(parameter.name)
        if parameter.is_required and not is_known:
            yield f"requires {parameter.name}"
    for parameter in ours.of_kind(KO):
        if parameter.is_required and not theirs.named(parameter.name):
            yield f"requires {parameter.name}"
