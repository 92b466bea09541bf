"""``roadwarden repair queue`` as it is run, killed with a report in its hands: real pictures, model, records and log.

The queue alone, in every order and with many workers that are killed: tests/service/test_assessing_crashes.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from roadwarden.cases.assessments import AssessmentKind, JobState
from roadwarden.cases.events import Accepted, Assessed, Dispatched
from roadwarden.defects.placing import sighting_id
from roadwarden.detections import Detections, PlaneCovariance, Sighting
from roadwarden.ledger.leaves import LeafKind
from roadwarden.models.load import load_detector, shipped_model
from roadwarden.service.filing import FilingRules, file_defects
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.ledger import Ledger
from roadwarden.service.merging import Rules, take_in
from roadwarden.storage import engine as engines
from roadwarden.storage import unit as roads
from roadwarden.storage.assessment_jobs import OPEN_STATES
from roadwarden.storage.assessments import AssessmentFilter, AssessmentRow
from roadwarden.storage.blobs import open_blobs
from roadwarden.storage.case_unit import reading, writing
from roadwarden.storage.ledger_store import LedgerStore
from roadwarden.storage.schema import open_storage
from roadwarden.taxonomy import DistressType

sys.path.insert(0, str(Path(__file__).parent.parent / "service"))

from assessing_world import World
from desks import CREW, DISPATCHER, Clock
from drives import HANGZHOU, street

from tests.repairs.repair_scenes import BOX, looked_at_again, road, with_hole, with_patch
from tests.repairs.test_case_assess import encoded

REPORTS = 12
PATIENCE_S = 60
RULES = FilingRules(area_of=lambda _defect: "west-lake", owner_of=lambda _defect: "city")


@dataclass(slots=True)
class City:
    """A street with a dozen holes, and reports that every second one is mended, which is true."""

    world: World
    reports: list[tuple[str, int]]
    folder: Path

    def start(self) -> subprocess.Popen[str]:
        """The worker, as a service manager starts it."""
        words = [sys.executable, "-m", "roadwarden", "repair", "queue", "--every-s", "0.2", "--json"]
        return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})

    def records(self) -> tuple[AssessmentRow, ...]:
        with reading(self.world.engine) as unit:
            return unit.assessments.list(AssessmentFilter(kind=AssessmentKind.MACHINE), 1000)

    def held(self) -> dict[tuple[str, int], str]:
        """Who has which report in his hands."""
        with reading(self.world.engine) as unit:
            jobs = unit.jobs.list(OPEN_STATES)
        return {(job.case, job.report_seq): job.leased_by for job in jobs if job.leased_by is not None}

    def five_minutes_pass(self) -> None:
        """Leases run out."""
        held, now = self.held(), datetime.now(UTC)
        with writing(self.world.engine) as unit:
            for case, report_seq in held:
                unit.jobs.change(case, report_seq, {"leased_until": now - timedelta(seconds=1)})


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    database = f"sqlite:///{tmp_path}/roadwarden.db"
    monkeypatch.setenv("ROADWARDEN_DATABASE", database)
    monkeypatch.setenv("ROADWARDEN_BLOBS", str(tmp_path / "blobs"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    now = datetime.now(UTC)
    world = World(open_storage(database), Clock(now - timedelta(hours=2)))
    blobs, reports = open_blobs(str(tmp_path / "blobs")), []
    seeds = _surveyed(world, blobs.put, now - timedelta(hours=3))
    cases = sorted(file_defects(world.desk, RULES).filed.values(), key=lambda case: world.desk.row(case).lon)
    for number, (case, seed) in enumerate(zip(cases, seeds, strict=True)):  # from west to east, as they were seen
        hole = with_hole(road(seed), seed=seed)
        after, taken = with_patch(hole) if number % 2 else hole, now - timedelta(minutes=30)
        names = [blobs.put(encoded(looked_at_again(after, look), taken)) for look in (seed, seed + 100)]
        world.clock.time = now - timedelta(hours=1)
        world.desk.record(DISPATCHER, case, Dispatched("roads", "crew-7"))
        world.desk.record(CREW, case, Accepted())
        world.clock.time = now - timedelta(minutes=REPORTS - number)
        reports.append((case, world.report(case, tuple(names))))
    yield City(world, reports, tmp_path)
    world.engine.dispose()


def _surveyed(world: World, put: Callable[[bytes], str], seen_at: datetime) -> list[int]:
    """A drive along the street: each hole seen once, as the model that we ship sees it; the seeds of their pictures."""
    detector, looks, seeds = load_detector(shipped_model(), threads=1), [], []
    for seed in range(1, 100):
        picture = with_hole(road(seed), seed=seed)
        found = detector.detect([picture])[0]
        row = _on_the_hole(found)
        if row is None:
            continue
        frame, east_m = put(encoded(picture, seen_at)), 15.0 + 20.0 * len(looks)
        box = found.boxes_xyxy[row]
        looks.append(
            Sighting(
                id=sighting_id(frame, "shipped", box), frame=frame, seen_at=seen_at + timedelta(seconds=len(looks)),
                pass_id="car 1", type=DistressType.POTHOLE, score=float(found.scores[row]),
                position=replace(HANGZHOU.position_of(east_m, -2.0), heading_deg=90.0),
                covariance=PlaneCovariance(0.0004, 0.0004), length_m=0.4, width_m=0.4, size_sigma_m=0.005,
                model="shipped",
            )
        )  # fmt: skip
        seeds.append(seed)
        if len(looks) == REPORTS:
            break
    with roads.writing(world.engine) as unit:
        unit.segments.add(street(), "street", seen_at - timedelta(days=30))
    with roads.reading(world.engine) as unit:
        known = KnownRoads.newest(unit)
    take_in(world.engine, looks, known, Rules())
    return seeds


def _on_the_hole(found: Detections) -> int | None:
    """The row of a pothole that lies where the hole was drawn."""
    near = np.abs(found.boxes_xyxy - np.array(BOX)).max(axis=1) < 12
    return next((row for row in np.flatnonzero(near) if found.types[row] is DistressType.POTHOLE), None)


def _wait(until: Callable[[], bool], worker: subprocess.Popen[str]) -> None:
    begun = time.monotonic()
    while not until():
        assert worker.poll() is None, "the worker ended"
        assert time.monotonic() - begun < PATIENCE_S, "too slow"
        time.sleep(0.02)


def test_a_killed_worker_loses_no_report_and_judges_none_twice(city: City) -> None:
    victim = city.start()
    _wait(lambda: bool(city.records()) and bool(city.held()), victim)
    victim.send_signal(signal.SIGKILL)
    assert victim.wait(10) == -signal.SIGKILL
    before, in_hands = {row.id for row in city.records()}, city.held()
    assert 1 <= len(before) < REPORTS
    assert len(in_hands) <= 1  # none where it had just put one down

    survivor = city.start()
    _wait(lambda: len(city.records()) == REPORTS - len(in_hands), survivor)
    assert city.held() == in_hands  # nobody takes what may still be worked on
    city.five_minutes_pass()
    _wait(lambda: len(city.records()) == REPORTS, survivor)
    survivor.send_signal(signal.SIGTERM)
    said, _ = survivor.communicate(timeout=30)
    assert survivor.returncode == 0
    assert sum(json.loads(line)["judged"] for line in said.splitlines()) == REPORTS - len(before)
    assert before <= {row.id for row in city.records()}
    _assert_each_once(city)


def _assert_each_once(city: City) -> None:
    records = city.records()
    assert Counter((row.case, row.report_seq) for row in records) == Counter(city.reports)
    assert {row.verdict.value for row in records} == {"REPAIRED", "NOT_REPAIRED"}  # each was really compared
    blobs = open_blobs(str(city.folder / "blobs"))
    assert all(row.overlay is not None and blobs.get(row.overlay) for row in records)
    by_case = {row.case: row.id for row in records}
    ledger = Ledger(city.world.engine)
    ledger.follow()
    assert ledger.follow() == 0
    with reading(city.world.engine) as unit, engines.reading(city.world.engine) as connection:
        for case, _seq in city.reports:
            said = [one.data for one in unit.events.of(case) if isinstance(one.data, Assessed)]
            assert [one.assessment for one in said] == [by_case[case]]
            leaves = [one for one in LedgerStore(connection).leaves_of_case(case) if one.kind == LeafKind.ASSESSMENT]
            assert [json.loads(leaf.body)["assessment"] for leaf in leaves] == [by_case[case]]
        counts = unit.jobs.counts()
        waits = {(job.case, job.report_seq) for job in unit.jobs.list([JobState.PERSON])}
    assert (counts[JobState.WAITING], counts[JobState.QUARANTINED], city.held()) == (0, 0, {})
    assert waits == {(row.case, row.report_seq) for row in records if row.audited}  # drawn: a person looks, too
