"""The eighteen rules of DOMAIN 4.3, each by its name, where they are about clocks.

Elsewhere: rules 12 and 13 (warnings, escalation) in test_warnings.py, rule 16 (figures) in test_kpi.py and
test_two_kpis.py. All numbers here were reckoned by hand.
"""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import CHIEF, MICRO, START, Story, at, exactly, hours

from roadwarden.cases.answer import CaseState, ClockState
from roadwarden.cases.clocks import clocks
from roadwarden.cases.event_lines import format_event_line, parse_event_line
from roadwarden.cases.events import format_time
from roadwarden.cases.hours import WorkingHours
from roadwarden.cases.policy import ClockPolicies, read_clock_policies, shipped_clock_policies
from roadwarden.cases.working_time import after_working
from roadwarden.errors import DataError

FRIDAY_EVENING = 5 * 24 + 18  # 2026-03-06 18:00 UTC
MONDAY_9 = 8 * 24 + 1  # 2026-03-09 09:00 in Shanghai


def test_rule_01_clocks_run_day_and_night():
    """A hole that is filed on Friday evening is due on Sunday evening."""
    repair = Story().filed(FRIDAY_EVENING).answer(FRIDAY_EVENING + 47).repair
    assert repair.due_at == at(FRIDAY_EVENING + 48)
    assert hours(repair.remaining) == 1


@pytest.mark.parametrize(
    ("filed", "hours_of_work", "due"),
    [
        (5 * 24 + 8.5, 4, MONDAY_9 + 3.5),  # Friday 16:30 in Shanghai: half an hour, then Monday 09:00 to 12:30
        (6 * 24, 4, MONDAY_9 + 4),  # Saturday morning
        (13 * 24 + 1, 4, 13 * 24 + 5),  # a Saturday that is worked (调休)
        (MONDAY_9, 8, MONDAY_9 + 8),  # from the opening to the closing of one day, exactly
        (MONDAY_9 + 7 * 24, 1, MONDAY_9 + 8 * 24 + 1),  # the Monday after, a holiday
    ],
    ids=["Friday evening", "weekend", "worked Saturday", "whole day", "holiday"],
)
def test_rule_01_only_stages_may_keep_working_hours(filed, hours_of_work, due, tmp_path_factory):
    working = (
        "{zone: Asia/Shanghai, spans: [{days: [mon, tue, wed, thu, fri], from: '09:00', until: '17:00'}], "
        "holidays: [2026-03-16], workdays: [2026-03-14]}"
    )
    stages = f"[{{clock: dispatch, hours: {hours_of_work}, working: {working}}}]"
    table = policies(tmp_path_factory, row("roads-1", "2020-01-01T00:00:00Z", 48, stages))
    repair, dispatch = Story(policies=table).filed(filed).answer(filed + 1).clocks
    assert repair.due_at == at(filed + 48)
    assert dispatch.due_at == at(due)


def test_rule_01_a_night_in_which_clocks_are_set_changes_a_working_night():
    """Berlin, 29 March 2026: from 00:00 to 06:00 are five hours."""
    night = {"zone": "Europe/Berlin", "spans": [{"days": ["sun"], "from": "00:00", "until": "06:00"}]}
    start = START + timedelta(days=27, hours=23)  # 2026-03-29 00:00 in Berlin
    due = after_working(start, timedelta(hours=6), WorkingHours.model_validate(night))
    assert due == start + timedelta(days=7, hours=-1) + timedelta(hours=1)
    never = WorkingHours.model_validate({**night, "holidays": sundays(start.date(), 600)})
    with pytest.raises(DataError, match="within ten years"):
        after_working(start, timedelta(hours=1), never)


def sundays(first, number):
    return [first + timedelta(days=1, weeks=week) for week in range(number)]


