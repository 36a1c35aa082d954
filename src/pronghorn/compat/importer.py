"""The importer behind the alias: ``import aiohttp`` and its submodules find modules of this package.

It stands first on ``sys.meta_path`` while the alias is installed, answers for what the table
in `pronghorn.compat.aiohttp` names, and refuses the rest: a file of ours that was found below
the other name would be loaded twice, and its classes would not be those that everybody has.
"""

import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from ..names import PACKAGE
from .aiohttp import MODULES, SPELLINGS, VERSION

if TYPE_CHECKING:
    from importlib.metadata import Distribution, DistributionFinder

THEIRS: Final = "aiohttp"
_PREFIX: Final = f"{THEIRS}."
#: Holds a module of their name that installs the alias: first in PYTHONPATH, other processes find it.
PATH: Final = os.path.join(os.path.dirname(__file__), "path")  # noqa: PTH118, PTH120 - pathlib costs 4 ms


class _GatheredModule(ModuleType):
    """A module whose names are those of others; writing one writes it where it stands."""

    def __getattr__(self, name: str) -> Any:
        return _get(_path_of(self.__name__), name)

    def __setattr__(self, name: str, value: object) -> None:
        try:
            home, own = _find(_path_of(self.__name__), name)
        except AttributeError:
            super().__setattr__(name, value)
        else:
            setattr(home, own, value)

    def __delattr__(self, name: str) -> None:
        if name in vars(self):
            super().__delattr__(name)
        else:
            home, own = _find(_path_of(self.__name__), name)
            delattr(home, own)

    def __dir__(self) -> list[str]:
        return sorted({*_defined(_path_of(self.__name__)), *vars(self)})


def _path_of(name: str) -> str:
    """The path in aiohttp of what is imported as ``name``."""
    return name.removeprefix(THEIRS).removeprefix(".")


def _own(path: str) -> ModuleType:
    return import_module(f"{PACKAGE}.{path}" if path else PACKAGE)


# Kept: a name that was deleted where it stands (by a patch that is undone) is written there again, even
# if another home has it, too.
@cache
def _find(path: str, name: str) -> tuple[ModuleType, str]:
    """Where a name of their module ``path`` stands, if not in its counterpart; AttributeError if nowhere."""
    if not name.startswith("__"):
        inner = f"{path}.{name}".lstrip(".")
        if inner in SPELLINGS:
            module, _, own = SPELLINGS[inner].partition(":")
            return import_module(module), own
        for home in MODULES[path].homes:
            module_here = _own(home)
            if name in vars(module_here):
                return module_here, name
    raise AttributeError(
        f"{PACKAGE} has no {_PREFIX}{f'{path}.{name}'.lstrip('.')}: see docs/differences.md", name=name
    )


def _get(path: str, name: str) -> Any:
    """What ``name`` is in their module ``path``, if not in its counterpart."""
    if name == "__all__":
        return _defined(path)
    inner = f"{path}.{name}".lstrip(".")
    if inner in MODULES:
        return import_module(f"{_PREFIX}{inner}")
    home, own = _find(path, name)
    return getattr(home, own)


def _defined(path: str) -> list[str]:
    """What ``import *`` takes from a module: what is spelt for it, and what counterpart and homes define."""
    names = {spelt.rpartition(".")[2] for spelt in SPELLINGS if spelt.rpartition(".")[0] == path}
    counterpart, homes = MODULES[path]
    for home in map(_own, homes if counterpart == "-" else (counterpart, *homes)):
        names.update(
            name
            for name, value in vars(home).items()
            if not isinstance(value, ModuleType)
            if getattr(value, "__module__", home.__name__) == home.__name__
        )
    return sorted(name for name in names if not name.startswith("_"))


class _Extension:
    """What a module of ours knows beyond its own names while the alias is installed."""

    def __init__(self, path: str, module: ModuleType) -> None:
        self._path = path
        self._module = module
        self._inner: Callable[[str], Any] | None = vars(module).get("__getattr__")
        vars(module)["__getattr__"] = self._get

    def remove(self) -> None:
        if self._inner is None:
            del vars(self._module)["__getattr__"]
        else:
            vars(self._module)["__getattr__"] = self._inner

    def _get(self, name: str) -> Any:
        if self._inner is not None:
            try:
                return self._inner(name)
            except AttributeError:
                return _get(self._path, name)  # here, so that what went wrong inside is told, too
        return _get(self._path, name)


