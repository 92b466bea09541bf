"""How cases flow: a story step by step, and a city's quarter whose sums are those of the figures."""

from __future__ import annotations

from datetime import timedelta

import pytest
from city_quarter import FIRST_DAY, quarter
from stories import CHIEF, START, Story

from roadwarden.cases.answer import CaseState
from roadwarden.cases.case_facts import case_facts
from roadwarden.cases.event_types import EventType
from roadwarden.cases.events import parse_event
from roadwarden.cases.fold import fold
from roadwarden.cases.kpi import reckon
from roadwarden.cases.kpi_values import Period
from roadwarden.cases.ordering import history
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.cases.process import ENDS, STATES, Arrow, designed, process
from roadwarden.cases.walks import walk

POLICIES = shipped_clock_policies()
DAY = timedelta(days=1)
PERIOD = Period(START, START + 9 * DAY, START + 30 * DAY)


def rough(case="HZ-1"):
    """Handed back, dispatched again, a false report, a true one, closed, open again."""
    story = Story(case).filed(0).tell("dispatched", 1, department="roads").tell("handed_back", 3, reason="not ours")
    story.tell("dispatched", 7, department="utilities").tell("accepted", 8).tell("repair_started", 9)
    story.tell("repair_reported", 10).tell("assessed", 12, verdict="NOT_REPAIRED", report_seq=story.last)
    story.tell("repair_reported", 15).tell("assessed", 16, verdict="REPAIRED", report_seq=story.last)
    return story.tell("closed", 17).tell("reopened", 40, reason="the patch came off")


class TestWalk:
    def test_a_case_is_where_people_saw_it(self):
        steps = walk(rough().events, POLICIES, PERIOD.now).steps
        assert [(one.state.value, (one.at - START) / timedelta(hours=1)) for one in steps] == [
            ("filed", 0), ("dispatched", 1), ("filed", 3), ("dispatched", 7), ("accepted", 8), ("under_repair", 9),
            ("repair_reported", 10), ("under_repair", 12), ("repair_reported", 15), ("assessed", 16), ("closed", 17),
            ("filed", 40),
        ]  # fmt: skip

    def test_what_is_refused_is_no_step_and_is_told(self):
        story = Story().filed(0).tell("closed", 1).tell("dispatched", 2, department="roads")
        found = walk(story.events, POLICIES, PERIOD.now)
        assert [one.state for one in found.steps] == [CaseState.FILED, CaseState.DISPATCHED]
        assert [(one.type, one.why[:20]) for one in found.refused] == [(EventType.CLOSED, "no report of this cy")]

    def test_a_verdict_that_is_overturned_undoes_the_closing(self):
        story = Story().filed(0).tell("repair_reported", 1, actor="han")
        report = story.last
        story.tell("assessed", 2, verdict="REPAIRED", report_seq=report).tell("closed", 3)
        story.tell("assessed", 5, role="duty_officer", verdict="NOT_REPAIRED", report_seq=report)
        found = walk(story.events, POLICIES, PERIOD.now)
        assert [one.state.value for one in found.steps] == ["filed", "repair_reported", "assessed", "filed"]
        assert [one.type for one in found.refused] == [EventType.CLOSED]


