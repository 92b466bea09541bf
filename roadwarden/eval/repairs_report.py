"""What a run of ``roadwarden eval repairs`` leaves: one JSON object, and a page of tables. Numbers only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from roadwarden.eval.repairs import Outcome, Rate, RepairScore

MOST_FALSE_PASS, MOST_FALSE_PASS_BOUND = 0.02, 0.04
LEAST_RIGHT, MOST_UNCERTAIN, LEAST_ALIGNED, MOST_SECONDS = 0.85, 0.25, 0.80, 1.5
"""The targets of issue 9."""


@dataclass(frozen=True, slots=True)
class Run:
    """What was judged, by what."""

    source: str  # street, or a part of the roads
    seed: str
    at: datetime
    versions: dict[str, str]
    score: RepairScore
    outcomes: tuple[Outcome, ...]
    machine: str
    peak_rss_mb: float  # of the whole process, what draws the triples included

    def targets(self) -> dict[str, tuple[Rate | float, str, bool]]:
        """Figure, what is wanted, and whether it is reached; a figure of nothing does not reach."""
        of = self.score
        return {
            "false pass": (of.false_pass, f"≤ {MOST_FALSE_PASS:.0%}", of.false_pass.value <= MOST_FALSE_PASS),
            "its upper 95 % bound": (
                of.false_pass.high,
                f"≤ {MOST_FALSE_PASS_BOUND:.0%}",
                of.false_pass.high <= MOST_FALSE_PASS_BOUND,
            ),
            "right, of the decidable that were decided": (
                of.right_of_decided,
                f"≥ {LEAST_RIGHT:.0%}",
                of.right_of_decided.value >= LEAST_RIGHT,
            ),
            "uncertain, of the decidable": (
                of.uncertain,
                f"≤ {MOST_UNCERTAIN:.0%}",
                of.uncertain.value <= MOST_UNCERTAIN,
            ),
            "aligned, of the pairs of one place": (
                of.alignment,
                f"≥ {LEAST_ALIGNED:.0%}",
                of.alignment.value >= LEAST_ALIGNED,
            ),
            "seconds of CPU, P95": (of.cpu_seconds_p95, f"≤ {MOST_SECONDS}", of.cpu_seconds_p95 <= MOST_SECONDS),
        }

    def as_json(self) -> dict[str, Any]:
        """Every figure and every outcome, so that two versions can be compared triple by triple."""
        figures = {name: plain(getattr(self.score, name)) for name in self.score.__slots__ if name != "kinds"}
        kinds = {
            str(kind): {name: plain(getattr(one, name)) for name in one.__slots__}
            for kind, one in self.score.kinds.items()
        }
        return {
            "source": self.source,
            "seed": self.seed,
            "at": self.at.isoformat(timespec="seconds"),
            "versions": self.versions,
            "machine": self.machine,
            "peak_rss_mb": round(self.peak_rss_mb, 1),
            "targets": {name: reached for name, (_, _, reached) in self.targets().items()},
            "figures": figures,
            "kinds": kinds,
            "outcomes": [_rounded(asdict(one)) for one in self.outcomes],
        }

    def markdown(self, pictures: Mapping[str, str] | None = None) -> str:
        """The page, with the pictures that lie beside it: what each shows, by its file's name."""
        return "\n".join(self._lines(pictures or {})) + "\n"

    def _lines(self, pictures: Mapping[str, str]) -> Iterator[str]:
        of = self.score
        yield f"# Repairs: {self.source}"
        yield ""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        yield f"{of.triples} triples of {of.groups} groups, seed {self.seed}; {versions}."
        yield f"On {self.machine}."
        yield "Bounds are Wilson's, 95 %, two-sided, as if triples were independent; those of one group are not."
        yield ""
        yield "| figure | value | wanted | |"
        yield "| --- | --- | --- | --- |"
        for name, (value, wanted, reached) in self.targets().items():
            yield f"| {name} | {shown(value)} | {wanted} | {'yes' if reached else '**no**'} |"
        for name, value in self._others():
            yield f"| {name} | {shown(value)} | | |"
        yield ""
        for name, shows in pictures.items():
            yield f"![{shows}]({name})"
            yield ""
        yield "| kind | triples | right | uncertain | said REPAIRED |"
        yield "| --- | --- | --- | --- | --- |"
        for kind, one in of.kinds.items():
            counts = f"{one.right.part} | {one.uncertain.part} | {one.passed.part}"
            yield f"| {kind.replace('_', ' ')} | {one.right.whole} | {counts} |"
        yield ""
        yield "| kind: verdict, reason | triples |"
        yield "| --- | --- |"
        for name, number in of.reasons.items():
            yield f"| {name} | {number} |"

    def _others(self) -> Iterator[tuple[str, Rate | float]]:
        of = self.score
        yield "right, of all decidable", of.right_of_decidable
        yield "false pass where the picture shows the open defect", of.false_pass_open
        yield "groups with a false pass", of.groups_with_false_pass
        yield "false fail: repaired, sent back", of.false_fail
        yield "repaired, said REPAIRED", of.passed
        yield "macro F1", of.macro_f1
        yield "calibration error of the score", of.calibration_error
        yield "seconds of CPU, median", of.cpu_seconds_p50
        yield "seconds on the clock, median, what else the machine did included", of.seconds_p50
        yield "seconds on the clock, P95, likewise", of.seconds_p95
        yield "peak memory of the process, MB, drawing of streets included", self.peak_rss_mb


def plain(value: Any) -> Any:
    """For JSON: rates with their bounds, numbers of four digits, NaN as null."""
    if isinstance(value, Rate):
        return {"part": value.part, "whole": value.whole} | {
            name: plain(getattr(value, name)) for name in ("value", "low", "high")
        }
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 4)
    return value


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in row.items()}


def shown(value: Rate | float) -> str:
    """For a table."""
    if isinstance(value, Rate):
        if not value.whole:
            return "none"
        return f"{value.value:.1%} ({value.part} of {value.whole}; {value.low:.1%} to {value.high:.1%})"
    return "none" if math.isnan(value) else f"{value:.3f}"
