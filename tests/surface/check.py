"""The surface of aiohttp 3.14.5 against what `import aiohttp` gives, row by row.

    python tests/surface/check.py            pronghorn under the name of aiohttp: counts, and what is wrong
    python tests/surface/check.py --update   note what got better, and write docs/differences.md
    python tests/surface/check.py --real     the aiohttp that is installed here

The last is the proof that the walk is right: aiohttp itself has to answer every row. The rows are those of
its plain Python form with all that it may find installed: aiohttp==3.14.5, aiodns, gunicorn and pytest.

    AIOHTTP_NO_EXTENSIONS=1 python tests/surface/check.py --real
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[2]

if TYPE_CHECKING:
    from tests.surface.compare import Answer
    from tests.surface.rows import Surface


def answer(surface: "Surface", *, is_real: bool) -> "Mapping[str, Answer]":
    from tests.surface.compare import walk

    if not is_real:
        from pronghorn.compat import install_as_aiohttp

        install_as_aiohttp()
    return walk(surface)


def check_real(surface: "Surface") -> int:
    answers = answer(surface, is_real=True)
    others = {row: found for row, found in answers.items() if found.outcome != "same"}
    for row, found in others.items():
        say(f"{found.outcome}: {row}: {'; '.join(found.problems)}")
    say(f"{len(answers)} rows, {len(others)} of them not same")
    return bool(others)


def check(surface: "Surface", *, is_update: bool) -> int:
    from tests.surface.record import Record

    record = Record(surface, answer(surface, is_real=False))
    findings = record.findings() if not is_update else record.update()
    for line in [*record.summary(), *findings]:
        say(line)
    return bool(findings)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--update", action="store_true", help="note what got better")
    parser.add_argument("--real", action="store_true", help="ask the aiohttp that is installed")
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()

    sys.path[0] = str(ROOT)  # the modules of this folder import each other as a package
    from tests.surface.rows import Surface

    surface = Surface.read()
    if options.json:
        answers = answer(surface, is_real=False)
        json.dump({row: [found.problems, found.takes_more] for row, found in answers.items()}, sys.stdout)
        return 0
    return check_real(surface) if options.real else check(surface, is_update=options.update)


if __name__ == "__main__":
    sys.exit(main())
