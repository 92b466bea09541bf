"""A second implementation of the replay contract (issue 7, part 2), written from the issue's text alone.

Nothing is shared with roadwarden.cases and nothing is clever: plain JSON dicts, lists that are filtered again for each
question. Where the issue is silent the choices stand in docs/clocks.md. For tests only: it trusts its lines to be well
formed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from naive_clocks import all_clocks, granted, park_interval
from naive_lines import Event, approver_unknown, forbidden, once, own_time, timed, when, without_undone_merges
from naive_workflow import OPEN, cycles, legal, severity, stage, stop_of


def answers(lines: list[Event], now: datetime) -> dict[str, dict[str, Any]]:
    by_case: dict[str, list[Event]] = {}
    for line in lines:
        by_case.setdefault(line["case"], []).append(line)
    return {name: answer(name, by_case[name], now) for name in by_case}


def answer(name: str, lines: list[Event], now: datetime) -> dict[str, Any]:
    refused: list[tuple[Event, str]] = []
    good, flags = accepted_events(lines, now, refused)
    told = [{"seq": e["seq"], "why": why} for e, why in sorted(refused, key=lambda pair: pair[0]["seq"])]
    if not good:
        nothing = {"state": None, "policy": None, "severity": None, "flags": flags}
        return {"case": name, **nothing, "refused": told, "clocks": []}
    return {
        "case": name,
        "state": state(good, now),
        "policy": good[0]["policy"],
        "severity": severity(good),
        "flags": sorted(set(flags)),
        "refused": told,
        "clocks": all_clocks(good, now),
    }


def accepted_events(
    lines: list[Event], now: datetime, refused: list[tuple[Event, str]]
) -> tuple[list[Event], list[str]]:
    """The events of one case that count at `now`, in order with their effective times, and the flags."""
    known = [e for e in once(lines) if when(e["received_at"]) <= now]
    filings = [e for e in known if e["type"] == "filed" and not forbidden(e, known)]
    if not filings:
        refused += [(e, "not filed") for e in known]
        return [], []
    filing = min(filings, key=lambda e: (own_time(e)[0], when(e["received_at"]), e["seq"]))
    events, flags = timed(known, filing)
    refused += [(e, forbidden(e, known)) for e in events if forbidden(e, known)]
    allowed = without_undone_merges([e for e in events if not forbidden(e, known)], refused)
    good = granted(legal(allowed, refused), refused)
    return good, flags + ["approver_role_unknown" for e in good if approver_unknown(e, known)]


def state(good: list[Event], now: datetime) -> str:
    at_stage = stage(good)
    cycle = cycles(good)[-1]
    spans = [park_interval(e, cycle) for e in cycle if e["type"] == "parked"]
    if at_stage in OPEN and stop_of(cycle) is None and any(a <= now < b for a, b in spans):
        return "parked"
    return at_stage
