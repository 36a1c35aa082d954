"""From rounds to what is read: medians, ratios of pairs, targets, tables.

A ratio is the median of the ratios of each round, not the ratio of the medians: what a round compares ran
within seconds, so a machine that slows down for a while slows both sides of a pair.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from processes import BenchmarkError, progress

OURS = "pronghorn"
Figures = Mapping[str, float]


@dataclass(frozen=True)
class Subject:
    """Something that is measured: a program by name, on an event loop ("" where the loop does not matter)."""

    name: str
    loop: str
    command: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} ({self.loop})" if self.loop else self.name


@dataclass(frozen=True)
class Column:
    figure: str
    heading: str
    digits: int = 1


@dataclass(frozen=True)
class Target:
    """A bound on ours/peer for one figure, or on our figure itself where no peer is named."""

    text: str
    figure: str
    bound: float
    peer: str = ""
    is_floor: bool = False
    #: The loop that ours runs on; "" is the first that was measured.
    loop: str = ""

    def is_met_by(self, value: float) -> bool:
        return value >= self.bound if self.is_floor else value <= self.bound


@dataclass
class Table:
    """One benchmark: its rounds by subject, and how they are shown."""

    title: str
    columns: Sequence[Column]
    ratios: Sequence[str]
    targets: Sequence[Target] = ()
    rounds: dict[Subject, list[Figures]] = field(default_factory=dict)

    def median(self, subject: Subject, figure: str) -> float:
        return median(figures[figure] for figures in self.rounds[subject])

    def ratio(self, figure: str, ours: Subject, peer: Subject) -> float:
        pairs = zip(self.rounds[ours], self.rounds[peer], strict=False)
        return median(one[figure] / max(other[figure], 1e-9) for one, other in pairs)

    def counterpart(self, peer: Subject) -> Subject | None:
        """Ours on the same loop; for a peer with a loop of its own, ours on the first loop measured."""
        ours = [subject for subject in self.rounds if subject.name == OURS]
        same = [subject for subject in ours if subject.loop == peer.loop]
        return next(iter(same or ours), None)


def alternate(
    title: str, subjects: Iterable[Subject], rounds: int, measure: Callable[[Subject], Mapping[str, Figures]]
) -> tuple[dict[str, dict[Subject, list[Figures]]], list[str]]:
    """Measures every subject once a round. Returns rounds by variant and subject, and what broke.

    A subject that broke is left out of the later rounds and of the result.
    """
    measured: dict[Subject, list[Mapping[str, Figures]]] = {subject: [] for subject in subjects}
    failures = []
    progress(f"{title}: {len(measured)} subjects, {rounds} rounds")
    for _ in range(rounds):
        for subject in list(measured):
            try:
                measured[subject].append(measure(subject))
            except BenchmarkError as error:
                failures.append(f"{title}: {subject}: {error}")
                progress(f"BROKEN {failures[-1]}")
                del measured[subject]
    variants: dict[str, dict[Subject, list[Figures]]] = {}
    for subject, figures in measured.items():
        for variant in figures[0]:
            variants.setdefault(variant, {})[subject] = [one[variant] for one in figures]
    return variants, failures


def render(table: Table) -> str:
    """The table as text: medians, spread of the first ratio's figure, ratios, then the targets."""
    heading = [column.heading for column in table.columns] + ["spread"]
    ratio_heading = [f"x {figure}" for figure in table.ratios]
    name_width = max(map(len, map(str, table.rounds)), default=0)
    lines = [table.title, " " * name_width + _cells(heading) + "   |" + _cells(ratio_heading)]
    for subject in table.rounds:
        medians = [f"{table.median(subject, column.figure):,.{column.digits}f}" for column in table.columns]
        ours = table.counterpart(subject)
        ratios = []
        if ours is not None and subject.name != OURS:
            ratios = [f"{table.ratio(figure, ours, subject):.2f}" for figure in table.ratios]
        row = _cells([*medians, _spread(table, subject)]) + "   |" + _cells(ratios)
        lines.append(f"{subject!s:{name_width}}{row}".rstrip(" |"))
    return "\n".join(lines + [_verdict(table, target) for target in table.targets])


def _cells(values: Iterable[str]) -> str:
    return "".join(f"{value:>12}" for value in values)


def _spread(table: Table, subject: Subject) -> str:
    values = [figures[table.ratios[0]] for figures in table.rounds[subject]]
    return f"{(max(values) - min(values)) / median(values):.0%}" if median(values) else "-"


def _verdict(table: Table, target: Target) -> str:
    loops = (target.loop,) if target.loop else tuple(subject.loop for subject in table.rounds)
    ours = next((one for one in table.rounds if one.name == OURS and one.loop in loops), None)
    if ours is None:
        return f"  {target.text}: not measured"
    value = table.median(ours, target.figure)
    if target.peer:
        # All peers of a target run on the loop that ours runs on, or on none.
        peers = (one for one in table.rounds if one.name == target.peer and one.loop in (ours.loop, ""))
        peer = next(peers, None)
        if peer is None:
            return f"  {target.text}: not measured"
        value = table.ratio(target.figure, ours, peer)
    loop = f" on {ours.loop}" if ours.loop else ""
    return f"  {target.text}: {value:.2f}{loop} {'ok' if target.is_met_by(value) else 'MISSED'}"
