"""The figures of a period a second time, from the raw event lines, on the naive replay; definitions in docs/kpi.md.

Lists are walked once for each figure; there is no table, no numpy and no code of roadwarden.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from naive import accepted_events, state
from naive_clocks import all_clocks
from naive_lines import Event, when
from naive_workflow import MACHINES, cycles, report_key, reports, ruling, rulings_on, severity

HANGZHOU = ZoneInfo("Asia/Shanghai")


class Told:
    """One case as the naive replay tells it at `now`."""

    def __init__(self, lines: list[Event], now: datetime) -> None:
        self.events, _ = accepted_events(lines, now, [])
        self.state = state(self.events, now) if self.events else None
        self.clocks = all_clocks(self.events, now) if self.events else []
        self.severity = severity(self.events) if self.events else None

    def of(self, *types: str) -> list[Event]:
        return [e for e in self.events if e["type"] in types]

    def repair(self) -> list[dict[str, Any]]:
        return [{**clock, "severity": self.severity} for clock in self.clocks if clock["clock"] == "repair"]


def told(lines: list[Event], now: datetime) -> list[Told]:
    by_case: dict[str, list[Event]] = {}
    for line in lines:
        by_case.setdefault(line["case"], []).append(line)
    return [case for case in (Told(of_case, now) for of_case in by_case.values()) if case.events]


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def percentile(values: list[float], q: float) -> float | None:
    """Linear between the two neighbours, as everybody's spreadsheet does."""
    if not values:
        return None
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def hours(span: timedelta) -> float:
    return span / timedelta(hours=1)


def kpi(lines: list[Event], now: datetime, begin: datetime, end: datetime) -> dict[str, Any]:
    everything = told(lines, now)

    def inside(moment: datetime) -> bool:
        return begin <= moment < end

    unmerged = [case for case in everything if case.state != "merged"]
    return {
        **of_the_cases(everything, unmerged, now, inside),
        **of_the_repair_clocks(unmerged, now, inside),
        **response_to_repair(unmerged, now, inside, end),
        **assessment(unmerged, inside),
        **rework(unmerged, inside),
        "weeks": weeks(everything, begin, end),
        "stages": stages(unmerged, inside),
    }


Inside = Callable[[datetime], bool]


def of_the_cases(everything: list[Told], unmerged: list[Told], now: datetime, inside: Inside) -> dict[str, Any]:
    reported = [case for case in everything if inside(case.events[0]["at"])]
    filed = [case for case in reported if case.state != "merged"]
    void = [case for case in filed if case.state == "voided"]
    not_void = [case for case in filed if case.state != "voided"]
    closed = [case for case in not_void if case.state == "closed"]
    must_close = [case for case in not_void if case.state == "closed" or must_be_closed(case, now)]
    closings = [e for case in unmerged for e in case.of("closed") if inside(e["at"])]
    parked = [case for case in filed if case.of("parked")]
    bounced = [case for case in filed if case.of("handed_back", "transferred")]
    missed = [case for case in filed if found_by_citizen(case)]
    reopened = [e for case in unmerged for e in case.of("reopened") if inside(e["at"])]
    return {
        "reported": len(reported),
        "merged": len(reported) - len(filed),
        "filed": len(filed),
        "void": len(void),
        "void_rate": share(len(void), len(filed)),
        "void_breached": len([case for case in void if case.repair()[-1]["breached"]]),
        "closed": len(closings),
        "closure_rate": share(len(closed), len(not_void)),
        "due_to_close": len(must_close),
        "due_closure_rate": share(len(closed), len(must_close)),
        "parked": len(parked),
        "parked_rate": share(len(parked), len(filed)),
        "parked_hours": sum(clock["paused_s"] for case in filed for clock in case.repair()) / 3600,
        "bounces": sum(len(case.of("handed_back", "transferred")) for case in filed),
        "bounced": len(bounced),
        "bounced_rate": share(len(bounced), len(filed)),
        "missed": len(missed),
        "missed_rate": share(len(missed), len(filed)),
        "reopened": len(reopened),
        "reopen_rate": share(len(reopened), len(closings)),
    }


