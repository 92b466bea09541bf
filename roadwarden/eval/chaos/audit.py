"""What has to hold afterwards: every frame once, and the same sightings, defects and cases as on a calm evening."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, func, select

from roadwarden.cases.permissions import shipped_permissions
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.detections import Detections, Frame, Position
from roadwarden.eval.chaos.hands import Life
from roadwarden.eval.chaos.plan import Shot, Spoil
from roadwarden.eval.chaos.stage import BOX_MODEL, Stage
from roadwarden.eval.finding import Finding
from roadwarden.geo.camera_file import read_camera
from roadwarden.inference.steps import detected, judged
from roadwarden.inference.stream.model_slot import LoadedModel
from roadwarden.inference.stream.sink import LiveFixes
from roadwarden.inference.stream.values import frame_key
from roadwarden.service.cases import CaseDesk
from roadwarden.service.filing import FilingRules, file_defects
from roadwarden.service.intake import Delivery, Intake, Viewer
from roadwarden.service.survey_frames import FrameState, SurveyFrame, SurveySettings
from roadwarden.storage.case_tables import cases
from roadwarden.storage.engine import reading
from roadwarden.storage.stream_tables import stream_frames
from roadwarden.storage.tables import sightings

TOGETHER = 64
DRAIN_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class CaseOf:
    """One open case."""

    name: str
    distress: str
    place: Position
    defect: str  # as it was called when the case was filed: the id of one of its sightings


@dataclass(frozen=True, slots=True)
class Tables:
    """What a database holds, as far as it is compared."""

    keys: frozenset[str]
    defect_of: Mapping[str, str]  # by sighting
    cases: Sequence[CaseOf]  # open ones

    @property
    def sightings(self) -> frozenset[str]:
        """Their ids."""
        return frozenset(self.defect_of)

    def looks_at(self, case: CaseOf) -> frozenset[str]:
        """The sightings of what it is about now: a case is known by one of them, whatever was merged since."""
        now = self.defect_of.get(case.defect)
        return frozenset(one for one, defect in self.defect_of.items() if defect == now)


def read_tables(engine: Engine, cameras: Iterable[str]) -> Tables:
    """``cameras``: those whose frames are known."""
    mine = stream_frames.c.camera.in_(list(cameras))
    with reading(engine) as connection:
        keys = frozenset(row[0] for row in connection.execute(select(stream_frames.c.key).where(mine)))
        rows = connection.execute(select(sightings.c.id, sightings.c.defect))
        seen = {row[0]: row[1] or row[0] for row in rows}
        query = select(cases.c.case_id, cases.c.distress, cases.c.lat, cases.c.lon, cases.c.defect).where(
            cases.c.is_open
        )
        found = [CaseOf(row[0], row[1], Position(row[2], row[3]), row[4] or "") for row in connection.execute(query)]
    return Tables(keys, seen, found)


class Truth:
    """What was played, and what each model sees in it."""

    def __init__(
        self, stage: Stage, shots: Iterable[Shot], queues: frozenset[str], models: Sequence[LoadedModel]
    ) -> None:
        """``queues``: cameras whose messages are checked before they are frames."""
        self._stage, self._models = stage, models
        played = sorted(shots, key=lambda one: (stage.captured_at(one), one.camera, one.number))
        self.poison = [one for one in played if one.camera in queues and one.spoil is not Spoil.NONE]
        self._bad = [one for one in played if one.spoil is Spoil.CORRUPT]
        kept = set(played) - set(self.poison) - set(self._bad)
        self.shots = [one for one in played if one in kept]
        self._seen: dict[tuple[int, str], tuple[FrameState, Detections]] = {}

    def keys(self, shot: Shot) -> dict[str, str]:
        """Of the frame, to the model that may have looked."""
        labels = [BOX_MODEL] if shot.camera in self._stage.boxes else [one.label for one in self._models]
        at, sha256 = self._stage.captured_at(shot), self._stage.sha256(shot)
        return {frame_key(shot.camera, at, sha256, label): label for label in labels}

    def missing(self, kept: frozenset[str]) -> list[Shot]:
        """Frames that no model has looked at."""
        return [one for one in self.shots if not kept & self.keys(one).keys()]

    def deliveries(self, kept: frozenset[str]) -> list[Delivery]:
        """What was kept, as it would have come on a calm evening: in order of time, once."""
        return [
            Delivery(key, shot.camera, self._frame(shot, label))
            for shot in self.shots
            for key, label in self.keys(shot).items()
            if key in kept
        ]

    def _frame(self, shot: Shot, label: str) -> SurveyFrame:
        stage = self._stage
        frame = Frame(f"{shot.camera}/{shot.number}", 1, stage.sha256(shot), stage.captured_at(shot).astimezone(UTC))
        if shot.camera in stage.boxes:
            return SurveyFrame(frame, FrameState.USABLE, stage.seen[stage.place(shot)], label, 1280, 720)
        state, found = self._look(stage.place(shot), label)
        return SurveyFrame(frame, state, found, label, 1280, 720)

    def _look(self, place: int, label: str) -> tuple[FrameState, Detections]:
        if (place, label) not in self._seen:
            model = next(one for one in self._models if one.label == label)
            looked = judged(Frame("calm", 1, ""), self._stage.image(place))
            (found,) = detected([looked], model.detectors[0])
            poor = found.result.outcome.kind == "poor_quality"
            self._seen[place, label] = (FrameState.POOR if poor else FrameState.USABLE, found.result.detections)
        return self._seen[place, label]


def calm_evening(engine: Engine, stage: Stage, deliveries: Sequence[Delivery], now: datetime) -> None:
    """The same frames into an empty database, one after the other, and their cases filed once at the end."""
    model = read_camera(stage.camera_file)
    viewer = Viewer(model, SurveySettings(model.name), LiveFixes(stage.track, None))
    intake = Intake(engine, lambda _camera: viewer, lambda: now)
    for first in range(0, len(deliveries), TOGETHER):
        intake.keep(deliveries[first : first + TOGETHER])
    file_defects(CaseDesk(engine, shipped_clock_policies(), shipped_permissions()), FilingRules())


def compare(found: Tables, calm: Tables, truth: Truth) -> list[Finding]:
    """Of the database."""
    missing = truth.missing(found.keys)
    known = {key for shot in truth.shots for key in truth.keys(shot)}
    lost, more = calm.sightings - found.sightings, found.sightings - calm.sightings
    twice = doubled(found, calm)
    unfiled = [
        one for one in calm.cases if not any(calm.looks_at(one) & found.looks_at(other) for other in found.cases)
    ]
    things = (len(set(one.defect_of.values())) for one in (found, calm))
    early = len(found.cases) - len(calm.cases)
    return [
        Finding("no frame is lost", not missing, f"{len(truth.shots)} frames were played, {len(missing)} are missing"),
        Finding("no frame is kept that nobody played", found.keys <= known, f"{len(found.keys - known)} are unknown"),
        Finding("no sighting is lost", not lost, f"{len(calm.sightings)} on a calm evening, {len(lost)} missing"),
        Finding("no sighting is doubled", not more, f"{len(found.sightings)} sightings, {len(more)} too many"),
        Finding("no case is doubled", not twice, f"{len(found.cases)} cases, {len(twice)} pairs of one thing"),
        Finding(
            "no case is missing",
            not unfiled,
            f"{len(calm.cases)} on a calm evening, {len(unfiled)} missing; {early:+d} filed on what was known then; "
            "defects: {} and {} when calm".format(*things),
        ),
    ]


def doubled(found: Tables, calm: Tables) -> list[tuple[str, str]]:
    """Pairs of open cases of one thing: of one defect as it is now, or of what is one defect on a calm evening.

    Two things may lie at one place, a hole in a crack; so being near by is not enough.
    """
    things = {one.name: _thing(found.looks_at(one), calm) for one in found.cases}
    return [
        (one.name, other.name)
        for at, one in enumerate(found.cases)
        for other in found.cases[at + 1 :]
        if found.looks_at(one) & found.looks_at(other) or things[one.name] == things[other.name]
    ]


def _thing(looks: frozenset[str], calm: Tables) -> str:
    """The calm evening's defect that most of these sightings are of; the least of the names where there are several."""
    votes = Counter(calm.defect_of.get(one, one) for one in looks)
    return min(votes, key=lambda name: (-votes[name], name), default="")


