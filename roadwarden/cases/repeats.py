"""What keeps coming back: places by how often, groups of repairs by how long they last, claims within warranty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import fmean, median
from zoneinfo import ZoneInfo

from scipy import stats

from roadwarden.cases.kpi_values import Period, Share
from roadwarden.cases.occurrences import Occurrence
from roadwarden.cases.spells import Ended, Spell, Spells
from roadwarden.cases.survival import Curve, curve, differs

LEVEL = 0.05
"""Among the groups of one kind that are called worse or better, the share that chance may have made so (Benjamini and
Hochberg)."""
ENOUGH = 10
"""Repairs, in the group and beside it, below which nothing is said of a group."""
AFTER_DAYS = 30.0
"""The warranty of the shipped policies; the share that is back by then is told of every group."""
_DAY = timedelta(days=1)
_SEASONS = ("winter", "spring", "summer", "autumn")


class By(StrEnum):
    """What repairs are put into groups by."""

    TYPE = "type"
    SEVERITY = "severity"
    AREA = "area"
    SEGMENT = "segment"
    CELL = "cell"
    CREW = "crew"
    DEPARTMENT = "department"
    MATERIAL = "material"
    UTILITY_CUT = "utility_cut"
    SEASON = "season"  # of the repair, by the city's calendar


class Standing(StrEnum):
    """A group beside all other repairs of the period."""

    WORSE = "worse"
    BETTER = "better"
    ALIKE = "alike"  # not shown to differ
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True)
class Traits:
    """What the ground knows of the place of a case; empty where nothing is known."""

    material: str = ""
    utility: str = ""
    cell: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The repairs that have one thing in common."""

    by: By
    key: str
    curve: Curve
    p: float  # of the log-rank test against all others
    adjusted: float  # among the groups of this kind
    standing: Standing


@dataclass(frozen=True, slots=True)
class Offender:
    """A place that was repaired and came back."""

    place: str  # its oldest case
    times: tuple[Occurrence, ...]  # by coming, at least two
    intervals_days: tuple[float, ...]  # from one coming to the next

    @property
    def returns(self) -> int:
        """Comings after the first."""
        return len(self.times) - 1

    @property
    def mean_days(self) -> float:
        """Between comings."""
        return fmean(self.intervals_days)


@dataclass(frozen=True, slots=True)
class Repeats:
    """The answer for a period: of repairs in it, with returns up to ``period.now``."""

    period: Period
    repairs: int  # whose spell is known
    returned: Share
    unseen: int  # repairs that nobody has looked at since
    not_watched: int  # ends of spells that are now, for want of a look
    median_interval_days: float | None  # between comings of the offenders
    curve: Curve
    groups: tuple[Group, ...]
    offenders: tuple[Offender, ...]  # the most returns first
    claims: tuple[Spell, ...]  # came back within warranty, by return


def repeats(found: Spells, traits: Mapping[str, Traits], period: Period, zone: ZoneInfo) -> Repeats:
    """Everything about the repairs of a period; ``traits`` by case."""
    known = [one for one in found.spells if one.repair.repaired_at is not None and one.repair.repaired_at in period]
    offenders = _offenders(found.places, period)
    back = [one for one in known if one.back is not None]
    return Repeats(
        period=period,
        repairs=len(known),
        returned=Share(len(back), len(known)),
        unseen=sum(one.repaired_at is not None and one.repaired_at in period for one in found.unseen),
        not_watched=sum(one.ended is Ended.NOT_WATCHED for one in known),
        median_interval_days=median(days) if (days := [x for one in offenders for x in one.intervals_days]) else None,
        curve=_curve(known),
        groups=tuple(group for by in By for group in groups(known, by, traits, zone)),
        offenders=offenders,
        claims=tuple(sorted((one for one in back if one.in_warranty), key=lambda one: (one.until, one.repair.case))),
    )


