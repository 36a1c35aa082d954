"""What aiohttp 3.14.5 offers, row by row: each row is one thing that a program may count on.

The rows come from one file of facts, read by introspection. A row is named by its category and its path:
`module aiohttp.web`, `name aiohttp.web.Application`, `signature aiohttp.web_app.Application`,
`base aiohttp.web_app.Application collections.abc.Mapping`, `member aiohttp.web_app.Application.router`.

Many rows say again what another says: a name that is exported elsewhere too, a member that is inherited.
Those know where it was said first, so that one cause is told and explained once.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

SURFACE: Final = Path(__file__).with_name("aiohttp-3.14.5.json")

MODULE, NAME, SIGNATURE, BASE, MEMBER = CATEGORIES = ("module", "name", "signature", "base", "member")

#: Kinds of a member that is called; the others are read.
CALLED: Final = ("method", "coroutine", "generator", "async generator", "classmethod")
CLASSES: Final = frozenset({"class", "abstract class", "exception", "enum", "namedtuple"})
FIELDS: Final = "_fields"  # the row of a named tuple's fields, in their order


@dataclass(frozen=True)
class Row:
    """One promise: where it stands, and what it says."""

    category: str
    #: The dotted path of the module or of the object; of a name, its module.
    path: str
    #: The name in the module, the base, the member.
    name: str = ""
    #: What the file says of it: a signature, a kind, the value of an enum's member.
    kind: str = ""
    says: str = ""
    #: Rows that say it first: the module of a name, the name of an object, the class that a member is from.
    origins: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        joint = {BASE: " ", MODULE: "", SIGNATURE: ""}.get(self.category, ".")
        return f"{self.category} {self.path}{joint}{self.name}"

    @property
    def repeats(self) -> str:
        """The row of another object or module that says the same, "" if none does."""
        return next((origin for origin in self.origins if origin.startswith(f"{self.category} ")), "")


class Surface:
    """The file of facts."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.modules: dict[str, Any] = facts["modules"]
        self.objects: dict[str, Any] = _without_twins(facts["objects"])

    @classmethod
    def read(cls) -> "Surface":
        return cls(json.loads(SURFACE.read_text("utf-8")))

    @cached_property
    def exports(self) -> dict[str, str]:
        """Where names are to be found, with the object that is found there."""
        return {path: home for home, facts in self.objects.items() for path in facts["exported_as"]}

    def places(self, home: str) -> list[str]:
        """Where an object is to be found: at home, if it is exported there, before anywhere else."""
        exported: list[str] = self.objects[home]["exported_as"]
        return sorted(exported, key=lambda path: path != home)

    def rows(self) -> list[Row]:
        rows = [*self._modules(), *self._names()]
        for path, facts in self.objects.items():
            home = f"{NAME} {self.places(path)[0]}"
            rows += self._signature(path, facts, home)
            rows += self._bases(path, facts, home)
            rows += self._members(path, facts, home)
        return rows

    def _modules(self) -> Iterator[Row]:
        for module in self.modules:
            yield Row(MODULE, module)

    def _names(self) -> Iterator[Row]:
        for module, facts in self.modules.items():
            for name in dict.fromkeys([*(facts["public"] or ()), *facts["names"]]):
                path = f"{module}.{name}"
                home = self.exports.get(path)
                first = self.places(home)[0] if home else path
                origins = (f"{MODULE} {module}", *([f"{NAME} {first}"] if first != path else []))
                kind = self.objects[home]["kind"] if home else ""
                yield Row(NAME, module, name, kind, home or "", origins)

    def _signature(self, path: str, facts: dict[str, Any], home: str) -> Iterator[Row]:
        # An enum is called with a value, whatever `inspect` says on this version of Python.
        if (says := facts.get("signature")) and facts["kind"] != "enum":
            parents = [base for base in _bases(path, facts) if base in self.objects]
            first = [f"{SIGNATURE} {base}" for base in parents if self.objects[base].get("signature") == says]
            yield Row(SIGNATURE, path, "", facts["kind"], says, (home, *first[:1]))

    def _bases(self, path: str, facts: dict[str, Any], home: str) -> Iterator[Row]:
        bases = _bases(path, facts)
        for base in bases:
            if base.startswith("aiohttp.") and base not in self.objects:
                continue  # not to be named by anyone
            first = [parent for parent in bases if base in self.objects.get(parent, {}).get("bases", ())][:1]
            origins = [home, *(f"{BASE} {parent} {base}" for parent in first)]
            if base in self.objects:
                origins.append(f"{NAME} {self.places(base)[0]}")
            yield Row(BASE, path, base, "", "", tuple(origins))

    def _members(self, path: str, facts: dict[str, Any], home: str) -> Iterator[Row]:
        if facts["kind"] == "enum":
            for name, value in facts["members"].items():
                alias = facts["aliases"].get(name)
                yield Row(MEMBER, path, name, f"alias of {alias}" if alias else "value", value, (home,))
            return
        if facts["kind"] == "namedtuple":
            defaults = facts["field_defaults"]
            fields = [f"{name}={defaults[name]}" if name in defaults else name for name in facts["fields"]]
            yield Row(MEMBER, path, FIELDS, FIELDS, ", ".join(fields), (home,))
        rows: dict[str, Row] = {}
        for name, text in facts.get("members", {}).items():
            kind = next((kind for kind in CALLED if text.startswith(f"{kind} (")), text)
            rows[name] = Row(MEMBER, path, name, kind, text.removeprefix(kind).lstrip(), (home,))
        for name in facts.get("instance_attributes", ()):
            rows.setdefault(name, Row(MEMBER, path, name, "instance attribute", "", (home,)))
        for name, member in facts.get("inherited_members", {}).items():
            # What comes from outside of aiohttp the row of the base says; what every object has, none.
            if member["from"].startswith("aiohttp.") and not hasattr(object, name):
                first = [f"{MEMBER} {member['from']}.{name}"] if member["from"] != path else []
                row = Row(MEMBER, path, name, member["kind"], member.get("signature", ""), (home, *first))
                rows.setdefault(name, row)
        yield from rows.values()


def _bases(path: str, facts: dict[str, Any]) -> list[str]:
    """The bases of a class; a named tuple may derive from one of its own name."""
    return [base for base in facts.get("bases", ()) if base != path]


def _without_twins(objects: dict[str, Any]) -> dict[str, Any]:
    """What is written in C and in Python is one object: that in Python, whose parameters have names."""
    twins = {path: facts.get("pure_python_twin", "") for path, facts in objects.items()}
    kept = {path: dict(facts) for path, facts in objects.items() if twins[path] not in objects}
    for path, twin in twins.items():
        if twin in kept:
            kept[twin]["exported_as"] = [*objects[path]["exported_as"], *kept[twin]["exported_as"]]
    return kept
