"""The clocks against a second implementation, written by another hand from the issue's text alone (naive.py).

What the two disagreed about, and who was right, is in eval/reports/clocks.md. Run the long row with
`pytest tests/cases/test_two_implementations.py -m slow`.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from histories import HOUR, MICRO, START, histories, seeded, text
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from naive_lines import when
from two_answers import differences, first_answers, naive_answers, reduced
from typer.testing import CliRunner

from roadwarden.cli import app

pytestmark = pytest.mark.filterwarnings("error")


def calmly(examples: int) -> settings:
    """A busy machine is no failure."""
    return settings(
        max_examples=max(10, examples // 3),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


REPORT_LINES = ("repair_reported", "self_handled", "assessed", "evidence_requested", "time_accepted")


def assert_the_same(lines: list[dict[str, Any]], now: datetime, name: str) -> None:
    first, second = first_answers(lines, now), naive_answers(lines, now)
    assert first.keys() == second.keys()
    found = [f"{case}{found}" for case in first for found in differences(first[case], second[case])]
    assert not found, f"{name}, now {text(now)} (first != naive):\n" + "\n".join(found)


def row(begin: int, end: int) -> None:
    for number in range(begin, end):
        lines, now = seeded(number)
        assert_the_same(lines, now, f"seeded({number})")


def test_both_say_the_same_of_four_hundred_random_histories() -> None:
    row(0, 400)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_both_say_the_same_of_ten_thousand_random_histories() -> None:
    row(0, 10_000)


@calmly(60)
@given(histories())
def test_both_say_the_same_of_what_hypothesis_thinks_up(drawn: tuple[list[dict[str, Any]], datetime]) -> None:
    assert_the_same(*drawn, "hypothesis")


def moments(lines: list[dict[str, Any]]) -> list[datetime]:
    """Every deadline that the naive replay knows at the end of the story, and every arrival."""
    last = max(when(line["received_at"]) for line in lines) + 40 * 24 * HOUR
    answers = naive_answers(lines, last)
    ends = [
        clock[name]
        for answer in answers.values()
        for clock in answer["clocks"]
        for name in ("due_at", "original_due_at")
    ]
    return sorted({when(end) for end in [*ends, *[line["received_at"] for line in lines]]})


@pytest.mark.parametrize("beside", [-MICRO, 0 * MICRO, MICRO], ids=["1 us before", "exactly", "1 us after"])
def test_both_say_the_same_at_every_deadline(beside: timedelta) -> None:
    for number in range(30):
        lines, _ = seeded(number)
        for moment in moments(lines):
            assert_the_same(lines, moment + beside, f"seeded({number})")


@calmly(60)
@given(histories(), st.randoms(use_true_random=False))
def test_any_order_of_lines_gives_the_same_answer(drawn: tuple[list[dict[str, Any]], datetime], random: Random) -> None:
    lines, now = drawn
    shuffled = list(lines)
    random.shuffle(shuffled)
    assert first_answers(shuffled, now) == first_answers(lines, now)


ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]


@calmly(40)
@given(histories(), st.sampled_from(ZONES))
def test_the_zone_in_which_times_are_written_changes_nothing(
    drawn: tuple[list[dict[str, Any]], datetime], zone: str
) -> None:
    """The histories of March run over the hour that is left out in two of the zones."""
    lines, now = drawn[0], drawn[1].astimezone(ZoneInfo(zone))
    assert first_answers(rewritten(lines, ZoneInfo(zone)), now) == naive_answers(lines, now)


def rewritten(value: Any, zone: ZoneInfo) -> Any:
    """The same instants with that zone's offset."""
    if isinstance(value, dict):
        return {name: rewritten(inner, zone) for name, inner in value.items()}
    if isinstance(value, list):
        return [rewritten(inner, zone) for inner in value]
    if isinstance(value, str) and value.startswith("2026-"):
        return when(value).astimezone(zone).isoformat()
    return value


def test_the_command_says_what_the_naive_replay_says(tmp_path: Path) -> None:
    """Through the file and `roadwarden case replay --json`, as an auditor asks."""
    lines = [{**line, "case": f"{n}-{line['case']}"} for n in range(60) for line in seeded(n)[0]]
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for now in (START + 3 * 24 * HOUR, START + 20 * 24 * HOUR + MICRO):
        done = CliRunner().invoke(app, ["case", "replay", str(file), "--now", text(now), "--json"])
        assert done.exit_code == 0, done.output
        told = {answer["case"]: reduced(answer) for answer in map(json.loads, done.stdout.splitlines())}
        assert told == naive_answers(lines, now)


@calmly(60)
@given(histories())
def test_shares_sum_to_the_breach(drawn: tuple[list[dict[str, Any]], datetime]) -> None:
    for answer in first_answers(*drawn).values():
        for clock in answer["clocks"]:
            assert clock["breached"] == (clock["breached_s"] > 0)
            assert sum(clock["attributed_s"].values()) == pytest.approx(clock["breached_s"], abs=1e-6)
            assert min(clock["attributed_s"].values()) >= 0


