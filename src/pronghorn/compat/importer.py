"""The importer behind the alias: ``import aiohttp`` and its submodules find modules of this package.

It stands first on ``sys.meta_path`` while the alias is installed, answers for what the table
in `pronghorn.compat.aiohttp` names, and refuses the rest: a file of ours that was found below
the other name would be loaded twice, and its classes would not be those that everybody has.
"""

import os
import sys
from collections.abc import Callable, Sequence
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
        home, own = self._find(name)
        return getattr(home, own)

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("__"):
            super().__setattr__(name, value)
            return
        try:
            home, own = self._find(name)
        except AttributeError:
            super().__setattr__(name, value)
        else:
            setattr(home, own, value)

    def __delattr__(self, name: str) -> None:
        if name in vars(self):
            super().__delattr__(name)
        else:
            home, own = self._find(name)
            delattr(home, own)

    def __dir__(self) -> list[str]:
        homes = MODULES[self.__name__.removeprefix(_PREFIX)].homes
        names = {name for home in homes for name in vars(_own(home)) if not name.startswith("_")}
        return sorted(names | vars(self).keys())

    def _find(self, name: str) -> tuple[ModuleType, str]:
        return _find(self.__name__.removeprefix(_PREFIX), name)


def _own(path: str) -> ModuleType:
    return import_module(f"{PACKAGE}.{path}" if path else PACKAGE)


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
                pass
        inner = f"{self._path}.{name}".lstrip(".")
        if inner in MODULES:
            return import_module(f"{_PREFIX}{inner}")
        home, own = _find(self._path, name)
        return getattr(home, own)


class _Importer:
    """The finder of all modules of theirs, their loader, and the finder of their metadata."""

    def __init__(self) -> None:
        self._package = _own("")
        self._version = vars(self._package)["__version__"]
        self._extensions: list[_Extension] = []

    # What `install_as_aiohttp` calls

    def install(self) -> None:
        sys.meta_path.insert(0, self)
        sys.modules[THEIRS] = self._package
        vars(self._package)["__version__"] = VERSION
        self._extensions.append(_Extension("", self._package))

    def uninstall(self) -> None:
        sys.meta_path.remove(self)
        for extension in self._extensions:
            extension.remove()
        self._extensions.clear()
        vars(self._package)["__version__"] = self._version
        for name in [name for name in sys.modules if name == THEIRS or name.startswith(_PREFIX)]:
            module = sys.modules.pop(name)
            inner = name.removeprefix(_PREFIX)
            # The import system has made it an attribute of the package, which is ours as well.
            if vars(self._package).get(inner) is module and f"{PACKAGE}.{inner}" not in sys.modules:
                delattr(self._package, inner)

    # What the import system calls

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != THEIRS and not name.startswith(_PREFIX):
            return None
        inner = name.removeprefix(THEIRS).lstrip(".")
        if inner not in MODULES:
            raise ModuleNotFoundError(f"{PACKAGE} stands in for {THEIRS} and has no {name}", name=name)
        is_package = any(other.startswith(f"{inner}.") for other in MODULES)
        return ModuleSpec(name, self, is_package=is_package)  # type: ignore[arg-type]  # a loader by its methods

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        inner = spec.name.removeprefix(THEIRS).lstrip(".")
        counterpart = MODULES[inner].module
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
        inner = spec.name.removeprefix(THEIRS).lstrip(".")
        module.__spec__ = spec.loader_state
        if MODULES[inner].homes or any(spelt.startswith(f"{inner}.") for spelt in SPELLINGS):
            self._extensions.append(_Extension(inner, module))

    # What importlib.metadata calls

    def find_distributions(self, context: "DistributionFinder.Context") -> "Sequence[Distribution]":
        if context.name is not None and context.name.lower() != THEIRS:
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
        others = _search_path()
        if PATH not in others:
            os.environ["PYTHONPATH"] = os.pathsep.join((PATH, *others))


def uninstall() -> None:
    """Undo `install_as_aiohttp`: ``import aiohttp`` finds what it would have found without it.

    Whoever has imported a module keeps it. Does nothing if the alias is not installed.
    """
    global _importer
    if _importer is None:
        return
    importer, _importer = _importer, None
    importer.uninstall()
    others = _search_path()
    if PATH in others:
        others.remove(PATH)
        if others:
            os.environ["PYTHONPATH"] = os.pathsep.join(others)
        else:
            del os.environ["PYTHONPATH"]


def _search_path() -> list[str]:
    return [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
