"""The figures of a run: rows of values by contestant, round by round; kept as JSON."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.work import OURS, Target


@dataclass(frozen=True)
class Spread:
    """What several rounds gave."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Row:
    """One metric of one work."""

    work: str
    group: str
    title: str
    unit: str
    values: dict[str, list[float]]
    """By contestant, one for each round; those of one round stand at the same place."""
    targets: tuple[Target, ...]

    def value(self, contestant: str) -> Spread | None:
        """None, if it did not take part."""
        values = self.values.get(contestant)
        return Spread.of(values) if values else None

    def ratio(self, contestant: str) -> Spread | None:
        """Ours to theirs, round by round."""
        ours, theirs = self.values[OURS], self.values.get(contestant)
        if not theirs or len(theirs) != len(ours):
            return None
        return Spread.of([a / b if b else float("inf") for a, b in zip(ours, theirs, strict=True)])

    def meets(self, target: Target) -> bool | None:
        """None, if it cannot be told here."""
        found = self.ratio(target.against) if target.against else self.value(OURS)
        if found is None:
            return None
        return found.median >= target.limit if target.at_least else found.median <= target.limit


@dataclass(frozen=True)
class Results:
    """A whole run."""

    scale: str
    date: str
    seconds: int
    machine: dict[str, str]
    missing: dict[str, str]
    """Contestants that did not take part, and why."""
    rows: list[Row]

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Results:
        found = json.loads(path.read_text(encoding="utf-8"))
        rows = [
            Row(**{**row, "targets": tuple(Target(**target) for target in row["targets"])}) for row in found["rows"]
        ]
        return cls(**{**found, "rows": rows})

    def groups(self) -> dict[str, list[Row]]:
        """The rows by group, in order."""
        groups: dict[str, list[Row]] = {}
        for row in self.rows:
            groups.setdefault(row.group, []).append(row)
        return groups
