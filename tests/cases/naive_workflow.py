"""Naive replay, part 2: cycles, reports and what was ruled on them, which moves are legal.

What a report is worth is known at `now` only: one that is rejected then is judged as if it had never been sent.
"""

from __future__ import annotations

from datetime import datetime

from naive_lines import POLICIES, Event, key, when

MACHINES = ["assessor", "system"]
REJECTING = ["NOT_REPAIRED", "PARTIAL", "WRONG_OBJECT"]
REPORTS = ["repair_reported", "self_handled"]
RULINGS = ["assessed", "evidence_requested"]
ABOUT_REPORTS = [*RULINGS, "time_accepted"]
SPINE = ["filed", *REPORTS, *ABOUT_REPORTS, "closed", "reopened", "voided", "merged"]
WORKING = ["dispatched", "accepted", "under_repair"]
OPEN = ["filed", *WORKING, "repair_reported"]
LEGAL_FROM = {
    "filed": [],
    "dispatched": ["filed", *WORKING],
    "accepted": ["dispatched"],
    "repair_started": ["dispatched", "accepted"],
    "handed_back": WORKING,
    "transferred": ["filed", *WORKING],
    "closed": ["assessed"],
    "safety_measure": [*OPEN, "assessed", "closed"],
}
LEADS_TO = {
    "filed": "filed",
    "dispatched": "dispatched",
    "accepted": "accepted",
    "repair_started": "under_repair",
    "handed_back": "filed",
    "reopened": "filed",
}


def legal(events: list[Event], refused: list[tuple[Event, str]]) -> list[Event]:
    """All but the illegal ones (parks, resumptions and extensions are looked at again with the clocks)."""
    spine: list[Event] = []
    for e in [e for e in events if e["type"] in SPINE]:
        why = why_not_on_the_spine(spine, e)
        if why:
            refused.append((e, why))
        else:
            spine.append(e)
    hidden = [
        e for cycle in cycles(spine) for r in reports(cycle) if ruling(r, cycle) == "rejected" for e in about(r, cycle)
    ]
    good: list[Event] = []
    for e in events:
        if e in hidden or (e["type"] in SPINE and e not in spine):
            continue
        why = why_not(good, e)
        if why:
            refused.append((e, why))
        else:
            good.append(e)
    return sorted([*good, *hidden], key=key)


# cycles


def cycles(good: list[Event]) -> list[list[Event]]:
    out: list[list[Event]] = []
    for e in good:
        if e["type"] in ["filed", "reopened"]:
            out.append([])
        out[-1].append(e)
    return out


def cycle_start(cycle: list[Event]) -> datetime:
    return cycle[0]["at"]


# reports and rulings


def reports(cycle: list[Event]) -> list[Event]:
    return [e for e in cycle if e["type"] in REPORTS]


def report_of(e: Event, cycle: list[Event]) -> list[Event]:
    return [r for r in reports(cycle) if r["seq"] == e["data"]["report_seq"]]


def about(report: Event, cycle: list[Event]) -> list[Event]:
    return [report] + [e for e in cycle if e["type"] in ABOUT_REPORTS and e["data"]["report_seq"] == report["seq"]]


def rulings_on(report: Event, cycle: list[Event]) -> list[Event]:
    """In order; once a machine could not decide, a person has to: its later verdicts on that report do not count."""
    given = [e for e in about(report, cycle) if e["type"] in RULINGS]
    out = []
    for n, e in enumerate(given):
        open_before = [x for x in given[:n] if x["role"] in MACHINES and decision(x) == "undecided"]
        if not (open_before and e["role"] in MACHINES and e["type"] == "assessed"):
            out.append(e)
    return out


def decision(e: Event) -> str:
    if e["type"] == "evidence_requested":
        return "rejected"
    verdict = e["data"]["verdict"]
    if verdict == "REPAIRED" or (verdict == "REPAIRED_WITH_DEFECT" and e["role"] == "duty_officer"):
        return "accepted"
    return "rejected" if verdict in REJECTING else "undecided"


