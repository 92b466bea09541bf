"""The report on telling places: figures, curve, worst pairs; the pairs as pictures only where that is asked for."""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from roadwarden.defects.same_place import SamePlaceTable
from roadwarden.detections import Image
from roadwarden.eval.places import JudgedPair, PlaceScore, Rate, Truth, worst
from roadwarden.eval.places_by_eye import EyeScore
from roadwarden.eval.plain import plain
from roadwarden.eval.type_plots import AXES, TICKS, Axes
from roadwarden.vision.registration import ALGORITHM_VERSION

PRECISION, RECALL = 0.98, 0.6
"""What issue 6 asks for."""
SHOWN = 12
_THUMB_PX = 360
_BINS = (0, 5, 10, 15, 20, 30, 40, 60, 80, 120, 160, 240, 320, 480, 10_000)

Picture = Callable[[str], Image]
"""The picture of a frame by its name."""


@dataclass(frozen=True, slots=True)
class PlaceReport:
    """One part; ``eye`` where judged pairs were given."""

    source: str
    part: str
    judged_at: datetime
    seed: int
    table: SamePlaceTable
    score: PlaceScore
    eye: EyeScore | None
    worst_same: tuple[JudgedPair, ...]
    worst_others: tuple[JudgedPair, ...]
    bins: tuple[tuple[str, int, int, int], ...]  # inliers; pairs of SAME, WEAK, OTHER

    @property
    def passed(self) -> bool:
        """Whether precision and recall reach what is asked for."""
        return self.score.at.precision.value >= PRECISION and self.score.at.recall.value >= RECALL

    def as_json(self) -> dict[str, Any]:
        """For the JSON file."""
        told = {"algorithm": ALGORITHM_VERSION, "asked": {"precision": PRECISION, "recall": RECALL}}
        rest = {
            name: plain(getattr(self, name))
            for name in ("source", "part", "judged_at", "seed", "score", "eye", "worst_same", "worst_others", "bins")
        }
        return {**told, "table": self.table.model_dump(mode="json"), "passed": self.passed, **rest}

    def lines(self) -> list[str]:
        """For the terminal."""
        score = self.score
        lines = [
            f"precision {told(score.at.precision)}, asked {PRECISION}",
            f"recall    {told(score.at.recall)}, asked {RECALL}; by place {score.recall_by_place.low:.3f} to "
            f"{score.recall_by_place.high:.3f}, {score.places} places",
            f"pairs of different groups called same: {told(score.at.false_same)}; "
            f"{score.negatives_a_positive:.1f} of them a positive",
            f"pairs known below 30 inliers called same: {told(score.weak_said_same)}",
            f"called other: {told(score.others_said_other)} of different groups, {told(score.same_said_other)} of one",
        ]
        if self.eye is not None:
            lines.append(f"judged by eye: precision {told(self.eye.precision)}, recall {told(self.eye.recall)}")
        return lines


def place_report(
    source: str,
    part: str,
    judged_at: datetime,
    seed: int,
    table: SamePlaceTable,
    judged: Sequence[JudgedPair],
    score: PlaceScore,
    eye: EyeScore | None,
) -> PlaceReport:
    """Adds the worst pairs and the histogram."""
    return PlaceReport(
        source=source,
        part=part,
        judged_at=judged_at,
        seed=seed,
        table=table,
        score=score,
        eye=eye,
        worst_same=worst(judged, Truth.SAME, SHOWN),
        worst_others=worst(judged, Truth.OTHER, SHOWN),
        bins=_bins(judged),
    )


def _bins(judged: Sequence[JudgedPair]) -> tuple[tuple[str, int, int, int], ...]:
    counts = [
        np.histogram([one.evidence.inliers for one in judged if one.truth is truth], _BINS)[0].tolist()
        for truth in Truth
    ]
    names = [f"{low}–{high - 1}" for low, high in itertools.pairwise(_BINS)]
    names[-1] = f"{_BINS[-2]}+"
    return tuple(zip(names, *counts, strict=True))


def told(rate: Rate) -> str:
    """0.987 (0.95-0.99), 75/76."""
    if math.isnan(rate.value):
        return "– (0/0)"
    return f"{rate.value:.4f} ({rate.low:.4f} to {rate.high:.4f}; {rate.part}/{rate.whole})"


CURVE = Axes()


def curve_points(score: PlaceScore) -> list[tuple[float, float, str]]:
    """(x, y, title) of the points of the curve that have a precision: recall to the right, precision up."""
    known = [point for point in score.curve if not math.isnan(point.precision.value)]
    return [
        (
            CURVE.x(point.recall.value),
            CURVE.y(point.precision.value),
            f"from {point.least_inliers} inliers: recall {point.recall.value:.3f}, "
            f"precision {point.precision.value:.4f}",
        )
        for point in known
    ]


def render_places(report: PlaceReport, picture: Picture | None = None) -> str:
    """The page; with ``picture`` the worst pairs are shown, and the page must not leave with the data set's licence."""
    environment = Environment(
        loader=PackageLoader("roadwarden.eval"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    most = max((max(row[1:]) for row in report.bins), default=1)
    return environment.get_template("places.html.j2").render(
        report=report,
        axes=AXES,
        ticks=TICKS,
        points=curve_points(report.score),
        asked=(PRECISION, RECALL),
        bars=[(name, [(count, _bar(count, most)) for count in counts]) for name, *counts in report.bins],
        told=told,
        worst=[
            (("Same place, least support", "同一地点, 支持最少"), _shown(report.worst_same, picture)),
            (("Different groups, most support", "不同分组, 支持最多"), _shown(report.worst_others, picture)),
        ],
    )


def _bar(count: int, most: int) -> float:
    """Width in per cent; by the root, for 5 must show beside 5,000."""
    return round(100 * math.sqrt(count / most), 1) if most else 0.0


def _shown(pairs: Sequence[JudgedPair], picture: Picture | None) -> list[tuple[JudgedPair, Markup | None]]:
    return [
        (one, None if picture is None else _side_by_side(picture(one.pair.a), picture(one.pair.b))) for one in pairs
    ]


def _side_by_side(ours: Image, theirs: Image) -> Markup:
    thumbs = [cv2.resize(one, (_THUMB_PX, _THUMB_PX), interpolation=cv2.INTER_AREA) for one in (ours, theirs)]
    jpeg = cv2.imencode(".jpg", np.hstack(thumbs), [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
    return Markup(base64.b64encode(jpeg).decode("ascii"))