def test_rule_02_three_clocks_with_stages_where_a_policy_has_them(policies_with_stages):
    story = Story(policies=policies_with_stages).filed().tell("dispatched", 5, department="roads", crew="c1")
    story.tell("accepted", 6).reported(20)
    answer = story.answer(30)
    assert [clock.clock for clock in answer.clocks] == ["repair", "assess", "dispatch", "accept"]
    repair, assess, dispatch, accept = answer.clocks
    assert (repair.due_at, assess.due_at) == (at(48), at(44))
    assert (dispatch.due_at, dispatch.stopped_at, hours(dispatch.breached)) == (at(4), at(5), 1)
    assert (accept.started_at, accept.stopped_at, accept.is_breached) == (at(5), at(6), False)
    assert dispatch.attributed.desk == dispatch.breached


def test_rule_02_a_stage_is_cancelled_when_the_repair_is_done_without_it(policies_with_stages):
    story = Story(policies=policies_with_stages).filed().tell("self_handled", 1).assessed(2, "REPAIRED")
    dispatch = story.answer(10).clocks[2]
    assert (dispatch.clock, dispatch.state, dispatch.is_breached) == ("dispatch", ClockState.CANCELLED, False)
    close = story.answer(10).clocks[3]
    assert (close.clock, close.state, close.started_at) == ("close", ClockState.RUNNING, at(2))
    assert story.tell("closed", 4).answer(10).clocks[3].stopped_at == at(4)


def test_rule_03_the_clock_starts_when_the_filing_is_received():
    """Not when it is said to have happened, nor when the defect was first seen; that is shown."""
    answer = Story().filed(-3, received=0, first_seen_at=at(-30)).answer(1)
    assert answer.repair.started_at == at(0)
    assert answer.first_seen_at == at(-30)
    assert answer.flags == ()


def test_rule_04_any_order_of_events_gives_the_same_answer():
    story = Story().filed().parked(10, 20).reported(30).assessed(60, "NOT_REPAIRED").reported(70)
    answers = {json.dumps(clocks(order, story.policies, at(80)).as_json()) for order in permutations(story.events)}
    assert len(answers) == 1


def test_rule_04_a_late_event_restates_and_the_earlier_answer_can_still_be_given():
    """What was known at 60 h is told for 60 h for ever: a breach that people were warned of is not erased."""
    story = Story().filed().reported(40, role="dispatcher", received=70)
    assert hours(story.answer(60).repair.breached) == 12
    assert story.answer(71).repair.state is ClockState.PROVISIONAL
    assert not story.answer(71).repair.is_breached


def test_rule_04_one_message_delivered_twice_counts_once():
    story = Story().filed().parked(10, 20).reported(30)
    twice = [*story.events, *story.events]
    assert clocks(twice, story.policies, at(40)) == story.answer(40)


@pytest.mark.parametrize(
    ("happened", "received", "counts", "flagged"),
    [
        (timedelta(hours=9, minutes=2), timedelta(hours=9), timedelta(hours=9, minutes=2), False),
        (timedelta(hours=9, minutes=2) + MICRO, timedelta(hours=9), timedelta(hours=9), True),
        (timedelta(hours=9), timedelta(days=7, hours=9), timedelta(hours=9), False),
        (timedelta(hours=9), timedelta(days=7, hours=9) + MICRO, timedelta(days=7, hours=9) + MICRO, True),
    ],
    ids=["2 min ahead", "2 min and 1 us ahead", "7 d back", "7 d and 1 us back"],
)
def test_rule_05_a_desk_is_believed_two_minutes_ahead_and_seven_days_back(happened, received, counts, flagged):
    story = Story().filed().tell("self_handled", happened, received=received).assessed(200, "REPAIRED")
    answer = story.answer(300)
    assert answer.repair.stopped_at == START + counts
    assert [(note.seq, note.flag) for note in answer.notes] == ([(2, "clamped")] if flagged else [])


def test_rule_05_a_crew_cannot_beat_the_deadline_with_its_phone():
    story = Story().filed().reported(47, received=50).assessed(51, "REPAIRED")
    repair = story.answer(60).repair
    assert (repair.stopped_at, hours(repair.breached)) == (at(50), 2)


