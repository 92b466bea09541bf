"""Naive replay, part 3: parks, due times, breaches and the clocks themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from naive_lines import POLICIES, Event, key, when
from naive_workflow import (
    RULINGS,
    cycle_start,
    cycles,
    decision,
    report_key,
    reports,
    ruling,
    rulings_on,
    severity,
    stop_of,
)

ZERO = timedelta(0)

Span = tuple[datetime, datetime]


# lengths of time


def union(spans: list[Span]) -> list[Span]:
    out: list[Span] = []
    for begin, end in sorted(span for span in spans if span[1] > span[0]):
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((begin, end))
    return out


def length(spans: list[Span]) -> timedelta:
    return sum((end - begin for begin, end in union(spans)), ZERO)


def common(one: list[Span], other: list[Span]) -> timedelta:
    return sum((max(ZERO, min(b, d) - max(a, c)) for a, b in union(one) for c, d in union(other)), ZERO)


def seconds(span: timedelta) -> float:
    return span / timedelta(seconds=1)


def written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


# parks, resumptions, extensions: which of them are granted


def granted(good: list[Event], refused: list[tuple[Event, str]]) -> list[Event]:
    kept: list[Event] = []
    for cycle in cycles(good):
        left = [e for e in cycle if e["type"] not in ["parked", "resumed", "extended"]]
        for e in cycle:
            if e["type"] in ["parked", "resumed", "extended"]:
                question = {"parked": why_no_park, "resumed": why_no_resume, "extended": why_no_extension}[e["type"]]
                why = question(e, left, kept)
                if why:
                    refused.append((e, why))
                else:
                    left = sorted([*left, e], key=key)
        kept += left
    return kept


def park_interval(park: Event, cycle: list[Event]) -> Span:
    ends = [when(park["data"]["until"])]
    ends += [e["at"] for e in cycle if e["type"] == "resumed" and key(e) > key(park)]
    for r in reports(cycle):
        if ruling(r, cycle) != "rejected":
            ends.append(report_key(r, cycle)[0])
    return park["at"], max(park["at"], min(ends))


def why_no_park(e: Event, cycle: list[Event], before: list[Event]) -> str:
    if when(e["data"]["until"]) <= e["at"]:
        return "ends before it begins"
    parks = [p for p in cycle if p["type"] == "parked"]
    if len(parks) + 1 > POLICIES[e["policy"]]["park_count"]:
        return "parked too often"
    spans = [park_interval(p, [x for x in cycle if x not in reports(cycle)]) for p in parks]
    if length([*spans, (e["at"], when(e["data"]["until"]))]) > POLICIES[e["policy"]]["park_total"]:
        return "parked too long"
    earlier = [x for x in cycle if key(x) < key(e)]
    if severity([*before, *earlier]) == "severe" and not [x for x in earlier if x["type"] == "safety_measure"]:
        return "severe, and no safety measure"
    return ""


def why_no_resume(e: Event, cycle: list[Event], before: list[Event]) -> str:
    without_reports = [x for x in cycle if x not in reports(cycle)]
    spans = [park_interval(p, without_reports) for p in cycle if p["type"] == "parked" and key(p) < key(e)]
    return "" if any(begin <= e["at"] < end for begin, end in spans) else "not parked"


def why_no_extension(e: Event, cycle: list[Event], before: list[Event]) -> str:
    due = when(e["data"]["due"])
    if e["data"]["clock"] == "repair":
        present = dues(as_known_at(e, cycle), before, until=key(e))[-1][1]
    elif e["data"]["clock"] == "assess":
        running = being_assessed(e, cycle)
        if not running:
            return "nothing is being assessed"
        present = assess_due(running[-1], [x for x in cycle if key(x) < key(e)])
    else:
        return "no such clock"
    if not e["at"] < present:
        return "was due already"
    if not due > present:
        return "not later than the present due"
    return ""


def as_known_at(e: Event, cycle: list[Event]) -> list[Event]:
    """What stood before `e`, and what was later found about reports that stood before it."""
    so_far = [x for x in cycle if key(x) < key(e)]
    reported = [r["seq"] for r in reports(so_far)]
    return [x for x in cycle if x in so_far or x["data"].get("report_seq") in reported]


def being_assessed(e: Event, cycle: list[Event]) -> list[Event]:
    """Reports without a decided verdict at the place of `e`."""
    so_far = [x for x in cycle if key(x) < key(e)]
    asked_for = e["data"].get("report_seq")
    running = [r for r in reports(so_far) if not decided_on(r, so_far)]
    return [r for r in running if asked_for is None or r["seq"] == asked_for]


def decided_on(report: Event, cycle: list[Event]) -> list[Event]:
    return [x for x in rulings_on(report, cycle) if decision(x) != "undecided"]


# the repair clock of one cycle


def dues(
    cycle: list[Event],
    before: list[Event],
    until: tuple[datetime, int, datetime, int] | None = None,
    with_extensions: bool = True,
) -> list[tuple[datetime, datetime, list[Span]]]:
    """(from when, due, parks counted so far) in order: each event that may have moved it."""
    start = cycle_start(cycle)
    policy = POLICIES[cycle[0]["policy"]]
    due = start + policy[severity([*before, cycle[0]])]
    counted: list[Span] = []
    out = [(start, due, counted)]
    extension = None
    for e in cycle:
        if until is not None and key(e) >= until:
            break
        if e["type"] == "absorbed":
            start, due = min(start, when(e["data"]["filed_at"])), min(due, when(e["data"]["due_at"]))
        if e["type"] == "parked" and e["at"] <= due:
            grown = length([*counted, park_interval(e, cycle)]) - length(counted)
            counted = [*counted, park_interval(e, cycle)]
            due = due + grown
            extension = extension + grown if extension else None
        if e["type"] == "severity_changed" and e["data"]["to"] == "severe":
            due = min(due, e["at"] + policy["severe"])
        if e["type"] == "severity_changed" and e["data"]["to"] == "normal":
            due = start + policy["normal"] + length(counted)
            due = max(due, extension) if extension else due
        if e["type"] == "extended" and e["data"]["clock"] == "repair" and with_extensions:
            due = extension = when(e["data"]["due"])
        out.append((e["at"], due, counted))
    return out


def breach(cycle: list[Event], before: list[Event], end: datetime) -> list[Span]:
    """The instants after the due that was in force then."""
    steps = dues(cycle, before)
    spans = []
    for n, (begin, due, _) in enumerate(steps):
        finish = steps[n + 1][0] if n + 1 < len(steps) else end
        spans.append((max(begin, due), min(finish, end)))
    spans += [(when(e["data"]["due_at"]), min(e["at"], end)) for e in cycle if e["type"] == "absorbed"]
    spans.append((steps[-1][1], end))  # what is shown as due is what the breach counts from
    return union(spans)


def cancelled_at(cycle: list[Event]) -> datetime | None:
    return cycle[-1]["at"] if cycle[-1]["type"] in ["voided", "merged"] else None


def repair_clock(cycle: list[Event], before: list[Event], now: datetime) -> dict[str, Any]:
    due, parks = dues(cycle, before)[-1][1], union(dues(cycle, before)[-1][2])
    standing, cancelled = stop_of(cycle), cancelled_at(cycle)
    end = standing[1][0] if standing else cancelled or now
    back = [b for a, b in parks if a <= now < b]
    is_now = "cancelled" if cancelled else standing[0] if standing else "paused" if back and now <= due else "running"
    late = breach(cycle, before, end)
    by_assessor = common(late, [span for r in reports(cycle) for span in assess_breach(r, cycle, now)])
    absorbed = [when(e["data"]["filed_at"]) for e in cycle if e["type"] == "absorbed"]
    return {
        "clock": "repair",
        "state": is_now,
        "started_at": written(min([cycle_start(cycle), *absorbed])),
        "due_at": written(due),
        "original_due_at": written(dues(cycle, before, with_extensions=False)[-1][1]),
        "stopped_at": written(standing[1][0]) if standing and standing[0] == "stopped" else None,
        "remaining_s": seconds(due - (back[0] if is_now == "paused" and back[0] <= due else end)),
        "breached": length(late) > ZERO,
        "breached_s": seconds(length(late)),
        "paused_s": seconds(sum((max(ZERO, min(b, end) - a) for a, b in parks), ZERO)),
        "attributed_s": {"crew": seconds(length(late) - by_assessor), "assessor": seconds(by_assessor)},
    }


# the assess clock of one report


def assess_due(report: Event, cycle: list[Event]) -> datetime:
    due = report["at"] + POLICIES[report["policy"]]["assess"]
    for e in cycle:
        if e["type"] == "extended" and e["data"]["clock"] == "assess":
            running = being_assessed(e, cycle)
            if running and running[-1]["seq"] == report["seq"]:
                due = when(e["data"]["due"])
    return due


def accepted_since(cycle: list[Event]) -> datetime | None:
    """The ruling since which, without a break, some report that is not rejected now has been accepted."""
    standing = [r for r in reports(cycle) if ruling(r, cycle) != "rejected"]
    since = None
    for n, e in enumerate(cycle):
        if e["type"] in RULINGS:
            so_far = cycle[: n + 1]
            if not any(ruling(r, so_far) == "accepted" for r in standing):
                since = None
            elif since is None:
                since = e["at"]
    return since


def assess_end(report: Event, cycle: list[Event], now: datetime) -> tuple[str, datetime]:
    decided = decided_on(report, cycle)
    if decided:
        return "stopped", decided[0]["at"]
    if accepted_since(cycle):
        return "cancelled", max(report["at"], accepted_since(cycle))
    if cancelled_at(cycle):
        return "cancelled", cancelled_at(cycle)
    return "running", now


def assess_breach(report: Event, cycle: list[Event], now: datetime) -> list[Span]:
    return union([(assess_due(report, cycle), assess_end(report, cycle, now)[1])])


def assess_clock(report: Event, cycle: list[Event], now: datetime) -> dict[str, Any]:
    is_now, end = assess_end(report, cycle, now)
    due = assess_due(report, cycle)
    late = length(assess_breach(report, cycle, now))
    return {
        "clock": "assess",
        "report_seq": report["seq"],
        "state": "cancelled" if cancelled_at(cycle) else is_now,
        "started_at": written(report["at"]),
        "due_at": written(due),
        "original_due_at": written(report["at"] + POLICIES[report["policy"]]["assess"]),
        "stopped_at": written(end) if is_now == "stopped" else None,
        "remaining_s": seconds(due - end),
        "breached": late > ZERO,
        "breached_s": seconds(late),
        "paused_s": 0.0,
        "attributed_s": {"crew": 0.0, "assessor": seconds(late)},
    }


def all_clocks(good: list[Event], now: datetime) -> list[dict[str, Any]]:
    out = []
    for number, cycle in enumerate(cycles(good), start=1):
        before = [e for e in good if key(e) < key(cycle[0])]
        clocks = [repair_clock(cycle, before, now), *[assess_clock(r, cycle, now) for r in reports(cycle)]]
        out += [{**clock, "cycle": number} for clock in clocks]
    return out
