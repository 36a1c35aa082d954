"""Names that are loaded when they are looked at. That they agree with the package is in test_package.py."""

import sys
from collections.abc import Iterator
from importlib import import_module
from types import GenericAlias, ModuleType
from typing import Any

import pytest

from pronghorn.names import HOMES, PACKAGE, lazy_names

#: Made up, in the package: where the names of a module are.
HOME = f"{PACKAGE}.made_up"


@pytest.fixture
def home() -> Iterator[ModuleType]:
    module = sys.modules[HOME] = ModuleType(HOME)
    vars(module).update({"Here": object(), "There": object()})
    yield module
    del sys.modules[HOME]


@pytest.fixture
def namespace() -> dict[str, Any]:
    return {"__name__": "a.module"}


def test_a_name_is_found_where_it_is_defined(home: ModuleType, namespace: dict[str, Any]) -> None:
    find = lazy_names(namespace, {"made_up": ("Here", "There")})
    assert namespace == {"__name__": "a.module"}
    assert find("There") is home.There


def test_what_was_found_is_kept(home: ModuleType, namespace: dict[str, Any]) -> None:
    find = lazy_names(namespace, {"made_up": ("Here", "There")})
    here = find("Here")
    assert namespace == {"__name__": "a.module", "Here": here}


def test_a_home_is_loaded_when_a_name_of_it_is_looked_at(namespace: dict[str, Any]) -> None:
    find = lazy_names(namespace, {"made_up": ("Here",), "nowhere": ("There",)})
    with pytest.raises(ModuleNotFoundError, match=r"'pronghorn\.nowhere'"):
        find("There")
    assert namespace.keys() == {"__name__"}


@pytest.mark.parametrize("name", ["Nothing", "here", "made_up", "__path__", ""])
def test_an_unknown_name(home: ModuleType, namespace: dict[str, Any], name: str) -> None:
    find = lazy_names(namespace, {"made_up": ("Here",)})
    with pytest.raises(AttributeError) as raised:
        find(name)
    assert str(raised.value) == f"module 'a.module' has no attribute {name!r}"
    assert namespace.keys() == {"__name__"}


def test_a_home_that_lacks_the_name(home: ModuleType, namespace: dict[str, Any]) -> None:
    with pytest.raises(AttributeError, match=r"'pronghorn\.made_up' has no attribute 'Nothing'"):
        lazy_names(namespace, {"made_up": ("Nothing",)})("Nothing")
    assert namespace.keys() == {"__name__"}


def test_it_serves_a_module(home: ModuleType) -> None:
    module = ModuleType("a.module")
    vars(module)["__getattr__"] = lazy_names(vars(module), {"made_up": ("Here",)})
    assert module.Here is home.Here
    assert not hasattr(module, "There")


# The public names


def test_a_name_has_one_home() -> None:
    names = [name for names in HOMES.values() for name in names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", HOMES)
def test_a_home_has_its_names_itself(path: str) -> None:
    home = import_module(f"{PACKAGE}.{path}")
    assert sorted(set(HOMES[path]) - vars(home).keys()) == []
    # Not one that it has from elsewhere: an alias like `FingerprintMismatch` is of the module that says it.
    # What a type is made of is of another module, but the type is not.
    named = {name: vars(home)[name] for name in HOMES[path] if not isinstance(vars(home)[name], GenericAlias)}
    elsewhere = {
        name: value.__module__
        for name, value in named.items()
        if getattr(value, "__module__", home.__name__) != home.__name__
    }
    assert elsewhere == {}
