"""Whether a defect opens a case, and how fast it has to be repaired: the table's rules applied to what is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from roadwarden.defects.severity_table import (
    LanePlace,
    Limit,
    Measure,
    Rule,
    SeverityTable,
    Taken,
    WheelPath,
)
from roadwarden.defects.size import Measured, Size
from roadwarden.geo.places import RoadGrade
from roadwarden.taxonomy import DistressType, Observability, Severity, describe

SIGMAS = 2.0
"""How far a place must lie from the edge of a wheel path to be called in or out of it: 98 % of a normal error."""


class Confirmed(StrEnum):
    """Who vouches for a type that no picture can certify (DOMAIN 2.3): a camera alone leaves it suspected."""

    NOBODY = "nobody"
    PERSON = "person"
    SENSOR = "sensor"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one defect when it is assessed; None where nothing was measured."""

    type: DistressType
    grade: RoadGrade
    size: Size | None
    depth_mm: Measured | None = None  # or the height of a rise or step
    lane: LanePlace = LanePlace.UNKNOWN
    confirmed: Confirmed = Confirmed.NOBODY


@dataclass(frozen=True, slots=True)
class Assessed:
    """The verdict, with its reasons as sentences and the rules and table that gave it.

    ``suspected``: the type is told by something that no picture shows and nobody has confirmed it; it is not filed.
    ``in_doubt``: a measurement that was missing or too uncertain decided nothing, and the table chose the side.
    """

    severity: Severity
    filed: bool
    suspected: bool
    in_doubt: bool
    reasons: tuple[str, ...]
    rules: tuple[str, ...]
    table: str  # version


class _Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    DOUBTED = "doubted"


@dataclass(frozen=True, slots=True)
class _Check:
    outcome: _Outcome
    text: str
    side: Taken = Taken.NOT_TAKEN  # where doubted


@dataclass(frozen=True, slots=True)
class _Finding:
    """One rule applied: whether it holds, whether only by taking a side, and the sentence."""

    rule: Rule
    holds: bool
    doubted: bool
    text: str

    def sentence(self, verdict: str) -> str:
        """The finding in words; ``verdict`` is what the rule decides."""
        return f"{'' if self.holds else 'not '}{verdict} by rule {self.rule.id} ({self.rule.status}): {self.text}"


def assess(known: Known, table: SeverityTable) -> Assessed:
    """Applies the table; a severe defect is filed whatever the filing rules say, unless its type never is."""
    suspected = is_suspected(known)
    severe = _apply(table.severe, known, table.sure, signature_counts=False)
    filing = _apply(table.filing, known, table.sure, signature_counts=True)
    never = next((rule for rule in table.never_filed if known.type in rule.types), None)
    worst, opened = _decisive(severe), _decisive(filing)
    wanted = never is None and (_holds(opened) or _holds(worst))
    reasons = [one.sentence("severe") for one in worst] or [
        f"normal: no rule makes {known.type} severe on a road of grade {known.grade}"
    ]
    reasons += [one.sentence("to be filed") for one in opened]
    if never is not None:
        reasons.append(f"never filed by rule {never.id} ({never.status}): {never.because}")
    if suspected:
        reasons.append(f"suspected: no picture certifies {known.type}; a person or a sensor has to confirm it")
    used = (*worst, *opened)
    return Assessed(
        severity=Severity.SEVERE if _holds(worst) else Severity.NORMAL,
        filed=wanted and not suspected,
        suspected=suspected,
        in_doubt=any(finding.doubted for finding in used),
        reasons=tuple(reasons),
        rules=tuple(finding.rule.id for finding in used) + ((never.id,) if never is not None else ()),
        table=table.version,
    )


def severity_of(known: Known, table: SeverityTable) -> Severity:
    """The severity alone, for thousands at a time; that of ``assess``."""
    return (
        Severity.SEVERE if _holds(_apply(table.severe, known, table.sure, signature_counts=False)) else Severity.NORMAL
    )


def is_suspected(known: Known) -> bool:
    """Whether the type is only suspected: a picture cannot certify it, and no person and no sensor has."""
    visible = describe(known.type).observability is Observability.SEEN
    return not visible and known.confirmed is Confirmed.NOBODY