def test_rule_05_a_crew_that_was_offline_is_helped_by_two_people():
    story = Story().filed().reported(47, received=50).assessed(51, "REPAIRED")
    alone = {"report_seq": 2, "at": at(47), "reason": "no signal in the tunnel"}
    by_one = (
        Story().filed().reported(47, received=50).tell("time_accepted", 52, approved_by="the duty_officer", **alone)
    )
    assert by_one.refused() == {3: "not approved: the duty_officer cannot approve what the duty_officer asks for"}
    story.tell("time_accepted", 52, approved_by=CHIEF, **alone)
    repair = story.answer(60).repair
    assert (repair.stopped_at, repair.is_breached) == (at(47), False)
    assert story.answer(60).assess(2).started_at == at(50)  # nobody could assess before it arrived


def test_rule_05_only_a_duty_officer_accepts_a_time_and_only_an_earlier_one():
    wanted = {"report_seq": 2, "at": at(47), "reason": "tunnel", "approved_by": CHIEF}
    story = Story().filed().reported(47, received=50)
    story.tell("time_accepted", 52, role="dispatcher", **wanted)
    story.tell("time_accepted", 53, **{**wanted, "at": at(51)})
    story.tell("time_accepted", 54, **{**wanted, "at": at(-1)})
    story.tell("time_accepted", 55, **{**wanted, "report_seq": 9})
    between = "the accepted time is not between the start of the cycle and the report"
    assert story.refused() == {
        3: "only a duty officer records time_accepted",
        4: between,
        5: between,
        6: "there is no report 9 before this event",
    }


def test_rule_05_nothing_counts_before_the_filing():
    answer = Story().filed(0).tell("self_handled", -5, received=3).assessed(4, "REPAIRED").answer(9)
    assert answer.repair.stopped_at == at(0)
    assert answer.flags == ("clamped",)


def test_rule_05_starts_raises_and_parks_are_never_dated_back():
    story = Story().filed().raised(10, received=20)
    assert story.answer(21).repair.due_at == at(44)
    parked = Story().filed().parked(10, 30, received=20)
    assert hours(parked.answer(40).repair.paused) == 10


def test_rule_06_severity_up_tightens_and_never_breaches_by_itself():
    early = Story().filed().raised(5)
    late = Story().filed().raised(40)
    assert early.answer(6).repair.due_at == at(29)
    assert late.answer(41).repair.due_at == at(48)  # not 64: it tightens, it never loosens
    assert not early.answer(5).repair.is_breached


def test_rule_06_severity_down_needs_another_person_and_gives_the_normal_time_from_filing():
    alone = Story().filed(severity="severe").lowered(5, approved_by=None)
    assert alone.refused() == {2: "not approved: 'approved_by' is missing"}
    assert alone.answer(6).repair.due_at == at(24)
    assert Story().filed(severity="severe").lowered(5).answer(6).repair.due_at == at(48)


def test_rule_06_severity_down_counts_parks_and_a_later_extension_survives():
    story = Story().filed(severity="severe").tell("safety_measure", 1, kind="barrier").parked(2, 12)
    assert story.lowered(15).answer(16).repair.due_at == at(58)
    extended = Story().filed(severity="severe").extended(5, due=72).lowered(6)
    assert (extended.answer(7).repair.due_at, extended.answer(7).repair.original_due_at) == (at(72), at(48))
    short = Story().filed(severity="severe").extended(5, due=30).lowered(6)
    assert short.answer(7).repair.due_at == at(48)


def test_rule_06_severity_down_never_unbreaches():
    """Late from 24 h to 30 h as a severe case, and again from 48 h."""
    story = Story().filed(severity="severe").lowered(30)
    assert hours(story.answer(40).repair.breached) == 6
    assert hours(story.answer(50).repair.breached) == 8
    assert story.reported(45).assessed(46, "REPAIRED").answer(60).repair.breached == timedelta(hours=6)


