"""Which roads a drive looked at, and which defects good passes over their places no longer see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import Engine

from roadwarden.defects.inspected import Inspected, Quality
from roadwarden.defects.presence import GOOD_PASSES, PassOver, presence
from roadwarden.defects.roadways import Roadway
from roadwarden.defects.seen_ahead import View, seen_ahead
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.sightings import Located
from roadwarden.service.survey_frames import FrameState, SurveyFrame
from roadwarden.storage.defects import KeptDefect
from roadwarden.storage.unit import UnitOfWork, writing

_FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


def looks_of(frames: Sequence[SurveyFrame], where: Located, roads: KnownRoads) -> list[Inspected]:
    """Stretches that the frames with a pose saw, along the roads that the vehicle most likely drove."""
    rows = sorted(
        (
            at
            for at, pose in enumerate(where.poses)
            if pose is not None and frames[at].state is not FrameState.UNREADABLE
        ),
        key=lambda at: (frames[at].frame.captured_at, at),
    )
    poses = [pose for at in rows if (pose := where.poses[at]) is not None]
    places = roads.matcher.match([pose.position for pose in poses]).places
    views = []
    on_road = [(at, pose, place) for at, pose, place in zip(rows, poses, places, strict=True) if place is not None]
    lines = roads.network.headings_deg([place for _, _, place in on_road]).tolist()
    for (at, pose, place), line in zip(on_road, lines, strict=True):
        turn = abs((pose.heading_deg - line + 180) % 360 - 180)
        quality = Quality.USABLE if frames[at].state is FrameState.USABLE else Quality.UNUSABLE
        views.append(View(pose.at, place, turn <= 90, quality, where.pass_ids[at]))
    return seen_ahead(views, roads.roadways)


def keep_looks(engine: Engine, looks: Sequence[Inspected], roads: KnownRoads, changed: Iterable[str]) -> None:
    """Keeps stretches, and says anew whether the defects along them, and ``changed`` ones, are still seen."""
    with writing(engine) as unit:
        unit.stretches.add(roads.number, looks)
        there = {one.id: one for one in unit.defects.get(changed)}
        for segment, (from_m, to_m) in sorted(_spans(looks).items()):
            there |= {one.id: one for one in unit.defects.along(roads.number, segment, from_m, to_m)}
        watch(unit, there.values(), roads)


def _spans(looks: Iterable[Inspected]) -> Mapping[str, tuple[float, float]]:
    """The ends of what was looked at of each segment: no other defect was passed."""
    found: dict[str, tuple[float, float]] = {}
    for look in looks:
        from_m, to_m = found.get(look.segment, (look.from_m, look.to_m))
        found[look.segment] = min(from_m, look.from_m), max(to_m, look.to_m)
    return found


def watch(unit: UnitOfWork, defects: Iterable[KeptDefect], roads: KnownRoads) -> None:
    """SEEN or NOT_SEEN, by the good passes over their places since they were last seen."""
    by_segment: dict[str, list[KeptDefect]] = defaultdict(list)
    for one in defects:
        if one.road is not None and one.network == roads.number:
            by_segment[one.road.segment].append(one)
    missed: dict[str, list[PassOver]] = {}
    for segment, ones in by_segment.items():
        since = min(one.last_seen_at for one in ones)
        looks = unit.stretches.of_segments(roads.number, [segment], since, _FOREVER)
        missed |= {one.id: passes_over(one, looks, roads.roadways[segment], one.last_seen_at) for one in ones}
    saw = _passes_of(unit, [name for name, over in missed.items() if len(over) >= GOOD_PASSES])
    known = {one.id: one for ones in by_segment.values() for one in ones}
    states = {
        name: presence(_LastSeen(saw.get(name, ()), known[name].last_seen_at), over).presence
        for name, over in missed.items()
    }
    unit.defects.watch({name: state for name, state in states.items() if state is not known[name].presence})


@dataclass(frozen=True, slots=True)
class _LastSeen:
    passes: Sequence[str]
    last_seen_at: datetime


def passes_over(defect: KeptDefect, looks: Iterable[Inspected], roadway: Roadway, since: datetime) -> list[PassOver]:
    """Passes that had the defect's place in view after ``since``."""
    place = defect.road
    if place is None:
        return []
    wide = roadway.width_m / roadway.lanes
    lane = int(np.clip(roadway.lateral_m(place) // wide, 0, roadway.lanes - 1))
    return [
        PassOver(look.pass_id or look.seen_at.isoformat(), look.seen_at, look.quality is Quality.USABLE)
        for look in looks
        if look.from_m <= place.chainage_m <= look.to_m and look.lane in {None, lane} and look.seen_at > since
    ]


def _passes_of(unit: UnitOfWork, defects: Sequence[str]) -> Mapping[str, Sequence[str]]:
    found = unit.sightings.of_defects(defects)
    return {name: sorted({one.pass_id for one in ones}) for name, ones in found.items()}
