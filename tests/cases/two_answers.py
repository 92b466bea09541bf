"""Both implementations asked the same question, and what their answers have in common by contract."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import naive

from roadwarden.cases.clocks import clocks
from roadwarden.cases.events import CaseEvent, parse_event
from roadwarden.cases.policy import shipped_clock_policies

Answer = dict[str, Any]

OF_A_CLOCK = [
    *["clock", "cycle", "report_seq", "state", "started_at", "due_at", "original_due_at", "stopped_at", "remaining_s"],
    *["breached", "breached_s", "paused_s", "attributed_s"],
]


def by_case(lines: list[Answer]) -> dict[str, list[CaseEvent]]:
    cases: dict[str, list[CaseEvent]] = {}
    for line in lines:
        cases.setdefault(line["case"], []).append(parse_event(line))
    return cases


def first_answers(lines: list[Answer], now: datetime) -> dict[str, Answer]:
    """What roadwarden says, reduced to what the contract names."""
    policies = shipped_clock_policies()
    return {name: reduced(clocks(events, policies, now).as_json()) for name, events in by_case(lines).items()}


def naive_answers(lines: list[Answer], now: datetime) -> dict[str, Answer]:
    return {name: reduced(answer) for name, answer in naive.answers(lines, now).items()}


def reduced(answer: Answer) -> Answer:
    """Reasons and notes are words; the rest is to agree to the microsecond."""
    return {
        **{name: answer[name] for name in ("case", "state", "policy", "severity", "flags")},
        "refused": sorted(refusal["seq"] for refusal in answer["refused"]),
        "clocks": [{name: clock[name] for name in OF_A_CLOCK if name in clock} for clock in answer["clocks"]],
    }


def differences(one: Answer, other: Answer, where: str = "") -> list[str]:
    """Paths at which two answers part, with both values."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted({*one, *other})
        return [found for name in names for found in differences(one.get(name), other.get(name), f"{where}.{name}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other) and "clocks" in where:
        return [f for n in range(len(one)) for f in differences(one[n], other[n], f"{where}[{n}]")]
    return [] if one == other else [f"{where}: {one!r} != {other!r}"]
