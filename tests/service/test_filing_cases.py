"""Defects that pass the filing table file their cases, once, however often it is run and whatever id they have now."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from desks import CHIEF_APPROVES, CREW, DISPATCHER, DUTY, INTAKE, JUDGE, Clock
from drives import CAMERA, HANGZHOU, MORNING, SETTINGS, drive, fixes, street
from typer.testing import CliRunner

from roadwarden.cases.events import (
    Accepted,
    Assessed,
    Closed,
    Dispatched,
    HandedBack,
    RepairReported,
    Role,
    SafetyMeasure,
    Severity,
    Verdict,
    Voided,
)
from roadwarden.cases.filing import Filing, Source
from roadwarden.cases.permissions import Person
from roadwarden.cases.tips import Tip, filed_by
from roadwarden.cli import app
from roadwarden.defects.cells import Code
from roadwarden.detections import PlaneCovariance, Sighting
from roadwarden.errors import NotAllowed, UnknownCase
from roadwarden.geo.places import RoadGrade
from roadwarden.service.cases import Ask, CaseDesk
from roadwarden.service.cells import cells_of
from roadwarden.service.defect_work import defect_work
from roadwarden.service.filing import FilingRules, file_defects
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.merging import Rules, take_in
from roadwarden.service.roads import import_roads
from roadwarden.service.survey import survey
from roadwarden.service.tips import drop_tip, file_tip, take_in_tip, waiting_tips
from roadwarden.storage import case_unit
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import reading, writing
from roadwarden.taxonomy import DistressType

CRACKING = DistressType.ALLIGATOR_CRACK
BESIDE_M, IN_PATH_M = -2.0, -2.9
"""North of the street's middle: the middle of the southern lane, and a wheel path of it."""
WEST, EAST = 40.0, 240.0
"""The western half of the street is of grade I, the eastern of grade II."""
RULES = FilingRules(area_of=lambda _defect: "west-lake", owner_of=lambda _defect: "city")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def engine(tmp_path, clock):
    engine = open_storage(f"sqlite:///{tmp_path}/roadwarden.db")
    with writing(engine) as unit:
        unit.segments.add(street(), "street", clock.time - timedelta(days=30))
    yield engine
    engine.dispose()


@pytest.fixture
def desk(engine, clock):
    return CaseDesk(engine, now=clock)


def look(name, seen_at, east_m, north_m=BESIDE_M, sides=(0.4, 0.4), kind=DistressType.POTHOLE, drive="monday"):
    position = HANGZHOU.position_of(east_m, north_m)
    return Sighting(
        id=hashlib.md5(name.encode()).hexdigest(),
        frame=hashlib.sha256(name.encode()).hexdigest(),
        seen_at=seen_at,
        pass_id=drive,
        type=kind,
        score=0.9,
        position=replace(position, heading_deg=90.0),
        covariance=PlaneCovariance(0.0004, 0.0004),
        length_m=sides[0],
        width_m=sides[1],
        size_sigma_m=0.005,
        model="yolo26n-2 5f3c",
    )  # fmt: skip


def see(engine, *looks):
    with reading(engine) as unit:
        roads = KnownRoads.newest(unit)
    return take_in(engine, looks, roads, Rules())


def cases(engine):
    with case_unit.reading(engine) as unit:
        names = unit.events.cases()
        return [unit.rows.get(name) for name in names]


def events(engine):
    with case_unit.reading(engine) as unit:
        return unit.events.count()


def mend(desk, case, clock):
    desk.record(DISPATCHER, case, Dispatched("roads", "crew-7"))
    desk.record(CREW, case, Accepted())
    reported = desk.record(CREW, case, RepairReported(("a" * 64,))).events[0].seq
    desk.record(JUDGE, case, Assessed(Verdict.REPAIRED, reported))
    clock.wait(minutes=1)
    desk.record(DUTY, case, Closed())


