"""How a row is answered: the walk over the modules, and what each row demands of what it finds there.

A row has problems, or it has none. Without any it is `same`, or `wider` if ours takes calls that theirs
refuses; with the problem MISSING it is missing, with others narrower. Whether on purpose is not said here.
"""

import enum
import inspect
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, Final, Generic

from .offered import NOTHING, ON_INSTANCES, function, is_async_iterable, is_awaitable, is_method, member
from .rows import BASE, CALLED, CLASSES, FIELDS, MEMBER, MODULE, NAME, SIGNATURE, Row, Surface
from .signatures import is_wider, parse, problems, read

MISSING: Final = "missing"
SAME, WIDER, NARROWER = "same", "wider", "narrower"

#: Where a return annotation says so, a plain function of theirs is awaited as well.
AWAITED: Final = ("Awaitable[", "Coroutine[", "Future[", "Task[")


@dataclass(frozen=True)
class Answer:
    """What was found wrong with a row, and whether ours takes more."""

    problems: tuple[str, ...] = ()
    takes_more: bool = False

    @property
    def outcome(self) -> str:
        if MISSING in self.problems:
            return MISSING
        if self.problems:
            return NARROWER
        return WIDER if self.takes_more else SAME


def walk(surface: Surface) -> dict[str, Answer]:
    """Answer every row with what can be imported here."""
    walker = Walker(surface)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old names may warn, and work
        return {row.id: walker.answer(row) for row in surface.rows()}


class Walker:
    """Looks up what the rows name."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._modules: dict[str, ModuleType | None] = {}
        self._objects: dict[str, Any] = {}
        self._judges = {
            MODULE: self._module_row,
            NAME: self._name_row,
            SIGNATURE: self._signature_row,
            BASE: self._base_row,
            MEMBER: self._member_row,
        }

    def answer(self, row: Row) -> Answer:
        result = self._judges[row.category](row)
        return result if isinstance(result, Answer) else Answer(tuple(result))

    # Looking up

    def _module(self, name: str) -> ModuleType | None:
        if name not in self._modules:
            self._modules[name] = _found(lambda: import_module(name), None)
        return self._modules[name]

    def _named(self, module: str, name: str) -> Any:
        there = self._module(module)
        return NOTHING if there is None else _found(lambda: getattr(there, name), NOTHING)

    def _object(self, home: str) -> Any:
        if home not in self._objects:
            found = (self._named(*split(place)) for place in self._surface.places(home))
            self._objects[home] = next((value for value in found if value is not NOTHING), NOTHING)
        return self._objects[home]

    def _class(self, path: str) -> Any:
        """A class by its name, of aiohttp or of whom else; NOTHING if there is none."""
        return self._object(path) if path in self._surface.objects else self._named(*split(path))

    # Judging

    def _module_row(self, row: Row) -> Iterator[str]:
        if self._module(row.path) is None:
            yield MISSING

    def _name_row(self, row: Row) -> Iterator[str]:
        found = self._named(row.path, row.name)
        if found is NOTHING:
            yield MISSING
        elif row.says:
            first = self._object(row.says)
            if found is not first:
                yield f"is not {self._surface.places(row.says)[0]}"
            yield from _kind_problems(row, found, self._surface.objects[row.says])

    def _signature_row(self, row: Row) -> Answer:
        found = self._object(row.path)
        if found is NOTHING:
            return Answer((MISSING,))
        if not callable(found):
            return Answer(("is not callable",))
        return _compare(row.says, found)

    def _base_row(self, row: Row) -> Iterator[str]:
        found, base = self._object(row.path), self._class(row.name)
        if found is NOTHING or base is NOTHING:
            yield MISSING
        elif not isinstance(found, type) or not isinstance(base, type) or not _derives(found, base):
            yield "is not a base"

    def _member_row(self, row: Row) -> Answer:
        owner = self._object(row.path)
        if owner is NOTHING:
            return Answer((MISSING,))
        if not isinstance(owner, type):
            return Answer((MISSING,))
        if row.kind == FIELDS:
            return _fields(row, owner)
        value = member(owner, row.name)
        if value is NOTHING:
            return Answer((MISSING,))
        if row.kind == "value" or row.kind.startswith("alias of "):
            return Answer(tuple(_value_problems(row, owner)))
        if row.kind in CALLED:
            return _called(row, owner, value)
        if row.kind.startswith("class attribute"):
            return Answer(tuple(_class_attribute_problems(row, value)))
        return Answer(("is a method, theirs an attribute",)) if is_method(value) else Answer()


def _found(look: Callable[[], Any], otherwise: Any) -> Any:
    """What a look-up finds. A module of ours that can't be imported is a fault, not a gap."""
    try:
        return look()
    except AttributeError:
        return otherwise
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "pronghorn":
            raise
        return otherwise