def ruling(report: Event, cycle: list[Event]) -> str:
    """The last person's ruling, else the last machine's."""
    given = rulings_on(report, cycle)
    persons = [e for e in given if e["role"] not in MACHINES]
    standing = persons or given
    return decision(standing[-1]) if standing else "undecided"


def kinds(cycle: list[Event]) -> list[str]:
    return [ruling(r, cycle) for r in reports(cycle)]


def report_key(report: Event, cycle: list[Event]) -> tuple[datetime, int, datetime, int]:
    accepted = [e for e in about(report, cycle) if e["type"] == "time_accepted"]
    at = when(accepted[-1]["data"]["at"]) if accepted else report["at"]
    return (at, 1, report["got"], report["seq"])


def stop_of(cycle: list[Event]) -> tuple[str, tuple[datetime, int, datetime, int]] | None:
    """("stopped" or "provisional", key of the report); nothing while no report stands."""
    for kind, name in [("accepted", "stopped"), ("undecided", "provisional")]:
        keys = [report_key(r, cycle) for r in reports(cycle) if ruling(r, cycle) == kind]
        if keys:
            return name, min(keys)
    return None


# what is legal


def why_not_on_the_spine(spine: list[Event], e: Event) -> str:
    """Filing, reports, rulings and ends of a case are judged by what stood at their place in the order."""
    if e["type"] == "filed":
        return "filed already" if spine else ""
    cycle = cycles(spine)[-1]
    if cycle[-1]["type"] in ["voided", "merged"]:
        return f"the case is {cycle[-1]['type']}"
    if e["type"] in ABOUT_REPORTS and not report_of(e, cycle):
        return "no such report in this cycle"
    if e["type"] == "time_accepted" and not cycle_start(cycle) <= when(e["data"]["at"]) <= report_of(e, cycle)[0]["at"]:
        return "the time is not between the start and the report"
    if e["type"] == "reopened":
        closings = closings_that_hold(cycle)
        if not closings:
            return "is not closed"
        if e["at"] - closings[0]["at"] > POLICIES[e["policy"]]["warranty"]:
            return "the warranty is over"
    return ""


def closings_that_hold(cycle: list[Event]) -> list[Event]:
    """Closings that rest on a report which was accepted at their place and still is."""
    out = []
    for n, e in enumerate(cycle):
        before = cycle[:n]
        resting = [r for r in reports(before) if ruling(r, before) == "accepted" and ruling(r, cycle) == "accepted"]
        if e["type"] == "closed" and resting:
            out.append(e)
    return out


def stage(good: list[Event], rejections_are_known: bool = True) -> str:
    """State of the case, parks apart; on the way to `now` nobody knows of a rejection that will not last."""
    cycle = cycles(good)[-1]
    if cycle[-1]["type"] in ["voided", "merged"]:
        return cycle[-1]["type"]
    if "accepted" in kinds(cycle):
        return "closed" if closings_that_hold(cycle) else "assessed"
    if "undecided" in kinds(cycle) or ("rejected" in kinds(cycle) and not rejections_are_known):
        return "repair_reported"
    return [LEADS_TO[e["type"]] for e in cycle if e["type"] in LEADS_TO][-1]


def why_not(good: list[Event], e: Event) -> str:
    if e["type"] in SPINE and e["type"] != "closed":
        return ""
    at_stage = stage(good, rejections_are_known=False)
    if at_stage not in LEGAL_FROM.get(e["type"], OPEN):
        return f"{e['type']} is not possible when {at_stage}"
    if e["type"] == "severity_changed" and severity(good) == e["data"]["to"]:
        return "has this severity already"
    if e["type"] == "absorbed" and [
        x for x in good if x["type"] == "absorbed" and x["data"]["case"] == e["data"]["case"]
    ]:
        return "absorbed already"
    return ""


def severity(good: list[Event]) -> str:
    is_now = "normal"
    for e in good:
        if e["type"] == "filed":
            is_now = e["data"]["severity"]
        if e["type"] == "severity_changed":
            is_now = e["data"]["to"]
        if e["type"] == "absorbed" and e["data"]["severity"] == "severe":
            is_now = "severe"
    return is_now
