"""``roadwarden case replay``: anybody recomputes every breach from the events alone."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random

import pytest
from histories import seeded
from stories import CHIEF, MICRO, Story, at, exactly
from typer.testing import CliRunner

from roadwarden.cases.clocks import clocks
from roadwarden.cases.event_lines import format_event_line, parse_event_line, write_event_lines
from roadwarden.cases.events import format_time, parse_event
from roadwarden.cases.fold import fold
from roadwarden.cases.ordering import history
from roadwarden.cases.policy import shipped_clock_policies
from roadwarden.cases.reports import rejected
from roadwarden.cli import app
from roadwarden.errors import DataError


@pytest.fixture
def two_cases(tmp_path):
    """HZ-1 with a false "done", and HZ-2 that was mended; the lines of both mixed."""
    false_done = Story("HZ-1").filed().reported(40).assessed(70, "NOT_REPAIRED")
    mended = Story("HZ-2").filed(10).mended(20, 21, 22)
    events = [*mended.events, *false_done.events]
    random.Random(7).shuffle(events)
    path = tmp_path / "events.jsonl"
    write_event_lines(path, events)
    return path


def replay(path, now, *more):
    return CliRunner().invoke(app, ["case", "replay", str(path), "--now", format_time(at(now)), *more])


def answers(done):
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_one_answer_a_case_in_the_order_of_their_names(two_cases):
    first, second = answers(replay(two_cases, 80, "--json"))
    assert (first["case"], first["state"], second["case"], second["state"]) == ("HZ-1", "filed", "HZ-2", "closed")
    repair = first["clocks"][0]
    assert repair == {
        "clock": "repair",
        "cycle": 1,
        "state": "running",
        "started_at": "2026-03-01T00:00:00Z",
        "due_at": "2026-03-03T00:00:00Z",
        "original_due_at": "2026-03-03T00:00:00Z",
        "stopped_at": None,
        "cancelled_at": None,
        "remaining_s": -32 * 3600,
        "breached": True,
        "breached_s": 32 * 3600,
        "paused_s": 0,
        "attributed_s": {"crew": 26 * 3600, "assessor": 6 * 3600},
    }


def test_people_get_a_line_a_clock(two_cases):
    told = replay(two_cases, 80).stdout
    assert "HZ-1: filed, normal, cycle 1, policy roads-1" in told
    assert "late 32:00:00 (crew 26:00:00, assessor 6:00:00)" in told
    assert told.splitlines()[-1] == "2 cases as of 2026-03-04T08:00:00Z"


def test_only_what_was_received_by_then_is_used(two_cases):
    before, then = (answers(replay(two_cases, now, "--json"))[0]["clocks"] for now in (exactly(40, -MICRO), 40))
    assert [clock["state"] for clock in before] == ["running"]
    assert [clock["state"] for clock in then] == ["provisional", "running"]


def test_a_case_that_was_not_filed_by_then_has_an_answer_without_clocks(two_cases):
    second = answers(replay(two_cases, 9, "--json"))[1]
    assert (second["case"], second["state"], second["clocks"], second["refused"]) == ("HZ-2", None, [], [])
    assert "HZ-2: not filed by then" in replay(two_cases, 9).stdout


def test_what_came_before_its_filing_is_refused(tmp_path):
    path = tmp_path / "events.jsonl"
    write_event_lines(path, Story().reported(5).events)
    (answer,) = answers(replay(path, 9, "--json"))
    assert answer["refused"] == [{"seq": 1, "why": "the case is not filed"}]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"case": "HZ-1", "seq": ', "not JSON"),
        (format_event_line(Story().filed().events[0]).replace("filed", "field"), "unknown type 'field'"),
        (format_event_line(Story().filed().reported(1).events[1]).replace("crew", "gang"), "unknown role 'gang'"),
        (format_event_line(Story("HZ-2").filed(11).events[0]), "says something else in line"),
    ],
)
def test_what_is_wrong_names_its_line_and_exits_with_2(two_cases, line, says):
    with two_cases.open("a") as file:
        file.write(line + "\n")
    done = replay(two_cases, 80, "--json")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert f"{two_cases}:8: " in done.stderr
    assert says in done.stderr


def test_a_key_that_nobody_knows_is_flagged_and_the_rest_judged(two_cases):
    lines = two_cases.read_text().replace('"seq": 2,', '"seq": 2, "weather": "rain",')
    two_cases.write_text(lines)
    first = answers(replay(two_cases, 80, "--json"))[0]
    assert first["flags"] == ["unknown_key"]
    assert first["notes"] == [{"seq": 2, "flag": "unknown_key", "why": 'left out, not known here: weather="rain"'}]
    assert first["clocks"][0]["breached_s"] == 32 * 3600


def test_a_file_that_is_not_there_exits_with_2(tmp_path):
    done = replay(tmp_path / "none.jsonl", 80)
    assert done.exit_code == 2
    assert "No such file" in done.stderr


def test_another_citys_policies_judge(two_cases, tmp_path):
    table = tmp_path / "policies.yaml"
    table.write_text(
        "version: '1'\ndefault: ours\npolicies:\n- {id: ours-1, name: ours, valid_from: 2020-01-01T00:00:00Z,"
        " repair_hours: {normal: 72, severe: 8}, assess_hours: 24, warranty_days: 30,"
        " parks: {most: 5, total_days: 30}, source: a test, status: unverified}\n"
    )
    first = answers(replay(two_cases, 80, "--json", "--policies", str(table)))[0]
    assert (first["policy"], first["clocks"][0]["due_at"]) == ("ours-1", "2026-03-04T00:00:00Z")


def test_events_of_two_cases_or_none_are_no_case():
    with pytest.raises(DataError, match="events of two cases, HZ-1 and HZ-2"):
        clocks([*Story().filed().events, *Story("HZ-2").filed().events], shipped_clock_policies(), at(5))
    with pytest.raises(DataError, match="no event"):
        clocks([], shipped_clock_policies(), at(5))
    one, other = Story().filed().events, Story().filed(3).events
    with pytest.raises(DataError, match="seq 1: two events that differ"):
        clocks([*one, *other], shipped_clock_policies(), at(5))


NONSENSE = [
    *[None, True, 0, -1, 2**60, 1.5, "", "x", "9999-12-31T23:59:59Z", "2026-02-30T00:00:00Z", [], {}, [1], "::"],
    *["2026-03-01T00:00:00+25:00", {"actor": "x"}, {"actor": "x", "role": "crew", "z": 1}, "crew:x:y", "duty_officer"],
]


def spoilt(line, pick):
    """The line with one value of its envelope or data replaced, taken away or added."""
    line = json.loads(json.dumps(line))
    part = pick.choice([line, line["data"]])
    name = pick.choice([*part, "more"])
    part[name] = pick.choice(NONSENSE)
    if pick.random() < 0.2:
        del part[name]
    return json.dumps(line)


def test_whatever_stands_in_a_line_is_read_or_named_and_whatever_is_read_has_one_answer():
    pick = random.Random(3)
    events = []
    for number in range(40):
        for line in seeded(number)[0]:
            with contextlib.suppress(DataError):
                events.append(parse_event_line(spoilt(line, pick)))
    assert len(events) > 50
    for _ in range(150):
        drawn = pick.sample(events, 12)
        told = [dataclasses.replace(event, case="HZ-1", seq=seq) for seq, event in enumerate(drawn)]
        answer = clocks(told, shipped_clock_policies(), at(10**6))
        pick.shuffle(told)
        assert clocks(told, shipped_clock_policies(), at(10**6)) == answer


def test_a_false_report_is_rejected_the_same_way_in_both_foldings():
    """Verdicts must not depend on what a rejected report blocks: what the second folding rests on."""
    for number in range(300):
        lines, now = seeded(number)
        for case in {line["case"] for line in lines}:
            events = [parse_event(line) for line in lines if line["case"] == case]
            assert_fixed_point(events, now)


def assert_fixed_point(events, now):
    case = fold(history(events, now), shipped_clock_policies())
    if case is not None:
        assert case.false_reports == frozenset(seq for cycle in case.cycles for seq in rejected(cycle.reports))


def long_story(events: int) -> Story:
    """A case that is parked, extended, reported and rejected over and over."""
    story = Story().filed().tell("dispatched", 1, department="roads", crew="c1")
    hour = 2.0
    while story.last < events:
        hour += 3
        story.reported(hour).assessed(hour + 1, "NOT_REPAIRED")
        story.parked(hour + 1.5, hour + 2).extended(hour + 2, due=hour + 60)
    return story


def test_a_story_of_200_events_is_told_right():
    """Every report is false, so only parks and extensions count; the bench above measures something that happens."""
    story = long_story(200)
    answer = story.answer(2000)
    assert answer.repair.state == "running"
    assert len(answer.refused) > 0
    assert story.parked(3000, 3001, approved_by=CHIEF).answer(3000).repair.is_breached