def split(path: str) -> tuple[str, str]:
    module, _, name = path.rpartition(".")
    return module, name


def _kind_problems(row: Row, found: Any, facts: dict[str, Any]) -> Iterator[str]:
    if row.kind not in CLASSES:
        if not callable(found):
            yield "is not callable"
    elif not isinstance(found, type):
        yield "is not a class"
    elif extra := sorted(
        getattr(found, "__abstractmethods__", frozenset()) - {*facts.get("abstract_methods", ())}
    ):
        yield f"is abstract in {', '.join(extra)}"


def _derives(found: type, base: Any) -> bool:
    if base is Generic:  # what it is for: the class can be subscripted
        return hasattr(found, "__class_getitem__")
    try:
        return issubclass(found, base)
    except TypeError:  # a protocol that is not for run time
        return base in found.__mro__


def _compare(says: str, found: Any, *, is_bound: bool = False, is_special: bool = False) -> Answer:
    theirs, ours = parse(says), read(found)
    if is_bound:
        theirs, ours = theirs.bound(), ours.bound()
    if is_special:
        theirs = theirs.by_position()
    found_problems = tuple(problems(theirs, ours))
    return Answer(found_problems, not found_problems and not is_special and is_wider(theirs, ours))


def _called(row: Row, owner: type, value: Any) -> Answer:
    called = None if value is ON_INSTANCES else function(value)
    if called is None:
        return Answer(("is an attribute, theirs a method",))
    if row.kind == "coroutine" and not is_awaitable(called):
        return Answer(("can't be awaited",))
    if row.kind == "async generator" and not is_async_iterable(called):
        return Answer(("can't be iterated with async for",))
    if row.kind in ("method", "classmethod"):
        returns = parse(row.says).returns if row.says else ""
        if inspect.iscoroutinefunction(called) and not any(word in returns for word in AWAITED):
            return Answer(("is a coroutine, theirs is not",))
    if not row.says:
        return Answer()
    is_of_class = isinstance(value, staticmethod | classmethod)
    if row.kind == "classmethod" and not is_of_class:
        return Answer(("is not a method of the class",))
    is_special = row.name.startswith("__") and row.name != "__call__"
    if is_of_class:
        return _compare(row.says, getattr(owner, row.name), is_special=is_special)
    return _compare(row.says, called, is_bound=True, is_special=is_special)


def _class_attribute_problems(row: Row, value: Any) -> Iterator[str]:
    # A constant is read where it stands; another is a default that instances set.
    if value is ON_INSTANCES and row.name.isupper():
        yield "is not an attribute of the class"


def _value_problems(row: Row, owner: type) -> Iterator[str]:
    found = getattr(owner, row.name)
    if not isinstance(found, enum.Enum):
        yield "is not a member of the enum"
    elif repr(found.value) != row.says:
        yield f"is {found.value!r}, theirs {row.says}"
    elif (alias := row.kind.removeprefix("alias of ")) != "value" and found.name != alias:
        yield f"is not an alias of {alias}"


def _fields(row: Row, owner: type) -> Answer:
    """Whether it is a tuple of the same fields in the same order; more defaults are wider."""
    if not hasattr(owner, "_fields"):
        return Answer(("is not a named tuple",))
    defaults = getattr(owner, "_field_defaults", {})
    theirs = dict((*field.split("="), None)[:2] for field in row.says.split(", "))
    ours = {name: repr(defaults[name]) if name in defaults else None for name in owner._fields}
    if [*ours] != [*theirs]:
        return Answer((f"fields are ({', '.join(ours)}), theirs ({', '.join(theirs)})",))
    found = [
        f"default of {name} is {ours[name]}, theirs {default}" if ours[name] else f"{name} is required"
        for name, default in theirs.items()
        if default not in (None, ours[name])
    ]
    return Answer(tuple(found), not found and ours != theirs)
