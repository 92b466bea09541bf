"""Frames of streams into the database, a handful at a time: what ``service.survey`` does for a whole archive.

A frame's key decides whether it was kept before, in the same transaction that keeps its sightings, so that a frame that
is delivered twice is kept once. What its defects come to is noted there too, and filed afterwards.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Engine

from roadwarden.detections import Sighting
from roadwarden.geo.camera import CameraModel
from roadwarden.geo.fixes import Fix
from roadwarden.geo.ground import GroundPatches
from roadwarden.geo.pole import PoleCamera
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.live_coverage import LiveCoverage
from roadwarden.service.live_passes import LivePasses, PassSoFar
from roadwarden.service.merging import Rules, place_and_judge
from roadwarden.service.sightings import Located, located, placed, projected
from roadwarden.service.survey_frames import SurveyFrame, SurveySettings
from roadwarden.storage.unit import UnitOfWork, reading, writing

FORGOTTEN_AT_ONCE = 5000
BEFORE, AFTER = timedelta(seconds=20), timedelta(seconds=10)
"""Fixes this far before and after a frame place it; a smoothed track forgets within seconds."""


class Fixes(Protocol):
    """A receiver's rows between two times, as far as they are known now."""

    def __call__(self, since: datetime, until: datetime) -> Sequence[Fix]:
        """In the order they came."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One frame that was looked at; without ``looked`` one that nobody looked at although it was there."""

    key: str  # 64 hex digits
    camera: str
    frame: SurveyFrame
    looked: bool = True
    lease: int = 0  # token with which a shared camera was read; the database has it or a newer one


@dataclass(frozen=True, slots=True)
class Viewer:
    """A camera as the intake knows it; ``model`` None: nothing tells where it looks, and nothing is placed."""

    model: CameraModel | PoleCamera | None
    settings: SurveySettings
    fixes: Fixes


@dataclass(frozen=True, slots=True)
class Kept:
    """What a handful of frames came to."""

    doubles: int = 0
    detections: int = 0
    sightings: int = 0
    not_placed: Mapping[str, int] = field(default_factory=dict)  # detections by reason
    defects: frozenset[str] = frozenset()  # new or changed
    fenced: frozenset[int] = frozenset()  # places of deliveries refused: another worker reads their camera now


