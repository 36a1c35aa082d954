"""The plugin that a conftest.py asks for by the name of aiohttp's."""

from pathlib import Path

import pytest

from .runs import AUTO, PLUGINS, STRICT, run

CONFTEST = "pytest_plugins = ['pronghorn.testing.aiohttp_plugin']\n"
#: The alias, and then its name.
ALIAS = "import pronghorn; pronghorn.install_as_aiohttp()"
BY_ALIAS = "pytest_plugins = ['aiohttp.pytest_plugin']\n"
LOOPS = """
import asyncio
import pytest

@pytest.mark.asyncio
async def test_it_is_the_one_that_runs(loop):
    assert loop is asyncio.get_running_loop()

def test_it_is_run_by_hand(loop):
    assert not loop.is_running()
    assert loop.run_until_complete(asyncio.sleep(0, "done")) == "done"
"""
CLIENT = """
from pronghorn import web

async def test_one(aiohttp_client):
    client = await aiohttp_client(web.Application())
    assert (await client.get("/")).status == 404
"""
OLDER = """
import pytest
from pronghorn import web

@pytest.mark.parametrize("name", ["test_client", "test_server", "raw_test_server", "unused_port"])
def test_one(request, name):
    successor = {"raw_test_server": "aiohttp_raw_server"}.get(name, "aiohttp_" + name.removeprefix("test_"))
    with pytest.warns(DeprecationWarning, match=f"the fixture {name}: use {successor}$"):
        assert request.getfixturevalue(name) is request.getfixturevalue(successor)

@pytest.mark.filterwarnings("ignore:the fixture test_client")
async def test_two(test_client):
    client = await test_client(web.Application())
    assert (await client.get("/")).status == 404
"""
OPTIONS = """
import asyncio

async def test_one(fast, loop_debug):
    loop = asyncio.get_running_loop()
    print(f"[{type(loop).__module__.partition('.')[0]} {loop.get_debug()} {fast} {loop_debug}]")
"""


@pytest.mark.parametrize("mode", [AUTO, STRICT], ids=["auto", "strict"])
def test_the_loop(tmp_path: Path, mode: tuple[str, ...]) -> None:
    status, output = run(tmp_path, {"conftest.py": CONFTEST, "test_it.py": LOOPS}, *mode)
    assert (status, "2 passed" in output) == (0, True), output


def test_it_is_not_there_unless_asked_for(tmp_path: Path) -> None:
    _, output = run(tmp_path, {"test_it.py": LOOPS}, *AUTO)
    assert "fixture 'loop' not found" in output


def test_there_is_no_loop_of_windows(tmp_path: Path) -> None:
    """It is pytest-asyncio that chooses the loop."""
    asks = "def test_one(proactor_loop): pass\n"
    _, output = run(tmp_path, {"conftest.py": CONFTEST, "test_it.py": asks}, *AUTO)
    assert "fixture 'proactor_loop' not found" in output


def test_the_older_names_warn_and_work(tmp_path: Path) -> None:
    status, output = run(tmp_path, {"conftest.py": CONFTEST, "test_it.py": OLDER}, *AUTO)
    assert (status, "5 passed" in output) == (0, True), output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), ["[asyncio False False False]"]),
        (("--aiohttp-loop=pyloop", "--aiohttp-fast"), ["[asyncio False True False]"]),
        (("--aiohttp-loop=uvloop",), ["[uvloop False False False]"]),
        (
            ("--aiohttp-loop=all", "--aiohttp-enable-loop-debug"),
            ["[asyncio True False True]", "[uvloop True False True]"],
        ),
        (
            ("--aiohttp-loop=pyloop, uvloop",),
            ["[asyncio False False False]", "[uvloop False False False]"],
        ),
    ],
    ids=["none", "pyloop", "uvloop", "all", "both"],
)
def test_options(tmp_path: Path, options: tuple[str, ...], said: list[str]) -> None:
    if "uvloop" in str(said):
        pytest.importorskip("uvloop")
    status, output = run(tmp_path, {"conftest.py": CONFTEST, "test_it.py": OPTIONS}, "-s", *options, *AUTO)
    found = [f"[{line.partition('[')[2]}" for line in output.splitlines() if "[" in line and "%" not in line]
    assert (status, found) == (0, said), output


def test_a_loop_that_nobody_knows(tmp_path: Path) -> None:
    files = {"conftest.py": CONFTEST, "test_it.py": OPTIONS}
    status, output = run(tmp_path, files, "--aiohttp-loop=trio", *AUTO)
    assert status != pytest.ExitCode.OK
    assert "--aiohttp-loop: expected pyloop, uvloop or all, got 'trio'" in output


@pytest.mark.parametrize("name", ["conftest.py", "test_it.py"])
@pytest.mark.parametrize("conftest", [CONFTEST, BY_ALIAS], ids=["own", "alias"])
def test_it_goes_along_with_the_plugin_that_is_always_there(tmp_path: Path, conftest: str, name: str) -> None:
    """Neither is registered twice, wherever the second is asked for."""
    files = {name: conftest} if name == "conftest.py" else {}
    files["test_it.py"] = CLIENT if name == "conftest.py" else f"{conftest}{CLIENT}"
    status, output = run(tmp_path, files, *AUTO, plugins=PLUGINS, before=ALIAS)
    assert (status, "1 passed" in output) == (0, True), output
