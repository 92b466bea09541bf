"""How long it takes to colour a district anew: coverage, cells and their counts, at growing sizes."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from roadwarden.defects.bands import bands, coarser
from roadwarden.defects.cells import Code, Grid, Unhealthy, rebuild
from roadwarden.defects.coverage import coverage
from roadwarden.defects.inspected import Inspections, microseconds
from roadwarden.defects.patrol import shipped_patrol_table
from roadwarden.defects.roadways import Roads, Roadway, millimetres
from roadwarden.errors import DataError
from roadwarden.eval.growth import Cost, against_n_log_n
from roadwarden.geo.places import RoadGrade

ROAD_M, WIDTH_M, LANES = 1000.0, 10.0, 3
LOOKS, DEFECTS = 100, 50
"""For each road: stretches of 20 to 500 m over four days, a tenth of them unusable; defects of about a metre."""
NOW = datetime(2026, 11, 25, tzinfo=UTC)
DAYS = 4
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class CellsRun:
    """One size: CPU seconds of each step, medians of the rounds."""

    roads: int
    cells: int
    looks: int
    coverage_s: float
    rebuild_s: float
    bands_s: float

    @property
    def seconds(self) -> float:
        """All three steps."""
        return self.coverage_s + self.rebuild_s + self.bands_s


@dataclass(frozen=True, slots=True)
class CellsBench:
    """All sizes, and the most memory that the process ever held."""

    runs: tuple[CellsRun, ...]
    peak_rss_mb: float

    @property
    def costs(self) -> list[Cost]:
        """Seconds over cells."""
        return [Cost(run.cells, run.seconds) for run in self.runs]

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        growth = against_n_log_n(self.costs)
        runs = [
            {**asdict(run), "seconds": run.seconds, "n_log_n": factor}
            for run, factor in zip(self.runs, growth, strict=True)
        ]
        return {"runs": runs, "peak_rss_mb": self.peak_rss_mb}

    def markdown(self) -> str:
        """The table of eval/benchmarks/README.md."""
        lines = [
            "| roads | cells | looks | coverage, s | cells, s | bands, s | all, s | against n log n |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for run, factor in zip(self.runs, against_n_log_n(self.costs), strict=True):
            lines.append(
                f"| {run.roads:,} | {run.cells:,} | {run.looks:,} | {run.coverage_s:.3f} | {run.rebuild_s:.3f} "
                f"| {run.bands_s:.3f} | {run.seconds:.3f} | {factor:.2f} |"
            )
        return "\n".join([*lines, "", f"Peak RSS {self.peak_rss_mb:.0f} MB. CPU seconds of one core.", ""])


def bench_cells(
    sizes: Sequence[int], *, rounds: int = ROUNDS, seed: int = 0, tell: Callable[[str], None] = lambda _: None
) -> CellsBench:
    """Rebuilds districts of so many roads of 1 km x 10 m, the smallest first."""
    if not sizes or min(sizes) < 1:
        raise DataError("say how many roads; a size is 1 or more")
    runs = []
    for roads in sorted(set(sizes)):
        tell(f"{roads:,} roads")
        runs.append(_run(roads, rounds, np.random.default_rng([seed, roads])))
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return CellsBench(tuple(runs), peak_kib / 1024)


def _run(count: int, rounds: int, rng: np.random.Generator) -> CellsRun:
    grades = list(RoadGrade)
    roads = Roads(tuple(Roadway(str(n), grades[n % len(grades)], ROAD_M, WIDTH_M, LANES) for n in range(count)))
    looks, unhealthy = _looks(count, rng), _unhealthy(count, rng)
    steps = [_timed(roads, looks, unhealthy) for _ in range(rounds)]
    cover, build, count_up = (statistics.median(step) for step in zip(*steps, strict=True))
    return CellsRun(count, len(Grid(roads)), len(looks), cover, build, count_up)


def _timed(roads: Roads, looks: Inspections, unhealthy: Sequence[Unhealthy]) -> tuple[float, float, float]:
    marks = [time.process_time()]
    seen = coverage(roads, looks, shipped_patrol_table(), NOW)
    marks.append(time.process_time())
    cells = rebuild(Grid(roads), seen, unhealthy)
    marks.append(time.process_time())
    coarser(coarser(bands(cells, 10), 100), 1000)
    marks.append(time.process_time())
    return marks[1] - marks[0], marks[2] - marks[1], marks[3] - marks[2]


def _looks(roads: int, rng: np.random.Generator) -> Inspections:
    count = roads * LOOKS
    from_m = rng.uniform(0, ROAD_M - 20, count)
    to_m = np.minimum(from_m + rng.uniform(20, 500, count), ROAD_M)
    ago_us = (rng.uniform(0, DAYS * 86_400, count) * 1e6).astype(np.int64)
    return Inspections(
        road=rng.integers(0, roads, count),
        lane=rng.integers(-1, LANES, count),
        from_mm=millimetres(from_m),
        to_mm=millimetres(to_m),
        at_us=microseconds(NOW) - ago_us,
        usable=rng.random(count) < 0.9,
    )


def _unhealthy(roads: int, rng: np.random.Generator) -> list[Unhealthy]:
    count = roads * DEFECTS
    road = rng.integers(0, roads, count).tolist()
    along, across = rng.uniform(0, ROAD_M, count).tolist(), rng.uniform(0, WIDTH_M, count).tolist()
    length, width = rng.gamma(2, 0.6, count).tolist(), rng.gamma(2, 0.3, count).tolist()
    severe = (rng.random(count) < 0.1).tolist()
    columns = zip(road, along, across, length, width, severe, strict=True)
    return [
        Unhealthy(str(r), a, a + size, b, b + wide, Code.RED if red else Code.YELLOW)
        for r, a, b, size, wide, red in columns
    ]
