"""Test runs of their own: pytest as a program, in a folder with the files that it is given."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PLUGINS = ("pytest_asyncio.plugin", "pronghorn.testing.plugin")
_SCOPE = ("-o", "asyncio_default_fixture_loop_scope=function")  # without it pytest-asyncio warns
AUTO = ("-o", "asyncio_mode=auto", *_SCOPE)
STRICT = ("-o", "asyncio_mode=strict", *_SCOPE)
OPTIMIZED = ["-O"] if sys.flags.optimize else []
# Under -O pytest warns of modules that it does not rewrite.
WARNINGS = [
    "-W",
    "error",
    "-W",
    "ignore:assertions not in test modules or plugins:pytest.PytestConfigWarning",
]
WITHIN = 60


def run(
    folder: Path,
    files: Mapping[str, str],
    *options: str,
    plugins: tuple[str, ...] = PLUGINS,
    before: str = "",
) -> tuple[int, str]:
    """The status of the run, and all that it said. What is in ``before`` is executed first."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    arguments = ["-q", "-p", "no:cacheprovider", *WARNINGS]
    for plugin in plugins:
        arguments += ["-p", plugin]
    arguments += [f"--rootdir={folder}", "-c", "/dev/null", *options, str(folder)]
    program = f"{before}\nimport sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    return execute(folder, "-c", program, *arguments)


def execute(folder: Path, *command: str) -> tuple[int, str]:
    """The status of a Python program, and all that it said."""
    done = subprocess.run(
        [sys.executable, *OPTIMIZED, *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN,
        cwd=folder,
        env={
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": ":".join((str(folder), *filter(None, sys.path))),
        },
    )
    return done.returncode, done.stdout + done.stderr