def check_books(lives: Sequence[Life]) -> list[Finding]:
    """Of every life of every worker; a killed one's last page has to balance too, with its frames in flight."""
    read = [one for one in lives if one.books]
    off = [one for one in read if not one.books["balanced"]]
    drained = [one for one in lives if one.ended == "drained"]
    left = sum(one.books["total"]["in_flight"] for one in drained if one.books)
    open_ended = [one for one in drained if not one.books.get("ended")]
    slow = [one for one in drained if one.drain_s > DRAIN_LIMIT_S]
    died = [one for one in lives if one.ended == "died"]
    spooled = sum(one.books["spooled"] for one in drained if one.books)
    total = sum((Counter(one.books["total"]["doors"]) for one in read), Counter[str]())
    entered = sum(one.books["total"]["entered"] for one in read)
    doors = ", ".join(f"{door} {count}" for door, count in sorted(total.items()) if count)
    return [
        Finding("the books balance", not off, f"{len(read)} books of {len(lives)} lives; entered {entered}: {doors}"),
        Finding("they end at zero", not left and not open_ended, f"{left} in flight after {len(drained)} drains"),
        Finding("nothing is left on the disk", not spooled, f"{spooled} looks in spools"),
        Finding(
            "SIGTERM drains within 10 s", not slow, f"longest {max((one.drain_s for one in drained), default=0)} s"
        ),
        Finding("no worker died by itself", not died, f"{len(died)} did"),
    ]


def check_poison(stage: Stage, poison: Sequence[Shot], kept: Sequence[Mapping[str, str]]) -> Finding:
    """Every message that is no frame lies in a quarantine; by which of the workers does not matter."""
    names = {one["path"].rpartition(".")[2].partition("/")[0] for one in kept} | {one["camera"] for one in kept}
    hashes = {one["sha256"] for one in kept}
    missing = [one for one in poison if _message_sha256(stage, one) not in hashes]
    cameras = sorted({one.camera for one in poison} & names)
    return Finding(
        "what cannot be used is in the quarantine", not missing,
        f"{len(poison)} messages were spoiled, {len(missing)} are not there (of {', '.join(cameras) or 'nobody'})",
    )  # fmt: skip


def _message_sha256(stage: Stage, shot: Shot) -> str:
    body = stage.message(shot) if shot.camera in stage.boxes else stage.picture(shot)
    return hashlib.sha256(body).hexdigest()


def is_empty(engine: Engine) -> bool:
    """Whether a database may be used for this."""
    with reading(engine) as connection:
        counts = [
            connection.execute(select(func.count()).select_from(one)).scalar_one() for one in (stream_frames, cases)
        ]
    return not any(counts)