def test_rule_07_a_park_is_approved_by_another_person_in_an_approving_role():
    story = Story().filed()
    story.parked(1, 5, approved_by=None)
    story.parked(2, 5, approved_by={"actor": "the duty_officer", "role": "duty_officer"})
    story.parked(3, 5, approved_by={"actor": "li", "role": "dispatcher"})
    assert story.refused() == {
        2: "not approved: 'approved_by' is missing",
        3: "not approved: the duty_officer cannot approve what the duty_officer asks for",
        4: "not approved: li is dispatcher, which cannot approve",
    }
    assert story.answer(4).repair.due_at == at(48)


def test_rule_07_an_approver_whose_role_is_not_told_is_sought_in_the_case():
    assert Story().filed().reported(1, actor="wang").parked(2, 5, approved_by="wang").refused() == {
        3: "not approved: wang is crew, which cannot approve"
    }
    nobody = Story().filed().parked(2, 5, approved_by="qian")
    assert nobody.refused() == {}
    assert nobody.answer(3).flags == ("approver_role_unknown",)
    seen = Story().filed().assessed(1, "REPAIRED", report=9, actor="sun", role="supervisor")
    assert seen.parked(2, 5, approved_by="sun").answer(3).flags == ()


def test_rule_07_a_park_moves_due_ends_by_itself_and_is_shown():
    story = Story().filed().parked(10, 20)
    during, after = story.answer(15), story.answer(21)
    assert (during.state, during.repair.state) == (CaseState.PARKED, ClockState.PAUSED)
    assert (during.repair.due_at, hours(during.repair.remaining), hours(during.repair.paused)) == (at(58), 38, 5)
    assert (after.state, after.repair.state) == (CaseState.FILED, ClockState.RUNNING)
    assert (hours(after.repair.remaining), hours(after.repair.paused)) == (37, 10)
    assert after.repair.original_due_at == at(58)


def test_rule_07_a_park_is_half_open():
    story = Story().filed().parked(10, 20)
    states = [story.answer(moment).repair.state for moment in (exactly(10, -MICRO), 10, exactly(20, -MICRO), 20)]
    assert states == [ClockState.RUNNING, ClockState.PAUSED, ClockState.PAUSED, ClockState.RUNNING]


def test_rule_07_overlapping_parks_count_once_and_resuming_ends_them_all():
    assert Story().filed().parked(10, 20).parked(15, 30).answer(40).repair.due_at == at(68)
    assert Story().filed().parked(10, 20).parked(15, 30).tell("resumed", 18).answer(40).repair.due_at == at(56)
    assert Story().filed().parked(10, 20).parked(20, 30).answer(40).repair.due_at == at(68)
    assert Story().filed().tell("resumed", 5).refused() == {2: "no park runs"}


def test_rule_07_a_report_ends_a_park_unless_it_is_false():
    story = Story().filed().parked(10, 40).reported(20)
    assert story.answer(25).repair.due_at == at(58)
    assert story.assessed(30, "NOT_REPAIRED").answer(31).repair.due_at == at(78)
    assert story.answer(31).state is CaseState.PARKED


def test_rule_07_a_severe_case_is_parked_only_after_a_safety_measure():
    story = Story().filed(severity="severe").parked(2, 10).tell("safety_measure", 3, kind="barrier").parked(4, 10)
    assert story.refused() == {2: "a severe case is parked only after a safety measure"}
    assert story.answer(12).repair.due_at == at(30)


def test_rule_07_parks_have_a_cap_and_a_count():
    story = Story().filed().parked(1, 30 * 24 + 1).tell("resumed", 2)
    story.parked(3, exactly(30 * 24 + 2))
    assert story.refused() == {4: "longer than the 30 days that the parks of a cycle may take together"}
    assert story.parked(3, 30 * 24 + 2).refused() == {4: story.refused()[4]}
    many = Story().filed()
    for hour in range(1, 7):
        many.parked(hour, hour + 0.5)
    assert many.refused() == {7: "parked 5 times in this cycle already, which is the most"}


def test_rule_07_a_park_after_a_breach_does_not_unbreach():
    story = Story().filed().parked(exactly(48), 60)
    repair = story.answer(55).repair
    assert (repair.state, repair.due_at, repair.breached) == (ClockState.RUNNING, at(48), timedelta(hours=7))
    assert repair.paused == timedelta(0)
    assert Story().filed().parked(48, 60).answer(55).repair.due_at == at(60)  # exactly at due is in time