def test_what_is_filed_at_once_is_filed_and_the_rest_waits_severe_ones_first(engine, desk, clock):
    earlier = clock.time - timedelta(hours=3)
    see(
        engine,
        look("small hole", earlier, EAST, sides=(0.2, 0.2)),
        look("hole", earlier, EAST + 8),
        look("large hole", earlier, EAST + 16, sides=(0.5, 0.5)),
        look("in path", earlier, WEST, IN_PATH_M),
        look("cracking 1", earlier, WEST + 20, sides=(2.0, 1.0), kind=CRACKING),
        look("cracking 2", earlier, WEST + 40, sides=(2.0, 1.0), kind=CRACKING),
        look("cracking 2 again", earlier, WEST + 40, sides=(2.0, 1.0), kind=CRACKING, drive="noon"),
        look("shaft", earlier, EAST + 24, kind=DistressType.MANHOLE_COVER_MISSING),
        look("nowhere", earlier, EAST, 400.0),
    )
    run = file_defects(desk, RULES)
    assert (run.looked_at, run.nowhere) == (8, 1)
    found = {(row.distress, row.severity, row.road_grade) for row in cases(engine)}
    assert found == {
        ("pothole", Severity.NORMAL, "II"),
        ("pothole", Severity.SEVERE, "II"),  # 0.25 m²
        ("pothole", Severity.SEVERE, "I"),  # in the wheel path of a grade I road
        ("alligator_crack", Severity.NORMAL, "I"),  # seen twice
    }
    assert [(one.problem, one.severity) for one in run.by_urgency] == [
        ("manhole_cover_missing", Severity.SEVERE),
        ("alligator_crack", Severity.NORMAL),
    ]
    one = cases(engine)[0]
    assert (one.area, one.owner, one.domain, one.policy, one.source) == (
        "west-lake", "city", "pavement", "roads-1", "camera"
    )  # fmt: skip
    assert one.first_seen_at == earlier
    assert one.filed_at == clock.time


def test_run_again_it_files_nothing(engine, desk, clock):
    see(engine, look("hole", clock.time, EAST), look("other", clock.time, EAST + 10))
    first = file_defects(desk, RULES)
    assert len(first.filed) == 2
    before = events(engine)
    for _ in range(3):
        clock.wait(hours=1)
        again = file_defects(desk, RULES)
        assert (again.filed, again.raised) == ({}, [])
    assert events(engine) == before


def test_a_run_that_read_before_another_filed_files_nothing_twice(engine, desk, clock):
    """Two workers at once: both see a defect without a case; the key of the command decides."""
    see(engine, look("hole", clock.time, EAST))
    told = []

    def other_worker(_looked_at):
        told.append(file_defects(CaseDesk(engine, now=clock), RULES))

    class Slow(CaseDesk):
        def file(self, who, data, ask, case=None):
            other_worker(0)
            return super().file(who, data, ask, case)

    run = file_defects(Slow(engine, now=clock), RULES)
    assert len(cases(engine)) == 1
    assert list(run.filed.values()) == list(told[0].filed.values()) == [cases(engine)[0].case_id]


def test_a_sighting_that_arrives_late_gives_the_defect_another_id_and_files_nothing(engine, desk, clock):
    see(engine, look("hole", clock.time, EAST))
    (defect,) = file_defects(desk, RULES).filed
    see(engine, look("hole, an hour before", clock.time - timedelta(hours=1), EAST, drive="early"))
    run = file_defects(desk, RULES)
    with reading(engine) as unit:
        assert unit.defects.now([defect])[defect] != defect
    assert run.filed == {}
    assert len(cases(engine)) == 1


def test_two_cases_of_what_turns_out_to_be_one_defect_are_told(engine, desk, clock):
    see(engine, look("hole", clock.time, EAST))
    (first,) = file_defects(desk, RULES).filed.values()
    second = desk.file(INTAKE, filed_twin(engine)).row.case_id
    run = file_defects(desk, RULES)
    assert (run.filed, run.doubles) == ({}, [(first, second)])
    desk.merge(DUTY, second, first)
    assert file_defects(desk, RULES).doubles == []


def second_case(desk, actor_of="filing"):
    """As if the defect had been two for a while."""
    data = filed_twin(desk.engine)
    return desk.file(Person(actor_of, Role.SYSTEM), data, Ask(key="twin")).row.case_id


def test_of_two_cases_that_nobody_has_touched_the_younger_goes_into_the_older(engine, desk, clock):
    see(engine, look("hole", clock.time, EAST))
    (first,) = file_defects(desk, RULES).filed.values()
    due = cases(engine)[0].due_at
    clock.wait(hours=3)
    second = second_case(desk)
    run = file_defects(desk, RULES)
    assert (run.merged, run.doubles) == ({second: first}, [])
    after = {row.case_id: row for row in cases(engine)}
    assert (after[first].is_open, after[first].due_at, after[second].state) == (True, due, "merged")
    assert file_defects(desk, RULES).merged == {}


