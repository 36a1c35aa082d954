"""The abstract classes, under the one name that they are documented by."""

import ast
import inspect
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from pronghorn import abc

#: Not classes to derive from: what a resolver returns, and what a cookie jar is asked.
SHAPES = {"ClearCookiePredicate", "ResolveResult"}


def names_for_type_checkers() -> dict[str, str]:
    """What the TYPE_CHECKING block imports, and from which module."""
    tree = ast.parse(Path(abc.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    return {
        alias.asname or alias.name: f"pronghorn.{node.module}"
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
    }


@pytest.mark.parametrize("name", abc.__all__)
def test_a_name_is_the_class_itself(name: str) -> None:
    home = import_module(names_for_type_checkers()[name])
    assert getattr(abc, name) is vars(home)[name]


def test_type_checkers_see_the_same_names() -> None:
    assert sorted(names_for_type_checkers()) == sorted(abc.__all__) == abc.__all__
    assert set(abc.__all__) <= set(dir(abc))


@pytest.mark.parametrize("name", sorted(set(abc.__all__) - SHAPES))
def test_it_is_abstract(name: str) -> None:
    cls = getattr(abc, name)
    assert inspect.isabstract(cls)
    with pytest.raises(TypeError, match="abstract"):
        cls()


def test_unknown_names() -> None:
    with pytest.raises(AttributeError, match=r"'pronghorn\.abc' has no attribute 'AbstractNothing'"):
        abc.AbstractNothing  # noqa: B018 - the look is the point


def test_a_name_loads_its_own_side_only() -> None:
    code = """
import json, sys
from pronghorn import abc
first = [name for name in sys.modules if name.startswith("pronghorn.")]
abc.AbstractResolver
resolver = [name for name in sys.modules if name.startswith("pronghorn.")]
abc.AbstractCookieJar
jar = [name for name in sys.modules if name.startswith("pronghorn.")]
print(json.dumps([first, resolver, jar]))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    first, resolver, jar = map(set, json.loads(done.stdout))
    assert first == {"pronghorn._version", "pronghorn.abc", "pronghorn.names"}
    assert resolver - first == {"pronghorn.io", "pronghorn.io.resolver"}
    assert not any(name.startswith("pronghorn.server") for name in jar)