def test_rule_08_an_extension_moves_due_and_keeps_the_original():
    story = Story().filed().extended(40, due=72)
    repair = story.answer(60).repair
    assert (repair.due_at, repair.original_due_at, repair.is_breached) == (at(72), at(48), False)
    assert Story().filed().parked(10, 20).extended(40, due=72).answer(60).repair.original_due_at == at(58)
    assert Story().filed().extended(40, due=72).parked(60, 70).answer(71).repair.due_at == at(82)


def test_rule_08_an_extension_is_later_and_granted_in_time_by_two_people():
    story = Story().filed()
    story.extended(40, due=48)
    story.extended(40, due=72, approved_by=None)
    story.extended(48, due=72)
    story.extended(40, due=72, clock="lunch")
    assert story.refused() == {
        2: "not later than the present due time",
        3: "not approved: 'approved_by' is missing",
        4: "granted when the clock was due already",
        5: "there is no clock 'lunch'; there are repair, assess, dispatch, accept, close",
    }
    assert story.answer(50).repair.due_at == at(48)


def test_rule_08_an_assess_clock_is_extended_while_it_runs():
    story = Story().filed().extended(5, due=100, clock="assess").reported(10).extended(20, due=50, clock="assess")
    assess = story.answer(21).assess(3)
    assert (assess.due_at, assess.original_due_at) == (at(50), at(34))
    assert story.refused() == {2: "no assess clock of this cycle runs that could be extended"}


def test_rule_08_a_severity_raised_after_an_extension_tightens_it():
    story = Story().filed().extended(5, due=100).raised(10)
    assert story.answer(11).repair.due_at == at(34)


def test_rule_09_a_false_done_never_stopped_the_clock():
    """Reported in time at 40 h, found not done at 50 h: late since 48 h, as if nothing had been said."""
    story = Story().filed().reported(40)
    assert story.answer(45).repair.state is ClockState.PROVISIONAL
    assert not story.answer(49).repair.is_breached
    story.assessed(50, "NOT_REPAIRED")
    repair = story.answer(60).repair
    assert (repair.state, repair.stopped_at, hours(repair.breached)) == (ClockState.RUNNING, None, 12)
    assert repair == Story().filed().answer(60).repair


@pytest.mark.parametrize("verdict", ["NOT_REPAIRED", "PARTIAL", "WRONG_OBJECT"])
def test_rule_09_verdicts_that_reject(verdict):
    assert Story().filed().reported(40).assessed(50, verdict).answer(60).repair.state is ClockState.RUNNING


@pytest.mark.parametrize("verdict", ["LOCATION_UNCERTAIN", "INSUFFICIENT_EVIDENCE", "REPAIRED_WITH_DEFECT"])
def test_rule_09_verdicts_that_leave_it_to_a_person(verdict):
    story = Story().filed().reported(40).assessed(50, verdict)
    answer = story.answer(70)
    assert (answer.state, answer.repair.state) == (CaseState.REPAIR_REPORTED, ClockState.PROVISIONAL)
    assert answer.assess(2).state is ClockState.RUNNING
    assert hours(answer.assess(2).breached) == 6
    decided = story.assessed(71, "REPAIRED", role="supervisor").answer(72)
    assert (decided.state, decided.repair.stopped_at) == (CaseState.ASSESSED, at(40))


def test_rule_09_a_machine_does_not_run_again_until_it_passes():
    """What it left open is for a person; asking for evidence is open to it."""
    story = Story().filed().reported(40).assessed(41, "INSUFFICIENT_EVIDENCE").assessed(42, "REPAIRED")
    answer = story.answer(50)
    assert (answer.repair.state, answer.assess(2).state) == (ClockState.PROVISIONAL, ClockState.RUNNING)
    story.tell("evidence_requested", 51, role="system", report_seq=2)
    assert story.answer(52).repair.state is ClockState.RUNNING