class Intake:
    """Of one worker; not for several threads at once."""

    def __init__(
        self,
        engine: Engine,
        viewer_of: Callable[[str], Viewer],
        clock: Callable[[], datetime],
        rules: Rules | None = None,
    ) -> None:
        self._engine, self._viewer_of, self._clock, self._rules = engine, viewer_of, clock, rules or Rules()
        self._roads: KnownRoads | None = None
        self._passes: dict[str, tuple[int, LivePasses]] = {}  # with the lease under which they were begun here
        self._continued = 0
        self._coverage = LiveCoverage(engine)

    def known(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of the keys that are kept. Raises StorageAway."""
        with reading(self._engine) as unit:
            return unit.stream.known(keys)

    def keep(self, deliveries: Sequence[Delivery]) -> Kept:
        """Keeps all or none. Raises StorageAway where the database is away, DataError where it refuses one of them."""
        where = [(camera, *self._located(camera, ones)) for camera, ones in _stretches(deliveries)]
        with writing(self._engine) as unit:
            self._roads = self._newest_roads(unit)
            tokens = _tokens(unit, deliveries)
            where = [one for one in where if not _is_behind(one[1][0], tokens)]
            ours = [one for one in deliveries if one.looked and not _is_behind(one, tokens)]
            looked = {one.key: (one.camera, _moment(one, self._clock)) for one in ours}
            fresh = unit.stream.claim(looked, self._clock())
            sightings, refused, seen = self._sightings(where, fresh)
            absorbed = unit.absorb(sightings, self._rules.merging)
            place_and_judge(unit, absorbed, self._roads, self._rules.severity)
            defects = frozenset(one.id for one in absorbed.defects) - absorbed.gone.keys()
            unit.stream.note_unfiled(defects, self._clock())
            saved = self._save_passes(unit, {camera for camera, *_ in where})
        self._are_saved(saved)
        for camera, frames, places in where:
            self._cover(camera, frames, places)
        if self._roads is not None:
            self._coverage.flush_one(self._roads)
        behind = frozenset(at for at, one in enumerate(deliveries) if _is_behind(one, tokens))
        return Kept(len(ours) - len(fresh), seen, len(sightings), dict(refused), defects, behind)

    def flush(self) -> float:
        """Keeps what was looked at of the roads so far; returns the metres that drops have left unseen."""
        if self._passes:
            with writing(self._engine) as unit:
                fence = unit.leases.tokens(self._passes)
                ours = {camera for camera, (lease, _) in self._passes.items() if lease in {0, fence.get(camera)}}
                saved = self._save_passes(unit, ours, at_once=True)
            self._are_saved(saved)
        if self._roads is not None:
            self._coverage.flush(self._roads)
        return self._coverage.missed_m

    @property
    def seen_m(self) -> float:
        """Metres of road that were looked at in usable quality, as far as they are kept."""
        return self._coverage.seen_m

    @property
    def missed_m(self) -> float:
        """Metres that drops have left unseen, as far as they are kept."""
        return self._coverage.missed_m

    def forget(self, before: Mapping[str, datetime]) -> int:
        """Forgets keys of frames that nothing can deliver again: those kept before a time of each camera.

        A few at a time, so that nobody waits for it. Raises StorageAway.
        """
        total = 0
        for camera, moment in before.items():
            gone = FORGOTTEN_AT_ONCE
            while gone == FORGOTTEN_AT_ONCE:
                with writing(self._engine) as unit:
                    gone = unit.stream.forget(camera, moment, FORGOTTEN_AT_ONCE)
                total += gone
        return total

    def _located(self, camera: str, ones: Sequence[Delivery]) -> tuple[Sequence[Delivery], Located]:
        viewer, frames = self._viewer_of(camera), [one.frame for one in ones]
        times = [moment for one in frames if (moment := one.frame.captured_at) is not None]
        if viewer.model is None or not times:
            nowhere = Located((None,) * len(ones), (None,) * len(ones), ("",) * len(ones), ())
            return ones, nowhere
        fixes = [] if isinstance(viewer.model, PoleCamera) else viewer.fixes(min(times) - BEFORE, max(times) + AFTER)
        moving = not isinstance(viewer.model, PoleCamera)
        name_passes = self._passes_of(camera, viewer.settings.vehicle, ones[0].lease) if moving else None
        return ones, located(frames, fixes, viewer.model, viewer.settings, name_passes)

    @property
    def passes_continued(self) -> int:
        """Passes that an earlier life, or another worker, had begun, and that went on here."""
        return self._continued + sum(one.has_continued for _, one in self._passes.values())

    def _passes_of(self, camera: str, vehicle: str, lease: int) -> LivePasses:
        """Those of the camera; what was kept of them is read once a life, and once a lease."""
        if camera not in self._passes or self._passes[camera][0] != lease:
            with reading(self._engine) as unit:
                kept = unit.stream.pass_of(camera)
            if camera in self._passes:
                self._continued += self._passes[camera][1].has_continued
            self._passes[camera] = lease, LivePasses(vehicle, PassSoFar.of_text(*kept) if kept else None)
        return self._passes[camera][1]

    def _save_passes(self, unit: UnitOfWork, cameras: set[str], *, at_once: bool = False) -> dict[str, PassSoFar]:
        found = {}
        for camera in sorted(cameras & self._passes.keys()):
            if (so_far := self._passes[camera][1].to_save(at_once=at_once)) is not None:
                unit.stream.keep_pass(camera, so_far.name, so_far.at, so_far.as_text())
                found[camera] = so_far
        return found

    def _are_saved(self, saved: Mapping[str, PassSoFar]) -> None:
        for camera, so_far in saved.items():
            self._passes[camera][1].saved(so_far)

    def _sightings(
        self, where: Sequence[tuple[str, Sequence[Delivery], Located]], fresh: frozenset[str]
    ) -> tuple[list[Sighting], Counter[str], int]:
        found: list[Sighting] = []
        refused: Counter[str] = Counter()
        seen = 0
        ready: list[Ready] = []
        for camera, ones, places in where:
            viewer = self._viewer_of(camera)
            for at, one in enumerate(ones):
                if not one.looked or one.key not in fresh or not len(one.frame.detections):
                    continue
                seen += len(one.frame.detections)
                if viewer.model is None or places.poses[at] is None:
                    refused[str(places.reasons[at] or "no_camera")] += len(one.frame.detections)
                else:
                    ready.append((places, at, one.frame, viewer))
        for (places, at, frame, viewer), patches in _projected(ready):
            if viewer.model is not None:
                placed_ones = placed(frame, places, at, viewer.model, viewer.settings, patches)
                found += placed_ones.sightings
                refused.update(str(why) for _, why in placed_ones.refused)
        return sorted(found, key=lambda one: (one.seen_at, one.id)), refused, seen

    def _cover(self, camera: str, ones: Sequence[Delivery], places: Located) -> None:
        if self._roads is None or not isinstance(self._viewer_of(camera).model, CameraModel):
            return
        self._coverage.add(camera, [one.frame for one in ones], [not one.looked for one in ones], places)

    def _newest_roads(self, unit: UnitOfWork) -> KnownRoads | None:
        networks = unit.segments.networks()
        if not networks:
            return None
        if self._roads is not None and self._roads.number == networks[-1].number:
            return self._roads
        return KnownRoads.newest(unit)


Ready = tuple[Located, int, SurveyFrame, Viewer]
"""Where the frames of its stretch were, its row among them, the frame, and what looked."""


def _projected(ready: Sequence[Ready]) -> Iterator[tuple[Ready, GroundPatches]]:
    """With the patches of its boxes; cameras of one model are reckoned at once."""
    for model in {id(one[3].model): one[3].model for one in ready}.values():
        if model is not None:
            same = [one for one in ready if one[3].model is model]
            yield from zip(same, projected([one[2] for one in same], model), strict=True)


def _stretches(deliveries: Sequence[Delivery]) -> list[tuple[str, list[Delivery]]]:
    """Each camera's frames in order of time, cut where nothing was taken for a while.

    One frame of a clock that was never set would otherwise bring all the fixes of forty years to its neighbours.
    """
    found: list[tuple[str, list[Delivery]]] = []
    for (camera, lease), ones in _by_camera(deliveries).items():
        before: datetime | None = None
        for one in ones:
            at = one.frame.frame.captured_at
            together = before is None if at is None else before is not None and at - before <= BEFORE + AFTER
            if not (together and found and found[-1][0] == camera and found[-1][1][0].lease == lease):
                found.append((camera, []))
            found[-1][1].append(one)
            before = at
    return found


def _tokens(unit: UnitOfWork, deliveries: Sequence[Delivery]) -> Mapping[str, int]:
    """The token that holds now, of each shared camera among them."""
    shared = {one.camera for one in deliveries if one.lease}
    return unit.leases.tokens(shared) if shared else {}


def _is_behind(one: Delivery, tokens: Mapping[str, int]) -> bool:
    """Whether it was read with a token that holds no more."""
    return one.lease > 0 and one.lease != tokens.get(one.camera)


def _by_camera(deliveries: Sequence[Delivery]) -> dict[tuple[str, int], list[Delivery]]:
    """Each camera's frames in order of time, by the lease they were read with; those of one key once."""
    found: defaultdict[tuple[str, int], dict[str, Delivery]] = defaultdict(dict)
    for one in deliveries:
        found[one.camera, one.lease].setdefault(one.key if one.looked else f"missed {one.key}", one)
    return {
        group: sorted(
            ones.values(), key=lambda one: (one.frame.frame.captured_at is None, str(one.frame.frame.captured_at))
        )
        for group, ones in found.items()
    }


def _moment(one: Delivery, clock: Callable[[], datetime]) -> datetime:
    return one.frame.frame.captured_at or clock()
