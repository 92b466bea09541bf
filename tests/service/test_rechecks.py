"""Later drives over mended places: evidence that they hold, rework where they do not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from desks import CREW, DISPATCHER, DUTY, JUDGE, Clock, desk_of
from drives import CAMERA, HOLES, MORNING, SETTINGS, drive, fixes, street

from roadwarden.cases.events import Accepted, Assessed, Closed, Dispatched, RepairReported, Verdict
from roadwarden.service.filing import FilingRules, file_defects
from roadwarden.service.rechecks import crew_figures, run_rechecks
from roadwarden.service.survey import survey
from roadwarden.service.survey_frames import FrameState
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import writing


@pytest.fixture
def engine(tmp_path):
    engine = open_storage(f"sqlite:///{tmp_path}/roadwarden.db")
    with writing(engine) as unit:
        unit.segments.add(street(), "street", MORNING)
    yield engine
    engine.dispose()


@pytest.fixture
def clock():
    return Clock(MORNING + timedelta(hours=1))


def drive_by(engine, clock, days, holes):
    start = MORNING + timedelta(days=days)
    clock.time = start + timedelta(hours=1)
    survey(engine, drive(start=start, holes=holes, name=f"day {days}"), fixes(start=start), CAMERA, SETTINGS)


def mended(engine, clock):
    """All holes of the street filed, mended and closed by crew 7."""
    desk = desk_of(engine, clock)
    survey(engine, drive(), fixes(), CAMERA, SETTINGS)
    rules = FilingRules(area_of=lambda _: "west-lake", owner_of=lambda _: "city")
    cases = sorted(file_defects(desk, rules).filed.values())
    assert len(cases) == len(HOLES)
    for case in cases:
        desk.record(DISPATCHER, case, Dispatched("roads", "crew-7"))
        desk.record(CREW, case, Accepted())
        seq = desk.record(CREW, case, RepairReported(("a" * 64,))).events[0].seq
        desk.record(JUDGE, case, Assessed(Verdict.REPAIRED, seq))
        desk.record(DUTY, case, Closed())
    return desk, cases


def test_a_pass_that_sees_nothing_is_evidence_and_is_counted_for_the_crew(engine, clock):
    desk, _ = mended(engine, clock)
    assert run_rechecks(desk).answers == {}
    drive_by(engine, clock, 8, holes=())
    run = run_rechecks(desk)
    assert (run.looked_at, run.answers, run.reopened) == (4, {"held": 4}, [])
    assert run_rechecks(desk).answers == {}  # nothing is answered twice
    (figure,) = crew_figures(desk)
    assert (figure.crew, figure.day, figure.held, figure.broken) == ("crew-7", 7, 4, 0)
    assert figure.broken_bounds == pytest.approx((0.0, 0.4899), abs=1e-3)


def test_what_comes_back_within_its_warranty_is_rework_of_the_same_crew(engine, clock):
    desk, cases = mended(engine, clock)
    drive_by(engine, clock, 9, holes=HOLES[:1])
    run = run_rechecks(desk)
    (again,) = run.reopened
    assert again in cases
    row = desk.row(again)
    assert (row.cycle, row.state, row.crew) == (2, "filed", "crew-7")
    assert "9 days after the repair" in desk.events(again)[-1].data.reason
    assert run.answers == {"held": 3, "broken": 3}
    assert run_rechecks(desk).reopened == []


def test_a_drive_in_the_dark_is_no_evidence(engine, clock):
    desk, _ = mended(engine, clock)
    start = MORNING + timedelta(days=8)
    clock.time = start + timedelta(hours=1)
    frames = drive(start=start, holes=(), state=FrameState.POOR, name="night")
    survey(engine, frames, fixes(start=start), CAMERA, SETTINGS)
    assert run_rechecks(desk).answers == {}
    clock.time = MORNING + timedelta(days=31)
    assert run_rechecks(desk).answers == {"not_looked": 4}


def test_after_the_warranty_nothing_is_re_opened(engine, clock):
    desk, _ = mended(engine, clock)
    drive_by(engine, clock, 40, holes=HOLES[:1])
    run = run_rechecks(desk)
    assert run.reopened == []
    assert len(run.out_of_warranty) == 1