def lane_place(beside_middle: Measured, across_m: float, paths: WheelPath) -> LanePlace:
    """Whether a distress touches a wheel path.

    ``beside_middle``: from the middle of its lane to its own, metres, on either side. UNKNOWN within two standard
    deviations of the edge of a path.
    """
    clear_m = abs(beside_middle.value - paths.centre_m) - (across_m + paths.width_m) / 2  # negative inside
    if abs(clear_m) < SIGMAS * beside_middle.sigma:
        return LanePlace.UNKNOWN
    return LanePlace.WHEEL_PATH if clear_m < 0 else LanePlace.ELSEWHERE


def _apply(rules: Sequence[Rule], known: Known, sure: float, *, signature_counts: bool) -> list[_Finding]:
    return [
        _judge(rule, known, sure, signature_counts=signature_counts)
        for rule in rules
        if known.type in rule.types and known.grade in rule.grades
    ]


def _decisive(findings: Sequence[_Finding]) -> list[_Finding]:
    """The first rule that holds, a sure one before one in doubt; every rule where none does."""
    held = sorted((finding for finding in findings if finding.holds), key=lambda finding: finding.doubted)
    return held[:1] or list(findings)


def _holds(findings: Sequence[_Finding]) -> bool:
    return any(finding.holds for finding in findings)


def _judge(rule: Rule, known: Known, sure: float, *, signature_counts: bool) -> _Finding:
    checks = [_check(limit, rule, known, sure, signature_counts=signature_counts) for limit in rule.limits]
    if rule.lane is not None:
        checks.append(_check_lane(rule, known.lane))
    failed = [check for check in checks if check.outcome is _Outcome.FAILED]
    doubts = [] if failed else [check for check in checks if check.outcome is _Outcome.DOUBTED]
    holds = not failed and all(check.side is Taken.TAKEN for check in doubts)
    said = "; ".join(check.text for check in failed or checks) or "at any size"
    why = f", because {rule.because}" if doubts else ""
    return _Finding(rule, holds, bool(doubts), said + why)


def _check_lane(rule: Rule, lane: LanePlace) -> _Check:
    asked = str(rule.lane).replace("_", " ")
    if lane is LanePlace.UNKNOWN:
        return _Check(_Outcome.DOUBTED, f"place in the lane unknown, {_side(rule.unmeasured)} {asked}", rule.unmeasured)
    met = lane is rule.lane
    return _Check(_Outcome.PASSED if met else _Outcome.FAILED, f"place in the lane: {lane.replace('_', ' ')}")


def _check(limit: Limit, rule: Rule, known: Known, sure: float, *, signature_counts: bool) -> _Check:
    name, unit = limit.measure.rsplit("_", 1)
    name, unit = name.replace("_", " "), unit.replace("m2", "m²")
    asked = f"{'at least' if limit.limit_counts else 'more than'} {limit.value:g} {unit}"
    found = _measured(limit.measure, known)
    if found is None:
        if limit.measure is Measure.DEPTH_MM and signature_counts and known.confirmed is not Confirmed.NOBODY:
            return _Check(_Outcome.PASSED, f"{name} confirmed by a {known.confirmed} as {asked}")
        side = limit.unmeasured or rule.unmeasured
        return _Check(_Outcome.DOUBTED, f"{name} not measured, {_side(side)} {asked}", side)
    chance = found.chance_above(limit.value, limit_counts=limit.limit_counts)
    if chance >= sure:
        return _Check(_Outcome.PASSED, f"{name} {found} {unit} is {asked}")
    if chance <= 1 - sure:
        return _Check(_Outcome.FAILED, f"{name} {found} {unit} is not {asked}")
    doubt = f"{name} {found} {unit} is too uncertain to decide ({chance:.0%} likely {asked})"
    side = _likelier(chance) if rule.uncertain is Taken.LIKELIER else rule.uncertain
    return _Check(_Outcome.DOUBTED, f"{doubt}, {_side(side)} {asked}", side)


def _likelier(chance: float) -> Taken:
    return Taken.TAKEN if chance >= 0.5 else Taken.NOT_TAKEN  # the measurement itself passes from 0.5 on


def _side(side: Taken) -> str:
    return "taken as" if side is Taken.TAKEN else "not taken as"


def _measured(measure: Measure, known: Known) -> Measured | None:
    if measure is Measure.DEPTH_MM:
        return known.depth_mm
    if known.size is None:
        return None
    match measure:
        case Measure.AREA_M2:
            return known.size.area_m2
        case Measure.LENGTH_M:
            return known.size.extent_m
        case _:
            return known.size.shorter_side_m