def must_be_closed(case: Told, now: datetime) -> bool:
    clock = case.repair()[-1]
    return clock["state"] == "stopped" or now > when(clock["due_at"])


def found_by_citizen(case: Told) -> bool:
    filing = case.events[0]
    return filing["role"] == "citizen" or filing["data"].get("source") == "citizen"


def end_of(case: Told, clock: dict[str, Any], now: datetime) -> datetime:
    if clock["stopped_at"]:
        return when(clock["stopped_at"])
    if clock["state"] == "provisional":
        return when(clock["due_at"]) - timedelta(seconds=clock["remaining_s"])
    return now


def of_the_repair_clocks(unmerged: list[Told], now: datetime, inside: Inside) -> dict[str, Any]:
    clocks = [
        {**clock, "end": end_of(case, clock, now)}
        for case in unmerged
        for clock in case.repair()
        if inside(when(clock["started_at"])) and clock["state"] != "cancelled"
    ]
    out: dict[str, Any] = {
        "breached_hours": sum(clock["breached_s"] for clock in clocks) / 3600,
        "breached_hours_crew": sum(clock["attributed_s"]["crew"] for clock in clocks) / 3600,
        "breached_hours_assessor": sum(clock["attributed_s"]["assessor"] for clock in clocks) / 3600,
    }
    for name, kinds in [("", ["normal", "severe"]), ("_normal", ["normal"]), ("_severe", ["severe"])]:
        some = [clock for clock in clocks if clock["severity"] in kinds]
        decided = [clock for clock in some if clock["state"] == "stopped" or clock["breached"]]
        late = [clock for clock in decided if clock["breached"]]
        out[f"on_time_approved{name}"] = share(len(decided) - len(late), len(decided))
        decided = [clock for clock in some if clock["state"] == "stopped" or late_by_original(clock)]
        late = [clock for clock in decided if late_by_original(clock)]
        out[f"on_time_original{name}"] = share(len(decided) - len(late), len(decided))
    return out


def late_by_original(clock: dict[str, Any]) -> bool:
    return clock["end"] > when(clock["original_due_at"])


def response_to_repair(unmerged: list[Told], now: datetime, inside: Inside, end: datetime) -> dict[str, Any]:
    clocks = [clock for case in unmerged for clock in case.repair()]
    stopped = [clock for clock in clocks if clock["state"] == "stopped" and inside(when(clock["stopped_at"]))]
    open_ones = [
        clock
        for clock in clocks
        if clock["state"] in ["running", "paused", "provisional"] and when(clock["started_at"]) < end
    ]
    took = [hours(when(clock["stopped_at"]) - when(clock["started_at"])) for clock in stopped]
    severe = [h for h, clock in zip(took, stopped, strict=True) if clock["severity"] == "severe"]
    net = [h - clock["paused_s"] / 3600 for h, clock in zip(took, stopped, strict=True)]
    so_far = [hours(now - when(clock["started_at"])) for clock in open_ones]
    average = mean(took)
    return {
        "repairs": len(took),
        "mean_h": average,
        "p50_h": percentile(took, 0.5),
        "p90_h": percentile(took, 0.9),
        "longest_h": max(took, default=None),
        "severe_mean_h": mean(severe),
        "severe_p50_h": percentile(severe, 0.5),
        "severe_p90_h": percentile(severe, 0.9),
        "severe_longest_h": max(severe, default=None),
        "mean_net_h": mean(net),
        "mean_met": None if average is None else average <= 48,
        "open": len(open_ones),
        "mean_with_open_h": mean(took + so_far),
    }


