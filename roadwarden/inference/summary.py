"""What people read of a job: summary.json, and report.html that opens offline."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import roadwarden
from roadwarden.inference.outcome import FrameResult, Outcome, OutcomeKind
from roadwarden.inference.parts import result_of_row
from roadwarden.inference.report import MapMark, Report, WorstFrame, render_report
from roadwarden.inference.results import DETECTIONS, FRAMES, Tally
from roadwarden.inference.workspace import write_json

WORST_FRAMES, MOST_PROBLEMS, MOST_MARKS = 12, 200, 4000

Pictures = Callable[[Sequence[FrameResult]], list[bytes]]
"""Drawn and redacted JPEGs of those frames, in order."""


def write_summary(out: Path, job: dict[str, Any], tally: Tally) -> None:
    """Writes summary.json: counts and what they were made with, no times."""
    kept = {key: job[key] for key in ("archive", "listing", "model", "track", "settings")}
    write_json(out / "summary.json", {"roadwarden": roadwarden.__version__, **kept, **tally.as_json()})


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What the report shows of the tables, bounded whatever their length."""

    worst: list[FrameResult]
    problems: list[tuple[str, str]]
    track: list[MapMark]
    marks: list[MapMark]


def write_report(out: Path, job: dict[str, Any], tally: Tally, run: dict[str, Any], pictures: Pictures) -> None:
    """Writes report.html from the tables that lie in ``out``."""
    chosen = _choose(out, tally)
    drawn = pictures(chosen.worst)
    worst = [
        WorstFrame(
            result.frame.path,
            jpeg,
            [
                (str(distress), float(score))
                for distress, score in zip(result.detections.types, result.detections.scores, strict=True)
            ],
        )
        for result, jpeg in zip(chosen.worst, drawn, strict=True)
    ]
    report = Report(job=job, tally=tally, run=run, track=chosen.track, marks=chosen.marks, worst=worst,
                    problems=chosen.problems)  # fmt: skip
    draft = out / "report.html.tmp"
    draft.write_text(render_report(report), encoding="utf-8")
    draft.replace(out / "report.html")


def _choose(out: Path, tally: Tally) -> _Chosen:
    problems: list[tuple[str, str]] = []
    track: list[MapMark] = []
    scored: dict[str, float] = {}
    every = max(1, tally.located // MOST_MARKS)
    located = 0
    for row in _rows(out / FRAMES):
        outcome = Outcome.of(row["outcome"])
        if outcome.kind in {OutcomeKind.POOR_QUALITY, OutcomeKind.UNREADABLE} and len(problems) < MOST_PROBLEMS:
            problems.append((row["frame"], row["outcome"]))
        if row["lat"] is not None:
            if located % every == 0:
                track.append(MapMark(row["lat"], row["lon"], str(outcome.kind), row["frame"]))
            located += 1
    for row in _rows(out / DETECTIONS):
        scored[row["frame"]] = scored.get(row["frame"], 0.0) + row["score"]
    worst = heapq.nsmallest(WORST_FRAMES, scored.items(), key=lambda item: (-item[1], item[0]))
    return _Chosen(_results(out, [frame for frame, _ in worst]), problems, track, _marks(out, tally))


def _marks(out: Path, tally: Tally) -> list[MapMark]:
    every = max(1, tally.detections.total() // MOST_MARKS)
    located = (row for row in _rows(out / DETECTIONS) if row["lat"] is not None)
    return [
        MapMark(row["lat"], row["lon"], row["type"], f"{row['frame']} {row['score']:.2f}")
        for number, row in enumerate(located)
        if number % every == 0
    ]


def _results(out: Path, frames: Sequence[str]) -> list[FrameResult]:
    """Those frames as results, in that order, read back from the tables."""
    wanted: dict[str, list[dict[str, Any]]] = {frame: [] for frame in frames}
    for row in _rows(out / DETECTIONS):
        if row["frame"] in wanted:
            wanted[row["frame"]].append(row)
    rows = {row["frame"]: row for row in _rows(out / FRAMES) if row["frame"] in wanted}
    return [result_of_row({**rows[frame], "boxes": boxes}) for frame, boxes in wanted.items()]


def _rows(table: Path) -> Iterator[dict[str, Any]]:
    for group in pq.ParquetFile(table).iter_batches():
        yield from group.to_pylist()
