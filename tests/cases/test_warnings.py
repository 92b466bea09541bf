"""Rules 12 and 13: who is warned when, once, and never of a clock that has stopped; chains and quiet hours are data."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from histories import seeded
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.cases.answer import CaseAnswer, CaseState, ClockAnswer, ClockState
from roadwarden.cases.clocks import clocks
from roadwarden.cases.escalation import (
    EscalationPolicy,
    Recipient,
    read_escalation_policy,
    shipped_escalation_policy,
)
from roadwarden.cases.events import Severity, parse_event
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.cases.warnings import CaseWarning, WarningKey, due_warnings, next_warning_at
from roadwarden.errors import ConfigError

POLICY = shipped_escalation_policy()
AWAKE = POLICY.model_copy(update={"quiet": None})
FILED = datetime(2026, 11, 2, 4, tzinfo=UTC)  # noon in Shanghai
HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
NORMAL, SEVERE = Severity.NORMAL, Severity.SEVERE


def case_at(
    now: datetime,
    *,
    hours: float = 48,
    severity: Severity = NORMAL,
    state: ClockState = ClockState.RUNNING,
    clock: str = "repair",
    cycle: int = 1,
    report: int | None = None,
    filed: datetime = FILED,
) -> CaseAnswer:
    due = filed + hours * HOUR
    one = ClockAnswer(
        clock, cycle, state, filed, due, due, due - now, max(timedelta(0), now - due), report_seq=report,
        stopped_at=now if state is ClockState.STOPPED else None,
    )  # fmt: skip
    return CaseAnswer(
        "HZ-1", now, CaseState.DISPATCHED, "roads-1", severity, cycle, filed, None, (), (), (one,)
    )  # fmt: skip


def sent_at(now: datetime, already: frozenset[WarningKey] = frozenset(), **of: object) -> list[str]:
    to_send, _ = due_warnings(case_at(now, **of), already, AWAKE, now)
    return [one.threshold for one in to_send]


@pytest.mark.parametrize(
    ("hours", "first", "wanted"),
    [
        (48, 24, "to_go_24h"),  # 50 % and 24 h to go fall together: the weightier one
        (48, 38.4, "yellow"),
        (48, 44, "to_go_4h"),
        (48, 47, "to_go_1h"),
        (24, 12, "half"),  # of a clock of 24 h, 24 h to go is no news
        (24, 19.2, "yellow"),
        (24, 20, "to_go_4h"),
        (24, 23, "to_go_1h"),
        (4, 2, "half"),
        (4, 3.2, "yellow"),
        (4, 3, "to_go_1h"),
        (168, 84, "half"),
        (168, 134.4, "yellow"),
        (168, 144, "to_go_24h"),
    ],
)
def test_rule_12_warnings_come_at_50_and_80_percent_and_at_24_4_and_1_hours_to_go(hours, first, wanted):
    moment = FILED + first * HOUR
    earlier = frozenset(
        one.key
        for group in due_warnings(case_at(moment - TICK, hours=hours), frozenset(), AWAKE, moment - TICK)
        for one in group
    )
    assert wanted not in {key[4] for key in earlier}
    assert wanted in {
        one.threshold for group in due_warnings(case_at(moment, hours=hours), earlier, AWAKE, moment) for one in group
    }


def test_rule_12_exactly_at_due_is_not_past_due_and_a_microsecond_later_is():
    due = FILED + 48 * HOUR
    assert sent_at(due) == ["to_go_1h"]
    assert sent_at(due + TICK) == ["overdue"]


def test_rule_12_each_warning_is_sent_once():
    moment = FILED + 44 * HOUR
    to_send, skipped = due_warnings(case_at(moment), frozenset(), AWAKE, moment)
    told = frozenset(one.key for one in (*to_send, *skipped))
    assert due_warnings(case_at(moment), told, AWAKE, moment) == ((), ())
    assert sent_at(moment + HOUR, told) == []
    assert sent_at(moment + 3 * HOUR, told) == ["to_go_1h"]


def test_rule_12_another_cycle_another_clock_and_another_report_are_warned_of_again():
    moment = FILED + 13 * HOUR
    asked = [
        {"clock": "repair", "cycle": 1}, {"clock": "repair", "cycle": 2},
        {"clock": "assess", "cycle": 1, "report": 4}, {"clock": "assess", "cycle": 1, "report": 9},
    ]  # fmt: skip
    told: frozenset[WarningKey] = frozenset()
    for of in asked:
        to_send, _ = due_warnings(case_at(moment, hours=24, **of), told, AWAKE, moment)
        assert [one.threshold for one in to_send] == ["half"], of
        told |= {one.key for one in to_send}
    assert len(told) == 4


def test_rule_12_after_an_outage_only_the_most_severe_is_sent_and_the_others_are_recorded_as_passed_over():
    moment = FILED + 50 * HOUR
    to_send, skipped = due_warnings(case_at(moment), frozenset(), AWAKE, moment)
    assert [one.threshold for one in to_send] == ["overdue"]
    assert [one.threshold for one in skipped] == ["half", "to_go_24h", "yellow", "to_go_4h", "to_go_1h"]
    assert to_send[0].due_since == FILED + 48 * HOUR + TICK
    assert skipped[2].due_since == FILED + 38.4 * HOUR


@pytest.mark.parametrize("state", [ClockState.STOPPED, ClockState.CANCELLED, ClockState.PROVISIONAL])
def test_rule_12_nobody_is_warned_of_a_clock_that_has_stopped_or_waits_for_a_verdict(state):
    moment = FILED + 60 * HOUR
    assert sent_at(moment, state=state) == []
    assert next_warning_at(case_at(moment, state=state), frozenset(), AWAKE, moment) is None


def test_rule_12_a_resting_clock_warns_after_its_rest():
    """Parked at 30 h for 10 h: due at 58 h, half of it used at 24 h, four fifths at 48.4 h."""
    parked_at, until, due = FILED + 30 * HOUR, FILED + 40 * HOUR, FILED + 58 * HOUR
    resting = ClockAnswer("repair", 1, ClockState.PAUSED, FILED, due, due, due - until, timedelta(0), paused=HOUR)
    answer = replace(case_at(parked_at + HOUR), state=CaseState.PARKED, clocks=(resting,))
    now = parked_at + HOUR
    assert due_warnings(answer, frozenset(), AWAKE, now) == ((), ())
    assert next_warning_at(answer, frozenset(), AWAKE, now) == until  # half was passed before the rest: at its end
    told = frozenset({("HZ-1", "repair", 1, None, "half"), ("HZ-1", "repair", 1, None, "to_go_24h")})
    assert next_warning_at(answer, told, AWAKE, now) == due - 48 * HOUR * 0.2


def test_rule_13_the_chain_goes_from_the_crew_up_to_the_district_desk():
    people = {name: POLICY.recipients("repair", NORMAL, name) for name in ("half", "yellow", "to_go_1h", "overdue")}
    assert people["half"] == (Recipient.CREW,)
    assert people["yellow"] == (Recipient.CREW, Recipient.ROAD_CHIEF)
    assert people["to_go_1h"] == (Recipient.CREW, Recipient.ROAD_CHIEF, Recipient.DEPARTMENT)
    assert people["overdue"] == (
        Recipient.CREW, Recipient.ROAD_CHIEF, Recipient.DEPARTMENT, Recipient.DISTRICT_DESK
    )  # fmt: skip
    assert Recipient.ROAD_CHIEF in POLICY.recipients("repair", SEVERE, "half")
    assert POLICY.recipients("assess", NORMAL, "overdue")[0] is Recipient.ASSESSOR


NIGHT = datetime(2026, 11, 2, 15, tzinfo=UTC)  # 23:00 in Shanghai
MORNING = datetime(2026, 11, 2, 23, tzinfo=UTC)  # 07:00


def test_rule_13_quiet_hours_hold_back_warnings_of_normal_cases_until_morning():
    filed = NIGHT - 24 * HOUR
    asleep = case_at(NIGHT, filed=filed)
    assert due_warnings(asleep, frozenset(), POLICY, NIGHT) == ((), ())
    assert next_warning_at(asleep, frozenset(), POLICY, NIGHT) == MORNING
    to_send, _ = due_warnings(case_at(MORNING, filed=filed), frozenset(), POLICY, MORNING)
    assert [one.threshold for one in to_send] == ["to_go_24h"]


def test_rule_13_severe_cases_wake_people():
    to_send, _ = due_warnings(
        case_at(NIGHT, filed=NIGHT - 12 * HOUR, hours=24, severity=SEVERE), frozenset(), POLICY, NIGHT
    )
    assert [one.threshold for one in to_send] == ["half"]


def test_rule_13_what_would_come_after_the_clock_has_run_out_is_not_held_back():
    """Due at 03:00: the last hour begins at 02:00, and a warning at 07:00 is no use."""
    due = datetime(2026, 11, 2, 19, tzinfo=UTC)
    now = due - HOUR
    to_send, _ = due_warnings(case_at(now, filed=due - 48 * HOUR), frozenset(), POLICY, now)
    assert [one.threshold for one in to_send] == ["to_go_1h"]
    late = case_at(due + TICK, filed=due - 48 * HOUR)
    told = frozenset(("HZ-1", "repair", 1, None, one.id) for one in POLICY.thresholds if not one.is_late)
    assert due_warnings(late, told, POLICY, due + TICK) == ((), ())  # it is late now; that can wait for the morning
    assert next_warning_at(late, told, POLICY, due + TICK) == MORNING


def test_a_warning_says_in_both_languages_which_clock_of_which_case_and_how_long_rounded_down():
    now = FILED + 44 * HOUR + TICK
    (warning,), _ = due_warnings(case_at(now), frozenset(), AWAKE, now)
    assert warning.text.english == (
        "HZ-1 (normal): repair, 4 h or less to go: due 2026-11-04 12:00 +0800, 3 h 59 min left"
    )
    assert warning.text.chinese == "HZ-1 (一般): 修复, 剩余不足 4 小时: 时限 2026-11-04 12:00 +0800, 剩余 3 小时 59 分"
    now = FILED + 26 * HOUR
    answer = case_at(now, hours=24, clock="assess", report=7, severity=SEVERE)
    (late,), _ = due_warnings(answer, frozenset(), AWAKE, now)
    assert late.text.english == "HZ-1 (severe): assessment 7, late: due 2026-11-03 12:00 +0800, late by 2 h 0 min"
    assert late.text.chinese == "HZ-1 (严重): 修复效果评价 7, 已超时: 时限 2026-11-03 12:00 +0800, 已超时 2 小时 0 分"


def test_an_answer_from_the_future_is_refused():
    with pytest.raises(ValueError, match="later than"):
        due_warnings(case_at(FILED + HOUR), frozenset(), POLICY, FILED)


def watch(policy: EscalationPolicy, wakes: list[datetime], **of: object) -> list[tuple[datetime, CaseWarning, bool]]:
    """A scheduler that looks at the given moments, and afterwards whenever it should, until nothing more comes."""
    told: frozenset[WarningKey] = frozenset()
    log: list[tuple[datetime, CaseWarning, bool]] = []
    now = FILED
    for _ in range(40):
        to_send, skipped = due_warnings(case_at(now, **of), told, policy, now)
        log += [(now, one, True) for one in to_send] + [(now, one, False) for one in skipped]
        told |= {one.key for one in (*to_send, *skipped)}
        after = next_warning_at(case_at(now, **of), told, policy, now)
        if after is None:
            return log
        assert after > now
        now = max(after, wakes.pop(0)) if wakes else after
    raise AssertionError("a scheduler that wakes for nothing")


@settings(max_examples=150, deadline=None)
@given(
    hours=st.floats(1, 200),
    severity=st.sampled_from(Severity),
    outages=st.lists(st.floats(0, 300), max_size=4),
    quiet=st.booleans(),
)
def test_rule_12_every_threshold_is_sent_or_passed_over_once_whenever_the_scheduler_looks(
    hours, severity, outages, quiet
):
    policy = POLICY if quiet else AWAKE
    wakes = [FILED + hour * HOUR for hour in sorted(outages)]
    log = watch(policy, wakes, hours=hours, severity=severity)
    keys = [one.key for _, one, _ in log]
    assert len(keys) == len(set(keys))
    lasts = hours * HOUR  # to the microsecond, as a clock counts
    too_long = {one.id for one in POLICY.thresholds if one.hours_to_go and one.hours_to_go * HOUR >= lasts}
    assert {key[4] for key in keys} == {one.id for one in POLICY.thresholds} - too_long
    assert [one.threshold for _, one, was_sent in log if was_sent][-1] == "overdue"
    for moment, one, was_sent in log:
        assert one.due_since <= moment
        if was_sent and quiet and severity is NORMAL and POLICY.quiet.end_of(moment):
            assert moment <= one.due_at <= POLICY.quiet.end_of(moment)
    for moment in {moment for moment, _, _ in log}:
        assert sum(was_sent for at, _, was_sent in log if at == moment) == 1


def text() -> str:
    return (resources.files("roadwarden") / "tables" / "escalation.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("percent: 50}", "percent: 50, hours_to_go: 3}", "threshold half: give one of"),
        ("id: yellow", "id: half", "thresholds listed twice: half"),
        ("half: [crew]", "half: []", "chain 1 (repair) tells nobody of half"),
        ("half: [crew]", "hlaf: [crew]", "chain 1: unknown threshold 'hlaf'; did you mean 'half'?"),
        ("half: [crew]", "half: [mayor]", "chains.0.to.half.0"),
        ("clocks: [accept]", "clocks: [accepts]", "chain 5: unknown clock 'accepts'; did you mean 'accept'?"),
        ("clocks: [accept]", "clocks: [assess]", "clocks of chains listed twice: assess normal"),
        ("severities: [severe]", "severities: [normal]", "clocks of chains listed twice: repair normal"),
        ("clocks: [dispatch, close]", "clocks: [dispatch]", "no chain for close clocks of normal cases"),
        ('from: "22:00"', "from: 22:00", "in quotes"),
    ],
)
def test_a_citys_own_chains_are_read_strictly(tmp_path: Path, old, new, told):
    own = tmp_path / "escalation.yaml"
    assert old in text()
    own.write_text(text().replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_escalation_policy(own)
    assert told in str(caught.value)


def test_a_city_that_escalates_a_day_after_due_adds_a_threshold(tmp_path: Path):
    own = tmp_path / "escalation.yaml"
    more = text().replace(
        "  - {id: overdue, hours_over: 0}", "  - {id: overdue, hours_over: 0}\n  - {id: day, hours_over: 24}"
    )
    own.write_text(
        "\n".join(
            f"{line}\n      day: [district_desk]" if "overdue: [" in line else line for line in more.splitlines()
        ),
        encoding="utf-8",
    )
    policy = read_escalation_policy(own).model_copy(update={"quiet": None})
    log = watch(policy, [], hours=48)
    assert log[-1][1].threshold == "day"
    assert log[-1][0] == FILED + 72 * HOUR + TICK
    assert "late by 24 h or more" in log[-1][1].text.english


def scheduler_over(lines: list[dict], until: timedelta) -> list[tuple[datetime, CaseWarning, CaseAnswer]]:
    """What is sent about one case by a scheduler that looks after every message, and whenever it said it would."""
    events = [parse_event(line) for line in lines]
    policies, told, sent = shipped_clock_policies(), frozenset[WarningKey](), []
    arrivals = sorted({event.received_at for event in events})
    end, now = arrivals[-1] + until, arrivals[0]
    while now <= end:
        answer = clocks(events, policies, now)
        to_send, skipped = due_warnings(answer, told, POLICY, now)
        keys = {one.key for one in (*to_send, *skipped)}
        assert len(keys) == len(to_send) + len(skipped)
        assert not keys & told
        told |= keys
        sent += [(now, one, answer) for one in to_send]
        after = next_warning_at(answer, told, POLICY, now)
        assert after is None or after > now
        news = next((arrival for arrival in arrivals if arrival > now), None)
        moments = [moment for moment in (after, news) if moment is not None]
        if not moments:
            break
        now = min(moments)
    return sent


@pytest.mark.parametrize("first", range(0, 120, 30))
def test_rule_12_over_random_histories_live_clocks_alone_are_warned_of_and_each_threshold_once(first):
    """With parks, extensions, raised severity, merges, voids, false reports and late messages."""
    warned = 0
    for number in range(first, first + 30):
        lines, _ = seeded(number)
        for case in sorted({line["case"] for line in lines}):
            for now, one, answer in scheduler_over([line for line in lines if line["case"] == case], 10 * 24 * HOUR):
                warned += 1
                (clock,) = [
                    clock for clock in answer.clocks
                    if (clock.clock, clock.cycle, clock.report_seq) == (one.clock, one.cycle, one.report_seq)
                ]  # fmt: skip
                assert clock.state in (ClockState.RUNNING, ClockState.PAUSED)
                assert one.due_since <= now
                assert (one.threshold == "overdue") == (now > clock.due_at)
    assert warned > 20


def test_a_false_done_stops_the_warnings_only_until_it_is_rejected():
    """Reported at 20 h of 48, rejected at 50 h: then it is late and was all along."""
    lines = [
        {"case": "HZ-1", "seq": seq, "type": kind, "role": role, "actor": f"{role}-1", "data": data,
         "occurred_at": (FILED + hours * HOUR).isoformat(), "received_at": (FILED + hours * HOUR).isoformat()}
        for seq, (hours, kind, role, data) in enumerate([
            (0, "filed", "intake", {"distress": "pothole", "severity": "normal"}),
            (20, "repair_reported", "crew", {"evidence": ["a"]}),
            (50, "assessed", "intake", {"verdict": "NOT_REPAIRED", "report_seq": 2}),
        ], start=1)
    ]  # fmt: skip
    sent = [(now, one.clock, one.threshold) for now, one, _ in scheduler_over(lines, 48 * HOUR)]
    repair = [(now - FILED, threshold) for now, clock, threshold in sent if clock == "repair"]
    assert repair == [(50 * HOUR, "overdue")]
    assessed = [(now - FILED, threshold) for now, clock, threshold in sent if clock == "assess"]
    assert assessed == [  # due 08:00 in Shanghai; 80 % and 4 h to go fall into the night, and at 07:00 it is one hour
        (32 * HOUR, "half"),
        (43 * HOUR, "to_go_1h"),
        (44 * HOUR + TICK, "overdue"),
    ]


def test_rule_12_a_deadline_that_moves_brings_up_no_lighter_warning_once_it_was_late():
    """A clock of 24 h that was told to be late, and is one of 30 h after the merge with an older case."""
    told = frozenset(one.key for group in due_warnings(
        case_at(FILED + 25 * HOUR, hours=24), frozenset(), AWAKE, FILED + 25 * HOUR) for one in group)  # fmt: skip
    assert {key[4] for key in told} == {one.id for one in POLICY.thresholds} - {"to_go_24h"}
    now = FILED + 31 * HOUR
    to_send, skipped = due_warnings(case_at(now, hours=30), told, AWAKE, now)
    assert (to_send, [one.threshold for one in skipped]) == ((), ["to_go_24h"])
    extended = FILED + 50 * HOUR
    to_send, _ = due_warnings(case_at(extended, hours=73), told, AWAKE, extended)
    assert [one.threshold for one in to_send] == ["to_go_24h"]  # a new deadline ahead of it is news