def groups(known: Sequence[Spell], by: By, traits: Mapping[str, Traits], zone: ZoneInfo) -> tuple[Group, ...]:
    """By one thing, the largest group first; repairs of which it is not known are in none."""
    key = key_of(by, traits, zone)
    parts: dict[str, list[Spell]] = defaultdict(list)
    for one in known:
        parts[key(one)].append(one)
    parts.pop("", None)
    if by is By.CELL:  # thousands of metres that were repaired once would say nothing
        parts = defaultdict(list, {name: part for name, part in parts.items() if len(part) > 1})
    told = sorted(parts.items(), key=lambda part: (-len(part[1]), part[0]))
    tested = [(name, part, _p(part, known)) for name, part in told]
    possible = [p for _, _, p in tested if p is not None]
    adjusted = iter(stats.false_discovery_control(possible).tolist() if possible else ())
    return tuple(_group(by, name, part, known, p, None if p is None else next(adjusted)) for name, part, p in tested)


def key_of(by: By, traits: Mapping[str, Traits], zone: ZoneInfo) -> Callable[[Spell], str]:
    """What group a repair is in; the empty one where that is not known."""
    none = Traits()
    return {
        By.TYPE: lambda one: one.repair.problem,
        By.SEVERITY: lambda one: one.repair.severity.value,
        By.AREA: lambda one: one.repair.area,
        By.SEGMENT: lambda one: one.repair.segment,
        By.CELL: lambda one: traits.get(one.repair.case, none).cell,
        By.CREW: lambda one: one.repair.crew,
        By.DEPARTMENT: lambda one: one.repair.department,
        By.MATERIAL: lambda one: traits.get(one.repair.case, none).material,
        By.UTILITY_CUT: lambda one: traits.get(one.repair.case, none).utility,
        By.SEASON: lambda one: season(one, zone),
    }[by]


def season(one: Spell, zone: ZoneInfo) -> str:
    """Of the repair: winter is December to February."""
    at = one.repair.repaired_at
    return "" if at is None else _SEASONS[at.astimezone(zone).month % 12 // 3]


def _p(part: Sequence[Spell], known: Sequence[Spell]) -> float | None:
    """None where too few are in the group or beside it."""
    if min(len(part), len(known) - len(part)) < ENOUGH:
        return None
    mine = set(map(id, part))
    others = [one for one in known if id(one) not in mine]
    return differs(*_columns(part), *_columns(others))


def _group(
    by: By, key: str, part: Sequence[Spell], known: Sequence[Spell], p: float | None, adjusted: float | None
) -> Group:
    standing = Standing.TOO_FEW
    if adjusted is not None:
        differs_ = adjusted <= LEVEL
        worse = _per_day(part) > _per_day(known)
        standing = (Standing.WORSE if worse else Standing.BETTER) if differs_ else Standing.ALIKE
    return Group(by, key, _curve(part), 1.0 if p is None else p, 1.0 if adjusted is None else adjusted, standing)


def _per_day(part: Sequence[Spell]) -> float:
    days = sum(one.days for one in part)
    return sum(one.back is not None for one in part) / days if days else 0.0


def _curve(part: Sequence[Spell]) -> Curve:
    return curve(*_columns(part))


def _columns(part: Iterable[Spell]) -> tuple[list[float], list[bool]]:
    known = list(part)
    return [one.days for one in known], [one.back is not None for one in known]


def _offenders(places: Mapping[str, Sequence[Occurrence]], period: Period) -> tuple[Offender, ...]:
    """Places that came back since the period began, with all that is known of them."""
    found = [
        Offender(place, times, tuple(_between(times)))
        for place, there in places.items()
        if len(times := _after_repairs(there)) > 1 and any(one.came_at >= period.start for one in times[1:])
    ]
    return tuple(sorted(found, key=lambda one: (-one.returns, one.mean_days, one.place)))


def _after_repairs(there: Sequence[Occurrence]) -> tuple[Occurrence, ...]:
    """The first coming, and each that followed a repair: two open cases of one hole are no return."""
    kept = list(there[:1])
    for one in there[1:]:
        done = [before.repaired_at for before in there if before.came_at < one.came_at]
        last = kept[-1].came_at
        if any(at is not None and last < at < one.came_at for at in done):
            kept.append(one)
    return tuple(kept)


def _between(times: Sequence[Occurrence]) -> list[float]:
    return [(after.came_at - before.came_at) / _DAY for before, after in pairwise(times)]