def test_the_case_that_somebody_works_on_stays_and_keeps_the_deadline_of_the_older(engine, desk, clock):
    see(engine, look("hole", clock.time, EAST))
    (first,) = file_defects(desk, RULES).filed.values()
    due = cases(engine)[0].due_at
    clock.wait(hours=3)
    second = second_case(desk)
    desk.record(DUTY, second, SafetyMeasure("fence"))
    run = file_defects(desk, RULES)
    assert run.merged == {first: second}
    (kept,) = [row for row in cases(engine) if row.is_open]
    assert (kept.case_id, kept.due_at) == (second, due)


def test_two_cases_that_people_work_on_are_left_to_them(engine, desk, clock):
    see(engine, look("hole", clock.time, EAST))
    (first,) = file_defects(desk, RULES).filed.values()
    second = second_case(desk)
    for case in (first, second):
        desk.record(DUTY, case, SafetyMeasure("fence"))
    run = file_defects(desk, RULES)
    assert (run.merged, run.doubles) == ({}, [(first, second)])


class TestTwoHolesThatWereTakenForOne:
    """Late frames may join two defects for a minute. One of them, severe, was left without a case."""

    FILING = Person("filing", Role.SYSTEM)

    def two(self, engine, desk, clock):
        """Cases of two holes, the second merged into the first as if they had been one."""
        see(engine, look("hole", clock.time, EAST), look("other hole", clock.time, EAST + 30))
        assert len(file_defects(desk, RULES).filed) == 2
        first, second = (row.case_id for row in cases(engine))
        return first, second

    def test_each_has_its_case_again_when_they_are_told_apart(self, engine, desk, clock):
        first, second = self.two(engine, desk, clock)
        due = {row.case_id: row.due_at for row in cases(engine)}
        desk.merge(self.FILING, second, first)
        clock.wait(hours=1)
        run = file_defects(desk, RULES)
        assert (run.parted, run.filed, run.merged, run.doubles) == ([second], {}, {}, [])
        assert {row.case_id: row.due_at for row in cases(engine) if row.is_open} == due  # no clock has gained
        before = events(engine)
        assert file_defects(desk, RULES).parted == []
        assert events(engine) == before

    def test_also_where_the_other_has_ended_meanwhile(self, engine, desk, clock):
        first, second = self.two(engine, desk, clock)
        desk.merge(self.FILING, second, first)
        desk.record(DUTY, first, Voided("no defect", CHIEF_APPROVES))
        assert file_defects(desk, RULES).parted == [second]
        assert [row.case_id for row in cases(engine) if row.is_open] == [second]

    def test_what_a_person_merged_stays(self, engine, desk, clock):
        first, second = self.two(engine, desk, clock)
        desk.merge(DUTY, second, first)
        assert file_defects(desk, RULES).parted == []
        assert [row.case_id for row in cases(engine) if row.is_open] == [first]

    def test_and_may_be_merged_and_parted_again(self, engine, desk, clock):
        first, second = self.two(engine, desk, clock)
        for _ in range(3):
            desk.merge(self.FILING, second, first)
            assert file_defects(desk, RULES).parted == [second]
        assert all(row.is_open for row in cases(engine))


def filed_twin(engine):
    with case_unit.reading(engine) as unit:
        (name,) = unit.events.cases()
        return unit.events.of(name)[0].data


def test_a_defect_that_grew_severe_makes_its_case_severe_once(engine, desk, clock):
    see(engine, look("hole", clock.time, EAST))
    (case,) = file_defects(desk, RULES).filed.values()
    clock.wait(hours=2)
    see(engine, *(look(f"larger {n}", clock.time, EAST, sides=(0.7, 0.7), drive=f"tuesday {n}") for n in range(6)))
    assert file_defects(desk, RULES).raised == [case]
    assert file_defects(desk, RULES).raised == []
    row = desk.row(case)
    assert row.severity is Severity.SEVERE
    assert row.due_at == clock.time + timedelta(hours=24)


