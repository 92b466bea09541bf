"""Commands on cases: kept whole or not at all, judged by the replay's own fold, done once per key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from desks import (
    CHIEF,
    CHIEF_APPROVES,
    CREW,
    DISPATCHER,
    DUTY,
    INTAKE,
    JUDGE,
    LAKE,
    MONDAY,
    Clock,
    desk_of,
    file_one,
    mend,
    pothole,
    report,
    to_crew,
)
from sqlalchemy import text

from roadwarden.cases.answer import CaseState
from roadwarden.cases.case_row import Light
from roadwarden.cases.event_lines import read_event_lines
from roadwarden.cases.events import (
    Accepted,
    Approver,
    Assessed,
    Closed,
    Dispatched,
    HandedBack,
    Parked,
    Resumed,
    Role,
    Severity,
    SeverityChanged,
    Transferred,
    Verdict,
    Voided,
)
from roadwarden.cases.permissions import Person
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.errors import DataError, NotAllowed, OutputError, StaleCase, UnknownCase
from roadwarden.service import case_messages
from roadwarden.service.case_lines import export_events, import_events
from roadwarden.service.cases import Ask
from roadwarden.service.rebuild import rebuild
from roadwarden.storage import engine as engines
from roadwarden.storage.case_rows import CaseFilter, Order, key_of
from roadwarden.storage.case_unit import reading
from roadwarden.storage.schema import open_storage

POLICIES = shipped_clock_policies()


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def desk(engine, clock):
    return desk_of(engine, clock)


@pytest.fixture
def lite(tmp_path, clock):
    engine = open_storage(f"sqlite:///{tmp_path}/lite.db")
    yield desk_of(engine, clock)
    engine.dispose()


def told(engine):
    with engines.reading(engine) as connection:
        return [tuple(row) for row in connection.execute(text("SELECT topic, case_id FROM outbox ORDER BY number"))]


def dump(engine):
    """Every row of the lists as the database has it."""
    with engines.reading(engine) as connection:
        return [tuple(row) for row in connection.execute(text("SELECT * FROM cases ORDER BY case_id"))]


def listed(desk, order=Order.NEWEST, most=50, after=None, **wanted):
    with reading(desk.engine) as unit:
        return unit.rows.list(CaseFilter(**wanted), desk.now(), order, most, after)


class TestAStory:
    def test_from_filing_to_closing(self, desk, clock, engine):
        case = file_one(desk)
        assert case == "2026-000001"
        clock.wait(hours=3)
        done = mend(desk, case)
        assert (done.row.state, done.row.version, done.row.is_open, done.row.due_at) == ("closed", 7, False, None)
        assert done.row.closed_at == clock()
        answer = desk.answer(case)
        assert (answer.state, answer.refused, answer.repair.is_breached) == (CaseState.CLOSED, (), False)
        assert [event.seq for event in desk.events(case)] == [1, 2, 3, 4, 5, 6, 7]
        assert told(engine) == [
            (f"case.{kind}", case)
            for kind in ("filed", "dispatched", "accepted", "repair_started", "repair_reported", "assessed", "closed")
        ]

    def test_a_false_done_does_not_stop_the_clock(self, lite, clock):
        case = file_one(lite)
        to_crew(lite, case)
        clock.wait(hours=47)
        seq = report(lite, case)
        assert (lite.row(case).clock, lite.row(case).due_at) == ("assess", MONDAY.replace(day=5, hour=7))
        clock.wait(hours=2)
        lite.record(JUDGE, case, Assessed(Verdict.NOT_REPAIRED, seq))
        row = lite.row(case)
        assert (row.clock, row.due_at, row.overdue(clock())) == ("repair", MONDAY.replace(day=4), True)

    def test_names_that_an_import_took_are_passed_over(self, lite, tmp_path, clock):
        assert file_one(lite, "2026-000001") == "2026-000001"
        assert file_one(lite) == "2026-000002"
        with pytest.raises(NotAllowed, match="there is a case 2026-000002 already"):
            file_one(lite, "2026-000002")


class TestWhoAndWhat:
    @pytest.mark.parametrize(
        ("who", "wish", "why"),
        [
            (CREW, Accepted(), "the case is with nobody, and u7 belongs to"),
            (
                CREW,
                Dispatched("roads"),
                "the role crew may not record dispatched; duty_officer, dispatcher, system may",
            ),
            (Person("u9", Role.DISPATCHER, frozenset({"xiacheng"})), Dispatched("roads"), "no part in area west-lake"),
            (DUTY, Closed(), "no report of this cycle is accepted"),
            (DUTY, Parked("rain", MONDAY.replace(day=3)), "not approved: 'approved_by' is missing"),
            (DUTY, Voided("not ours", Approver("u3", Role.DUTY_OFFICER)), "u3 cannot approve what u3 asks for"),
            (DUTY, Voided("not ours", Approver("u2", Role.DISPATCHER)), "dispatcher, which cannot approve"),
            (DUTY, Voided("not ours", Approver("u4")), "in what role does u4 approve?"),
            (JUDGE, Assessed(Verdict.REPAIRED, 9), "9"),
        ],
        ids=["scope", "role", "area", "state", "approval", "himself", "no approver", "role of approver", "report"],
    )
    def test_what_is_not_allowed_is_refused_with_the_reason_and_leaves_nothing(self, lite, who, wish, why):
        case = file_one(lite)
        with pytest.raises(NotAllowed, match=why):
            lite.record(who, case, wish)
        assert len(lite.events(case)) == 1
        assert len(told(lite.engine)) == 1

    def test_an_approver_of_another_area_does_not_count(self, lite):
        case = file_one(lite)
        ask = Ask(approver_areas=frozenset({"xiacheng"}))
        with pytest.raises(NotAllowed, match="u4 has no part in area west-lake"):
            lite.record(DUTY, case, Voided("not ours", CHIEF_APPROVES), ask)
        assert (
            lite.record(DUTY, case, Voided("not ours", CHIEF_APPROVES), Ask(approver_areas=LAKE)).row.state == "voided"
        )

    def test_a_case_that_is_not_there(self, lite):
        for act in (
            lambda: lite.record(DUTY, "HZ-9", Resumed()),
            lambda: lite.row("HZ-9"),
            lambda: lite.events("HZ-9"),
            lambda: lite.answer("HZ-9"),
            lambda: lite.merge(DUTY, "HZ-9", "HZ-8"),
        ):
            with pytest.raises(UnknownCase, match="there is no case HZ-9; 'roadwarden case list' shows"):
                act()

    def test_who_looked_at_an_older_version_is_told(self, desk):
        case = file_one(desk)
        desk.record(DISPATCHER, case, Dispatched("roads"), Ask(expected_version=1))
        with pytest.raises(StaleCase, match=f"case {case} is at version 2, not 1"):
            desk.record(DUTY, case, Voided("not ours", CHIEF_APPROVES), Ask(expected_version=1))


class TestKeys:
    def test_the_same_command_again_does_nothing_again(self, desk):
        first = desk.file(INTAKE, pothole(), Ask(key="tip 1"))
        again = desk.file(INTAKE, pothole(), Ask(key="tip 1"))
        assert (first.repeated, again.repeated) == (False, True)
        assert again.row == first.row
        assert [row.case_id for row in listed(desk)] == [first.row.case_id]

    def test_a_key_of_another_command_is_refused(self, lite):
        file_one(lite, key="tip 1")
        with pytest.raises(NotAllowed, match="the key 'tip 1' was used for another command"):
            file_one(lite, key="tip 1", severity=Severity.SEVERE)

    def test_a_command_that_was_refused_may_use_its_key_again(self, lite):
        case = file_one(lite)
        with pytest.raises(NotAllowed):
            lite.record(CREW, case, Accepted(), Ask(key="k"))
        lite.record(DISPATCHER, case, Dispatched("roads", "crew-7"))
        assert not lite.record(CREW, case, Accepted(), Ask(key="k")).repeated


class TestMerging:
    def test_the_survivor_takes_the_earlier_start_and_releasing_gives_it_back(self, desk, clock):
        first = file_one(desk)
        clock.wait(hours=10)
        second = file_one(desk)
        alone = desk.row(second)
        done = desk.merge(INTAKE, first, second, Ask(key="m"))
        assert (desk.row(first).state, done.row.due_at) == ("merged", desk.answer(first).repair.due_at)
        assert desk.merge(INTAKE, first, second, Ask(key="m")).repeated
        assert desk.unmerge(INTAKE, first).row.state == "filed"
        assert (desk.row(second).due_at, desk.row(second).filed_at) == (alone.due_at, alone.filed_at)
        assert [event.type.value for event in desk.events(second)] == ["filed", "absorbed", "released"]

    def test_half_a_merge_is_not_kept(self, desk):
        first, second = file_one(desk), file_one(desk)
        desk.record(DUTY, second, Voided("not ours", CHIEF_APPROVES))
        with pytest.raises(NotAllowed, match="the case is voided"):
            desk.merge(INTAKE, first, second)
        assert desk.row(first).state == "filed"
        assert len(desk.events(first)) == 1

    def test_what_makes_no_sense_is_refused(self, lite):
        case = file_one(lite)
        with pytest.raises(NotAllowed, match="into itself"):
            lite.merge(INTAKE, case, case)
        with pytest.raises(NotAllowed, match="was never merged"):
            lite.unmerge(INTAKE, case)


class TestOutside:
    def test_an_event_whose_message_cannot_be_written_is_not_kept(self, desk, engine, monkeypatch):
        case = file_one(desk)

        def fails(*_):
            raise RuntimeError("the power goes")

        monkeypatch.setattr(case_messages, "of_event", fails)
        with pytest.raises(RuntimeError, match="the power goes"):
            desk.record(DISPATCHER, case, Dispatched("roads"), Ask(key="k"))
        monkeypatch.undo()
        assert len(desk.events(case)) == 1
        assert desk.row(case).version == 1
        assert not desk.record(DISPATCHER, case, Dispatched("roads"), Ask(key="k")).repeated

    def test_a_breach_that_a_late_verdict_takes_back_is_told(self, lite, clock):
        case = file_one(lite)
        to_crew(lite, case)
        clock.wait(hours=40)
        seq = report(lite, case)
        lite.record(JUDGE, case, Assessed(Verdict.NOT_REPAIRED, seq))
        clock.wait(hours=20)
        lite.record(CHIEF, case, Assessed(Verdict.REPAIRED, seq))
        assert told(lite.engine)[-2:] == [("case.assessed", case), ("clock.restated", case)]


class TestLists:
    def test_the_board_shows_what_is_due_first_and_heeds_parks(self, desk, clock):
        late, parked, severe = file_one(desk), file_one(desk), file_one(desk, severity=Severity.SEVERE)
        clock.wait(hours=1)
        closed = file_one(desk)
        mend(desk, closed)
        mended = file_one(desk)
        to_crew(desk, mended)
        desk.record(JUDGE, mended, Assessed(Verdict.REPAIRED, report(desk, mended)))
        assert (desk.row(mended).is_open, desk.row(mended).due_at) == (True, None)  # nothing is due: not on the board
        desk.record(DUTY, parked, Parked("rain", MONDAY.replace(day=5), CHIEF_APPROVES))
        clock.wait(hours=48)
        board = listed(desk, Order.DUE)
        assert [row.case_id for row in board] == [severe, late, parked]
        assert [row.remaining_s(clock()) for row in board] == [-25 * 3600, -3600, 47 * 3600]
        assert [row.light(clock()) for row in board] == [Light.RED, Light.RED, Light.GREEN]
        assert [row.case_id for row in listed(desk, Order.DUE, overdue=True)] == [severe, late]
        assert [row.case_id for row in listed(desk, state="parked")] == [parked]
        clock.wait(hours=24)
        assert desk.row(parked).state == "filed"  # the park has ended by itself
        assert [row.case_id for row in listed(desk, state="parked")] == []
        assert [row.case_id for row in listed(desk, state="filed")] == [severe, parked, late]
        assert desk.row(parked).remaining_s(clock()) == 46 * 3600  # one hour after the park's end

    def test_filters_and_pages(self, desk, clock):
        for number in range(7):
            file_one(desk, f"HZ-{number}")
            clock.wait(minutes=1)
        desk.record(DISPATCHER, "HZ-3", Dispatched("roads", "crew-7"))
        pages, after = [], None
        while page := listed(desk, most=3, after=after):
            pages.append([row.case_id for row in page])
            after = key_of(page[-1], Order.NEWEST)
        assert pages == [["HZ-6", "HZ-5", "HZ-4"], ["HZ-3", "HZ-2", "HZ-1"], ["HZ-0"]]
        first = listed(desk, Order.DUE, most=5)
        rest = listed(desk, Order.DUE, most=5, after=key_of(first[-1], Order.DUE))
        assert [row.case_id for row in (*first, *rest)] == [f"HZ-{number}" for number in range(7)]
        assert [row.case_id for row in listed(desk, crew="crew-7", department="roads")] == ["HZ-3"]
        assert [row.case_id for row in listed(desk, areas=("xiacheng",))] == []
        assert len(listed(desk, areas=("xiacheng", "west-lake"), severity=Severity.NORMAL, distress="pothole")) == 7
        assert [row.case_id for row in listed(desk, filed_before=MONDAY.replace(minute=2))] == ["HZ-1", "HZ-0"]
        assert [row.case_id for row in listed(desk, due_before=MONDAY.replace(day=4, minute=1))] == ["HZ-0"]
        with reading(desk.engine) as unit:
            assert unit.rows.count(CaseFilter(is_open=True), clock()) == 7
            assert unit.rows.count_by_state(CaseFilter(), clock()) == {"filed": 6, "dispatched": 1}
            assert unit.rows.open_by_crew() == {"crew-7": 1}

    def test_a_case_goes_from_hand_to_hand_in_sight(self, lite):
        case = file_one(lite)
        lite.record(DISPATCHER, case, Dispatched("roads", "crew-7"))
        lite.record(CREW, case, HandedBack("a manhole: utilities"))
        assert (lite.row(case).department, lite.row(case).crew, lite.row(case).bounces) == (None, None, 1)
        lite.record(DISPATCHER, case, Dispatched("utilities"))
        lite.record(DISPATCHER, case, Transferred("street-office", "their road"))
        row = lite.row(case)
        assert (row.department, row.bounces, row.transfers) == ("street-office", 2, 1)

    def test_a_fifth_of_the_limit_is_yellow(self, lite, clock):
        case = file_one(lite)
        clock.wait(hours=38, minutes=23, seconds=59)
        assert lite.row(case).light(clock()) is Light.GREEN
        clock.wait(seconds=1)
        assert lite.row(case).light(clock()) is Light.YELLOW
        clock.wait(hours=9, minutes=36)
        assert (lite.row(case).light(clock()), lite.row(case).remaining_s(clock())) == (Light.YELLOW, 0)
        clock.wait(microseconds=1)
        assert (lite.row(case).light(clock()), lite.row(case).remaining_s(clock())) == (Light.RED, -1)


def many_stories(desk, clock):
    """Every kind of case, with parks that last."""
    closed, parked, merged, survivor, voided = (file_one(desk) for _ in range(5))
    clock.wait(hours=2)
    mend(desk, closed)
    desk.record(DUTY, parked, Parked("rain", MONDAY.replace(day=9), CHIEF_APPROVES))
    desk.record(DUTY, survivor, SeverityChanged(Severity.SEVERE))
    desk.merge(INTAKE, merged, survivor)
    desk.record(DUTY, voided, Voided("not ours", CHIEF_APPROVES))
    return closed, parked, merged, survivor, voided


class TestRebuilding:
    def test_rows_made_anew_are_the_same_byte_for_byte(self, desk, engine, clock):
        many_stories(desk, clock)
        before = dump(engine)
        clock.wait(days=30)  # whenever it is done
        assert rebuild(engine, POLICIES, clock()).mended == ()
        assert dump(engine) == before
        with engines.writing(engine) as connection:
            connection.execute(text("DELETE FROM cases"))
        assert len(rebuild(engine, POLICIES, clock()).mended) == 5
        assert dump(engine) == before

    def test_what_was_tampered_with_is_found_and_mended(self, desk, engine, clock):
        closed, parked, *_ = many_stories(desk, clock)
        before = dump(engine)
        with engines.writing(engine) as connection:
            connection.execute(text("UPDATE cases SET state = 'closed' WHERE case_id = :case"), {"case": parked})
            connection.execute(text("UPDATE cases SET case_id = 'HZ-0' WHERE case_id = :case"), {"case": closed})
        told_done = []
        found = rebuild(engine, POLICIES, clock(), lambda *done: told_done.append(done))
        assert (set(found.mended), found.rows, told_done) == ({closed, parked, "HZ-0"}, 5, [(5, 5)])
        assert dump(engine) == before


class TestLines:
    def test_another_database_says_the_same_and_again_nothing_new(self, desk, engine, clock, tmp_path):
        many_stories(desk, clock)
        assert export_events(engine, tmp_path / "all.jsonl") == 16
        other = open_storage(f"sqlite:///{tmp_path}/other.db")
        done = import_events(other, tmp_path / "all.jsonl", POLICIES, clock())
        assert (done.events, done.known, done.cases) == (16, 0, 5)
        again = import_events(other, tmp_path / "all.jsonl", POLICIES, clock())
        assert (again.events, again.known, again.cases) == (0, 16, 0)
        with reading(engine) as one, reading(other) as two:
            assert tuple(one.events.all()) == tuple(two.events.all())
            here, there = one.rows.between("", None), two.rows.between("", None)
            assert here == there
        assert told(other) == []  # what happened elsewhere is no news
        export_events(other, tmp_path / "back.jsonl")
        assert (tmp_path / "back.jsonl").read_bytes() == (tmp_path / "all.jsonl").read_bytes()
        other.dispose()

    def test_lines_out_of_order_and_half_a_file_first(self, lite, clock, tmp_path):
        many_stories(lite, clock)
        export_events(lite.engine, tmp_path / "all.jsonl")
        lines = (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        (tmp_path / "half.jsonl").write_text("".join(lines[:3:-1]), encoding="utf-8")  # without the first filings
        (tmp_path / "shuffled.jsonl").write_text("".join(lines[::-1]), encoding="utf-8")
        other = open_storage(f"sqlite:///{tmp_path}/other.db")
        import_events(other, tmp_path / "half.jsonl", POLICIES, clock())
        import_events(other, tmp_path / "shuffled.jsonl", POLICIES, clock())
        with reading(lite.engine) as one, reading(other) as two:
            assert one.rows.between("", None) == two.rows.between("", None)
        other.dispose()

    def test_a_line_that_contradicts_what_is_kept_is_named(self, lite, clock, tmp_path):
        file_one(lite, "HZ-1")
        export_events(lite.engine, tmp_path / "all.jsonl")
        content = (tmp_path / "all.jsonl").read_text(encoding="utf-8")
        (tmp_path / "wrong.jsonl").write_text(content.replace("HZ-1", "HZ-2") + content.replace("u1", "u0"))
        with pytest.raises(DataError, match=r"wrong.jsonl:2: case HZ-1 has another event with seq 1 already"):
            import_events(lite.engine, tmp_path / "wrong.jsonl", POLICIES, clock())
        assert [event.actor for event in lite.events("HZ-1")] == ["u1"]

    def test_what_was_received_in_the_future_is_refused(self, lite, clock, tmp_path):
        file_one(lite, "HZ-1")
        export_events(lite.engine, tmp_path / "all.jsonl")
        other = open_storage(f"sqlite:///{tmp_path}/other.db")
        clock.wait(minutes=-3)
        with pytest.raises(DataError, match=r"all.jsonl:1: case HZ-1 seq 1 was received in the future"):
            import_events(other, tmp_path / "all.jsonl", POLICIES, clock())
        other.dispose()

    def test_some_cases_only(self, lite, clock, tmp_path):
        for case in ("HZ-1", "HZ-2", "HZ-3"):
            file_one(lite, case)
        assert export_events(lite.engine, tmp_path / "some.jsonl", ["HZ-3", "HZ-1"]) == 2
        assert [event.case for _, event in read_event_lines(tmp_path / "some.jsonl")] == ["HZ-3", "HZ-1"]
        with pytest.raises(DataError, match="there is no case HZ-9; nothing was written"):
            export_events(lite.engine, tmp_path / "none.jsonl", ["HZ-9"])
        assert not (tmp_path / "none.jsonl").exists()
        with pytest.raises(OutputError, match="cannot be written"):
            export_events(lite.engine, tmp_path / "no" / "folder.jsonl")


def test_a_server_whose_clock_was_set_back_keeps_the_order(lite, clock):
    case = file_one(lite)
    clock.wait(hours=-1)
    done = lite.record(DISPATCHER, case, Dispatched("roads", "crew-7"))
    assert done.events[0].received_at == MONDAY
    assert done.row.state == "dispatched"


def test_the_areas_of_a_person_are_heeded_when_filing(lite):
    with pytest.raises(NotAllowed, match="no part in area xiacheng"):
        lite.file(INTAKE, pothole(area="xiacheng"))
    assert lite.file(replace(INTAKE, areas=frozenset({"*"})), pothole(area="xiacheng")).row.area == "xiacheng"
