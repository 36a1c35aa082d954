"""Installing the alias and undoing it, beside a real one or not, and what other processes have of it."""

import os
from pathlib import Path

from pronghorn.compat.aiohttp import VERSION
from pronghorn.compat.importer import PATH

from .fresh import SOURCES, put_another, run, told, untrue

# Metadata


def test_metadata(tmp_path: Path) -> None:
    def facts(version: str, elsewhere: str) -> dict[str, bool]:
        from importlib import metadata

        import pronghorn

        before = metadata.version("aiohttp")
        others = {found.name for found in metadata.distributions()} - {"aiohttp"}
        pronghorn.install_as_aiohttp()
        import aiohttp

        found = list(metadata.distributions())
        told = {
            "it was the real one's": before == "1.0",
            "version": metadata.version("aiohttp") == metadata.version("AIOHTTP") == version,
            "__version__": aiohttp.__version__ == version,
            "metadata": metadata.metadata("aiohttp")["Name"] == "aiohttp",
            "distribution": metadata.distribution("aiohttp").version == version,
            "requires": metadata.requires("aiohttp") is None,
            "files": metadata.files("aiohttp") is None,
            "entry points": list(metadata.distribution("aiohttp").entry_points) == [],
            "distributions": next(one for one in found if one.name == "aiohttp").version == version,
            "and all others": {one.name for one in found} == others | {"aiohttp"},
            "packages": isinstance(metadata.packages_distributions(), dict),
            "not where others are looked for": list(metadata.distributions(path=[elsewhere])) == [],
            "another": metadata.version("yarl") == metadata.distribution("yarl").version,
        }
        try:
            metadata.version("aiohttp-nothing")
        except metadata.PackageNotFoundError:
            told["none"] = True
        pronghorn.compat.uninstall()
        told["and the real one's again"] = metadata.version("aiohttp") == "1.0"
        return told

    (tmp_path / "empty").mkdir()
    places = (put_another(tmp_path / "installed"), SOURCES)
    assert untrue(facts, VERSION, str(tmp_path / "empty"), places=places) == []


# Installing and uninstalling


def test_installing_loads_nothing_slow() -> None:
    def loaded() -> list[list[str]]:
        import sys

        import pronghorn

        before = set(sys.modules)
        pronghorn.install_as_aiohttp(subprocesses=True)
        installed = set(sys.modules)
        import aiohttp  # noqa: F401 - what it loads is the point

        return [sorted(installed - before), sorted(set(sys.modules) - installed)]

    installed, imported = told(loaded)
    ours = {name for name in installed if name.startswith("pronghorn")}
    assert ours == {f"pronghorn.compat{name}" for name in ("", ".aiohttp", ".importer", ".retired")}
    slow = {"asyncio", "email", "importlib.metadata", "multidict", "pathlib", "ssl", "yarl"}
    assert slow.isdisjoint(installed)
    assert imported == []


def test_installing_twice_is_installing_once() -> None:
    def facts() -> dict[str, bool]:
        import os
        import sys

        import pronghorn
        from pronghorn.compat import importer

        finders = list(sys.meta_path)
        pronghorn.install_as_aiohttp()
        once = list(sys.meta_path)
        pronghorn.install_as_aiohttp()
        twice = list(sys.meta_path)
        inherits = importer.PATH in os.environ["PYTHONPATH"].split(os.pathsep)
        pronghorn.install_as_aiohttp(subprocesses=True)
        pronghorn.install_as_aiohttp(subprocesses=True)
        places = os.environ["PYTHONPATH"].split(os.pathsep)
        times = sys.path.count(importer.PATH)
        importer.uninstall()
        return {
            "one finder, the first": once[1:] == finders and twice == once,
            "unasked, nothing is inherited": not inherits,
            "asked later, it is": places.count(importer.PATH) == 1 and places[0] == importer.PATH,
            "on the path once": times == 1 and importer.PATH not in sys.path,
            "one uninstall is enough": sys.meta_path == finders and "aiohttp" not in sys.modules,
        }

    assert untrue(facts) == []


