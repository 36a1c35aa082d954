"""`python -m pronghorn.compat`: a program finds itself as `python` would run it, and pronghorn as aiohttp."""

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from .fresh import SOURCES, put_another, run

USAGE = "usage: python -m pronghorn.compat (script.py | -m module) [argument ...]\n"
#: A program that tells how it finds itself.
TELLING = """\
import sys
import aiohttp
import json
import os
facts = {
    "aiohttp": [aiohttp.__name__, aiohttp.__version__],
    "argv": sys.argv,
    "name": __name__,
    "main": sys.modules["__main__"].__dict__ is globals(),
    "file": __file__,
    "package": __package__,
    "path": sys.path[0],
    "path twice": len(sys.path) != len(set(sys.path)),
    "working directory": os.getcwd() in sys.path,
}
if __name__ == "__main__":
    print(json.dumps(facts))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Programs, in a folder that is not the one they are started in, and a real aiohttp."""
    programs = tmp_path / "programs"
    package = programs / "package"
    package.mkdir(parents=True)
    for place in (programs / "script.py", programs / "__main__.py", package / "__init__.py"):
        place.write_text(TELLING)
    (package / "__main__.py").write_text(TELLING)
    put_another(tmp_path / "installed")
    return tmp_path


def started(
    folder: Path, *arguments: str | Path, places: tuple[str | Path, ...] = ()
) -> tuple[int, str, str]:
    there = (*places, SOURCES, folder / "installed")
    return run("-m", "pronghorn.compat", *arguments, places=there, cwd=folder)


def told(folder: Path, *arguments: str | Path, places: tuple[str | Path, ...] = ()) -> dict[str, Any]:
    status, output, complaint = started(folder, *arguments, places=places)
    assert (status, complaint) == (0, "")
    facts: dict[str, Any] = json.loads(output)
    assert facts.pop("aiohttp") == ["pronghorn", "3.14.5"]
    assert facts.pop("name") == "__main__"
    assert facts.pop("main") is True
    assert facts.pop("path twice") is False
    assert facts.pop("working directory") is (arguments[0] == "-m")
    return facts


# What runs


def test_a_script(folder: Path) -> None:
    script = folder / "programs" / "script.py"
    assert told(folder, "programs/script.py", "a", "-m", "b", "--help") == {
        "argv": [str(script), "a", "-m", "b", "--help"],
        "file": str(script),
        "package": "",
        "path": str(folder / "programs"),
    }


def test_a_link_to_a_script_finds_what_is_beside_the_script(folder: Path) -> None:
    (folder / "link").symlink_to("programs/script.py")
    facts = told(folder, "link")
    assert (facts["path"], facts["file"]) == (str(folder / "programs"), str(folder / "link"))


def test_a_script_imports_what_is_beside_it(folder: Path) -> None:
    (folder / "programs" / "other.py").write_text("from script import facts\nprint(facts['name'])\n")
    (folder / "script.py").write_text("raise SystemExit('the one of the working directory')")
    assert started(folder, "programs/other.py") == (0, "script\n", "")


def test_a_folder(folder: Path) -> None:
    place = folder / "programs"
    assert told(folder, "programs", "a") == {
        "argv": [str(place), "a"],
        "file": str(place / "__main__.py"),
        "package": "",
        "path": str(place),
    }


def test_an_archive(folder: Path) -> None:
    place = folder / "programs.pyz"
    with ZipFile(place, "w") as archive:
        archive.writestr("__main__.py", TELLING)
    facts = told(folder, "programs.pyz")
    assert (facts["path"], facts["file"]) == (str(place), str(place / "__main__.py"))


