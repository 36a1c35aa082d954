"""Measures pronghorn next to its peers, in one run, and prints ratios. See README.md for how to read them."""

import argparse
import dataclasses
import datetime as dt
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from catalogue import BENCHMARKS, missing_peers, runs_here
from environment import EnvironmentUnusable, choose_python, machine, prepare, versions
from figures import render
from processes import HERE, BenchmarkError, Cores, child_environment, progress
from setting import Outcome, Setting

RESULTS = HERE / "results"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 short rounds on uvloop: a look, not a figure")
    parser.add_argument("--only", action="append", choices=tuple(BENCHMARKS), help="may be given repeatedly")
    parser.add_argument("--rounds", type=int, help="default: 5, or 3 with --quick")
    loops = ("asyncio", "uvloop", "both")
    parser.add_argument("--loop", choices=loops, help="default: both, or uvloop with --quick")
    parser.add_argument("--python", metavar="PATH", help="the interpreter to measure on")
    return parser.parse_args()


def make_setting(options: argparse.Namespace, python: str, scratch: Path) -> Setting:
    loop = options.loop or ("uvloop" if options.quick else "both")
    return Setting(
        python=python,
        environment=child_environment(scratch),
        cores=Cores.of_this_machine(),
        loops=("uvloop", "asyncio") if loop == "both" else (loop,),
        rounds=options.rounds or (3 if options.quick else 5),
        warmup=0.3,
        # At 250 Hz the kernel splits user from sys by some 400 samples in a long round: good to about 3 %.
        seconds=0.7 if options.quick else 1.6,
    )


def describe(setting: Setting, found: dict[str, str], where: dict[str, Any]) -> str:
    lines = [
        f"Python {found['python']} on {where['cpu'] or 'an unnamed CPU'}, {where['cores']} cores",
        ", ".join(f"{name} {version}" for name, version in found.items() if name != "python"),
        f"Medians of {setting.rounds} alternating rounds. CPU is of the measured process.",
        "x: ours divided by this row's, the median of the rounds' pairs.",
    ]
    lines += [f"{name} is not installed here: not measured" for name in missing_peers()]
    if setting.cores.are_shared:
        lines.append("only one core is usable here: the measured process shares it with its counterpart")
    return "\n".join(lines)


def save(report: dict[str, Any], outcomes: dict[str, Outcome]) -> Path:
    """Writes the figures of every round."""
    report["benchmarks"] = [
        {
            "benchmark": name,
            "title": table.title,
            "rounds": {str(subject): rounds for subject, rounds in table.rounds.items()},
        }
        for name, outcome in outcomes.items()
        for table in outcome.tables
    ]
    started = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    path = RESULTS / f"{started}-py{report['versions']['python']}.json"
    path.write_text(json.dumps(report, indent=1))
    return path


def main() -> int:
    options = parse_arguments()
    if not runs_here():
        progress("these benchmarks need Linux: they pin processes and read their CPU time from /proc")
        return 2
    try:
        python = prepare(choose_python(options.python))
        found = versions(python)
    except EnvironmentUnusable as error:
        progress(str(error))
        return 2

    began = time.monotonic()
    outcomes: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        setting = make_setting(options, python, Path(scratch))
        print(describe(setting, found, machine()), flush=True)
        for name, benchmark in BENCHMARKS.items():
            if options.only and name not in options.only:
                continue
            try:
                outcomes[name] = benchmark(setting)
            except BenchmarkError as error:  # its own counterpart broke: nothing was measured
                outcomes[name] = Outcome([], [f"{name}: {error}"])
            for table in outcomes[name].tables:
                print(f"\n{render(table)}", flush=True)

    failures = [failure for outcome in outcomes.values() for failure in outcome.failures]
    shown = {"rounds": setting.rounds, "loops": setting.loops, "seconds": setting.seconds}
    shown["cores"] = dataclasses.asdict(setting.cores)
    report = {"versions": found, "machine": machine(), "setting": shown, "failures": failures}
    path = save(report, outcomes)
    print(f"\nraw figures: {path.relative_to(HERE.parent)}; {time.monotonic() - began:.0f} s")
    for failure in failures:
        print(f"BROKEN {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