def test_uninstalling_restores_everything(tmp_path: Path) -> None:
    def facts() -> dict[str, bool]:
        import os
        import sys
        from importlib import import_module

        import pronghorn
        import pronghorn.client
        import pronghorn.compat
        from pronghorn.compat.aiohttp import MODULES

        for alias in MODULES.values():
            for path in (alias.module, *alias.homes):
                if path != "-":
                    import_module(f"pronghorn.{path}".rstrip("."))

        def state() -> object:
            ours = {name: module for name, module in sys.modules.items() if name.startswith("pronghorn")}
            names = {
                name: {key: id(vars(module)[key]) for key in vars(module)} for name, module in ours.items()
            }
            return names, list(sys.meta_path), list(sys.path), os.environ["PYTHONPATH"], set(sys.modules)

        # Looked up before, since they are kept where they were looked up.
        for name in (*pronghorn.__all__, *pronghorn.abc.__all__):
            hasattr(pronghorn, name), hasattr(pronghorn.abc, name), hasattr(pronghorn.client, name)
        for name in pronghorn.testing.__all__:
            getattr(pronghorn.testing, name)
        before = state()
        names = before[0]
        names["pronghorn.compat.importer"].pop("_importer")
        for _ in range(2):
            pronghorn.install_as_aiohttp(subprocesses=True)
            for path in MODULES:
                for name in dir(import_module(f"aiohttp.{path}".rstrip("."))):
                    hasattr(sys.modules[f"aiohttp.{path}".rstrip(".")], name)
            pronghorn.compat.uninstall()
        after = state()
        after[0]["pronghorn.compat.importer"].pop("_importer")
        left = [
            f"{module}.{name}"
            for module in names
            for name in names[module].keys() | after[0][module].keys()
            if names[module].get(name) != after[0][module].get(name)
        ]
        told = {
            f"names, but {left}": left == [],
            "finders": before[1] == after[1],
            "path": before[2] == after[2],
            "environment": before[3] == after[3],
            "modules": before[4] - after[4] == set() and not [n for n in after[4] if n.startswith("aiohttp")],
            "version": pronghorn.__version__ == pronghorn._version.__version__,
            "unknown names": not hasattr(pronghorn, "client_exceptions"),
        }
        pronghorn.compat.uninstall()
        import aiohttp
        import aiohttp.web

        told["then the real one comes"] = (
            aiohttp.__version__ == "1.0" and aiohttp.web.__name__ == "aiohttp.web"
        )
        return told

    assert untrue(facts, places=(put_another(tmp_path), SOURCES)) == []


def test_without_a_real_one_there_is_none_afterwards() -> None:
    def found() -> str:
        import sys
        from pathlib import Path

        import pronghorn

        pronghorn.install_as_aiohttp()
        import aiohttp.web

        pronghorn.compat.uninstall()
        kept = aiohttp.web.Application is pronghorn.web.Application
        # It may be installed beside the tests.
        sys.path[:] = [place for place in sys.path if not Path(place, "aiohttp").exists()]
        try:
            import aiohttp
        except ModuleNotFoundError as error:
            return f"{kept} {error.name}"
        return repr(aiohttp)

    assert told(found) == "True aiohttp"


def test_uninstalling_what_is_not_installed(tmp_path: Path) -> None:
    def facts() -> dict[str, bool]:
        import os
        import sys

        import aiohttp

        from pronghorn.compat import uninstall

        before = list(sys.path), list(sys.meta_path), dict(os.environ)
        uninstall()
        return {
            "nothing changes": before == (sys.path, sys.meta_path, dict(os.environ)),
            "the real one stays": sys.modules["aiohttp"] is aiohttp and aiohttp.__version__ == "1.0",
        }

    assert untrue(facts, places=(put_another(tmp_path), SOURCES)) == []


def test_beside_the_real_one(tmp_path: Path) -> None:
    def facts() -> dict[str, bool]:
        import os
        import sys

        import pronghorn

        pronghorn.install_as_aiohttp()
        import aiohttp

        told = {"unloaded, it loses": aiohttp is pronghorn}
        pronghorn.compat.uninstall()
        import aiohttp

        before = list(sys.path), list(sys.meta_path), dict(os.environ), set(sys.modules)
        try:
            pronghorn.install_as_aiohttp(subprocesses=True)
        except RuntimeError as error:
            told["loaded, it wins"] = f"loaded from {aiohttp.__file__}" in str(error)
        told["nothing changes"] = before == (sys.path, sys.meta_path, dict(os.environ), set(sys.modules))
        told["ours"] = not hasattr(pronghorn, "client_exceptions") and pronghorn.__version__ != "3.14.5"
        del sys.modules["aiohttp"]
        pronghorn.install_as_aiohttp()
        import aiohttp

        told["once it is gone"] = aiohttp is pronghorn
        return told

    assert untrue(facts, places=(put_another(tmp_path), SOURCES)) == []