def test_a_repaired_defect_is_filed_again_only_after_its_warranty_and_then_says_what_it_recurs(engine, desk, clock):
    see(engine, look("hole", clock.time, EAST))
    (first,) = file_defects(desk, RULES).filed.values()
    mend(desk, first, clock)
    assert file_defects(desk, RULES).filed == {}
    clock.wait(days=10)
    see(engine, look("again", clock.time, EAST, drive="later"))
    run = file_defects(desk, RULES)
    assert (run.filed, run.seen_again) == ({}, [first])  # within 30 days a person re-opens
    clock.wait(days=21)
    came_back = clock.time
    see(engine, look("much later", came_back, EAST, drive="much later"))
    (second,) = file_defects(desk, RULES).filed.values()
    assert second != first
    assert file_defects(desk, RULES).filed == {}
    data = desk.events(second)[0].data
    assert (data.recurrence_of, data.first_seen_at) == (first, came_back)


def test_what_a_person_voided_is_not_filed_again(engine, desk, clock):
    see(engine, look("hole", clock.time, EAST))
    (case,) = file_defects(desk, RULES).filed.values()
    desk.record(DUTY, case, Voided("a private yard", CHIEF_APPROVES))
    clock.wait(days=60)
    see(engine, look("again", clock.time, EAST, drive="later"))
    assert file_defects(desk, RULES).filed == {}


def test_only_what_a_survey_changed_is_looked_at_when_asked(engine, desk, clock):
    see(engine, look("hole", clock.time, EAST))
    taken = see(engine, look("other", clock.time, WEST))  # out of the reach of merging
    run = file_defects(desk, RULES, only=sorted(taken.defects))
    assert (run.looked_at, list(run.filed)) == (1, sorted(taken.defects))


def test_a_tip_of_a_sensor_files_one_case_and_a_citizens_waits(engine, desk, clock):
    tip = Tip("lamp-17-4", Source.SENSOR, "lamp_row_out", clock.time, 30.25, 120.16, area="west-lake")
    taken = take_in_tip(desk, tip, RULES)
    assert taken.decision.filing is Filing.AT_ONCE
    assert take_in_tip(desk, tip, RULES).case == taken.case == "sensor-lamp-17-4"
    row = desk.row(taken.case)
    assert (row.severity, row.policy, row.domain) == (Severity.SEVERE, "lighting-1", "lighting")
    assert desk.events(taken.case)[0].role is Role.SYSTEM
    waits = take_in_tip(desk, replace(tip, source=Source.CITIZEN), RULES)
    assert (waits.decision.filing, waits.case) == (Filing.INTAKE, None)
    assert len(cases(engine)) == 1


def citizen(clock, id, **told):
    return Tip(id, Source.CITIZEN, "pothole", clock.time, 30.25, 120.16, area="west-lake", owner="city", **told)


def test_a_tip_that_waits_is_filed_by_intake_once_and_is_what_a_citizen_saw_first(engine, desk, clock):
    first, second = citizen(clock, "12345-1", note="很大的坑"), citizen(clock, "12345-2")
    take_in_tip(desk, first, RULES)
    clock.wait(minutes=5)
    take_in_tip(desk, second, RULES)
    take_in_tip(desk, replace(first, note="told again"), RULES)
    assert [one.tip for one in waiting_tips(desk)] == [first, second]
    assert waiting_tips(desk, "xiacheng") == ()
    case = file_tip(desk, INTAKE, Source.CITIZEN, "12345-1", RULES, Severity.SEVERE)
    assert file_tip(desk, DUTY, Source.CITIZEN, "12345-1", RULES) == case == "citizen-12345-1"
    filed = desk.events(case)[0]
    assert (filed.actor, filed.data.note, filed.data.first_seen_at) == ("u1", "很大的坑", first.seen_at)
    assert (filed.data.severity, filed.data.source, filed.data.owner) == (Severity.SEVERE, "citizen", "city")
    assert [one.tip for one in waiting_tips(desk)] == [second]
    assert take_in_tip(desk, first, RULES).case == case


