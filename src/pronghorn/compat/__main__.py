"""``python -m pronghorn.compat script.py``, or ``-m module``: runs a program with pronghorn as aiohttp."""

import runpy
import sys
from pathlib import Path

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
                sys.path[0] = str(Path(script).resolve().parent)
            runpy.run_path(script, run_name="__main__")
        case ["-h" | "--help"]:
            print(_USAGE)  # noqa: T201 - asked for
        case _:
            sys.exit(_USAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