# Other processes

TELL = f"import aiohttp, sys; print(aiohttp.__name__, sys.path.count({PATH!r}))"
NESTED = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {TELL!r}], check=True); {TELL}"


def test_processes_inherit_it_when_they_are_to(tmp_path: Path) -> None:
    def outputs(tell: str, nested: str, script: str) -> dict[str, str]:
        import os
        import subprocess
        import sys

        import pronghorn

        def output(*arguments: str) -> str:
            done = subprocess.run(
                [sys.executable, "-W", "error", *arguments], capture_output=True, text=True, check=False
            )
            return f"{done.stdout}{done.stderr}".strip()

        pronghorn.install_as_aiohttp()
        found = {"unasked": output("-c", "import aiohttp; print(aiohttp.__version__)")}
        pronghorn.install_as_aiohttp(subprocesses=True)
        found["PYTHONPATH"] = os.environ["PYTHONPATH"]
        found["-c"] = output("-c", tell)
        found["script"] = output(script)
        found["-m"] = output("-m", "beside")
        found["children of children"] = output("-c", nested)
        version = "from importlib.metadata import version; print(version('aiohttp'))"
        found["metadata, before anything is imported"] = output("-c", version)
        pronghorn.compat.uninstall()
        found["not afterwards"] = output("-c", "import aiohttp; print(aiohttp.__version__)")
        return found

    places = (put_another(tmp_path / "installed"), "", SOURCES)
    (tmp_path / "installed" / "beside.py").write_text(TELL)
    (tmp_path / "script.py").write_text(TELL)
    assert told(outputs, TELL, NESTED, str(tmp_path / "script.py"), places=places) == {
        "unasked": "1.0",
        "PYTHONPATH": os.pathsep.join(map(str, (PATH, *places))),
        "-c": "pronghorn 1",
        "script": "pronghorn 1",
        "-m": "pronghorn 1",
        "children of children": "pronghorn 1\npronghorn 1",
        "metadata, before anything is imported": VERSION,
        "not afterwards": "1.0",
    }


SPAWNING = """
import multiprocessing
import sys

import pronghorn

def name():
    import aiohttp
    return aiohttp.__name__

if __name__ == "__main__":
    pronghorn.install_as_aiohttp(subprocesses=True)
    import aiohttp.web
    for method in sys.argv[1:]:
        with multiprocessing.get_context(method).Pool(1) as pool:
            print(method, pool.apply(name))
"""


def test_spawned_processes_inherit_it(tmp_path: Path) -> None:
    script = tmp_path / "spawning.py"
    script.write_text(SPAWNING)
    status, output, complaint = run(
        script, "spawn", "forkserver", places=(SOURCES, put_another(tmp_path / "a"))
    )
    assert (status, complaint) == (0, "")
    assert output.split("\n")[:-1] == ["spawn pronghorn", "forkserver pronghorn"]


def test_uninstalling_where_it_was_inherited(tmp_path: Path) -> None:
    def facts() -> dict[str, bool]:
        import os
        import sys

        from pronghorn.compat import importer

        inherited = importer.PATH in sys.path
        # Nothing has asked for aiohttp yet: the alias is there by its place only.
        importer.uninstall()
        import aiohttp

        return {
            "it was": inherited,
            "it is not": aiohttp.__version__ == "1.0" and importer.PATH not in sys.path,
            "nor is it handed on": importer.PATH not in os.environ["PYTHONPATH"],
        }

    assert untrue(facts, places=(PATH, put_another(tmp_path), SOURCES)) == []


def test_uninstalling_where_it_was_inherited_and_used(tmp_path: Path) -> None:
    def facts() -> dict[str, bool]:
        from importlib import import_module

        import aiohttp

        from pronghorn.compat import uninstall

        was = aiohttp.__name__
        uninstall()
        return {"it was": was == "pronghorn", "it is not": import_module("aiohttp").__version__ == "1.0"}

    assert untrue(facts, places=(PATH, put_another(tmp_path), SOURCES)) == []
