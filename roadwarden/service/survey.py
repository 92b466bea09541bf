"""A survey into the database: what a detector saw in the frames of a drive becomes defects, and the drive coverage.

Whatever is wrong with a drive is named in the report, and whatever has no place on the road is listed with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from roadwarden.defects.inspected import Inspected, Quality
from roadwarden.defects.rulings import Matcher
from roadwarden.detections import Boxes, Sighting
from roadwarden.errors import DataError
from roadwarden.geo.camera import CameraModel
from roadwarden.geo.fixes import Fix
from roadwarden.geo.pole import PoleCamera
from roadwarden.geo.shifts import suspect_gcj02
from roadwarden.service.appearance import NOTHING_ASKED, Asked, ask_pictures
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.merging import BATCH, Rules, TakenIn, Tell, take_in
from roadwarden.service.seen import keep_looks, looks_of
from roadwarden.service.sightings import Located, located, placed
from roadwarden.service.survey_frames import FrameState, NotPlaced, SurveyFrame, SurveySettings, Unplaced
from roadwarden.storage.pictures import FramePlace
from roadwarden.storage.rows import chunks
from roadwarden.storage.unit import reading, writing


@dataclass(frozen=True, slots=True)
class SurveyReport:
    """Every frame and every detection is counted in one of the numbers."""

    frames: int
    frames_of_state: dict[FrameState, int]
    duplicates: int  # frames that are in the archive more than once
    located: int  # frames with a pose
    passes: tuple[str, ...]
    detections: int
    sightings: int
    taken_in: TakenIn
    asked: Asked  # pictures, where positions left a doubt
    unplaced: tuple[Unplaced, ...]
    findings: tuple[str, ...]  # about the track
    warnings: tuple[str, ...]
    usable_m: float  # of lane, this drive
    unusable_m: float

    @property
    def unplaced_by_reason(self) -> dict[str, int]:
        """How many detections have no place, and why."""
        return dict(sorted(Counter(str(one.why) for one in self.unplaced).items()))


def survey(
    engine: Engine,
    frames: Sequence[SurveyFrame],
    fixes: Sequence[Fix],
    camera: CameraModel | PoleCamera,
    settings: SurveySettings,
    rules: Rules | None = None,
    *,
    matcher: Matcher | None = None,
    tell: Tell = lambda _done, _total: None,
) -> SurveyReport:
    """Places, merges and keeps what was seen, and the stretches that were looked at.

    ``fixes``: the receiver's rows as they came, wrong ones too, in the order they came. ``matcher`` compares pictures
    where positions leave a doubt, after all is merged; ``tell`` then counts twice, what is merged and what is compared.
    Begun again after an interruption it goes on; done again it changes nothing. Raises DataError where positions look
    like those of another coordinate system (nothing is kept then, unless ``keep_anyway``), or lie in another city than
    all that is kept.
    """
    rules = rules or Rules()
    with reading(engine) as unit:
        roads = KnownRoads.newest(unit)
    where = located(frames, fixes, camera, settings)
    warnings = [*_suspicions(where, roads, keep_anyway=settings.keep_anyway), *_about_roads(where, roads)]
    found = _found(frames, where, camera, settings)
    taken_in = take_in(engine, found.sightings, roads, rules, tell=tell)
    asked = NOTHING_ASKED
    if settings.archive is not None:
        _keep_pictures(engine, found.seen_in, settings.archive)
    if matcher is not None:
        asked = ask_pictures(engine, _defects_of(engine, found.sightings), matcher, rules, tell=tell)
        taken_in = taken_in.then(asked.defects, asked.gone)
    looks = looks_of(frames, where, roads) if roads is not None and isinstance(camera, CameraModel) else []
    if roads is not None:
        keep_looks(engine, looks, roads, taken_in.defects)
    return SurveyReport(
        frames=len(frames),
        frames_of_state={state: sum(one.state is state for one in frames) for state in FrameState},
        duplicates=len(frames) - len({one.frame.sha256 or one.frame.path for one in frames}),
        located=sum(pose is not None for pose in where.poses),
        passes=tuple(sorted({name for name in where.pass_ids if name})),
        detections=sum(len(one.detections) for one in frames),
        sightings=len(found.sightings),
        taken_in=taken_in,
        asked=asked,
        unplaced=found.unplaced,
        findings=where.findings,
        warnings=tuple(warnings),
        usable_m=_metres(looks, Quality.USABLE),
        unusable_m=_metres(looks, Quality.UNUSABLE),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What the frames came to; of each sighting the frame and the box that it is to be seen in."""

    sightings: list[Sighting]
    unplaced: tuple[Unplaced, ...]
    seen_in: dict[str, tuple[SurveyFrame, int]]  # by sighting, with the row of its box


