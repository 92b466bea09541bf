"""Which metres of road a drive looked at: before every frame a piece, over the lanes that the camera sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from roadwarden.defects.inspected import Inspected, Quality, joined
from roadwarden.defects.roadways import Roadway
from roadwarden.geo.places import RoadPlace

SHARP_M = 15.0
"""Further away a defect is a few pixels high, and a place is worth little."""
NEAR_M = 2.0
"""Nearer to it a camera on a vehicle sees its own bonnet."""
BESIDE_M = 5.25
"""A lane is looked at if its middle lies no further than a lane and a half beside the camera."""
_ONWARD = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class View:
    """One frame on its road."""

    at: datetime  # UTC
    place: RoadPlace  # of the camera
    with_the_line: bool  # it looks the way chainage grows
    quality: Quality
    pass_id: str


def seen_ahead(
    views: Sequence[View], roadways: Mapping[str, Roadway], near_m: float = NEAR_M, far_m: float = SHARP_M
) -> list[Inspected]:
    """Stretches that the frames saw, those of one pass joined; ``views`` in order of time.

    What reaches beyond the end of a segment is seen of the one that the drive goes on to.
    """
    looks: list[Inspected] = []
    for view, onward in zip(views, _onward(views), strict=True):
        looks += _ahead(view, onward, roadways, near_m, far_m)
    return joined(looks)


def _onward(views: Sequence[View]) -> list[View | None]:
    """For each view the first later one of its pass on another segment."""
    found: list[View | None] = [None] * len(views)
    for at in range(len(views) - 2, -1, -1):
        this, after = views[at], views[at + 1]
        if this.pass_id == after.pass_id and after.at - this.at <= _ONWARD:
            found[at] = found[at + 1] if this.place.segment == after.place.segment else after
    return found


def _ahead(
    view: View, onward: View | None, roadways: Mapping[str, Roadway], near_m: float, far_m: float
) -> Iterator[Inspected]:
    roadway = roadways[view.place.segment]
    chainage = min(view.place.chainage_m, roadway.length_m)
    to_end = roadway.length_m - chainage if view.with_the_line else chainage
    yield from _stretch(view, view.place, roadway, view.with_the_line, chainage, (near_m, min(far_m, to_end)))
    if onward is not None and far_m > to_end:
        after = roadways[onward.place.segment]
        start = 0.0 if onward.with_the_line else after.length_m
        beyond = (max(0.0, near_m - to_end), min(far_m - to_end, after.length_m))
        yield from _stretch(view, onward.place, after, onward.with_the_line, start, beyond)


def _stretch(
    view: View, place: RoadPlace, roadway: Roadway, forward: bool, from_m: float, ahead: tuple[float, float]
) -> Iterator[Inspected]:
    near, far = ahead
    if far - near < 1e-3:
        return
    low, high = (from_m + near, from_m + far) if forward else (from_m - far, from_m - near)
    lanes = _lanes(roadway, roadway.lateral_m(place))
    for lane in [None] if len(lanes) == roadway.lanes else lanes:
        yield Inspected(roadway.segment, low, high, view.at, view.quality, lane, view.pass_id)


def _lanes(roadway: Roadway, lateral_m: float) -> list[int]:
    """Lanes whose middles lie near enough beside the camera; at least the nearest."""
    wide = roadway.width_m / roadway.lanes
    beside = [abs((lane + 0.5) * wide - lateral_m) for lane in range(roadway.lanes)]
    return [lane for lane, away in enumerate(beside) if away <= max(BESIDE_M, min(beside))]
