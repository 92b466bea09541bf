"""How cases flow, for machines (docs/process.md)."""

from __future__ import annotations

from typing import Any

from roadwarden.cases.event_types import format_time
from roadwarden.cases.policy import ClockPolicy, Stage
from roadwarden.cases.process import Arrow, Flow, Passed, Process, Stay, Times, designed
from roadwarden.taxonomy import Severity

SCHEMA_VERSION = 1


def as_json(found: Process) -> dict[str, Any]:
    """For machines."""
    period = found.period
    shares = {
        "bounced": found.bounced, "parked": found.parked, "reworked": found.reworked, "void": found.void,
        "closed": found.closed, "straight": found.straight,
    }  # fmt: skip
    return {
        "schema": SCHEMA_VERSION,
        "from": format_time(period.start),
        "to": format_time(period.end),
        "now": format_time(period.now),
        "filed": found.filed,
        "bounces": found.bounces,
        "rejected": found.rejected,
        "reopened": found.reopened,
        **{name: share.part for name, share in shares.items()},
        **{f"{name}_rate": share.value for name, share in shares.items()},
        "flows": [flow_row(one) for one in found.flows],
        "stays": [stay_row(one) for one in found.stays],
        "passed": [passed_row(one) for one in found.passed],
        "refused": [{"event": kind.value, "why": why, "count": count} for kind, why, count in found.refused],
    }


def flow_row(one: Flow) -> dict[str, Any]:
    """A line of the table of flows."""
    return arrow_row(one.arrow) | _times(one.times)


def stay_row(one: Stay) -> dict[str, Any]:
    """A line of the table of states."""
    told = {"state": one.state.value, "entered": one.entered, "there": one.there, "oldest_h": one.oldest_h}
    return told | _times(one.left)


def passed_row(one: Passed) -> dict[str, Any]:
    """A line of the table of hand-overs."""
    return {"from": one.before, "to": one.after} | _times(one.times)


def arrow_row(arrow: Arrow) -> dict[str, str]:
    """From, event, to."""
    return {"from": arrow.start.value, "event": arrow.by.value, "to": arrow.end.value}


def designed_json(policy: ClockPolicy) -> dict[str, Any]:
    """The workflow as it is designed, with the limits of one policy in hours."""
    limits: dict[str, float | None] = {
        "repair_normal": policy.repair_limit(Severity.NORMAL).total_seconds() / 3600,
        "repair_severe": policy.repair_limit(Severity.SEVERE).total_seconds() / 3600,
        "assess": policy.assess_hours.total_seconds() / 3600,
    }
    for stage in Stage:
        limit = policy.stage_limit(stage)
        limits[f"stage_{stage.value}"] = None if limit is None else limit.hours.total_seconds() / 3600
    return {"policy": policy.id, "limits_h": limits, "arrows": [arrow_row(one) for one in sorted(designed())]}


def _times(one: Times) -> dict[str, Any]:
    return {"count": one.count, "mean_h": one.mean_h, "p50_h": one.p50_h, "p90_h": one.p90_h}
