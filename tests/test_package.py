"""The public names: complete, agreed on by run time and type checkers, and loaded when they are used."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import pronghorn
from pronghorn import web


def modules_after(statement: str) -> set[str]:
    """What a fresh interpreter has loaded once it has run ``statement``."""
    code = f"import json, sys; {statement}; print(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout))


def names_for_type_checkers() -> dict[str, str]:
    """What the TYPE_CHECKING block imports, and from which module."""
    tree = ast.parse(Path(pronghorn.__file__).read_text())
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )
    names = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        assert node.level == 1
        for alias in node.names:
            # Only `import name as name` is a re-export to a type checker.
            assert alias.asname == alias.name
            names[alias.name] = f"pronghorn.{node.module or alias.name}"
    return names


@pytest.mark.parametrize("name", pronghorn.__all__)
def test_every_name_resolves(name: str) -> None:
    assert getattr(pronghorn, name) is not None
    assert getattr(pronghorn, name) is getattr(pronghorn, name)


def test_names_are_unique() -> None:
    assert len(pronghorn.__all__) == len(set(pronghorn.__all__))


def test_type_checkers_see_the_same_names() -> None:
    assert names_for_type_checkers().keys() | {"__version__"} == set(pronghorn.__all__)


def test_type_checkers_see_the_same_things() -> None:
    for name, module in names_for_type_checkers().items():
        value = getattr(pronghorn, name)
        assert value is (
            sys.modules[module] if isinstance(value, ModuleType) else vars(sys.modules[module])[name]
        )


def test_dir_lists_every_name() -> None:
    assert set(pronghorn.__all__) <= set(dir(pronghorn))


@pytest.mark.parametrize("name", ["NoSuchName", "clientsession", "_HOMES_", "__path_hooks__"])
def test_an_unknown_name(name: str) -> None:
    with pytest.raises(AttributeError, match=f"'pronghorn' has no attribute '{name}'"):
        getattr(pronghorn, name)


def test_an_unknown_name_is_not_imported() -> None:
    with pytest.raises(ImportError, match="NoSuchName"):
        from pronghorn import NoSuchName  # type: ignore[attr-defined]  # noqa: F401 - that there is none is the point


def test_importing_the_package_imports_nothing_of_it() -> None:
    loaded = modules_after("import pronghorn")
    ours = {name for name in loaded if name.startswith("pronghorn.")}
    assert ours == {"pronghorn._version", "pronghorn.names"}
    assert not loaded & {"asyncio", "multidict", "ssl", "yarl"}


def test_a_name_imports_its_own_side_only() -> None:
    client = modules_after("from pronghorn import ClientSession")
    assert "pronghorn.client.session" in client
    assert not any(name.startswith("pronghorn.server") for name in client)
    server = modules_after("from pronghorn import web")
    assert "pronghorn.server.server" in server
    assert not any(name.startswith("pronghorn.client") for name in server)


def test_testing_needs_no_pytest() -> None:
    loaded = modules_after("from pronghorn.testing import *")
    assert "pronghorn.testing.server" in loaded
    assert not loaded & {"pytest", "pytest_asyncio"}


def test_importing_works_without_docstrings_and_asserts() -> None:
    names = "[getattr(pronghorn, name) for name in pronghorn.__all__]"
    code = f"import pronghorn.web; from pronghorn.testing import *; {names}"
    subprocess.run([sys.executable, "-OO", "-W", "error", "-c", code], check=True, timeout=60)


# The server's names


def test_web_names_are_sorted_and_unique() -> None:
    assert web.__all__ == sorted(set(web.__all__))


def test_web_names_are_complete() -> None:
    public = {
        name
        for name, value in vars(web).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert public == set(web.__all__)


def test_web_names_every_http_exception() -> None:
    def all_under(kind: type) -> set[type]:
        return {kind}.union(*(all_under(inner) for inner in kind.__subclasses__()))

    ours = {
        kind.__name__ for kind in all_under(web.HTTPException) if kind.__module__.startswith("pronghorn.")
    }
    assert ours <= set(web.__all__)


def test_the_version_is_one() -> None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        installed = version("pronghorn")
    except PackageNotFoundError:  # run from the sources
        installed = pronghorn.__version__
    assert pronghorn.__version__ == installed
