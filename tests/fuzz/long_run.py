"""The fuzzing of tests/fuzz for as long as one likes.

    python tests/fuzz/long_run.py --minutes 10 --seed 1
    python tests/fuzz/long_run.py --seed 1 --case 4711

Where atheris is installed, the second half of the time is guided by coverage. Exits with another
status than 0 if something was found.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[2]


def has_atheris() -> bool:
    try:
        import atheris  # noqa: F401 - asked for, not used: whoever imports it is watched
    except ImportError:
        return False
    return True


def run_guided(seed: int, seconds: int, folder: str) -> None:
    """Hand this process over to libFuzzer, which ends it."""
    import atheris

    with atheris.instrument_imports(include=["pronghorn.wire"]):
        import pronghorn.wire.http1.connection  # noqa: F401 - imported here, it is watched
    from tests.fuzz.campaign import inputs, run_input
    from tests.fuzz.grammar import damage_bytes

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        return damage_bytes(Random(seed), bytes(data), 1 + seed % 3)[:max_size]

    for number, data in enumerate(inputs()):
        Path(folder, str(number)).write_bytes(data)
    options = [f"-max_total_time={seconds}", f"-seed={seed}", "-max_len=2000", f"-artifact_prefix={folder}/"]
    atheris.Setup([sys.argv[0], *options, folder], run_input, custom_mutator=mutate)
    atheris.Fuzz()


def run(seed: int, minutes: float) -> int:
    from tests.fuzz.campaign import run_campaign

    seconds = minutes * 60 / 2 if has_atheris() else minutes * 60
    report = run_campaign(seed, seconds, sys.stdout.write)
    found = len(report.findings)
    sys.stdout.write(f"seed {seed}: {report.cases} cases in {report.seconds:.0f} s, {found} findings\n")
    sys.stdout.flush()
    if found or not has_atheris():
        return found > 0
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            __file__,
            "--seed",
            str(seed),
            "--minutes",
            str(minutes / 2),
            "--guided",
            folder,
        ]
        return subprocess.run(command, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int, help="run this case of the seed alone")
    parser.add_argument("--guided", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()

    sys.path[0] = str(ROOT)  # the modules of this folder import each other as a package
    if options.guided:
        run_guided(options.seed, int(options.minutes * 60), options.guided)
    elif options.case is not None:
        from tests.fuzz.campaign import run_case

        run_case(options.seed, options.case)
    else:
        return run(options.seed, options.minutes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