class TestProcess:
    @pytest.fixture
    def found(self):
        smooth = Story("HZ-2").filed(1).tell("dispatched", 2, department="roads").tell("repair_reported", 4)
        smooth.tell("assessed", 6, verdict="REPAIRED", report_seq=smooth.last).tell("closed", 8)
        void = Story("HZ-3").filed(2).tell("voided", 3, reason="no defect", approved_by=CHIEF)
        waits = Story("HZ-4").filed(24)
        stories = (rough(), smooth, void, waits)
        return process([walk(one.events, POLICIES, PERIOD.now) for one in stories], PERIOD)

    def test_by_hand(self, found):
        flows = {(one.arrow.start.value, one.arrow.by.value, one.arrow.end.value): one.times for one in found.flows}
        assert flows["filed", "dispatched", "dispatched"].count == 3
        assert flows["filed", "dispatched", "dispatched"].mean_h == pytest.approx((1 + 4 + 1) / 3)
        assert flows["repair_reported", "assessed", "under_repair"].count == 1
        assert flows["closed", "reopened", "filed"].mean_h == 23
        assert (found.filed, found.bounces, found.bounced.part, found.rejected, found.reopened) == (4, 1, 1, 1, 1)
        assert (found.void.part, found.closed.part, found.closed.whole, found.reworked.part) == (1, 1, 3, 1)
        assert (found.straight.part, found.straight.whole) == (1, 1)
        (passed,) = found.passed
        assert (passed.before, passed.after, passed.times.mean_h) == ("roads", "utilities", 4)
        waiting = next(one for one in found.stays if one.state is CaseState.FILED)
        assert (waiting.there, waiting.entered, waiting.oldest_h) == (2, 6, 30 * 24 - 24)

    def test_what_comes_in_goes_out_or_is_there(self, found):
        assert_balanced(found)


def assert_balanced(found):
    for stay in found.stays:
        came = sum(one.times.count for one in found.flows if one.arrow.end is stay.state)
        went = sum(one.times.count for one in found.flows if one.arrow.start is stay.state)
        began = found.filed if stay.state is CaseState.FILED else 0
        assert came + began == stay.entered == went + stay.there, stay.state


class TestDesigned:
    def test_the_straight_way_is_designed_and_a_shortcut_to_closed_is_not(self):
        arrows = designed()
        assert Arrow(CaseState.FILED, EventType.DISPATCHED, CaseState.DISPATCHED) in arrows
        assert Arrow(CaseState.ASSESSED, EventType.CLOSED, CaseState.CLOSED) in arrows
        assert Arrow(CaseState.CLOSED, EventType.REOPENED, CaseState.FILED) in arrows
        assert not any(one.start is CaseState.FILED and one.end is CaseState.CLOSED for one in arrows)
        assert not any(one.start is CaseState.VOIDED for one in arrows)
        assert {one.start for one in arrows} | ENDS == set(STATES)


@pytest.fixture(scope="module")
def histories():
    cases = {}
    for line in quarter(days=20, cases_a_day=25):
        cases.setdefault(line["case"], []).append(parse_event(line))
    return cases


@pytest.fixture(scope="module")
def period():
    return Period(FIRST_DAY, FIRST_DAY + 20 * DAY, FIRST_DAY + 24 * DAY)


@pytest.fixture(scope="module")
def walks(histories, period):
    made = (walk(events, POLICIES, period.now) for events in histories.values())
    return [one for one in made if one is not None]


class TestQuarter:
    """500 cases with all that goes wrong in a real city."""

    def test_a_walk_ends_where_the_fold_says_that_the_case_is(self, histories, walks, period):
        for one in walks:
            assert one.state is fold(history(histories[one.case], period.now), POLICIES).state, one.case

    def test_the_sums_are_those_of_the_figures(self, histories, walks, period):
        facts = [case_facts(events, POLICIES, period.now) for events in histories.values()]
        kpi = reckon([one for one in facts if one is not None], period)
        found = process(walks, period)
        assert found.filed == kpi.flow.filed > 400
        assert found.closed == kpi.flow.closure
        assert found.void == kpi.branches.void
        assert (found.bounces, found.bounced) == (kpi.branches.bounces, kpi.branches.bounced)
        assert found.parked == kpi.branches.parked
        assert sum(one.times.count for one in found.passed) == kpi.branches.bounces
        assert min(kpi.branches.bounces, kpi.branches.parked.part, kpi.branches.void.part, found.rejected) > 0

    def test_it_balances_and_every_lived_arrow_is_designed(self, walks, period):
        found = process(walks, period)
        assert_balanced(found)
        assert {one.arrow for one in found.flows} <= designed()
        assert len(found.flows) > 15
        assert sum(number for _, _, number in found.refused) > 0
