"""The queue of repair reports: nearest deadline first, each judged once, nothing lost, people told in time."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from assessing_world import World, judged, sha
from desks import CHIEF_APPROVES, CREW, DUTY, JUDGE, MONDAY
from sqlalchemy import text

from roadwarden.cases.assessments import JobRule, JobState, Wait, drawn_for_audit
from roadwarden.cases.events import Assessed, Closed, EvidenceRequested, Extended, Reopened, Role, Verdict, Voided
from roadwarden.errors import DataError, NotAllowed, StaleCase
from roadwarden.ledger.canonical import sha256_hex
from roadwarden.ledger.leaves import LeafKind
from roadwarden.service.ledger import Ledger
from roadwarden.service.reviewing import review, to_review
from roadwarden.storage import engine as engines
from roadwarden.storage.assessments import AssessmentFilter
from roadwarden.storage.case_unit import reading
from roadwarden.storage.ledger_store import LedgerStore
from roadwarden.storage.schema import open_storage


@pytest.fixture
def engine(tmp_path):
    engine = open_storage(f"sqlite:///{tmp_path}/roadwarden.db")
    yield engine
    engine.dispose()


@pytest.fixture
def world(engine):
    return World(engine)


def job_of(world, case, seq):
    with reading(world.engine) as unit:
        return unit.jobs.get(case, seq)


def records(world, **wanted):
    with reading(world.engine) as unit:
        return unit.assessments.list(AssessmentFilter(**wanted))


def told_people(world):
    with engines.reading(world.engine) as connection:
        rows = connection.execute(text("SELECT payload FROM outbox WHERE topic = 'assessment.person' ORDER BY number"))
        return [json.loads(row[0])["why"] for row in rows]


class TestVerdicts:
    def test_repaired_closes_by_itself(self, world):
        case, seq = world.reported()
        queue = world.queue()
        queue.sync()
        done = queue.keep(queue.take(), judged(Verdict.REPAIRED))
        assert done.wait is None
        assert world.desk.row(case).state == "closed"
        assert [event.type for event in world.desk.events(case)][-2:] == ["assessed", "closed"]
        assert job_of(world, case, seq).state is JobState.DONE

    @pytest.mark.parametrize("verdict", [Verdict.NOT_REPAIRED, Verdict.PARTIAL, Verdict.WRONG_OBJECT])
    def test_a_false_done_goes_back_and_its_clock_has_never_stopped(self, world, verdict):
        case, _ = world.reported()
        world.clock.wait(hours=10)
        queue = world.queue()
        queue.sync()
        assert queue.keep(queue.take(), judged(verdict)).wait is None
        world.clock.wait(hours=39)
        clock = world.desk.answer(case).repair
        assert clock.state == "running"
        assert clock.due_at == MONDAY.replace(day=4)
        assert clock.breached.total_seconds() == 3600

    @pytest.mark.parametrize(
        ("verdict", "why"),
        [
            (Verdict.REPAIRED_WITH_DEFECT, Wait.WITH_DEFECT),
            (Verdict.INSUFFICIENT_EVIDENCE, Wait.UNCERTAIN),
            (Verdict.LOCATION_UNCERTAIN, Wait.UNCERTAIN),
        ],
    )
    def test_what_the_machine_cannot_settle_waits_for_a_person_with_the_clock_running(self, world, verdict, why):
        case, seq = world.reported()
        queue = world.queue()
        queue.sync()
        assert queue.keep(queue.take(), judged(verdict)).wait is why
        assert world.desk.row(case).state == "repair_reported"
        assert world.desk.answer(case).assess(seq).state == "running"
        (waiting,) = to_review(world.desk)
        assert (waiting.job.case, waiting.job.why, waiting.machine.verdict) == (case, why, verdict)
        assert told_people(world) == [why.value]
        assert queue.take() is None

    def test_a_drawn_one_does_not_close_before_a_person_has_looked(self, engine):
        world = World(engine, audit_share=1.0)
        case, seq = world.reported()
        queue = world.queue()
        queue.sync()
        assert queue.keep(queue.take(), judged(Verdict.REPAIRED)).wait is Wait.AUDIT
        assert world.desk.row(case).state == "assessed"
        queue.sync()
        assert job_of(world, case, seq).state is JobState.PERSON
        done = review(world.desk, DUTY, case, seq, Verdict.REPAIRED)
        assert done.agrees
        assert world.desk.row(case).state == "closed"

    def test_the_draw_is_read_off_the_record_and_takes_the_share(self):
        ids = [sha(str(number)) for number in range(20_000)]
        drawn = sum(drawn_for_audit(one, 0.1) for one in ids)
        assert 1850 < drawn < 2150
        assert not any(drawn_for_audit(one, 0.0) for one in ids[:100])
        assert all(drawn_for_audit(one, 1.0) for one in ids[:100])


class TestRecords:
    def test_a_record_is_its_hash_and_event_and_leaf_name_it(self, world):
        case, seq = world.reported()
        queue = world.queue()
        queue.sync()
        row = queue.keep(queue.take(), judged(Verdict.NOT_REPAIRED, thresholds={"version": "2"})).assessment
        assert sha256_hex(row.content.encode()) == row.id
        content = json.loads(row.content)
        assert (content["case"], content["report_seq"], content["by"]) == (case, seq, "w1")
        event = world.desk.events(case)[-1]
        assert event.role is Role.ASSESSOR
        assert event.data == Assessed(Verdict.NOT_REPAIRED, seq, row.id, "why. 原因。")
        ledger = Ledger(world.engine)
        ledger.follow()
        with engines.reading(world.engine) as connection:
            leaves = [leaf for leaf in LedgerStore(connection).leaves_of_case(case) if leaf.kind == LeafKind.ASSESSMENT]
        assert json.loads(leaves[0].body)["assessment"] == row.id

    @pytest.mark.parametrize("change", ["UPDATE assessments SET verdict = 'REPAIRED'", "DELETE FROM assessments"])
    def test_nobody_changes_a_record(self, world, change):
        world.reported()
        queue = world.queue()
        queue.sync()
        queue.keep(queue.take(), judged())
        with pytest.raises(DataError, match="only added to"), engines.writing(world.engine) as connection:
            connection.execute(text(change))

    def test_a_persons_verdict_stands_beside_the_machines(self, world):
        case, seq = world.reported()
        queue = world.queue()
        queue.sync()
        machine = queue.keep(queue.take(), judged(Verdict.NOT_REPAIRED)).assessment
        done = review(world.desk, DUTY, case, seq, Verdict.REPAIRED, "seen on the spot")
        assert done.agrees is False
        assert done.review.of == machine.id
        assert [row.verdict for row in records(world)] == [Verdict.REPAIRED, Verdict.NOT_REPAIRED]
        assert world.desk.row(case).state == "closed"
        assert "u3" not in done.review.content  # names stand in events, where they can be erased

    def test_a_person_who_cannot_tell_leaves_it_with_people(self, world):
        case, seq = world.reported()
        queue = world.queue()
        queue.sync()
        queue.keep(queue.take(), judged(Verdict.INSUFFICIENT_EVIDENCE))
        review(world.desk, DUTY, case, seq, Verdict.INSUFFICIENT_EVIDENCE)
        assert job_of(world, case, seq).state is JobState.PERSON
        assert queue.take() is None

    def test_no_crew_and_no_machine_reviews(self, world):
        case, seq = world.reported()
        world.queue().sync()
        with pytest.raises(NotAllowed, match="machine"):
            review(world.desk, JUDGE, case, seq, Verdict.REPAIRED)
        with pytest.raises(NotAllowed, match="may not record assessed"):
            review(world.desk, CREW, case, seq, Verdict.REPAIRED)
        assert records(world) == ()  # nothing is left of what was refused


class TestOrder:
    def test_the_nearest_deadline_comes_first(self, world):
        late = world.reported()
        world.clock.wait(hours=2)
        soon = world.reported()
        world.clock.wait(hours=1)
        due = MONDAY.replace(day=4)
        world.desk.record(DUTY, late[0], Extended("assess", due, "rain", CHIEF_APPROVES, late[1]))
        queue = world.queue()
        queue.sync()
        assert [(taken.job.case, taken.job.report_seq) for taken in (queue.take(), queue.take())] == [soon, late]
        assert job_of(world, *late).due_at == due

    def test_two_workers_never_hold_one_report(self, world):
        case = world.reported()
        one, other = world.queue("one"), world.queue("other")
        one.sync()
        taken = one.take()
        assert (taken.job.case, taken.job.report_seq) == case
        assert other.take() is None
        world.clock.wait(minutes=6)  # it was killed, or sleeps
        again = other.take()
        assert again.job.tries == 2
        with pytest.raises(StaleCase, match="lease"):
            one.keep(taken, judged(Verdict.REPAIRED))
        other.keep(again, judged(Verdict.NOT_REPAIRED))
        assert [row.verdict for row in records(world)] == [Verdict.NOT_REPAIRED]
        assert world.desk.row(case[0]).state == "under_repair"

    def test_an_answer_that_was_lost_on_its_way_is_not_judged_again(self, world):
        world.reported()
        queue = world.queue()
        queue.sync()
        taken = queue.take()
        first = queue.keep(taken, judged(Verdict.REPAIRED))
        second = queue.keep(taken, judged(Verdict.NOT_REPAIRED))
        assert second.done.repeated
        assert second.assessment.id == first.assessment.id

    def test_each_report_of_a_case_is_judged(self, world):
        case, _ = world.reported()
        queue = world.queue()
        queue.sync()
        queue.keep(queue.take(), judged(Verdict.NOT_REPAIRED))
        second = world.report(case, ("b" * 64,))
        queue.sync()
        taken = queue.take()
        assert taken.job.report_seq == second
        assert taken.others == ("a" * 64,)
        queue.keep(taken, judged(Verdict.REPAIRED))
        assert world.desk.row(case).state == "closed"

    def test_after_re_opening_the_cycle_is_the_measure(self, world):
        case, _ = world.reported()
        queue = world.queue()
        queue.sync()
        queue.keep(queue.take(), judged(Verdict.REPAIRED))
        world.clock.wait(days=3)
        world.desk.record(DUTY, case, Reopened("broken up again"))
        world.clock.wait(hours=1)
        seq = world.report(case)
        queue.sync()
        stand = queue.take().stand
        assert (stand.seq, stand.cycle) == (seq, 2)
        assert stand.cycle_opened_at == MONDAY.replace(day=5)


class TestNobodysWork:
    @pytest.mark.parametrize(
        "end",
        [
            lambda seq: Voided("not ours", CHIEF_APPROVES),
            lambda seq: Assessed(Verdict.NOT_REPAIRED, seq),
            lambda seq: EvidenceRequested(seq, "too dark"),
        ],
        ids=["voided", "ruled by a person", "evidence asked for"],
    )
    def test_what_people_have_settled_is_not_judged(self, world, end):
        case, seq = world.reported()
        queue = world.queue()
        queue.sync()
        world.desk.record(DUTY, case, end(seq))
        queue.sync()
        assert queue.take() is None
        assert job_of(world, case, seq).state is JobState.DONE

    def test_a_person_who_rules_while_the_machine_looks_is_not_overruled(self, world):
        case, seq = world.reported()
        queue = world.queue()
        queue.sync()
        taken = queue.take()
        world.desk.record(DUTY, case, Assessed(Verdict.REPAIRED, seq))
        world.desk.record(DUTY, case, Closed())
        with pytest.raises(StaleCase, match="ruled on meanwhile"):
            queue.keep(taken, judged(Verdict.NOT_REPAIRED))
        assert records(world) == ()

    def test_one_picture_for_two_reports_at_once_repairs_neither_twice(self, world):
        world.reported()
        world.reported()
        one, other = world.queue("one"), world.queue("other")
        one.sync()
        first, second = one.take(), other.take()
        shown = [("a" * 64, 77)]
        one.keep(first, judged(Verdict.REPAIRED, shown))
        with pytest.raises(StaleCase, match="shown for another report"):
            other.keep(second, judged(Verdict.REPAIRED, shown))


class TestFailures:
    def test_what_is_missing_is_waited_for_until_a_person_needs_the_time(self, world):
        case, seq = world.reported()
        queue = world.queue(rule=JobRule(missing_wait=timedelta(hours=1)))
        queue.sync()
        tries = 0
        while (taken := queue.take()) is not None:
            tries += 1
            state = queue.fail(taken.job, Wait.NO_MODEL, "no model")
            if state is not JobState.WAITING:
                break
            world.clock.time = job_of(world, case, seq).try_at
        assert state is JobState.PERSON
        assert world.clock.time == MONDAY.replace(day=3, hour=2)  # six hours are left
        assert tries == 19
        assert world.desk.answer(case).assess(seq).state == "running"
        assert told_people(world) == ["no_model"]
        queue.again(case, seq)
        assert queue.take() is not None

    def test_after_an_outage_a_late_report_is_tried_before_it_is_handed_over(self, world):
        case, _ = world.reported()
        world.clock.wait(hours=30)
        queue = world.queue()
        queue.sync()
        queue.keep(queue.take(), judged(Verdict.REPAIRED))
        assert world.desk.row(case).state == "closed"

    def test_what_fails_again_and_again_is_quarantined(self, world):
        case, seq = world.reported()
        queue = world.queue()
        queue.sync()
        for _ in range(3):
            state = queue.fail(queue.take().job, Wait.FAILED, "ZeroDivisionError: ...")
            world.clock.wait(minutes=31)
        assert state is JobState.QUARANTINED
        job = job_of(world, case, seq)
        assert (job.why, job.error) == (Wait.FAILED, "ZeroDivisionError: ...")
        assert queue.take() is None
        assert told_people(world) == ["failed"]

    def test_what_kills_its_worker_is_quarantined_though_nobody_could_say_so(self, world):
        case, seq = world.reported()
        other = world.reported()
        for number in range(6):
            queue = world.queue(f"victim {number}")
            queue.sync()
            taken = queue.take()
            if taken is not None and (taken.job.case, taken.job.report_seq) == other:
                queue.keep(taken, judged(Verdict.REPAIRED))
            world.clock.wait(minutes=6)
        job = job_of(world, case, seq)
        assert (job.state, job.why) == (JobState.QUARANTINED, Wait.KILLS)
        assert world.desk.row(other[0]).state == "closed"
        assert "taken 3 times" in job.error

    def test_a_job_that_is_given_back_was_no_try(self, world):
        case, seq = world.reported()
        queue = world.queue()
        queue.sync()
        queue.release(queue.take().job)
        assert job_of(world, case, seq).tries == 0
        assert queue.take() is not None

    def test_nobody_takes_by_name_what_is_judged_or_held(self, world):
        case, seq = world.reported()
        queue, other = world.queue("one"), world.queue("other")
        queue.sync()
        taken = queue.take()
        with pytest.raises(NotAllowed, match="being judged by one"):
            other.claim(case, seq)
        queue.keep(taken, judged(Verdict.NOT_REPAIRED))
        with pytest.raises(NotAllowed, match="judged already"):
            other.claim(case, seq)
