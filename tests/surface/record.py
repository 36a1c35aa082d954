"""What was noted and what is found now, held against each other."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from .compare import Answer
from .page import PAGE, write_page
from .ratchet import COUNTS, GAPS, OUTCOMES, counts, gaps, read_gaps, worse, write_counts, write_gaps
from .reasons import REASONS, Explained, load, prune
from .rows import Row, Surface

UPDATE = "python tests/surface/check.py --update"


class Record:
    """The answers of one walk, with the files that they have to agree with."""

    def __init__(self, surface: Surface, answers: Mapping[str, Answer]) -> None:
        self.rows: list[Row] = surface.rows()
        self.explained = Explained(self.rows, answers, load(REASONS.read_text("utf-8")))
        self._surface = surface
        self._gaps = gaps(self.rows, answers)

    def without_reason(self) -> list[str]:
        return [
            f"no reason for {row.id}: {'; '.join(self.explained.answers[row.id].problems)}"
            for row in self.explained.unexplained()
        ]

    def stale_reasons(self) -> list[str]:
        return [f"explains no row: [{reason.section}] {reason.pattern!r}" for reason in self.explained.stale]

    def worse(self) -> list[str]:
        before = read_gaps(self.rows, GAPS.read_text("utf-8")) if GAPS.exists() else self._gaps
        return [f"got worse: {finding}" for finding in worse(before, self._gaps)]

    def unnoted(self) -> list[str]:
        """The generated files that say something else than what is found."""
        return [
            f"{path.name} is not what is found now; to note what got better: {UPDATE}"
            for path, text in self._written.items()
            if not path.exists() or path.read_text("utf-8") != text
        ]

    def findings(self) -> list[str]:
        return [*self.without_reason(), *self.stale_reasons(), *self.worse(), *self.unnoted()]

    def update(self) -> list[str]:
        """Write the files, unless a row got worse or is not explained; say what is in the way.

        Reasons that are not needed any more are taken out.
        """
        if not (findings := [*self.without_reason(), *self.worse()]):
            REASONS.write_text(prune(REASONS.read_text("utf-8"), self.explained.stale), "utf-8")
            for path, text in self._written.items():
                path.write_text(text, "utf-8")
        return findings

    def summary(self) -> list[str]:
        lines = ["".join(f"{word:>10}" for word in ("", *OUTCOMES))]
        for category, numbers in counts(self.explained).items():
            lines.append("".join(f"{word:>10}" for word in (category, *numbers.values())))
        return lines

    @cached_property
    def _written(self) -> dict[Path, str]:
        return {
            COUNTS: write_counts(counts(self.explained)),
            GAPS: write_gaps(self.rows, self._gaps),
            PAGE: write_page(self._surface, self.explained),
        }