def test_rule_09_a_defect_is_accepted_by_a_duty_officer_only():
    story = Story().filed().reported(40).assessed(41, "REPAIRED_WITH_DEFECT", role="supervisor")
    assert story.answer(42).repair.state is ClockState.PROVISIONAL
    story.assessed(43, "REPAIRED_WITH_DEFECT", role="duty_officer")
    assert story.answer(44).repair.state is ClockState.STOPPED


def test_rule_09_asking_for_evidence_rejects_the_report():
    story = Story().filed().reported(40).tell("evidence_requested", 50, report_seq=2)
    answer = story.answer(60)
    assert (answer.repair.state, answer.assess(2).stopped_at) == (ClockState.RUNNING, at(50))


def test_rule_09_a_person_beats_the_machine_and_a_later_person_an_earlier_one():
    story = Story().filed().reported(40).assessed(41, "NOT_REPAIRED", role="supervisor").assessed(42, "REPAIRED")
    assert story.answer(50).repair.state is ClockState.RUNNING
    story.assessed(51, "REPAIRED", role="road_chief")
    assert story.answer(52).repair.stopped_at == at(40)
    assert story.assessed(53, "LOCATION_UNCERTAIN", role="supervisor").answer(54).repair.state is ClockState.PROVISIONAL


def test_rule_09_the_earliest_accepted_report_is_the_stop_and_the_others_are_let_be():
    story = Story().filed().reported(30).reported(40).reported(50)
    story.assessed(55, "REPAIRED", report=4).assessed(60, "REPAIRED", report=3)
    answer = story.answer(99)
    assert answer.repair.stopped_at == at(40)
    assert [answer.assess(seq).state for seq in (2, 3, 4)] == ["cancelled", "stopped", "stopped"]
    assert (answer.assess(2).cancelled_at, hours(answer.assess(2).breached)) == (at(55), 1)


def test_rule_09_late_assessors_bear_their_part():
    """Reported at 40 h, to be assessed by 64 h, rejected at 70 h, mended at 80 h: late 48 to 80, 6 not theirs."""
    story = Story().filed().reported(40).assessed(70, "NOT_REPAIRED").reported(80).assessed(81, "REPAIRED")
    repair = story.answer(100).repair
    assert (hours(repair.breached), hours(repair.attributed.assessor), hours(repair.attributed.crew)) == (32, 6, 26)


def test_rule_09_a_repair_that_a_person_finds_undone_after_closing_was_never_done():
    story = Story().filed().mended(40, 41, 42).assessed(60, "NOT_REPAIRED", role="supervisor")
    answer = story.answer(61)
    assert (answer.state, hours(answer.repair.breached)) == (CaseState.FILED, 13)
    assert story.refused() == {4: "no report of this cycle is accepted, so the clock has no final stop"}


def test_rule_09_a_crew_does_not_judge_itself():
    story = Story().filed().reported(40).assessed(41, "REPAIRED", role="crew")
    assert story.refused() == {3: "a crew cannot record assessed"}
    assert story.answer(42).repair.state is ClockState.PROVISIONAL


def test_rule_09_closing_needs_a_final_stop():
    story = Story().filed().tell("closed", 5).reported(40).tell("closed", 41)
    why = "no report of this cycle is accepted, so the clock has no final stop"
    assert story.refused() == {2: why, 4: why}


def test_rule_10_a_reopened_case_has_a_second_cycle_with_its_own_clock():
    story = Story().filed().mended(40, 41, 42).tell("reopened", 100, reason="the patch came off")
    answer = story.answer(110)
    first, _, second = answer.clocks
    assert (answer.state, answer.cycle) == (CaseState.FILED, 2)
    assert (first.cycle, first.state, first.stopped_at) == (1, ClockState.STOPPED, at(40))
    assert (second.cycle, second.state, second.started_at, second.due_at) == (2, ClockState.RUNNING, at(100), at(148))
    story.assessed(111, "NOT_REPAIRED", report=2, role="supervisor")
    assert story.refused() == {6: "report 2 is of an earlier cycle, whose result stays"}


