"""The figures of a period with their weeks and the time saved, for machines and for people (docs/kpi.md)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadwarden.cases.case_facts import CaseFacts
from roadwarden.cases.events import format_time
from roadwarden.cases.kpi import reckon, repairs_of
from roadwarden.cases.kpi_values import Kpi, OnTime, Period, Response
from roadwarden.cases.kpi_weeks import CITY_ZONE, Week, weeks
from roadwarden.cases.stages import ProcessStage
from roadwarden.cases.time_saved import Baseline, Saving, savings

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class KpiReport:
    """Everything that is told of a period."""

    kpi: Kpi
    weeks: tuple[Week, ...]
    repair_hours: tuple[float, ...]  # from filing to repair, of the repairs of the period, sorted
    stage_hours: Mapping[ProcessStage, tuple[float, ...]]  # of the cases first closed in the period, sorted
    savings: tuple[Saving, ...]
    baseline: Baseline | None
    zone: str  # of the weeks

    def as_json(self) -> dict[str, Any]:
        """Flat keys as docs/kpi.md lists them; null where there is nothing to reckon with."""
        kpi = self.kpi
        return {
            "schema": SCHEMA_VERSION,
            "from": format_time(kpi.period.start),
            "to": format_time(kpi.period.end),
            "now": format_time(kpi.period.now),
            **_flow(kpi),
            **_on_time(kpi.on_time, ""),
            **_on_time(kpi.on_time_normal, "_normal"),
            **_on_time(kpi.on_time_severe, "_severe"),
            "breached_hours": kpi.on_time.breached_h,
            "breached_hours_crew": kpi.on_time.by_crew_h,
            "breached_hours_assessor": kpi.on_time.by_assessor_h,
            **_response(kpi.response),
            **_response_severe(kpi.response_severe),
            "assess_on_time": kpi.assessment.value,
            "assessed": kpi.assessment.whole,
            **_rework(kpi),
            **_branches(kpi),
            "weeks": [_week(one) for one in self.weeks],
            "stages": {stage.value: _mean(hours) for stage, hours in self.stage_hours.items()},
            "savings": [_saving(one) for one in self.savings],
            "baseline": None if self.baseline is None else self.baseline.source,
        }


def kpi_report(
    facts: Iterable[CaseFacts], period: Period, baseline: Baseline | None = None, zone: str = CITY_ZONE
) -> KpiReport:
    """The figures of all cases that were filed by the end of the period, as of ``period.now``."""
    known = tuple(facts)
    kpi, hours = reckon(known, period), stage_samples(known, period)
    saved = savings(hours, baseline, kpi.unfinished.value or 0.0)
    taken = tuple(sorted(taken for _, taken in repairs_of(known, period)))
    return KpiReport(kpi, weeks(known, period, zone), taken, hours, saved, baseline, zone)


def stage_samples(facts: Iterable[CaseFacts], period: Period) -> Mapping[ProcessStage, tuple[float, ...]]:
    """For each stage that occurs, the hours of the cases that were closed for the first time in the period, sorted."""
    found: dict[ProcessStage, list[float]] = defaultdict(list)
    for one in facts:
        if one.counts and one.first_closed_at is not None and one.first_closed_at in period:
            for stage, hours in one.stage_hours.items():
                found[stage].append(hours)
    return {stage: tuple(sorted(found[stage])) for stage in ProcessStage if stage in found}


def _flow(kpi: Kpi) -> dict[str, Any]:
    flow = kpi.flow
    return {
        "reported": flow.reported,
        "merged": flow.merged,
        "filed": flow.filed,
        "closed": flow.closed,
        "closure_rate": flow.closure.value,
        "due_to_close": flow.due_closure.whole,
        "due_closure_rate": flow.due_closure.value,
        "unfinished_rate": kpi.unfinished.value,
    }


def _on_time(on_time: OnTime, suffix: str) -> dict[str, Any]:
    return {
        f"on_time_approved{suffix}": on_time.approved.value,
        f"on_time_original{suffix}": on_time.original.value,
        f"decided{suffix}": on_time.approved.whole,
    }


def _response(response: Response) -> dict[str, Any]:
    return {
        "repairs": response.repairs,
        "mean_h": response.mean_h,
        "p50_h": response.p50_h,
        "p90_h": response.p90_h,
        "longest_h": response.longest_h,
        "mean_net_h": response.mean_net_h,
        "mean_met": response.mean_met,
        "open": response.open,
        "mean_with_open_h": response.mean_with_open_h,
    }


def _response_severe(response: Response) -> dict[str, Any]:
    return {
        "severe_repairs": response.repairs,
        "severe_mean_h": response.mean_h,
        "severe_p50_h": response.p50_h,
        "severe_p90_h": response.p90_h,
        "severe_longest_h": response.longest_h,
        "severe_open": response.open,
    }


def _rework(kpi: Kpi) -> dict[str, Any]:
    rework = kpi.rework
    return {
        "reports": rework.reports,
        "judged": rework.rejected.whole,
        "rejected": rework.rejected.part,
        "rework_rate": rework.rejected.value,
        "evidence_requested": rework.evidence_requested,
        "reopened": rework.reopened.part,
        "reopen_rate": rework.reopened.value,
        "rework": rework.rework,
    }


def _branches(kpi: Kpi) -> dict[str, Any]:
    branches = kpi.branches
    return {
        "parked": branches.parked.part,
        "parked_rate": branches.parked.value,
        "parked_hours": branches.parked_h,
        "void": branches.void.part,
        "void_rate": branches.void.value,
        "void_breached": branches.void_breached,
        "voids_by": [
            {"actor": one.actor, "void": one.voids.part, "handled": one.voids.whole, "rate": one.voids.value}
            for one in branches.voids
        ],
        "bounces": branches.bounces,
        "bounced": branches.bounced.part,
        "bounced_rate": branches.bounced.value,
        "missed": branches.missed.part,
        "missed_rate": branches.missed.value,
    }


def _week(week: Week) -> dict[str, Any]:
    return {
        "from": week.start.isoformat(),
        "to": week.end.isoformat(),
        "whole": week.whole,
        "reported": week.reported,
        "filed": week.filed,
        "closed": week.closed,
    }


def _saving(saving: Saving) -> dict[str, Any]:
    return {
        "stage": saving.stage.value,
        "n_before": saving.n_before,
        "n_now": saving.n_now,
        "mean_before_h": saving.mean_before_h,
        "mean_now_h": saving.mean_now_h,
        "saved": saving.saved,
        "low": saving.low,
        "high": saving.high,
        "claim": saving.claim.value,
        "refusal": None if saving.refusal is None else saving.refusal.value,
        "because": saving.because.english,
    }


def _mean(hours: Sequence[float]) -> dict[str, Any]:
    return {"cases": len(hours), "mean_h": sum(hours) / len(hours) if hours else None}
