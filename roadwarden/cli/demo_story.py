"""The story that ``roadwarden demo`` plays on a database of its own, with a clock that runs as fast as it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from roadwarden.cases.events import (
    Accepted,
    Dispatched,
    EventData,
    RepairReported,
    RepairStarted,
    Role,
    format_time,
)
from roadwarden.cases.permissions import Person
from roadwarden.cli.city_tables import dispatch_table
from roadwarden.cli.demo_pictures import DemoStreet, photos
from roadwarden.cli.demo_words import NO_WORDS, clock_words, verdict_words
from roadwarden.cli.roads import import_file
from roadwarden.cli.sample import CAMERA, ROADS
from roadwarden.cli.survey import fixes_of, keep_frames, survey_frame
from roadwarden.data.synthetic import PlacedDefect
from roadwarden.detections import Position
from roadwarden.errors import DataError
from roadwarden.geo.camera_file import read_camera
from roadwarden.geo.coordinates import CoordinateSystem
from roadwarden.inference.batch import run_job
from roadwarden.inference.read_results import read_results
from roadwarden.inference.settings import JobSettings
from roadwarden.ledger.key_files import ring_of, write_new_key
from roadwarden.ledger.verify import BundleReport, verify_bundle
from roadwarden.models.load import load_detector, model_path
from roadwarden.repairs.assess import Assessor
from roadwarden.repairs.case_assess import CaseAssessor
from roadwarden.repairs.table import shipped_repair_table
from roadwarden.repairs.words import Words
from roadwarden.repairs.worker import Worker
from roadwarden.service.assessing import Assessing
from roadwarden.service.cases import Ask, CaseDesk
from roadwarden.service.dispatching import dispatch_by_rules
from roadwarden.service.filing import FILING, FilingRules, file_defects
from roadwarden.service.kept_pictures import KeptPictures
from roadwarden.service.ledger import Ledger
from roadwarden.service.ledger_bundles import Enclosed, bundle_case
from roadwarden.service.shown_pictures import ShownPictures
from roadwarden.service.survey import survey
from roadwarden.service.survey_frames import SurveySettings
from roadwarden.settings import time_zone
from roadwarden.storage.assessments import AssessmentRow
from roadwarden.storage.blobs import open_blobs
from roadwarden.storage.case_unit import reading
from roadwarden.storage.schema import open_storage

JUST_BEFORE = timedelta(hours=2)
MINUTES = timedelta(minutes=1)
ORIGIN = "roadwarden.example/demo"
_FALSE = Words("养护单位上报已修复（实际未修，坑还在）", "the crew reports: done (it is not: the same hole)")
_TRUE = Words("养护单位再次上报已修复（这次属实）", "the crew reports: done, this time it is")
Tell = Callable[[str], None]


@dataclass(slots=True)
class DemoClock:
    """Stands until it is moved."""

    time: datetime

    def __call__(self) -> datetime:
        """Now."""
        return self.time

    def go_to(self, time: datetime) -> None:
        """Never back."""
        self.time = max(self.time, time)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the story."""

    at: datetime
    case: str | None
    english: str
    chinese: str
    clock: Words = NO_WORDS  # what the repair clock of the case says then
    pictures: tuple[tuple[str, str], ...] = ()  # what it shows, sha256

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "at": format_time(self.at),
            "case": self.case,
            "english": self.english,
            "chinese": self.chinese,
            "clock": self.clock.english,
            "clock_chinese": self.clock.chinese,
            "pictures": [{"shows": shows, "sha256": sha256} for shows, sha256 in self.pictures],
        }


@dataclass(slots=True)
class Story:
    """The demonstration as far as it has come."""

    out: Path
    town: DemoStreet
    clock: DemoClock
    engine: Engine
    blobs: KeptPictures
    tell: Tell
    steps: list[Step] = field(default_factory=list)
    records: list[AssessmentRow] = field(default_factory=list)
    bundle: BundleReport | None = None
    bundle_file: Path | None = None

    @property
    def desk(self) -> CaseDesk:
        """Its clock is ours."""
        return CaseDesk(self.engine, now=self.clock)

    def note(
        self, english: str, chinese: str, case: str | None = None, pictures: Sequence[tuple[str, str]] = ()
    ) -> None:
        """A line of the story, with what the case's clock says."""
        said = NO_WORDS if case is None else clock_words(self.desk.answer(case).repair)
        self.steps.append(Step(self.clock.time, case, english, chinese, said, tuple(pictures)))
        self.tell(english)


def open_story(out: Path, town: DemoStreet, tell: Tell) -> Story:
    """On an empty database in ``out``."""
    engine = open_storage(f"sqlite:///{out / 'demo.db'}")
    return Story(out, town, DemoClock(town.drive.start), engine, KeptPictures(open_blobs(str(out / "blobs"))), tell)


def play(story: Story, frames: int, seed: int, threads: int) -> None:
    """From the drive to the bundle."""
    first_survey(story, frames, seed)
    case, hole = chosen_case(story)
    work = _judge(story, threads)
    _to_crew(story, case)
    due = story.desk.answer(case).repair.due_at
    for scene, at, says in (
        (story.town.scene([], hour=14.0), due - JUST_BEFORE, _FALSE),
        (story.town.scene([hole], hour=15.0), due + JUST_BEFORE, _TRUE),
    ):
        story.clock.go_to(at)
        report(story, (case, hole), photos(scene, hole, at, seed + len(story.steps)), says)
        judge(story, work, case)
    prove(story, case)