def test_rule_10_within_warranty_to_the_microsecond():
    closed = 42
    edge = closed + 30 * 24
    assert Story().filed().mended(40, 41, closed).tell("reopened", edge, reason="again").refused() == {}
    late = Story().filed().mended(40, 41, closed).tell("reopened", exactly(edge), reason="again")
    assert late.refused() == {5: "out of warranty (30 days); file a new case with 'recurrence_of'"}
    assert Story().filed().tell("reopened", 5, reason="?").refused() == {2: "only a closed case can be reopened"}


def test_rule_11_the_survivor_keeps_the_earliest_start_the_highest_severity_and_the_earlier_due():
    story = Story().filed(10).absorbed(12, "HZ-2", filed=0, due=24, severity="severe")
    answer = story.answer(13)
    assert (answer.severity, answer.repair.started_at, answer.repair.due_at) == ("severe", at(0), at(24))
    later = Story().filed(10).absorbed(12, "HZ-2", filed=11, due=59)
    assert (later.answer(13).repair.started_at, later.answer(13).repair.due_at) == (at(10), at(58))


def test_rule_11_the_absorbed_case_is_cancelled_and_unmerging_restores_it_by_replay():
    story = Story().filed().tell("merged", 50, into="HZ-9")
    answer = story.answer(60)
    assert (answer.state, answer.repair.state) == (CaseState.MERGED, ClockState.CANCELLED)
    assert (answer.repair.cancelled_at, hours(answer.repair.breached)) == (at(50), 2)
    story.tell("dispatched", 55, department="roads")
    assert story.refused() == {3: "the case is merged"}
    restored = story.tell("unmerged", 70).answer(72)
    assert (restored.state, hours(restored.repair.breached), restored.refused) == (CaseState.DISPATCHED, 24, ())


def test_rule_11_a_merger_told_twice_is_one_and_is_undone_as_one():
    story = Story().filed(10).absorbed(12, "HZ-2", filed=0, due=24).absorbed(13, "HZ-2", filed=0, due=24)
    assert story.refused() == {3: "HZ-2 is absorbed already"}
    released = story.tell("released", 14, case="HZ-2")
    assert released.answer(15).repair == Story().filed(10).answer(15).repair
    again = released.absorbed(16, "HZ-2", filed=0, due=24)
    assert again.answer(17).repair.due_at == at(24)
    assert Story().filed().tell("released", 5, case="HZ-2").refused() == {2: "HZ-2 is not absorbed"}
    assert Story().filed().tell("unmerged", 5).refused() == {2: "the case is not merged"}
    assert Story().filed().absorbed(5, "HZ-1", filed=0, due=24).refused() == {2: "a case cannot absorb itself"}


@pytest.mark.parametrize("beside", [-MICRO, timedelta(0), MICRO], ids=["before", "exactly", "after"])
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_rule_14_exactly_at_due_is_in_time_in_every_zone(beside, zone):
    """Filed the evening before the clocks are set there; told in local time with its offset."""
    filed = Story().filed(27 * 24 + 18).events[0]  # 2026-03-28: Berlin and Lord Howe change within the 48 h or after it
    line = json.loads(format_event_line(filed))
    for name in ("occurred_at", "received_at"):
        line[name] = filed.received_at.astimezone(ZoneInfo(zone)).isoformat()
    due = filed.received_at + timedelta(hours=48)
    answer = clocks(
        [parse_event_line(json.dumps(line))], shipped_clock_policies(), (due + beside).astimezone(ZoneInfo(zone))
    )
    assert answer.repair.due_at == due
    assert answer.repair.is_breached == (beside > timedelta(0))
    assert answer.repair.breached == max(beside, timedelta(0))


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Tehran"]),
    st.datetimes(min_value=START.replace(tzinfo=None), max_value=START.replace(year=2027, tzinfo=None)),
    st.integers(0, 90 * 3600),
)
def test_rule_14_a_wall_clock_that_is_set_moves_no_deadline(zone, filed, later):
    """In any zone 48 hours are 48 hours: the fold in autumn and the gap in spring are in the offsets only."""
    local = filed.replace(tzinfo=START.tzinfo).astimezone(ZoneInfo(zone))
    story = Story()
    story.filed(local - START)
    now = local.astimezone(START.tzinfo) + timedelta(seconds=later)
    repair = clocks(story.events, story.policies, now.astimezone(ZoneInfo(zone))).repair
    assert repair.remaining == timedelta(hours=48) - timedelta(seconds=later)
    assert format_time(repair.due_at).endswith("Z")