def all_rejected(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same story in which nobody ever accepts a repair, with approvers whose role is told."""
    out = []
    for line in lines:
        data = dict(line["data"])
        if line["type"] == "assessed":
            data["verdict"] = "NOT_REPAIRED"
        if isinstance(data.get("approved_by"), str):
            data["approved_by"] = {"actor": "u8", "role": "supervisor"}
        out.append({**line, "data": data})
    return out


@calmly(80)
@given(histories())
def test_rejected_reports_leave_no_trace_in_the_repair_clock(drawn: tuple[list[dict[str, Any]], datetime]) -> None:
    lines, now = all_rejected(drawn[0]), drawn[1]
    silent = [line for line in lines if line["type"] not in REPORT_LINES]
    assume(any(line["type"] in REPORT_LINES[:2] for line in lines))
    with_reports, without = first_answers(lines, now), first_answers(silent, now)
    for name, answer in with_reports.items():
        undecided = any(clock["clock"] == "assess" and not clock["stopped_at"] for clock in answer["clocks"])
        if not undecided and name in without:
            assert repair_facts(answer) == repair_facts(without[name])


def repair_facts(answer: dict[str, Any]) -> list[tuple[Any, ...]]:
    facts = ("state", "due_at", "original_due_at", "breached_s", "paused_s")
    return [tuple(clock[fact] for fact in facts) for clock in answer["clocks"] if clock["clock"] == "repair"]


# merges: every survivor has the same clocks, whatever the order, the grouping and the repetition


def filing(case: str = "HZ-1", severity: str = "normal", hour: float = 0) -> dict[str, Any]:
    at = text(START + hour * HOUR)
    data = {"distress": "pothole", "severity": severity}
    return line(case, 1, "filed", hour, data) | {"occurred_at": at}


def line(
    case: str, seq: int, kind: str, hour: float, data: dict[str, Any], role: str = "duty_officer"
) -> dict[str, Any]:
    at = text(START + hour * HOUR)
    return {
        "case": case,
        "seq": seq,
        "type": kind,
        "occurred_at": at,
        "received_at": at,
        "actor": "u1",
        "role": role,
        "data": data,
    }


duplicates = st.fixed_dictionaries(
    {
        "filed": st.integers(-100, 20),
        "due": st.integers(-40, 90),
        "severity": st.sampled_from(["normal", "severe"]),
    }
)


def absorbing(seq: int, name: str, other: dict[str, Any], hour: float) -> dict[str, Any]:
    data = {
        "case": name,
        "filed_at": text(START + other["filed"] * HOUR),
        "severity": other["severity"],
        "due_at": text(START + other["due"] * HOUR),
    }
    return line("HZ-1", seq, "absorbed", hour, data)


def clocks_after(lines: list[dict[str, Any]], hour: float = 60) -> list[dict[str, Any]]:
    answer = first_answers(lines, START + hour * HOUR)["HZ-1"]
    return [{"severity": answer["severity"], **clock} for clock in answer["clocks"]]


@calmly(60)
@given(duplicates, duplicates)
def test_merges_commute(a: dict[str, Any], b: dict[str, Any]) -> None:
    one = [filing(), absorbing(2, "HZ-2", a, 21), absorbing(3, "HZ-3", b, 22)]
    other = [filing(), absorbing(2, "HZ-3", b, 21), absorbing(3, "HZ-2", a, 22)]
    assert clocks_after(one) == clocks_after(other)


@calmly(60)
@given(duplicates, duplicates)
def test_merges_associate(a: dict[str, Any], b: dict[str, Any]) -> None:
    both = {
        "filed": min(a["filed"], b["filed"]),
        "due": min(a["due"], b["due"]),
        "severity": max(a["severity"], b["severity"]),  # "severe" sorts last
    }
    one_by_one = [filing(), absorbing(2, "HZ-2", a, 21), absorbing(3, "HZ-3", b, 22)]
    assert clocks_after(one_by_one) == clocks_after([filing(), absorbing(2, "HZ-2", both, 22)])


@calmly(40)
@given(duplicates)
def test_a_merge_told_twice_is_one_merge(a: dict[str, Any]) -> None:
    once = [filing(), absorbing(2, "HZ-2", a, 21)]
    assert clocks_after([*once, absorbing(3, "HZ-2", a, 22)]) == clocks_after(once)


@calmly(40)
@given(histories(), duplicates)
def test_a_release_undoes_the_merge(drawn: tuple[list[dict[str, Any]], datetime], a: dict[str, Any]) -> None:
    lines = [filing(), *[line for line in drawn[0] if line["case"] == "HZ-1" and line["seq"] != 1]]
    last = (max(when(line["received_at"]) for line in lines) - START) / HOUR + 1
    later = START + (last + 5) * HOUR
    merged = [*lines, absorbing(101, "HZ-7", a, last), line("HZ-1", 102, "released", last + 1, {"case": "HZ-7"})]
    assert first_answers(merged, later) == first_answers(lines, later)


@calmly(50)
@given(histories(), st.integers(1, 300))
def test_parking_never_unbreaches(drawn: tuple[list[dict[str, Any]], datetime], length: int) -> None:
    lines = [line for line in drawn[0] if line["case"] == "HZ-1"]
    assume(lines)
    last = (max(when(line["received_at"]) for line in lines) - START) / HOUR + 1
    data = {"reason": "weather", "until": text(START + (last + length) * HOUR)}
    park = line("HZ-1", 101, "parked", last, {**data, "approved_by": {"actor": "u9", "role": "supervisor"}})
    for hours in (1, 50, 400):
        before = first_answers(lines, START + last * HOUR)["HZ-1"]["clocks"]
        after = first_answers([*lines, park], START + (last + hours) * HOUR)["HZ-1"]["clocks"]
        for one, other in zip(before, after, strict=True):
            assert other["breached_s"] >= one["breached_s"]
