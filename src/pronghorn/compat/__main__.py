"""``python -m pronghorn.compat script.py``, or ``-m module``: runs a program with pronghorn as aiohttp."""

import os
import runpy
import sys
from pkgutil import get_importer
from typing import Any

from . import install_as_aiohttp

_USAGE = "usage: python -m pronghorn.compat (script.py | -m module) [argument ...]"


def main(arguments: list[str]) -> None:
    """Run the program that ``arguments`` name, as ``python`` would; its processes inherit the alias."""
    match arguments:
        case ["-m", module, *_]:
            install_as_aiohttp(subprocesses=True)
            sys.argv = arguments[1:]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [script, *_] if not script.startswith("-"):
            install_as_aiohttp(subprocesses=True)
            sys.argv = arguments
            if not sys.flags.safe_path:
                # Where modules are found: beside the script, or in the folder or archive that runpy adds.
                folder = os.path.dirname(os.path.realpath(script))  # noqa: PTH120 - pathlib costs 4 ms
                sys.path[:1] = [] if get_importer(script) else [folder]
            runpy.run_path(os.path.abspath(script), run_name="__main__")  # noqa: PTH100 - as above
        case ["-h" | "--help"]:
            print(_USAGE)  # noqa: T201 - asked for
        case _:
            print(_USAGE, file=sys.stderr)  # noqa: T201 - as any program does that is called wrongly
            sys.exit(2)


def __getattr__(name: str) -> Any:
    """What the program has: a multiprocessing imported before it takes this module for the program."""
    program = sys.modules["__main__"]
    if program.__dict__ is globals():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(program, name)


if __name__ == "__main__":
    main(sys.argv[1:])