class _Importer:
    """The finder of all modules of theirs, their loader, and the finder of their metadata."""

    def __init__(self) -> None:
        self._package = _own("")
        self._version = vars(self._package)["__version__"]
        self._extensions: dict[str, _Extension] = {}

    # What `install_as_aiohttp` calls

    def install(self) -> None:
        sys.meta_path.insert(0, self)
        sys.modules[THEIRS] = self._package
        vars(self._package)["__version__"] = VERSION
        self._extensions[""] = _Extension("", self._package)

    def uninstall(self) -> None:
        sys.meta_path.remove(self)
        for extension in self._extensions.values():
            extension.remove()
        vars(self._package)["__version__"] = self._version
        for name in [name for name in sys.modules if name == THEIRS or name.startswith(_PREFIX)]:
            module = sys.modules.pop(name)
            inner = _path_of(name)
            # The import system has made it an attribute of the package, which is ours as well.
            if vars(self._package).get(inner) is module and f"{PACKAGE}.{inner}" not in sys.modules:
                delattr(self._package, inner)

    # What the import system calls

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != THEIRS and not name.startswith(_PREFIX):
            return None
        inner = _path_of(name)
        if inner not in MODULES:
            raise ModuleNotFoundError(f"{PACKAGE} stands in for {THEIRS} and has no {name}", name=name)
        is_package = any(other.startswith(f"{inner}.") for other in MODULES)
        loader: Any = self  # by its methods
        return ModuleSpec(name, loader, origin=PACKAGE, is_package=is_package)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        counterpart = MODULES[_path_of(spec.name)].module
        if counterpart == "-":
            return _GatheredModule(spec.name)
        module = _own(counterpart)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        if isinstance(module, _GatheredModule) or spec is None:
            return
        # The import system has given it the spec of its other name, by which it could not be reloaded.
        module.__spec__ = spec.loader_state
        inner = _path_of(spec.name)
        if inner not in self._extensions:
            self._extensions[inner] = _Extension(inner, module)

    # What importlib.metadata calls

    def find_distributions(self, context: "DistributionFinder.Context") -> "Sequence[Distribution]":
        # Who names places to look in asks about those, not about this process.
        if context.path is not sys.path or (context.name or THEIRS).lower() != THEIRS:
            return ()
        from importlib.metadata import PathDistribution
        from pathlib import Path

        return (PathDistribution(Path(PATH, f"{THEIRS}-{VERSION}.dist-info")),)


_importer: _Importer | None = None


def install_as_aiohttp(*, subprocesses: bool = False) -> None:
    """Make ``import aiohttp``, and all its submodules, find this package; a second call changes nothing.

    ``subprocesses`` makes Python processes that are started from now on do the same, by the
    environment variable PYTHONPATH. RuntimeError if aiohttp itself is loaded already.
    """
    global _importer  # noqa: PLW0603 - there is one import system
    if _importer is None:
        loaded = sys.modules.get(THEIRS)
        if loaded is not None:
            raise RuntimeError(
                f"install_as_aiohttp: expected it to be called before aiohttp is imported, "
                f"but that is loaded from {getattr(loaded, '__file__', 'an unknown place')}"
            )
        importer = _Importer()
        importer.install()
        _importer = importer
    if subprocesses:
        os.environ["PYTHONPATH"] = os.pathsep.join((PATH, *_inherited()))
        # Those that multiprocessing spawns take this over, and give theirs up.
        if PATH not in sys.path:
            sys.path.insert(0 if sys.flags.safe_path else 1, PATH)


def uninstall() -> None:
    """Undo `install_as_aiohttp`: ``import aiohttp`` finds what it would have found without it.

    Whoever has imported a module keeps it. Does nothing if the alias is not installed.
    """
    global _importer
    if _importer is not None:
        importer, _importer = _importer, None
        importer.uninstall()
    if PATH in os.environ.get("PYTHONPATH", ""):
        if others := _inherited():
            os.environ["PYTHONPATH"] = os.pathsep.join(others)
        else:
            del os.environ["PYTHONPATH"]
    while PATH in sys.path:
        sys.path.remove(PATH)


def _inherited() -> list[str]:
    """What stands in PYTHONPATH besides. An empty place counts: it is the working directory."""
    given = os.environ.get("PYTHONPATH")
    return [place for place in given.split(os.pathsep) if place != PATH] if given else []