def test_a_tip_that_needs_no_case_is_dropped_with_the_reason_and_stays_dropped(desk, clock):
    tip = citizen(clock, "12345-3")
    take_in_tip(desk, tip, RULES)
    with pytest.raises(NotAllowed, match=r"role crew may not record filed; .*intake"):
        drop_tip(desk, CREW, Source.CITIZEN, tip.id, "a private yard")
    with pytest.raises(NotAllowed, match="say why"):
        drop_tip(desk, INTAKE, Source.CITIZEN, tip.id, " ")
    drop_tip(desk, INTAKE, Source.CITIZEN, tip.id, "a private yard")
    assert waiting_tips(desk) == ()
    assert str(take_in_tip(desk, tip, RULES)) == "dropped: a private yard"
    with pytest.raises(NotAllowed, match="dropped by u1: a private yard; file a case by hand"):
        file_tip(desk, DUTY, Source.CITIZEN, tip.id, RULES)
    with pytest.raises(UnknownCase, match="no tip citizen 404; 'roadwarden case tips list'"):
        drop_tip(desk, INTAKE, Source.CITIZEN, "404", "twice")


def test_a_tip_that_became_a_case_is_not_dropped_even_if_the_queue_was_not_told(desk, clock):
    """The process ended between filing and settling: the case is there, and asking again settles the tip."""
    tip = citizen(clock, "12345-4")
    take_in_tip(desk, tip, RULES)
    desk.file(INTAKE, filed_by(tip, RULES.domains), case=tip.case)
    with pytest.raises(NotAllowed, match="is case citizen-12345-4; void that"):
        drop_tip(desk, INTAKE, Source.CITIZEN, tip.id, "twice")
    assert file_tip(desk, DUTY, Source.CITIZEN, tip.id, RULES) == tip.case
    assert waiting_tips(desk) == ()


def test_the_queue_by_command(tmp_path):
    database = ["--database", f"sqlite:///{tmp_path}/tips.db"]
    intake = ["--by", "u1", "--role", "intake", *database]

    def run(*words):
        result = CliRunner().invoke(app, ["case", *words])
        return result.exit_code, result.stdout

    tip = ["tip", "--problem", "pothole", "--source", "citizen", *database]
    assert run("tips", "list", *database)[0] == 1  # there is no database yet
    assert run(*tip, "--id", "7")[1].startswith("waits for intake: ")
    assert run(*tip, "--id", "8", "--note", "井盖旁边")[0] == 0
    told = run("tips", "list", *database)[1]
    assert [line.split("  ")[0] for line in told.splitlines()] == ["citizen 7", "citizen 8"]
    assert told.endswith(": 井盖旁边\n")
    assert run("tips", "file", "citizen", "7", *intake) == (0, "case citizen-7\n")
    assert run("tips", "drop", "citizen", "8", "--reason", "两次", *intake) == (0, "dropped citizen 8: 两次\n")
    assert json.loads(run("tips", "list", *database, "--json")[1]) == []
    assert run("tips", "list", *database) == (0, "no tip waits\n")
    assert run("tips", "file", "citizen", "404", *intake)[0] == 1


def test_a_tip_from_nowhere_on_earth_is_refused_in_words(tmp_path):
    words = ["--problem", "pothole", "--source", "citizen", "--id", "9", "--latitude", "99", "--longitude", "120"]
    told = CliRunner().invoke(app, ["case", "tip", *words, "--database", f"sqlite:///{tmp_path}/tips.db"])
    assert "tip 9: 99.0, 120.0 is not on Earth" in str(told.exception) + told.output


def test_owner_and_area_of_the_road_go_with_the_case_and_options_say_what_the_map_does_not(engine, desk, clock):
    grades = [(replace(one, owner="street", area="north") if one.grade is RoadGrade.I else one) for one in street()]
    import_roads(engine, grades, "street with owners", clock.time)
    see(engine, look("hole", clock.time, WEST), look("another", clock.time, EAST))
    file_defects(desk, RULES)
    assert {(row.owner, row.area) for row in cases(engine)} == {("street", "north"), ("city", "west-lake")}


