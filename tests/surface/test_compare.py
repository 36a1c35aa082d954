"""How a row is answered: made-up promises against made-up modules, each kind of row kept and broken."""

import enum
import functools
import sys
from collections.abc import AsyncIterator, Awaitable, Mapping
from types import ModuleType
from typing import Any, Generic, NamedTuple, TypeVar

import pytest

from .compare import MISSING, NARROWER, SAME, WIDER, Answer, walk
from .rows import Surface

T = TypeVar("T")
MODULE = "aiohttp.made_up"
OTHER = "aiohttp.elsewhere"


class Answers:
    """Puts objects into modules, says what the file of facts would say of them, and asks for the answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self._modules: dict[str, Any] = {}
        self._objects: dict[str, Any] = {}

    def module(self, name: str, *names: str, **values: Any) -> None:
        """A module that has to have ``names``, and has ``values``."""
        self._modules[name] = {"public": None, "names": [*names]}
        module = ModuleType(name)
        vars(module).update(values)
        self._patch.setitem(sys.modules, name, module)

    def promise(
        self, kind: str = "class", exported_as: tuple[str, ...] = (f"{MODULE}.A",), **facts: Any
    ) -> None:
        self._objects[exported_as[0]] = {"kind": kind, "exported_as": [*exported_as], **facts}

    def of(self, row: str) -> Answer:
        return walk(Surface({"modules": self._modules, "objects": self._objects}))[row]

    def member(self, offered: Any, text: str, name: str = "x") -> Answer:
        self.module(MODULE, A=offered)
        self.promise(members={name: text})
        return self.of(f"member {MODULE}.A.{name}")


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    return Answers(monkeypatch)


def narrower(*problems: str) -> Answer:
    return Answer(problems)


GONE = Answer((MISSING,))
WHOLE = Answer()


# Outcomes, modules and names


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(), SAME),
        (Answer((), takes_more=True), WIDER),
        (Answer(("lacks x",)), NARROWER),
        (Answer((MISSING,)), MISSING),
    ],
)
def test_problems_make_the_outcome(answer: Answer, outcome: str) -> None:
    assert answer.outcome == outcome


def test_a_module_can_be_imported_or_not(answers: Answers) -> None:
    answers.module(MODULE)
    answers.module(OTHER)
    assert answers.of(f"module {MODULE}") == WHOLE
    answers._patch.setitem(sys.modules, OTHER, None)
    assert answers.of(f"module {OTHER}") == GONE


def test_a_name_is_there_or_not(answers: Answers) -> None:
    answers.module(MODULE, "A", "B", A=None)
    assert answers.of(f"name {MODULE}.A") == WHOLE
    assert answers.of(f"name {MODULE}.B") == GONE


def test_a_module_of_ours_that_fails_is_no_gap(answers: Answers) -> None:
    def fail(name: str) -> None:
        raise ModuleNotFoundError("No module named 'pronghorn.gone'", name="pronghorn.gone")

    answers.module(MODULE, "A", __getattr__=fail)
    with pytest.raises(ModuleNotFoundError):
        answers.of(f"name {MODULE}.A")


def test_what_needs_a_package_that_is_not_there_is_missing(answers: Answers) -> None:
    def fail(name: str) -> None:
        raise ModuleNotFoundError("No module named 'gunicorn'", name="gunicorn")

    answers.module(MODULE, "A", __getattr__=fail)
    assert answers.of(f"name {MODULE}.A") == GONE


def test_a_name_in_two_modules_is_one_object(answers: Answers) -> None:
    class A:
        pass

    class B:
        pass

    answers.module(MODULE, "A", A=A)
    answers.module(OTHER, "A", "B", A=A, B=B)
    answers.promise(exported_as=(f"{MODULE}.A", f"{OTHER}.A", f"{OTHER}.B"))
    assert answers.of(f"name {OTHER}.A") == WHOLE
    assert answers.of(f"name {OTHER}.B") == narrower(f"is not {MODULE}.A")


def test_an_object_is_looked_up_where_it_is_exported(answers: Answers) -> None:
    answers.module(MODULE, "A")
    answers.module(OTHER, "A", A=lambda: None)
    answers.promise("function", (f"{MODULE}.A", f"{OTHER}.A"), signature="()")
    assert answers.of(f"name {MODULE}.A") == GONE
    assert answers.of(f"signature {MODULE}.A") == WHOLE


def test_a_class_is_a_class(answers: Answers) -> None:
    answers.module(MODULE, "A", A=lambda: None)
    answers.promise("class")
    assert answers.of(f"name {MODULE}.A") == narrower("is not a class")


def test_a_function_is_called(answers: Answers) -> None:
    answers.module(MODULE, "A", A=object())
    answers.promise("function")
    assert answers.of(f"name {MODULE}.A") == narrower("is not callable")


def test_a_class_may_stand_for_a_function(answers: Answers) -> None:
    answers.module(MODULE, "A", A=int)
    answers.promise("function")
    assert answers.of(f"name {MODULE}.A") == WHOLE


def test_a_class_is_as_abstract_as_theirs_or_less(answers: Answers) -> None:
    answers.module(MODULE, "A", A=Mapping)
    answers.promise("abstract class", abstract_methods=["__iter__", "__len__", "__getitem__"])
    assert answers.of(f"name {MODULE}.A") == WHOLE
    answers.promise("abstract class", abstract_methods=["__iter__"])
    assert answers.of(f"name {MODULE}.A") == narrower("is abstract in __getitem__, __len__")


# Signatures and bases


@pytest.mark.parametrize(
    ("offered", "answer"),
    [
        (lambda limit=50: None, WHOLE),
        (lambda limit=50, *, more=0: None, Answer((), takes_more=True)),
        (lambda limit=100: None, narrower("default of limit is 100, theirs 50")),
        (lambda: None, narrower("lacks limit")),
        (object(), narrower("is not callable")),
    ],
)
def test_a_signature_takes_every_call(answers: Answers, offered: Any, answer: Answer) -> None:
    answers.module(MODULE, A=offered)
    answers.promise("function", signature="(limit: int = 50) -> None")
    assert answers.of(f"signature {MODULE}.A") == answer


def test_a_class_is_called_as_its_constructor(answers: Answers) -> None:
    class A:
        def __init__(self, url: str) -> None:
            pass

    answers.module(MODULE, A=A)
    answers.promise(signature="(url: str, *, limit: int = 50) -> None")
    assert answers.of(f"signature {MODULE}.A") == narrower("lacks limit")


class Base:
    pass


class Derived(Base, Generic[T]):
    pass


@pytest.mark.parametrize(
    ("base", "offered", "answer"),
    [
        (f"{MODULE}.Base", Derived, WHOLE),
        (f"{MODULE}.Base", int, narrower("is not a base")),
        (f"{MODULE}.Base", lambda: None, narrower("is not a base")),
        (f"{MODULE}.Gone", Derived, GONE),
        ("builtins.OSError", TimeoutError, WHOLE),
        ("builtins.OSError", ValueError, narrower("is not a base")),
        ("collections.abc.Mapping", dict, WHOLE),
        ("typing.Generic", Derived, WHOLE),
        ("typing.Generic", Base, narrower("is not a base")),
    ],
)
def test_a_base_is_a_base(answers: Answers, base: str, offered: Any, answer: Answer) -> None:
    answers.module(MODULE, A=offered, Base=Base)
    answers.promise(bases=[base])
    answers.promise(exported_as=(f"{MODULE}.Base",))
    answers.promise(exported_as=(f"{MODULE}.Gone",))
    assert answers.of(f"base {MODULE}.A {base}") == answer


# Members that are read


def decorated(method: Any) -> Any:
    @functools.wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return method(*args, **kwargs)

    return wrapper


class Returned:
    """What acts at the call and can be awaited."""

    def __await__(self) -> Any:
        yield


class Parent:
    inherited: int

    def __init__(self) -> None:
        self.assigned_above = 1


class Offered(Parent):
    """Attributes and methods in every form that a class may give them."""

    __slots__ = ("slot",)

    LIMIT = 1
    annotated: int

    def __init__(self) -> None:
        super().__init__()
        self.slot = 0
        self.assigned = 1
        self.both, self.unpacked = 1, 2

    @property
    def property(self) -> int:
        return 1

    @functools.cached_property
    def cached(self) -> int:
        return 1

    def method(self, a: int, *, b: str = "") -> None: ...
    def release(self) -> Returned: ...
    def quoted(self) -> "Returned": ...
    def typed(self) -> Awaitable[None]: ...
    def unknown(self) -> "NotThere": ...  # type: ignore[name-defined]  # noqa: F821 - as under TYPE_CHECKING
    async def coroutine(self, a: int) -> None: ...
    @decorated
    async def decorated(self, a: int) -> None: ...
    @classmethod
    def make(cls, a: int) -> None: ...
    @staticmethod
    def static(a: int) -> None: ...
    def __getitem__(self, item: int) -> int: ...
    async def generator(self) -> AsyncIterator[int]:
        yield 1

    def iterator(self) -> AsyncIterator[int]: ...


READ = (
    "property",
    "cached property (reify, read-only)",
    "slot attribute",
    "namedtuple field",
    "instance attribute",
)
HELD = "inherited assigned_above slot annotated assigned both unpacked property cached LIMIT".split()


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize("name", HELD)
def test_an_attribute_may_be_held_in_any_form(answers: Answers, kind: str, name: str) -> None:
    assert answers.member(Offered, kind, name) == WHOLE


@pytest.mark.parametrize("kind", READ)
def test_an_attribute_is_not_called(answers: Answers, kind: str) -> None:
    assert answers.member(Offered, kind, "method") == narrower("is a method, theirs an attribute")
    assert answers.member(Offered, kind, "coroutine") == narrower("is a method, theirs an attribute")


@pytest.mark.parametrize("kind", [*READ, "class attribute", "method (self)", "coroutine (self)"])
def test_a_member_may_be_missing(answers: Answers, kind: str) -> None:
    assert answers.member(Offered, kind, "gone") == GONE


class Late:
    def __init__(self) -> None:
        self.LIMIT = self.status = 1


def test_a_constant_is_read_from_the_class(answers: Answers) -> None:
    assert answers.member(Offered, "class attribute", "LIMIT") == WHOLE
    assert answers.member(Late, "class attribute", "LIMIT") == narrower("is not an attribute of the class")
    assert answers.member(Late, "class attribute", "status") == WHOLE


def test_an_exception_has_its_arguments(answers: Answers) -> None:
    assert answers.member(ValueError, "instance attribute", "args") == WHOLE


def test_an_attribute_of_the_instances_is_promised_by_its_name(answers: Answers) -> None:
    answers.module(MODULE, A=Offered)
    answers.promise(instance_attributes=["assigned", "gone"])
    assert answers.of(f"member {MODULE}.A.assigned") == WHOLE
    assert answers.of(f"member {MODULE}.A.gone") == GONE


# Members that are called


CALLED: list[tuple[str, str, Answer]] = [
    ("method", "method (self, a: int, *, b: str = '') -> None", WHOLE),
    ("method", "method (self, a: int) -> None", Answer((), takes_more=True)),
    ("method", "method (self, a: int, c: int = 1) -> None", narrower("lacks c")),
    ("method", "coroutine (self, a: int, *, b: str = '') -> None", narrower("can't be awaited")),
    ("property", "method (self) -> int", narrower("is an attribute, theirs a method")),
    ("assigned", "method (self) -> int", narrower("is an attribute, theirs a method")),
    ("LIMIT", "method (self) -> int", narrower("is an attribute, theirs a method")),
    ("coroutine", "coroutine (self, a: int) -> None", WHOLE),
    ("coroutine", "coroutine (self) -> None", narrower("requires a")),
    ("coroutine", "method (self, a: int) -> None", narrower("is a coroutine, theirs is not")),
    ("coroutine", "method (self, a: int) -> collections.abc.Awaitable[None]", WHOLE),
    ("decorated", "coroutine (self, a: int) -> None", WHOLE),
    ("release", "coroutine (self) -> None", WHOLE),
    ("release", "method (self) -> None", WHOLE),
    ("quoted", "coroutine (self) -> None", WHOLE),
    ("typed", "coroutine (self) -> None", WHOLE),
    ("unknown", "coroutine (self) -> None", narrower("can't be awaited")),
    ("make", "classmethod (a: int) -> None", WHOLE),
    ("make", "classmethod (a: int, b: int) -> None", narrower("lacks b")),
    ("make", "method (a: int) -> None", WHOLE),
    ("static", "method (a: int) -> None", WHOLE),
    ("static", "classmethod (a: int) -> None", WHOLE),
    ("method", "classmethod (a: int, *, b: str = '') -> None", narrower("is not a method of the class")),
    ("__getitem__", "method (self, key: int) -> int", WHOLE),
    ("generator", "async generator (self) -> collections.abc.AsyncIterator[int]", WHOLE),
    ("iterator", "async generator (self) -> collections.abc.AsyncIterator[int]", WHOLE),
    ("method", "async generator (self) -> X", narrower("can't be iterated with async for")),
    ("method", "generator (self, a: int, *, b: str = '') -> X", WHOLE),
]


@pytest.mark.parametrize(("name", "text", "answer"), CALLED)
def test_a_method_is_called_as_theirs(answers: Answers, name: str, text: str, answer: Answer) -> None:
    assert answers.member(Offered, text, name) == answer


def test_an_inherited_member_is_promised_again(answers: Answers) -> None:
    answers.module(MODULE, A=Offered)
    theirs = {"from": f"{OTHER}.B", "kind": "coroutine", "signature": "(self)"}
    outside = {"from": "builtins.dict", "kind": "method", "signature": "(self)"}
    everywhere = {"from": f"{OTHER}.B", "kind": "method", "signature": "(self)"}
    members = {"coroutine": theirs, "gone": outside, "__repr__": everywhere}
    answers.promise(members={}, inherited_members=members)
    assert answers.of(f"member {MODULE}.A.coroutine") == narrower("requires a")
    for name in ("gone", "__repr__"):
        with pytest.raises(KeyError):
            answers.of(f"member {MODULE}.A.{name}")


# Enums and named tuples


class Code(enum.IntEnum):
    OK = 1000
    ok = 1000
    GONE = 1001
    other = 1


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("OK", WHOLE),
        ("ok", WHOLE),
        ("GONE", narrower("is 1001, theirs 1002")),
        ("other", narrower("is not an alias of OK")),
        ("missing", GONE),
        ("mro", narrower("is not a member of the enum")),
    ],
)
def test_an_enum_has_its_members(answers: Answers, name: str, answer: Answer) -> None:
    answers.module(MODULE, A=Code)
    values = {"OK": "1000", "ok": "1000", "GONE": "1002", "other": "1", "missing": "1", "mro": "1"}
    answers.promise("enum", members=values, aliases={"ok": "OK", "other": "OK"})
    assert answers.of(f"member {MODULE}.A.{name}") == answer


class Version(NamedTuple):
    major: int
    minor: int = 1


class Bare(NamedTuple):
    major: int
    minor: int


class Eager(NamedTuple):
    major: int = 0
    minor: int = 1


class Swapped(NamedTuple):
    minor: int
    major: int


@pytest.mark.parametrize(
    ("offered", "answer"),
    [
        (Version, WHOLE),
        (Eager, Answer((), takes_more=True)),
        (Bare, narrower("minor is required")),
        (Swapped, narrower("fields are (minor, major), theirs (major, minor)")),
        (tuple, narrower("is not a named tuple")),
    ],
)
def test_a_named_tuple_has_its_fields(answers: Answers, offered: Any, answer: Answer) -> None:
    answers.module(MODULE, A=offered)
    answers.promise(
        "namedtuple",
        members={},
        inherited_members={},
        fields=["major", "minor"],
        field_defaults={"minor": "1"},
    )
    assert answers.of(f"member {MODULE}.A._fields") == answer