@pytest.mark.parametrize(
    ("module", "package"), [("script", ""), ("package", "package"), ("package.__main__", "package")]
)
def test_a_module(folder: Path, module: str, package: str) -> None:
    file = folder / "programs" / ("script.py" if module == "script" else "package/__main__.py")
    (folder / "script.py").symlink_to("programs/script.py")
    facts = told(folder, "-m", module, "a", "-m", places=(folder / "programs",))
    assert facts["argv"][1:] == ["a", "-m"]
    assert facts["argv"][0] == facts["file"]
    assert Path(facts["file"]).resolve() == file
    assert facts["package"] == package
    # The folder it is started in, as always with -m.
    assert facts["path"] == str(folder)


def test_where_the_working_directory_is_no_place_for_modules(folder: Path) -> None:
    arguments = ("-P", "-m", "pronghorn.compat", "programs/script.py")
    status, output, complaint = run(*arguments, places=(SOURCES,), cwd=folder)
    assert (status, complaint) == (0, "")
    facts = json.loads(output)
    assert facts["aiohttp"][0] == "pronghorn"
    assert facts["path"] not in (str(folder), str(folder / "programs"))


# How it ends


@pytest.mark.parametrize(
    ("program", "status", "said"),
    [
        ("raise SystemExit", 0, ""),
        ("raise SystemExit(7)", 7, ""),
        ("raise SystemExit('no')", 1, "no\n"),
        ("import sys; sys.exit(3)", 3, ""),
        ("import os; os._exit(4)", 4, ""),
    ],
)
def test_its_status(folder: Path, program: str, status: int, said: str) -> None:
    (folder / "ending.py").write_text(program)
    assert started(folder, "ending.py") == (status, "", said)
    assert started(folder, "-m", "ending") == (status, "", said)


@pytest.mark.parametrize("arguments", [("ending.py",), ("-m", "ending")])
def test_its_traceback(folder: Path, arguments: tuple[str, ...]) -> None:
    place = folder / "ending.py"
    place.write_text("def fail():\n    1 / 0\n\nfail()\n")
    status, output, complaint = started(folder, *arguments)
    assert (status, output) == (1, "")
    assert complaint.startswith("Traceback (most recent call last):\n")
    assert f'File "{place}", line 4, in <module>\n    fail()\n' in complaint
    assert f'File "{place}", line 2, in fail\n    1 / 0\n' in complaint
    assert complaint.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize("arguments", [("nothing.py",), ("-m", "nothing"), ("-m", "package")])
def test_what_is_not_there(folder: Path, arguments: tuple[str, ...]) -> None:
    status, output, complaint = started(folder, *arguments)
    assert (status, output) == (1, "")
    assert arguments[-1] in complaint.splitlines()[-1]


# How it is called


@pytest.mark.parametrize(
    "arguments", [(), ("-m",), ("-c", "pass"), ("--nothing", "script.py"), ("-h", "more")]
)
def test_wrong_usage(folder: Path, arguments: tuple[str, ...]) -> None:
    assert started(folder, *arguments) == (2, "", USAGE)


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help(folder: Path, option: str) -> None:
    assert started(folder, option) == (0, USAGE, "")


# What it starts

STARTING = """\
import multiprocessing
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import aiohttp

class Named:
    def __init__(self):
        import aiohttp.web
        self.name = aiohttp.web.__name__

if __name__ == "__main__":
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        print("spawned", pool.submit(Named).result().name)
    code = "import aiohttp; print(aiohttp.__name__)"
    print("started", subprocess.check_output([sys.executable, "-c", code], text=True), end="")
"""


@pytest.mark.parametrize("early", ["", "import multiprocessing.process"])
@pytest.mark.parametrize("arguments", [("programs/starting.py",), ("-m", "starting")])
def test_its_processes_inherit_it(folder: Path, arguments: tuple[str, ...], early: str) -> None:
    (folder / "programs" / "sitecustomize.py").write_text(early)
    (folder / "programs" / "starting.py").write_text(STARTING)
    status, output, complaint = started(folder, *arguments, places=(folder / "programs",))
    assert (status, complaint) == (0, "")
    assert output == "spawned pronghorn.web\nstarted pronghorn\n"
