"""The report of a batch job: one HTML file that opens offline."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from roadwarden.data.track import METRES_PER_DEGREE
from roadwarden.inference.outcome import OutcomeKind
from roadwarden.inference.results import Tally
from roadwarden.taxonomy import DistressType, describe
from roadwarden.vision.drawing import hex_colour

MAP_WIDTH, MAP_HEIGHT, MAP_MARGIN = 900.0, 460.0, 24.0
OUTCOME_COLOURS = {"detected": "#d55e00", "clean": "#009e73", "poor_quality": "#e69f00", "unreadable": "#999999"}


@dataclass(frozen=True, slots=True)
class MapMark:
    """A point of the map: ``kind`` is a distress type or an outcome."""

    lat: float
    lon: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class WorstFrame:
    """A frame with much distress, drawn and redacted."""

    path: str
    jpeg: bytes
    seen: Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Report:
    """What a report shows; the caller bounds the lists."""

    job: dict[str, Any]
    tally: Tally
    run: dict[str, Any]
    track: Sequence[MapMark]
    marks: Sequence[MapMark]
    worst: Sequence[WorstFrame]
    problems: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Projection:
    """Degrees to map units, north up, metres equal in both directions at the track's latitude."""

    south: float
    west: float
    metres_per_unit: float
    cosine: float

    @classmethod
    def over(cls, marks: Sequence[MapMark]) -> Projection:
        """Fits all marks into the map."""
        south, north = min(mark.lat for mark in marks), max(mark.lat for mark in marks)
        west, east = min(mark.lon for mark in marks), max(mark.lon for mark in marks)
        cosine = max(0.01, math.cos(math.radians((south + north) / 2)))
        high, wide = (north - south) * METRES_PER_DEGREE, (east - west) * METRES_PER_DEGREE * cosine
        inner = MAP_WIDTH - 2 * MAP_MARGIN, MAP_HEIGHT - 2 * MAP_MARGIN
        metres = max(wide / inner[0], high / inner[1], 0.05)
        slack = (inner[0] * metres - wide) / 2, (inner[1] * metres - high) / 2
        return cls(south - slack[1] / METRES_PER_DEGREE, west - slack[0] / METRES_PER_DEGREE / cosine, metres, cosine)

    def place(self, mark: MapMark) -> tuple[float, float]:
        """x, y of a mark."""
        x = (mark.lon - self.west) * METRES_PER_DEGREE * self.cosine / self.metres_per_unit
        y = (mark.lat - self.south) * METRES_PER_DEGREE / self.metres_per_unit
        return round(MAP_MARGIN + x, 1), round(MAP_HEIGHT - MAP_MARGIN - y, 1)

    @property
    def scale_bar_m(self) -> int:
        """A round length that takes about a fifth of the map."""
        wanted = MAP_WIDTH / 5 * self.metres_per_unit
        power = 10 ** math.floor(math.log10(max(wanted, 1)))
        return int(max(step * power for step in (1, 2, 5) if step * power <= max(wanted, 1)))


def render_report(report: Report) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("roadwarden.inference"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html.j2").render(
        report=report,
        types=_types(report.tally),
        kinds=[(str(kind), report.tally.kind(kind), OUTCOME_COLOURS[kind]) for kind in OutcomeKind],
        map=_map(report),
        pictures=[(frame, Markup(base64.b64encode(frame.jpeg).decode("ascii"))) for frame in report.worst],
        named=_named,
        colour=lambda name: hex_colour(DistressType(name)),
        stages={name: seconds for name, seconds in report.run["stages"].items() if seconds},
    )


def _named(name: str) -> tuple[str, str]:
    info = describe(DistressType(name))
    return info.english, info.chinese


def _types(tally: Tally) -> list[dict[str, Any]]:
    most = max(tally.detections.values(), default=1)
    return [
        {
            "english": _named(name)[0],
            "chinese": _named(name)[1],
            "count": count,
            "frames": tally.frames_with[name],
            "share": round(100 * count / most, 1),
            "colour": hex_colour(DistressType(name)),
        }
        for name, count in tally.detections.most_common()
    ]


def _map(report: Report) -> dict[str, Any] | None:
    everything = [*report.track, *report.marks]
    if not everything:
        return None
    projection = Projection.over(everything)
    return {
        "width": MAP_WIDTH,
        "height": MAP_HEIGHT,
        "track": [(*projection.place(mark), OUTCOME_COLOURS[mark.kind], mark.title) for mark in report.track],
        "marks": [
            (*projection.place(mark), hex_colour(DistressType(mark.kind)), f"{_named(mark.kind)[0]}: {mark.title}")
            for mark in report.marks
        ],
        "bar_m": projection.scale_bar_m,
        "bar_units": round(projection.scale_bar_m / projection.metres_per_unit, 1),
    }
