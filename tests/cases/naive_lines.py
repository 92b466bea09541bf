"""Naive replay, part 1: what is known at `now`, effective times, order, who may, merges that were undone.

An event here is its JSON line with `at` (effective time), `got` (received), `first` (0 for the filing, which leads) and
`policy` (by which its case is judged).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

Event = dict[str, Any]

DESK = ["intake", "duty_officer", "dispatcher", "supervisor", "road_chief", "administrator", "assessor", "system"]
ROLES = [*DESK, "crew", "citizen", "auditor"]
APPROVING = ["duty_officer", "supervisor", "road_chief"]
NEEDS_APPROVAL = ["extended", "parked", "voided", "time_accepted"]
NOT_FOR_CREWS = [
    *["dispatched", "assessed", "evidence_requested", "time_accepted", "closed", "reopened"],
    *["absorbed", "released", "merged", "unmerged"],
]


UNDOES = {"released": "absorbed", "unmerged": "merged"}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICIES = {
    "roads-1": {
        "normal": 48 * HOUR,
        "severe": 24 * HOUR,
        "assess": 24 * HOUR,
        "park_total": 30 * DAY,
        "park_count": 5,
        "warranty": 30 * DAY,
    },
    "waste-1": {
        "normal": 12 * HOUR,
        "severe": 4 * HOUR,
        "assess": 12 * HOUR,
        "park_total": 3 * DAY,
        "park_count": 2,
        "warranty": 7 * DAY,
    },
}
"""Two rows of tables/clock_policies.yaml, copied by hand; a case that names none of them is judged by the first."""


class BrokenFile(Exception):
    """The same seq stands for two different things."""


def when(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def once(lines: list[Event]) -> list[Event]:
    kept: list[Event] = []
    for line in lines:
        same = [k for k in kept if k["seq"] == line["seq"]]
        if same and not the_same(same[0], line):
            raise BrokenFile(f"seq {line['seq']} of {line['case']} twice, and different")
        if not same:
            kept.append(line)
    return kept


def the_same(one: Event, other: Event) -> bool:
    times = ["occurred_at", "received_at"]
    if any(when(one[t]) != when(other[t]) for t in times):
        return False
    return {k: v for k, v in one.items() if k not in times} == {k: v for k, v in other.items() if k not in times}


def own_time(e: Event) -> tuple[datetime, bool]:
    """Effective time before it is compared with the filing, and whether it was clamped."""
    occurred, received = when(e["occurred_at"]), when(e["received_at"])
    if e["role"] not in DESK:
        return received, False
    clamped = occurred > received + timedelta(minutes=2) or occurred < received - timedelta(days=7)
    at = received if clamped else occurred
    if e["type"] in ["filed", "parked"] or (e["type"] == "severity_changed" and e["data"]["to"] == "severe"):
        at = max(at, received)
    return at, clamped


def timed(known: list[Event], filing: Event) -> tuple[list[Event], list[str]]:
    """The events in order, with the flags that their times earned."""
    filed_at = own_time(filing)[0]
    policy = filing["data"].get("policy", "roads-1")
    flags, out = [], []
    if policy not in POLICIES:
        policy = "roads-1"
        flags.append("unknown_policy")
    for e in known:
        at, clamped = own_time(e)
        if clamped:
            flags.append("clamped")
        if at < filed_at:
            at = filed_at
            flags.append("clamped")
        out.append({**e, "at": at, "got": when(e["received_at"]), "first": 0 if e is filing else 1, "policy": policy})
    return sorted(out, key=key), flags


def key(e: Event) -> tuple[datetime, int, datetime, int]:
    return (e["at"], e["first"], e["got"], e["seq"])


def forbidden(e: Event, known: list[Event]) -> str:
    """Why this role may not do this, whatever the state of the case."""
    if e["role"] == "auditor" or (e["role"] == "citizen" and e["type"] != "filed"):
        return f"{e['role']} may not do this"
    if e["role"] == "crew" and e["type"] in NOT_FOR_CREWS:
        return "crews may not do this"
    if e["type"] == "time_accepted" and e["role"] != "duty_officer":
        return "only a duty officer accepts another time"
    if needs_approval(e):
        return not_approved(e, known)
    return ""


def needs_approval(e: Event) -> bool:
    return e["type"] in NEEDS_APPROVAL or (e["type"] == "severity_changed" and e["data"]["to"] == "normal")


def approver(by: object) -> tuple[str | None, str | None]:
    """Person and role of an `approved_by`: an object, "person:role" either way round, a person alone, a role alone."""
    if isinstance(by, dict):
        return by.get("actor"), by.get("role")
    parts = str(by).split(":")
    roles = [part for part in parts if part in ROLES]
    persons = [part for part in parts if part not in ROLES]
    return (persons[0] if persons else None), (roles[0] if roles else None)


def not_approved(e: Event, known: list[Event]) -> str:
    if not e["data"].get("approved_by"):
        return "no approval"
    person, role = approver(e["data"]["approved_by"])
    if person == e["actor"]:
        return "approved by the actor himself"
    if role is not None:
        return "" if role in APPROVING else "the approver may not approve"
    acts_as = [k["role"] for k in known if k["actor"] == person]
    if acts_as and not any(role in APPROVING for role in acts_as):
        return "the approver may not approve"
    return ""


def approver_unknown(e: Event, known: list[Event]) -> bool:
    if not needs_approval(e) or not e["data"].get("approved_by"):
        return False
    person, role = approver(e["data"]["approved_by"])
    return role is None and person not in [k["actor"] for k in known]


def without_undone_merges(events: list[Event], refused: list[tuple[Event, str]]) -> list[Event]:
    """`absorbed` with its `released` and `merged` with its `unmerged` drop out, as if neither had been."""
    dropped: list[Event] = []
    for n, e in enumerate(events):
        if e["type"] in ["released", "unmerged"]:
            dropped.append(e)
            told = [x for x in events[:n] if x not in dropped and x["type"] == UNDOES[e["type"]]]
            told = [x for x in told if x["data"].get("case") == e["data"].get("case")]
            if not told:
                refused.append((e, "was not merged"))
            dropped += told
            refused += [(again, "merged already") for again in told[1:]]
    return [e for e in events if e not in dropped]
