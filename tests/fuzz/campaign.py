"""Cases without end, by number: the loop of the long run, and what a coverage-guided fuzzer calls.

A case is made from a seed and its number alone, so each can be run again.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from .checks import check_requests, check_response
from .corpus_files import REQUESTS, RESPONSES
from .grammar import damage_bytes, near_requests, near_response
from .readers import ASKINGS, GET
from .splits import LIMITS, check_splits, cuts
from .written import check_written_request, check_written_response

# What errors of one sort differ in.
_BYTES = re.compile(r"b(?:'[^']*'|\"[^\"]*\")|\d+")
_REQUESTS, _RESPONSES = list(REQUESTS.values()), list(RESPONSES.values())


def _from_corpus(rng: Random, corpus: list[bytes]) -> bytes:
    wire = rng.choice(corpus)
    if rng.randrange(4) == 0:
        other = rng.choice(corpus)
        wire = wire[: rng.randrange(len(wire) + 1)] + other[rng.randrange(len(other) + 1) :]
    return damage_bytes(rng, wire, 1 + rng.randrange(4))


def _requests(rng: Random) -> None:
    run_requests(rng, near_requests(rng) if rng.randrange(2) else _from_corpus(rng, _REQUESTS))


def _response(rng: Random) -> None:
    run_response(rng, near_response(rng) if rng.randrange(2) else _from_corpus(rng, _RESPONSES))


def run_requests(rng: Random, wire: bytes) -> None:
    check_requests(wire)
    check_splits(wire, None, rng.choice(LIMITS), cuts(rng, wire))


def run_response(rng: Random, wire: bytes) -> None:
    asking = rng.choice((GET, *ASKINGS))
    check_response(wire, asking)
    check_splits(wire, asking, rng.choice(LIMITS), cuts(rng, wire))


_KINDS: tuple[Callable[[Random], None], ...] = (
    *(_requests, _requests, _requests, _response, _response, _response),
    *(check_written_request, check_written_response),
)


def run_case(seed: int, number: int) -> None:
    """Finding, or any other error, if the case shows one."""
    rng = Random(f"{seed}/{number}")
    rng.choice(_KINDS)(rng)


def run_input(data: bytes) -> None:
    """A case from the bytes of another fuzzer: the first says which kind, the rest is the wire."""
    rng = Random(data[:2])
    (run_response if data[:1] < b"\x80" else run_requests)(rng, data[2:])


def inputs() -> Iterator[bytes]:
    """The corpus, as `run_input` takes it."""
    yield from (b"\xff\0" + wire for wire in _REQUESTS)
    yield from (b"\0\0" + wire for wire in _RESPONSES)


@dataclass
class Report:
    """How many cases were run, and what was found: one example of each sort."""

    cases: int = 0
    seconds: float = 0.0
    findings: dict[str, str] = field(default_factory=dict)


def run_campaign(seed: int, seconds: float, say: Callable[[str], object]) -> Report:
    """Run cases 0, 1, 2 ... of ``seed`` for so long."""
    report, begin = Report(), time.monotonic()
    told = begin
    while (now := time.monotonic()) - begin < seconds:
        if now - told >= 60:
            told = now
            say(f"{report.cases} cases, {len(report.findings)} findings\n")
        try:
            run_case(seed, report.cases)
        except Exception as error:  # noqa: BLE001 - whatever is raised has been found
            sort = _BYTES.sub("", f"{type(error).__name__}: {error}".partition("\n")[0])
            if sort not in report.findings:
                report.findings[sort] = f"case {report.cases} of seed {seed}: {type(error).__name__}: {error}"
                say(report.findings[sort] + "\n")
        report.cases += 1
    report.seconds = time.monotonic() - begin
    return report
