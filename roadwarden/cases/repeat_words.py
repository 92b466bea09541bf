"""What keeps coming back, for machines (docs/repeats.md), as tables, and in words of both languages."""

from __future__ import annotations

from typing import Any

from roadwarden.cases.event_types import format_time
from roadwarden.cases.repeats import AFTER_DAYS, LEVEL, By, Group, Offender, Repeats, Standing
from roadwarden.cases.spells import Spell
from roadwarden.cases.survival import Curve
from roadwarden.cases.tables import Words

SCHEMA_VERSION = 1

BY_WORDS = {
    By.TYPE: Words(english="type", chinese="病害类型"),
    By.SEVERITY: Words(english="severity", chinese="严重程度"),
    By.AREA: Words(english="area", chinese="区域"),
    By.SEGMENT: Words(english="road segment", chinese="路段"),
    By.CELL: Words(english="square metre", chinese="道路单元"),
    By.CREW: Words(english="crew", chinese="养护单位"),
    By.DEPARTMENT: Words(english="department", chinese="责任部门"),
    By.MATERIAL: Words(english="pavement material", chinese="路面材料"),
    By.UTILITY_CUT: Words(english="utility cut", chinese="管线开挖"),
    By.SEASON: Words(english="season of the repair", chinese="修复季节"),
}
STANDING_WORDS = {
    Standing.WORSE: Words(english="comes back sooner than the rest", chinese="复发快于其他"),
    Standing.BETTER: Words(english="lasts longer than the rest", chinese="耐久好于其他"),
    Standing.ALIKE: Words(english="not shown to differ", chinese="未见差异"),
    Standing.TOO_FEW: Words(english="too few to tell", chinese="样本不足"),
}
KEY_WORDS = {
    "cut": Words(english="road opened for a line", chinese="曾开挖"),
    "line": Words(english="a line passes", chinese="有管线"),
    "none": Words(english="no line", chinese="无管线"),
    "winter": Words(english="winter", chinese="冬"),
    "spring": Words(english="spring", chinese="春"),
    "summer": Words(english="summer", chinese="夏"),
    "autumn": Words(english="autumn", chinese="秋"),
    "asphalt": Words(english="asphalt", chinese="沥青"),
    "concrete": Words(english="concrete", chinese="水泥"),
    "normal": Words(english="normal", chinese="一般"),
    "severe": Words(english="severe", chinese="严重"),
}


def as_json(found: Repeats) -> dict[str, Any]:
    """For machines."""
    period = found.period
    return {
        "schema": SCHEMA_VERSION,
        "from": format_time(period.start),
        "to": format_time(period.end),
        "now": format_time(period.now),
        "repairs": found.repairs,
        "returned": found.returned.part,
        "returned_rate": found.returned.value,
        "unseen": found.unseen,
        "not_watched": found.not_watched,
        "median_interval_days": found.median_interval_days,
        "level": LEVEL,
        "curve": _curve(found.curve),
        "groups": [_group(one) for one in found.groups],
        "offenders": [_offender(one) for one in found.offenders],
        "claims": [claim_row(one) for one in found.claims],
    }


def claim_row(one: Spell) -> dict[str, Any]:
    """A line of the list of warranty claims."""
    repair, back = one.repair, one.back
    if back is None or repair.repaired_at is None or repair.warranty_until is None:
        raise ValueError(f"the repair of case {repair.case} did not come back")
    return {
        "case": repair.case,
        "cycle": repair.cycle,
        "crew": repair.crew,
        "department": repair.department,
        "type": repair.problem,
        "segment": repair.segment,
        "repaired_at": format_time(repair.repaired_at),
        "back_at": format_time(back.came_at),
        "after_days": one.days,
        "warranty_until": format_time(repair.warranty_until),
        "back_as": back.case,
        "back_cycle": back.cycle,
        "evidence": list(repair.evidence),
    }


def group_row(one: Group) -> dict[str, Any]:
    """A line of the table of groups."""
    back = one.curve.lasting_at(AFTER_DAYS)
    return {
        "by": one.by.value,
        "group": one.key,
        "repairs": one.curve.repairs,
        "returns": one.curve.returns,
        "median_days": one.curve.median_days,
        "back_in_30_days": None if back is None else 1 - back[0],
        "back_low": None if back is None else 1 - back[2],
        "back_high": None if back is None else 1 - back[1],
        "p": one.p,
        "p_adjusted": one.adjusted,
        "standing": one.standing.value,
    }


def offender_row(one: Offender) -> dict[str, Any]:
    """A line of the table of places."""
    first, last = one.times[0], one.times[-1]
    return {
        "place": one.place,
        "returns": one.returns,
        "mean_interval_days": one.mean_days,
        "type": last.problem,
        "area": last.area,
        "segment": last.segment,
        "first_at": format_time(first.came_at),
        "last_at": format_time(last.came_at),
        "open": last.repaired_at is None,
        "crews": "; ".join(sorted({each.crew for each in one.times if each.crew})),
    }


def _group(one: Group) -> dict[str, Any]:
    return group_row(one) | {"curve": _curve(one.curve)}


def _offender(one: Offender) -> dict[str, Any]:
    times = [{"case": each.case, "cycle": each.cycle, "at": format_time(each.came_at)} for each in one.times]
    return offender_row(one) | {"intervals_days": list(one.intervals_days), "times": times}


def _curve(one: Curve) -> dict[str, Any]:
    return {
        "repairs": one.repairs,
        "returns": one.returns,
        "median_days": one.median_days,
        "days": one.days.tolist(),
        "lasting": one.lasting.tolist(),
        "low": [None if value != value else value for value in one.low.tolist()],
        "high": [None if value != value else value for value in one.high.tolist()],
    }
