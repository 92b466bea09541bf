"""strip.html, strip.csv and strip.json: a run along its road, in English and Chinese; no picture of a frame in any."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from roadwarden.defects.strip import Fault, Finding, Run, Sight
from roadwarden.defects.strip_defects import Across, StripDefect, StripDefects, kinds
from roadwarden.defects.strip_layout import StripMap, lay_out, stake
from roadwarden.taxonomy import DistressType, describe
from roadwarden.vision.drawing import hex_colour

COLUMNS = ("run", "no", "from_m", "to_m", "type", "right", "left", "across", "looks", "score", "frames")
SIGHT_COLOURS = {
    Sight.DETECTED: "#7f8790",
    Sight.CLEAN: "#7f8790",
    Sight.POOR_QUALITY: "#e69f00",
    Sight.UNREADABLE: "#d55e00",
}
SIGHT_WORDS = {
    Sight.DETECTED: ("with distress", "有病害"),
    Sight.CLEAN: ("clean", "无病害"),
    Sight.POOR_QUALITY: ("poor quality", "画质不足"),
    Sight.UNREADABLE: ("unreadable", "无法读取"),
}
FAULT_WORDS = {
    Fault.GAP: ("no frame", "无帧"),
    Fault.SAME_METRE: ("several frames at one metre", "同一桩号多帧"),
    Fault.AGAINST: ("frame out of order", "桩号逆序"),
    Fault.NO_METRES: ("name without metres", "文件名无桩号"),
}


@dataclass(frozen=True, slots=True)
class DrawnRun:
    """A run with its defects and its map."""

    run: Run
    found: StripDefects
    map: StripMap


@dataclass(frozen=True, slots=True)
class StripReport:
    """All runs of an archive; ``camera`` is empty where boxes were not laid onto the road."""

    archive: str
    camera: str
    lane_width_m: float
    runs: tuple[DrawnRun, ...]
    without: tuple[str, ...]

    @property
    def defects(self) -> list[StripDefect]:
        """Of all runs."""
        return [one for drawn in self.runs for one in drawn.found.defects]

    @property
    def metres(self) -> bool:
        """Whether places across the road are in metres."""
        return bool(self.camera)

    def as_json(self) -> dict[str, Any]:
        """Counts, findings and defects."""
        return {
            "archive": self.archive,
            "camera": self.camera or None,
            "lane_width_m": self.lane_width_m,
            "without_metres": list(self.without),
            "runs": [_run_json(drawn) for drawn in self.runs],
        }

    def as_csv(self) -> str:
        """A defect a line, by run and chainage."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for drawn in self.runs:
            for number, one in enumerate(drawn.found.defects, 1):
                writer.writerow(_row(drawn.run.name, number, one, drawn.found.across))
        return text.getvalue()


def strip_report(
    archive: str, camera: str, lane_width_m: float, runs: Sequence[tuple[Run, StripDefects]], without: Sequence[str]
) -> StripReport:
    """Lays the runs out."""
    drawn = tuple(DrawnRun(run, found, lay_out(run, found, lane_width_m)) for run, found in runs)
    return StripReport(archive, camera, lane_width_m, drawn, tuple(without))


def render_strip(report: StripReport) -> str:
    """The page; it opens offline."""
    environment = Environment(
        loader=PackageLoader("roadwarden.inference"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("strip.html.j2").render(
        report=report,
        types=[(_words(distress), hex_colour(distress), count) for distress, count in kinds(report.defects).items()],
        colour=hex_colour,
        sight_colours=SIGHT_COLOURS,
        sights=_sights(report),
        words=_words,
        stake=stake,
        faults=[(drawn.run.name, finding, FAULT_WORDS[finding.fault]) for drawn, finding in _findings(report)],
    )


def _words(distress: DistressType) -> tuple[str, str]:
    info = describe(distress)
    return info.english, info.chinese


def _sights(report: StripReport) -> list[tuple[tuple[str, str], str, int]]:
    counts = Counter(frame.sight for drawn in report.runs for frame in drawn.run.frames)
    return [(SIGHT_WORDS[sight], SIGHT_COLOURS[sight], counts[sight]) for sight in Sight if counts[sight]]


def _findings(report: StripReport) -> list[tuple[DrawnRun, Finding]]:
    return [(drawn, finding) for drawn in report.runs for finding in drawn.run.findings]


def _row(run: str, number: int, one: StripDefect, across: Across) -> tuple[str | int, ...]:
    ends = (f"{one.from_m:.2f}", f"{one.to_m:.2f}")
    sides = (f"{one.right_at:.2f}", f"{one.left_at:.2f}")
    return (run, number, *ends, str(one.type), *sides, str(across), one.looks, f"{one.score:.3f}", " ".join(one.frames))


def _run_json(drawn: DrawnRun) -> dict[str, Any]:
    run, found = drawn.run, drawn.found
    return {
        "run": run.name,
        "direction": run.direction,
        "from_m": run.from_m,
        "to_m": run.to_m,
        "frames": len(run.frames),
        "usual_step_m": run.step_m,
        "frames_by_sight": dict(sorted(Counter(str(frame.sight) for frame in run.frames).items())),
        "without_frame_m": round(run.gap_m, 3),
        "findings": [
            {"fault": one.fault, "from_m": one.from_m, "to_m": one.to_m, "frames": list(one.frames)}
            for one in run.findings
        ],
        "boxes_without_place": {str(reason): count for reason, count in sorted(found.refused.items())},
        "across": found.across,
        "defects_by_type": {str(distress): count for distress, count in kinds(found.defects).items()},
        "defects": [
            {
                "type": one.type,
                "from_m": round(one.from_m, 2),
                "to_m": round(one.to_m, 2),
                "right": round(one.right_at, 2),
                "left": round(one.left_at, 2),
                "looks": one.looks,
                "score": round(one.score, 4),
            }
            for one in found.defects
        ],
    }
