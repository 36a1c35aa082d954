"""Runs the tests of packages that build on aiohttp, with pronghorn in its place.

    python tests/downstream/run.py              # in an environment of its own; `make downstream` makes it
    python tests/downstream/run.py vcrpy        # one of them

What runs, and what does not pass yet and why, is in packages.toml. A test that fails and is not named there,
and one that is named and passes, make the run fail.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

HERE = Path(__file__).parent


@dataclass
class Package:
    """A package, the tests of it that are run, and what is known to fail."""

    name: str
    version: str
    tests: list[str]
    needs: list[str] = field(default_factory=list)
    #: Installed as it is itself: they depend on aiohttp as well.
    beside: list[str] = field(default_factory=list)
    plugins: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    fails: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """A pattern of its name in the names of files: PEP 625 asks for "_", and older ones have "-"."""
        return self.name.replace("-", "[-_]")

    def reason(self, test: str) -> str | None:
        """Why ``test`` is known to fail."""
        return next((why for pattern, why in self.fails.items() if fnmatchcase(test, pattern)), None)


def packages() -> list[Package]:
    table: dict[str, dict[str, Any]] = tomllib.loads((HERE / "packages.toml").read_text())
    return [Package(name, **facts) for name, facts in table.items()]


def pip(*arguments: str) -> None:
    """Run pip, for this environment."""
    subprocess.run([sys.executable, "-m", "pip", "-q", *arguments], check=True)


def unpacked(package: Package, place: Path) -> Path:
    """The folder of its sources. It is installed without what it depends on: that is aiohttp."""
    pip("install", *package.needs)
    pin = f"{package.name}=={package.version}"
    pip("install", "--no-deps", pin, *package.beside)
    if not (found := list(place.glob(f"{package.folder}-{package.version}/"))):
        pip("download", "--no-deps", "--no-binary", package.name, "--dest", str(place), pin)
        with tarfile.open(next(place.glob(f"{package.folder}-{package.version}.tar.gz"))) as archive:
            archive.extractall(place, filter="data")
        found = list(place.glob(f"{package.folder}-{package.version}/"))
    return found[0]


def run(package: Package, source: Path) -> dict[str, str]:
    """The outcome of each test, by its name: passed, failed or skipped."""
    report = source / "report.xml"
    report.unlink(missing_ok=True)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "pronghorn.compat.pytest",
            *package.options,
            f"--junit-xml={report}",
            *package.tests,
        ],
        cwd=source,
        # By the environment, pytest has the same plugins where a test starts it.
        env={
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": ",".join(package.plugins),
            "PYTHONPATH": str(source),
        },
        stdout=subprocess.DEVNULL,
        check=False,
        timeout=900,
    )
    outcomes = {}
    for case in ET.parse(report).getroot().iter("testcase"):  # written by pytest just now
        name = f"{case.get('classname', '')}::{case.get('name')}".lstrip(":")
        bad = case.find("failure") is not None or case.find("error") is not None
        outcomes[name] = "failed" if bad else "skipped" if case.find("skipped") is not None else "passed"
    return outcomes


def judge(package: Package, outcomes: dict[str, str]) -> list[str]:
    """What is not as packages.toml has it."""
    findings = [] if outcomes else [f"{package.name}: no test was collected"]
    used = set()
    for test, outcome in outcomes.items():
        for pattern in package.fails:
            if fnmatchcase(test, pattern) and outcome == "failed":
                used.add(pattern)
        if outcome == "failed" and package.reason(test) is None:
            findings.append(f"{package.name}: {test} fails")
    findings += [
        f"{package.name}: nothing fails that matches {pattern!r}: take it out of packages.toml"
        for pattern in package.fails
        if pattern not in used
    ]
    return findings


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="only these")
    names = parser.parse_args().names
    place = Path(sys.prefix, "sources")
    place.mkdir(exist_ok=True)
    # For packages that have no settings for pytest: further up it would find ours.
    (place / "pytest.ini").write_text("[pytest]\n")
    findings = []
    for package in packages():
        if names and package.name not in names:
            continue
        outcomes = run(package, unpacked(package, place))
        counts = {kind: list(outcomes.values()).count(kind) for kind in ("passed", "failed", "skipped")}
        print(f"{package.name} {package.version}: " + ", ".join(f"{n} {kind}" for kind, n in counts.items()))  # noqa: T201 - for a person
        findings += judge(package, outcomes)
    print(*findings, sep="\n")  # noqa: T201 - for a person
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