def first_survey(story: Story, frames: int, seed: int) -> None:
    """The drive becomes defects, defects become cases, cases go to a crew."""
    street = story.out / "street"
    story.town.write(street, frames, seed)
    story.note(f"a vehicle has driven {frames} m of street, {frames} pictures", f"巡检车采集了{frames}张照片")
    settings = JobSettings(archive=str(street), model=model_path(None))
    run_job(settings, story.out / "detected", workers=0, fresh=True, on_progress=lambda _now: None)
    seen = [survey_frame(result, name) for result, name in read_results(story.out / "detected")]
    fixes, _ = fixes_of(str(street), "auto", None, CoordinateSystem.WGS84, seen)
    import_file(story.engine, street / ROADS, CoordinateSystem.WGS84, quiet=True)
    camera = read_camera(street / CAMERA)
    survey(story.engine, seen, fixes, camera, SurveySettings(camera.name))
    keep_frames(str(street), seen, str(story.out / "blobs"))
    story.clock.go_to(story.clock.time + 10 * MINUTES)
    rules = FilingRules(area_of=lambda _defect: "demo", owner_of=lambda _defect: "city")
    filed = file_defects(story.desk, rules).filed
    story.note(f"{len(filed)} cases are filed of what was seen", f"自动立案{len(filed)}件")


def chosen_case(story: Story) -> tuple[str, PlacedDefect]:
    """The first case of a hole that was drawn; raises DataError where the survey found none."""
    with reading(story.engine) as unit:
        rows = [row for name in unit.events.cases() if (row := unit.rows.get(name)) is not None]
    for row in rows:
        if row.lat is None or row.lon is None or row.distress != "pothole":
            continue
        hole = story.town.hole_at(Position(row.lat, row.lon))
        if hole is not None:
            return row.case_id, hole
    raise DataError("the survey found none of the holes that were drawn; try another --seed")


def report(story: Story, chosen: tuple[str, PlacedDefect], taken: tuple[bytes, bytes], says: Words) -> None:
    """The crew sends two pictures and says that it is done."""
    case, _ = chosen
    names = tuple(story.blobs.put(data) for data in taken)
    story.clock.go_to(story.clock.time + MINUTES)
    story.desk.record(_crew(story.desk, case), case, RepairReported(names))
    shown = zip(("crew, context · 养护单位，远景", "crew, close-up · 养护单位，近景"), names, strict=True)
    story.note(says.english, says.chinese, case, list(shown))


def judge(story: Story, work: Worker, case: str) -> None:
    """The queue judges what is due."""
    story.clock.go_to(story.clock.time + 9 * MINUTES)
    work.once()
    with reading(story.engine) as unit:
        seq = max(event.seq for event in unit.events.of(case) if isinstance(event.data, RepairReported))
        row = unit.assessments.by_machine(case, seq)
    if row is None:
        raise DataError(f"case {case}: its report {seq} was not judged; see 'roadwarden repair jobs'")
    story.records.append(row)
    said = verdict_words(row.verdict, json.loads(row.content)["reasons"])
    drawn = [("before, after aligned, difference · 修复前，配准后，差异", row.overlay)] if row.overlay else []
    story.note(said.english, said.chinese, case, drawn)


def prove(story: Story, case: str) -> None:
    """The log is signed; another department gets the case and checks it with nothing but the public key."""
    key = write_new_key(story.out / "log.key", ORIGIN)
    ledger = Ledger(story.engine)
    leaves = ledger.follow()
    ledger.checkpoint(key, story.clock.time)
    story.note(f"the log of {leaves} leaves is signed", f"存证日志共{leaves}条，已签名")
    content = bundle_case(ledger, case, key, Enclosed(story.blobs.get))
    story.bundle_file = story.out / f"{case}.zip"
    story.bundle_file.write_bytes(content)
    story.bundle = verify_bundle(content, ring_of(key))
    said = "verifies" if story.bundle.verified else f"does NOT verify: {story.bundle.faults[0]}"
    text = f"the bundle of case {case} ({story.bundle.events} events, {len(story.bundle.images)} pictures) {said}"
    story.note(text, f"案卷离线验证{'通过' if story.bundle.verified else '未通过'}", case)


def _to_crew(story: Story, case: str) -> None:
    dispatch_by_rules(story.desk, FILING, case, *dispatch_table(), Ask(key=f"dispatch:{case}"))
    who = _crew(story.desk, case)
    story.note(f"sent to {who.department}, crew {who.crew or 'theirs to choose'}", f"派遣至{who.department}", case)
    steps: tuple[tuple[EventData, str, str], ...] = (
        (Accepted(), "the crew takes it on", "养护单位接单"),
        (RepairStarted(), "work on the road begins", "开始施工"),
    )
    for data, english, chinese in steps:
        story.clock.go_to(story.clock.time + timedelta(hours=1))
        story.desk.record(who, case, data)
        story.note(english, chinese, case)


def _crew(desk: CaseDesk, case: str) -> Person:
    sent = [event.data for event in desk.events(case) if isinstance(event.data, Dispatched)][-1]
    return Person("demo crew", Role.CREW, department=sent.department, crew=sent.crew)


def _judge(story: Story, threads: int) -> Worker:
    table = shipped_repair_table()
    queue = Assessing(story.desk, "demo", audit_share=0.0)  # a drawn one would wait for a person
    assessor = Assessor(load_detector(model_path(None), threads=threads), table)
    judge_all = CaseAssessor(assessor, story.blobs, ShownPictures(story.engine), time_zone())
    return Worker(queue, lambda: judge_all)
