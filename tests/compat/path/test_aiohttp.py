"""The module that a process finds as aiohttp when it has inherited the alias."""

from pathlib import Path

from pronghorn.compat.importer import PATH

from ..fresh import SOURCES, put_another, run

PLACES = (PATH, SOURCES)


def test_what_it_leaves_behind_is_the_alias(tmp_path: Path) -> None:
    looks = "; ".join(
        (
            "import sys, aiohttp.web, aiohttp",
            "from aiohttp.client import ClientSession",
            "import pronghorn",
            "print(aiohttp is pronghorn is sys.modules['aiohttp'])",
            "print(aiohttp.web is pronghorn.web)",
            "print(ClientSession is pronghorn.ClientSession)",
            "files = [getattr(module, '__file__', None) for module in sys.modules.values()]",
            f"print([file for file in files if file and file.startswith({PATH!r})])",
        )
    )
    for first in (
        "pass",
        "import pronghorn",
        "import pronghorn; pronghorn.install_as_aiohttp()",
        "import aiohttp",
    ):
        status, output, complaint = run(
            "-c", f"{first}; {looks}", places=(*PLACES, put_another(tmp_path / first))
        )
        assert (status, complaint) == (0, "")
        assert output.split() == ["True", "True", "True", "[]"]


def test_its_folder_holds_nothing_else_that_could_be_imported() -> None:
    found = {place.name for place in Path(PATH).iterdir() if place.suffix != ".dist-info"}
    assert found - {"__pycache__"} == {"aiohttp.py"}


def test_a_process_that_has_no_pronghorn_is_told_so() -> None:
    code = """
import sys
for _ in range(2):
    try:
        import aiohttp
    except ModuleNotFoundError as error:
        print(error.name, "aiohttp" in sys.modules)
"""
    assert run("-S", "-c", code, places=(PATH,)) == (0, "pronghorn False\npronghorn False\n", "")


def test_an_interrupted_import_can_be_repeated(tmp_path: Path) -> None:
    """What is loaded already wins, and nothing is half there."""
    code = """
import sys
sys.modules["aiohttp"] = None
try:
    import aiohttp
except ModuleNotFoundError:
    del sys.modules["aiohttp"]
import aiohttp
print(aiohttp.__name__)
"""
    assert run("-c", code, places=(*PLACES, put_another(tmp_path))) == (0, "pronghorn\n", "")