def test_rule_14_the_board_rounds_down():
    story = Story().filed()
    assert story.answer(exactly(47)).repair.whole_seconds_left == 3599
    assert story.answer(exactly(48)).repair.whole_seconds_left == -1
    assert story.answer(48).repair.whole_seconds_left == 0


def test_rule_15_voiding_cancels_and_freezes_what_was_breached():
    alone = Story().filed().tell("voided", 50, reason="not ours", approved_by="the duty_officer")
    assert 2 in alone.refused()
    story = Story().filed().tell("voided", 50, reason="not ours", approved_by=CHIEF).reported(51)
    answer = story.answer(99)
    assert (answer.state, answer.repair.state, hours(answer.repair.breached)) == ("voided", "cancelled", 2)
    assert story.refused() == {3: "the case is voided"}
    finished = (
        Story().filed().mended(30, 31, 32).tell("voided", 50, reason="twice", approved_by=CHIEF).answer(99).repair
    )
    assert (finished.state, finished.stopped_at, finished.cancelled_at) == ("cancelled", at(30), at(50))


def test_rule_17_a_case_is_judged_by_the_policy_of_its_filing(two_versions):
    """From 100 h on a newer version gives 36 hours."""
    before = Story(policies=two_versions).filed(exactly(100, -MICRO))
    after = Story(policies=two_versions).filed(100)
    assert (before.answer(200).policy, before.answer(200).repair.due_at) == ("roads-1", at(exactly(148, -MICRO)))
    assert (after.answer(200).policy, after.answer(200).repair.due_at) == ("roads-2", at(136))
    named = Story(policies=two_versions).filed(200, policy="roads-1")
    assert named.answer(201).repair.due_at == at(248)


def test_rule_17_a_policy_that_nobody_knows_is_flagged_and_the_valid_one_judges():
    answer = Story().filed(policy="roads-99").answer(1)
    assert (answer.policy, answer.flags) == ("roads-1", ("unknown_policy",))


def test_rule_18_the_server_says_what_is_left_and_the_client_only_ticks():
    """remaining + now = due, so a page that knows now and due needs no rule of its own."""
    answer = Story().filed().parked(10, 20).answer(30).as_json()["clocks"][0]
    assert answer["remaining_s"] == (at(58) - at(30)).total_seconds()
    assert answer["due_at"] == "2026-03-03T10:00:00Z"


@pytest.fixture(scope="session")
def policies_with_stages(tmp_path_factory) -> ClockPolicies:
    stages = "[{clock: dispatch, hours: 4}, {clock: accept, hours: 2}, {clock: close, hours: 3}]"
    return policies(tmp_path_factory, row("roads-1", "2020-01-01T00:00:00Z", 48, stages))


@pytest.fixture(scope="session")
def two_versions(tmp_path_factory) -> ClockPolicies:
    newer = row("roads-2", format_time(at(100)), 36)
    return policies(tmp_path_factory, row("roads-1", "2020-01-01T00:00:00Z", 48), newer)


def row(name: str, since: str, normal: int, stages: str = "[]") -> str:
    return (
        f"- {{id: {name}, name: roads, valid_from: {since}, repair_hours: {{normal: {normal}, severe: 24}}, "
        f"assess_hours: 24, warranty_days: 30, parks: {{most: 5, total_days: 30}}, stages: {stages}, "
        "source: a test, status: unverified}"
    )


def policies(tmp_path_factory, *rows: str) -> ClockPolicies:
    path = tmp_path_factory.mktemp("policies") / "clock_policies.yaml"
    path.write_text("version: '1'\ndefault: roads\npolicies:\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return read_clock_policies(path)
