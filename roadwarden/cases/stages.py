"""How long each part of the process took for one case, from somebody seeing the defect to the case being closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from roadwarden.cases.answer import REPAIR, CaseAnswer
from roadwarden.cases.events import EventType, Filed
from roadwarden.cases.ordering import Placed

_HOUR = timedelta(hours=1)


class ProcessStage(StrEnum):
    """Parts of the process in their order; WHOLE is all of it. Not the stage clocks of a policy."""

    DISCOVER = "discover"  # first seen → filed
    DISPATCH = "dispatch"  # filed → first dispatched
    ACCEPT = "accept"  # first dispatched → first accepted
    REPAIR = "repair"  # first accepted → the repair that counted
    ASSESS = "assess"  # the repair that counted → its verdict
    CLOSE = "close"  # its verdict → closed
    WHOLE = "whole"  # first seen → closed


def first_closed_at(accepted: Sequence[Placed]) -> datetime | None:
    """When the first cycle was closed. ``accepted``: the events of a case that count, in their order."""
    return _first(_first_cycle(accepted), EventType.CLOSED)


def stage_hours(
    accepted: Sequence[Placed], answer: CaseAnswer, done: Sequence[tuple[datetime, int]]
) -> Mapping[ProcessStage, float]:
    """Hours of each stage of the first cycle of a case that was closed; empty where it was not.

    A stage that lacks one of its ends (a repair on the spot has no dispatch), or whose ends lie the wrong way round
    because somebody entered them late, is left out. ``done``: of accepted reports when the repair was done and their
    seq, in that order.
    """
    accepted = _first_cycle(accepted)
    closed, filed = _first(accepted, EventType.CLOSED), _first(accepted, EventType.FILED)
    if closed is None or filed is None:
        return {}
    seen = next((one.event.data.first_seen_at for one in accepted if isinstance(one.event.data, Filed)), None)
    dispatched, taken = _first(accepted, EventType.DISPATCHED), _first(accepted, EventType.ACCEPTED)
    repaired, judged = _repair_and_verdict(answer, done)
    ends = {
        ProcessStage.DISCOVER: (seen, filed),
        ProcessStage.DISPATCH: (filed, dispatched),
        ProcessStage.ACCEPT: (dispatched, taken),
        ProcessStage.REPAIR: (taken, repaired),
        ProcessStage.ASSESS: (repaired, judged),
        ProcessStage.CLOSE: (judged, closed),
        ProcessStage.WHOLE: (seen or filed, closed),
    }
    return {
        stage: (end - start) / _HOUR
        for stage, (start, end) in ends.items()
        if start is not None and end is not None and end >= start
    }


def _repair_and_verdict(
    answer: CaseAnswer, done: Sequence[tuple[datetime, int]]
) -> tuple[datetime | None, datetime | None]:
    repair = next((one for one in answer.clocks if one.clock == REPAIR and one.cycle == 1), None)
    stop = None if repair is None else repair.stopped_at
    report = next((seq for at, seq in done if at == stop), None)
    return stop, None if report is None else answer.assess(report).stopped_at


def _first_cycle(accepted: Sequence[Placed]) -> Sequence[Placed]:
    ends = (place for place, one in enumerate(accepted) if one.event.type is EventType.REOPENED)
    return accepted[: next(ends, len(accepted))]


def _first(accepted: Sequence[Placed], kind: EventType) -> datetime | None:
    return next((one.at for one in accepted if one.event.type is kind), None)