def _found(
    frames: Sequence[SurveyFrame], where: Located, camera: CameraModel | PoleCamera, settings: SurveySettings
) -> _Found:
    sightings: list[Sighting] = []
    unplaced: list[Unplaced] = []
    seen_in: dict[str, tuple[SurveyFrame, int]] = {}
    for at, one in enumerate(frames):
        reason = where.reasons[at]
        if reason is not None:
            unplaced += [_unplaced(one, row, reason) for row in range(len(one.detections))]
        elif len(one.detections):
            found = placed(one, where, at, camera, settings)
            sightings += found.sightings
            unplaced += [_unplaced(one, row, NotPlaced(refusal)) for row, refusal in found.refused]
            refused = {row for row, _ in found.refused}
            rows = [row for row in range(len(one.detections)) if row not in refused]
            seen_in |= {sighting.id: (one, row) for sighting, row in zip(found.sightings, rows, strict=True)}
    return _Found(sorted(sightings, key=lambda one: (one.seen_at, one.id)), tuple(unplaced), seen_in)


def _keep_pictures(engine: Engine, seen_in: Mapping[str, tuple[SurveyFrame, int]], archive: str) -> None:
    """Where the frames that show something lie, and the boxes in them; others may write between two batches."""
    for batch in chunks(seen_in.items(), BATCH):
        places = {one.frame.sha256: FramePlace(archive, one.frame.path) for _, (one, _) in batch}
        boxes = {name: _box(one.detections.boxes_xyxy[row]) for name, (one, row) in batch}
        with writing(engine) as unit:
            unit.pictures.keep(places, boxes)


def _box(edges: Boxes) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(edge) for edge in edges)
    return left, top, right, bottom


def _defects_of(engine: Engine, sightings: Sequence[Sighting]) -> frozenset[str]:
    with reading(engine) as unit:
        return frozenset(name for name in unit.sightings.defects_of(one.id for one in sightings).values() if name)


def _unplaced(one: SurveyFrame, row: int, why: NotPlaced) -> Unplaced:
    return Unplaced(one.frame.path, row, one.detections.types[row], float(one.detections.scores[row]), why)


def _suspicions(where: Located, roads: KnownRoads | None, *, keep_anyway: bool) -> list[str]:
    """Positions that are not what they are called."""
    if roads is None:
        return []
    suspicion = suspect_gcj02([pose.position if pose else None for pose in where.poses], roads.network)
    if suspicion is None:
        return []
    if not keep_anyway:
        raise DataError(f"{suspicion}. Nothing was kept; if it is right as it stands, say --anyway")
    return [str(suspicion)]


def _about_roads(where: Located, roads: KnownRoads | None) -> list[str]:
    if roads is None:
        return ["no road network is imported: defects have no street, grade and severity, and no coverage is kept; "
                "run 'roadwarden roads import FILE', then survey again"]  # fmt: skip
    known = [pose.position for pose in where.poses if pose is not None]
    off = sum(place is None for place in roads.places(known))
    return [f"{off} of {len(known)} located frames lie beside all known roads"] if off else []


def _metres(looks: Sequence[Inspected], quality: Quality) -> float:
    return sum(look.to_m - look.from_m for look in looks if look.quality is quality)