def assessment(unmerged: list[Told], inside: Inside) -> dict[str, Any]:
    clocks = [
        clock
        for case in unmerged
        for clock in case.clocks
        if clock["clock"] == "assess" and clock["state"] != "cancelled" and inside(when(clock["started_at"]))
    ]
    decided = [clock for clock in clocks if clock["state"] == "stopped" or clock["breached"]]
    return {"assess_on_time": share(len([clock for clock in decided if not clock["breached"]]), len(decided))}


def rework(unmerged: list[Told], inside: Inside) -> dict[str, Any]:
    rejected = accepted = asked_again = reported = 0
    for case in unmerged:
        for cycle in cycles(case.events):
            for report in [r for r in reports(cycle) if inside(r["at"])]:
                reported += 1
                given = rulings_on(report, cycle)
                standing = ([e for e in given if e["role"] not in MACHINES] or given)[-1:]
                if standing and standing[0]["type"] == "evidence_requested":
                    asked_again += 1
                elif ruling(report, cycle) == "accepted":
                    accepted += 1
                elif ruling(report, cycle) == "rejected":
                    rejected += 1
    reopened = len([e for case in unmerged for e in case.of("reopened") if inside(e["at"])])
    judged = rejected + accepted
    return {
        "reports": reported,
        "judged": judged,
        "rejected": rejected,
        "evidence_requested": asked_again,
        "rework": rejected + reopened,
        "rework_rate": share(rejected, judged),
    }


def weeks(everything: list[Told], begin: datetime, end: datetime) -> list[dict[str, Any]]:
    """Monday to Monday in Hangzhou, cut to the period."""
    local = begin.astimezone(HANGZHOU)
    monday = local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=local.weekday())
    out = []
    while monday < end:
        since, until = max(monday, begin), min(monday + timedelta(days=7), end)
        reported = [case for case in everything if since <= case.events[0]["at"] < until]
        closings = [e for case in everything if case.state != "merged" for e in case.of("closed")]
        out.append(
            {
                "from": since,
                "reported": len(reported),
                "filed": len([case for case in reported if case.state != "merged"]),
                "closed": len([e for e in closings if since <= e["at"] < until]),
            }
        )
        monday += timedelta(days=7)
    return out


def stages(unmerged: list[Told], inside: Inside) -> dict[str, list[float]]:
    """Hours of each stage of the cases whose first cycle was closed in the period, sorted."""
    out: dict[str, list[float]] = {}
    for case in unmerged:
        cycle = cycles(case.events)[0]
        closings = [e["at"] for e in cycle if e["type"] == "closed"]
        if closings and inside(closings[0]):
            for name, begin, finish in stage_ends(case, cycle, closings[0]):
                if begin is not None and finish is not None and finish >= begin:
                    out.setdefault(name, []).append(hours(finish - begin))
    return {name: sorted(values) for name, values in out.items()}


def stage_ends(case: Told, cycle: list[Event], closed: datetime) -> list[tuple[str, datetime | None, datetime | None]]:
    def first(kind: str) -> datetime | None:
        times = [e["at"] for e in cycle if e["type"] == kind]
        return times[0] if times else None

    filed = cycle[0]["at"]
    seen = cycle[0]["data"].get("first_seen_at")
    repair = next(clock for clock in case.clocks if clock["clock"] == "repair" and clock["cycle"] == 1)
    repaired = when(repair["stopped_at"]) if repair["stopped_at"] else None
    stop = sorted([r for r in reports(cycle) if ruling(r, cycle) == "accepted"], key=lambda r: report_key(r, cycle))
    verdict = [
        when(clock["stopped_at"])
        for clock in case.clocks
        if clock["clock"] == "assess" and clock["stopped_at"] and stop and clock["report_seq"] == stop[0]["seq"]
    ]
    assessed = verdict[0] if verdict else None
    return [
        ("discover", when(seen) if seen else None, filed),
        ("dispatch", filed, first("dispatched")),
        ("accept", first("dispatched"), first("accepted")),
        ("repair", first("accepted"), repaired),
        ("assess", repaired, assessed),
        ("close", assessed, closed),
        ("whole", when(seen) if seen else filed, closed),
    ]
