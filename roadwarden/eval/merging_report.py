"""The report on merging: several streets, their mean and worst, against the targets; and a map of one stretch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from itertools import zip_longest
from typing import Any

import cv2
import numpy as np

from roadwarden.data.street_passes import StreetPasses, StreetSettings, make_street_passes
from roadwarden.defects.defect import Defect
from roadwarden.defects.folding import defects_of
from roadwarden.defects.merging import merge
from roadwarden.defects.policy import MergingPolicy
from roadwarden.detections import Image
from roadwarden.eval.merging import PLANE, MergingScore, Survey, score, survey
from roadwarden.eval.merging_errors import Kinds, PairErrors, mean_errors, pair_errors

TARGETS = {
    "position_median_m": (0.5, "at most"),
    "position_p95_m": (1.5, "at most"),
    "pair_f1": (0.95, "at least"),
    "over_merged": (0.01, "at most"),
}
_PX_PER_M, _STRETCH_M = 14, 70.0
_SHOWN = 0.0005


@dataclass(frozen=True, slots=True)
class MergingReport:
    """Scores of the streets that the seeds draw, all with the same settings."""

    seeds: tuple[int, ...]
    settings: StreetSettings
    policy: MergingPolicy
    scores: tuple[MergingScore, ...]
    errors: tuple[PairErrors, ...]

    def mean(self, name: str) -> float | None:
        """Over the streets, each counting once; streets without a value are left out, None where none has one."""
        values = [value for one in self.scores if (value := getattr(one, name)) is not None]
        return float(np.mean(values)) if values else None

    def holds(self, name: str) -> bool:
        """Whether the mean keeps the target."""
        limit, sense = TARGETS[name]
        mean = self.mean(name)
        return mean is not None and (mean <= limit if sense == "at most" else mean >= limit)

    def as_json(self) -> dict[str, Any]:
        """Plain values; streets in the order of their seeds."""
        names = [field.name for field in fields(MergingScore)]
        return {
            "seeds": list(self.seeds),
            "settings": asdict(self.settings),
            "policy": asdict(self.policy),
            "mean": {name: _rounded(self.mean(name)) for name in names},
            "targets": {
                name: {"limit": limit, "sense": sense, "holds": self.holds(name)}
                for name, (limit, sense) in TARGETS.items()
            },
            "pair_errors": {
                name: {kind: _rounded(share) for kind, share in kinds.items()}
                for name, kinds in asdict(mean_errors(self.errors)).items()
            },
            "streets": [{name: _rounded(value) for name, value in one.as_json().items()} for one in self.scores],
        }

    def as_markdown(self, command: str, day: date) -> str:
        """For people: the targets, then every street, then which pairs are wrong."""
        lines = ["# How well sightings become defects", "", f"    {command}", "", f"{day.isoformat()}.", ""]
        lines += [
            f"Synthetic streets of {self.settings.length_m:.0f} m, {self.settings.passes} passes, fixes with "
            f"{self.settings.white_m} m of white noise and {self.settings.drift_m} m of slow drift (one axis).",
            "",
            "| | mean | worst street | target | |",
            "| --- | --- | --- | --- | --- |",
        ]
        for name, (limit, sense) in TARGETS.items():
            values = [getattr(one, name) for one in self.scores]
            worst = max(values) if sense == "at most" else min(values)
            verdict = "holds" if self.holds(name) else "**missed**"
            lines.append(f"| {name} | {_rounded(self.mean(name))} | {_rounded(worst)} | {sense} {limit} | {verdict} |")
        names = [field.name for field in fields(MergingScore)]
        lines += ["", "| seed | " + " | ".join(names) + " |", "| --- " * (len(names) + 1) + "|"]
        for seed, one in zip(self.seeds, self.scores, strict=True):
            lines.append(f"| {seed} | " + " | ".join(str(_rounded(getattr(one, name))) for name in names) + " |")
        errors = mean_errors(self.errors)
        lines += ["", "Pairs that are wrong, as shares of all true pairs, mean of the streets:", ""]
        lines += ["| one thing in pieces | | two things mixed | |", "| --- | --- | --- | --- |"]
        lines += _side_by_side(errors.missed, errors.wrong)
        return "\n".join([*lines, "", "Words: `docs/merging.md`.", ""])


def judge_merging(
    seeds: Sequence[int],
    settings: StreetSettings,
    policy: MergingPolicy | None = None,
    on_street: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[MergingReport, Image]:
    """The report, and the map of the first street's beginning."""
    rules, scores, errors = policy or MergingPolicy(), list[MergingScore](), list[PairErrors]()
    picture: Image | None = None
    for done, seed in enumerate(seeds, start=1):
        street = make_street_passes(seed, settings)
        seen = survey(street)
        defects = defects_of(merge(seen.sightings, PLANE, rules), seen.sightings, PLANE, rules)
        scores.append(score(street, seen, defects))
        homes = {name: defect.id for defect in defects for name in defect.sightings}
        errors.append(pair_errors(street.things, homes, seen.truth))
        picture = draw_map(street, seen, defects) if picture is None else picture
        on_street(done, len(seeds))
    if picture is None:
        raise ValueError("no seeds: give at least one street")
    return MergingReport(tuple(seeds), settings, rules, tuple(scores), tuple(errors)), picture


def draw_map(street: StreetPasses, seen: Survey, defects: Sequence[Defect]) -> Image:
    """BGR: true things grey, sightings in the colour of their defect, defects seen by two passes or more as crosses."""
    corners = np.array([street.bend.place(along, left) for along in (0.0, _STRETCH_M) for left in (-8.0, 8.0)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    width, height = ((high - low) * _PX_PER_M).astype(int)
    canvas = np.full((height, width, 3), 255, np.uint8)

    def pixel(place: Sequence[float]) -> tuple[int, int]:
        return round((place[0] - low[0]) * _PX_PER_M), round((high[1] - place[1]) * _PX_PER_M)

    for thing in street.things:
        half, side = thing.length_m / 2, thing.width_m / 2
        outline = [(-half, -side), (half, -side), (half, side), (-half, side)]
        points = [pixel(street.bend.place(thing.along_m + a, thing.left_m + b)) for a, b in outline]
        cv2.fillPoly(canvas, [np.array(points, np.int32)], (190, 190, 190))
    homes = {name: defect for defect in defects for name in defect.sightings}
    places = PLANE.to_metres([(one.position.lat, one.position.lon) for one in seen.sightings])
    for sighting, place in zip(seen.sightings, places.tolist(), strict=True):
        cv2.circle(canvas, pixel(place), 2, _colour(homes[sighting.id].id), -1, cv2.LINE_AA)
    for defect in defects:
        if len(defect.passes) > 1:
            cv2.drawMarker(canvas, pixel(PLANE.metres_of(defect.position)), (0, 0, 0), cv2.MARKER_CROSS, 12, 2)
    return canvas


def _side_by_side(left: Kinds, right: Kinds) -> list[str]:
    columns = [[(kind, f"{share:.4f}") for kind, share in kinds.items() if share >= _SHOWN] for kinds in (left, right)]
    rows = zip_longest(*columns, fillvalue=("", ""))
    return [f"| {one[0]} | {one[1]} | {other[0]} | {other[1]} |" for one, other in rows]


def _colour(name: str) -> tuple[int, int, int]:
    red, green, blue = (40 + int(name[at : at + 2], 16) * 3 // 4 for at in (0, 2, 4))
    return blue, green, red


def _rounded(value: float | None) -> float | None:
    return round(value, 4) if isinstance(value, float) else value
