"""The plugin, in test runs of their own."""

import os
import subprocess
from pathlib import Path

import pytest

import pronghorn
from pronghorn.compat.aiohttp import VERSION

from .fresh import PYTHON, SOURCES, WITHIN, put_another

OPTIONS = ["-p", "pronghorn.compat.pytest", "-p", "no:cacheprovider", "-c", os.devnull]
CONFTEST = """\
import aiohttp
import pytest
from aiohttp import web

@pytest.fixture
def seen():
    return aiohttp, web
"""
TESTS = """\
import subprocess
import sys
from importlib.metadata import version
from unittest import mock

import aiohttp
import aiohttp.client
import pronghorn
from aiohttp import web

def test_it_is_pronghorn(seen):
    assert seen == (aiohttp, web) == (pronghorn, pronghorn.web)
    assert version("aiohttp") == aiohttp.__version__ == "3.14.5"

def test_processes_inherit_it():
    code = "import aiohttp; print(aiohttp.__name__)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "pronghorn\\n"

def test_patching(monkeypatch):
    monkeypatch.setattr("aiohttp.client.ClientSession", None)
    assert aiohttp.client.ClientSession is None
    with mock.patch("aiohttp.client_reqrep.ClientResponse") as response:
        assert pronghorn.client.response.ClientResponse is response

def test_patches_are_undone():
    assert aiohttp.client.ClientSession is pronghorn.ClientSession
    assert pronghorn.client.response.ClientResponse is pronghorn.ClientResponse
"""
#: Two runs in one process, and what is left between and after them.
TWICE = """\
import os
import sys
import pytest

def left():
    theirs = [name for name in sys.modules if name.partition(".")[0] == "aiohttp"]
    return theirs, os.environ["PYTHONPATH"], len(sys.path)

before = left()
for _ in range(2):
    status = pytest.main(["-q", *sys.argv[1:]])
    if status or left() != before:
        sys.exit(f"{status}: {before} became {left()}")
    sys.modules.pop("test_it", None), sys.modules.pop("conftest", None)
import aiohttp
print(aiohttp.__version__)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    put_another(tmp_path / "installed")
    return tmp_path


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """The status of a test run, and all that it said."""
    places = (SOURCES, str(folder / "installed"))
    done = subprocess.run(
        [*PYTHON, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_test_run_sees_the_alias(folder: Path) -> None:
    status, output = run(folder, "-m", "pytest", *OPTIONS, "test_it.py")
    assert status == pytest.ExitCode.OK, output
    assert "4 passed" in output
    assert f"\naiohttp: pronghorn {pronghorn._version.__version__}, under the names of {VERSION}\n" in output


def test_without_it_there_is_none(folder: Path) -> None:
    status, output = run(folder, "-m", "pytest", *OPTIONS[2:], "test_it.py")
    assert status != pytest.ExitCode.OK
    assert "pronghorn" not in output.split("\n\n")[0]


def test_each_run_of_a_process_has_it_and_leaves_nothing(folder: Path) -> None:
    (folder / "twice.py").write_text(TWICE)
    status, output = run(folder, "twice.py", *OPTIONS, "test_it.py")
    assert status == 0, output
    assert output.count("4 passed") == 2
    assert output.endswith("\n1.0\n")


def test_it_refuses_to_come_too_late(folder: Path) -> None:
    (folder / "early.py").write_text("import aiohttp\n")
    status, output = run(folder, "-m", "pytest", "-p", "early", *OPTIONS, "test_it.py")
    assert status != pytest.ExitCode.OK
    assert "expected it to be called before aiohttp is imported" in output


def test_importing_the_plugin_changes_nothing(folder: Path) -> None:
    code = "import sys; before = list(sys.meta_path); import pronghorn.compat.pytest, aiohttp; "
    code += "print(aiohttp.__version__, sys.meta_path == before)"
    assert run(folder, "-c", code) == (0, "1.0 True\n")