def test_the_commands_say_what_was_filed_and_what_waits(engine, clock, tmp_path):
    see(engine, look("hole", clock.time, WEST, IN_PATH_M), look("small hole", clock.time, EAST, sides=(0.2, 0.2)))
    see(engine, look("shaft", clock.time, EAST + 24, kind=DistressType.MANHOLE_COVER_MISSING))
    database = ["--database", f"sqlite:///{tmp_path}/roadwarden.db"]
    words = ["case", "file-defects", "--area", "west-lake", "--owner", "city", "--dispatch", *database]
    told = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    (case,) = told["filed"].values()
    assert told["dispatched"] == {case: "roads"}
    assert [one["problem"] for one in told["waiting"]] == ["manhole_cover_missing"]
    again = CliRunner().invoke(app, words)
    assert "3 defects looked at, 0 filed, 1 wait for intake" in again.stdout
    assert "waits: severe manhole_cover_missing" in again.stdout
    see(engine, look("third", clock.time, EAST + 48, IN_PATH_M))
    filed_only = json.loads(CliRunner().invoke(app, [one for one in words if one != "--dispatch"] + ["--json"]).stdout)
    (late,) = filed_only["filed"].values()  # as if the run had been killed before it dispatched
    assert f"case {late}, filed before, to roads" in CliRunner().invoke(app, words).stdout
    assert json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)["dispatched"] == {}
    tip = ["case", "tip", "--problem", "lamp_out", "--source", "sensor", "--id", "17", *database]
    assert CliRunner().invoke(app, tip).stdout == CliRunner().invoke(app, tip).stdout == "case sensor-17\n"


def test_the_holes_of_a_drive_are_cases_when_it_is_surveyed_and_driving_it_again_files_none(engine, desk, clock):
    """Four holes of 0.6 m x 0.6 m, as a detector without faults sees them."""
    first = survey(engine, drive(), fixes(), CAMERA, SETTINGS)
    run = file_defects(desk, RULES, sorted(first.taken_in.defects))
    assert len(run.filed) == len(cases(engine)) == 4
    assert {row.severity for row in cases(engine)} == {Severity.SEVERE}  # 0.36 m²
    assert all(abs(row.filed_at - clock.time) < timedelta(seconds=1) for row in cases(engine))
    tuesday = MORNING + timedelta(days=1)
    again = survey(engine, drive(start=tuesday, name="tuesday"), fixes(start=tuesday), CAMERA, SETTINGS)
    clock.time = tuesday + timedelta(hours=1)
    assert file_defects(desk, RULES, sorted(again.taken_in.defects)).filed == {}


def colour(engine, clock, east_m):
    """Of the cell at so many metres, the street having been looked at."""
    with reading(engine) as unit, case_unit.reading(engine) as cases_unit:
        roads = KnownRoads.newest(unit)
        work = defect_work(cases_unit, unit, ["street 1", "street 2"], clock.time)
        cells = cells_of(unit, roads, ["street 1", "street 2"], clock.time, work=work)
    along = east_m - 150 if east_m >= 150 else east_m
    found = {cells.at("street 2" if east_m >= 150 else "street 1", int(along) + turn, lateral).code
             for turn in (-1, 0) for lateral in range(8)}  # fmt: skip
    return max(found)


def test_a_cell_is_yellow_while_its_case_runs_red_when_it_is_overdue_and_no_longer_once_it_is_mended(
    engine, desk, clock
):
    see(engine, look("hole", clock.time, EAST))
    (case,) = file_defects(desk, RULES).filed.values()
    clock.wait(hours=48)
    assert colour(engine, clock, EAST) is Code.YELLOW  # exactly at due is in time
    clock.wait(seconds=1)
    assert colour(engine, clock, EAST) is Code.RED
    mend(desk, case, clock)
    assert colour(engine, clock, EAST) is Code.GREY  # nobody has looked since
    clock.wait(hours=1)
    see(engine, look("back", clock.time, EAST, drive="later"))
    assert colour(engine, clock, EAST) is Code.YELLOW


def test_who_had_a_case_in_hands_is_shown(engine, desk, clock, tmp_path):
    see(engine, look("hole", clock.time, EAST))
    (case,) = file_defects(desk, RULES).filed.values()
    desk.record(DISPATCHER, case, Dispatched("roads", "crew-7"))
    desk.record(CREW, case, HandedBack("a cover, not the road"))
    desk.record(DISPATCHER, case, Dispatched("utilities"))
    words = ["case", "show", case, "--now", clock.wait(hours=1).isoformat(), "--database",
             f"sqlite:///{tmp_path}/roadwarden.db"]  # fmt: skip
    assert "in the hands of: roads → (handed back) → utilities; bounces: 1" in CliRunner().invoke(app, words).stdout
    told = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)["hand_overs"]
    assert [(one["from"], one["to"], one["bounce"]) for one in told] == [
        ("", "roads", False), ("roads", "", True), ("", "utilities", False)
    ]  # fmt: skip
    assert told[1]["reason"] == "a cover, not the road"
