"""What later passes over a mended place say of the repair: it held, it broke, or nobody looked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from roadwarden.cases.durability_words import Durability


@dataclass(frozen=True, slots=True)
class RecheckRule:
    """When a repair is looked at again, by passes that come anyway."""

    days: tuple[int, ...] = (7, 30, 90)
    least_sightings: int = 2  # of the distress in one pass: one detection may be a shadow
    settles_after: timedelta = timedelta(hours=6)  # the crew's own vehicles and cones are no evidence


@dataclass(frozen=True, slots=True)
class PassBy:
    """One pass that had the place in view in usable quality, and how often it saw the distress there."""

    pass_id: str
    at: datetime
    sightings: int


@dataclass(frozen=True, slots=True)
class Recheck:
    """The answer for one of the days; ``by`` is the pass that decided."""

    day: int
    outcome: Durability
    by: PassBy | None


def rechecks(repaired_at: datetime, passes: Iterable[PassBy], now: datetime, rule: RecheckRule) -> tuple[Recheck, ...]:
    """The answers that are known by ``now``, by day.

    A day is answered by the first pass from it to the next day (for the last one: as long again). That nobody came is
    only known once that time is over. Once broken, a repair is broken on every later day.
    """
    known = sorted((one for one in passes if one.at <= now), key=lambda one: (one.at, one.pass_id))
    broke = broken_by(repaired_at, known, rule)
    found = []
    for day, until in zip(rule.days, _ends(rule.days), strict=True):
        first, last = repaired_at + timedelta(days=day), repaired_at + timedelta(days=until)
        if broke is not None and broke.at < last:
            found.append(Recheck(day, Durability.BROKEN, broke))
            continue
        looked = [one for one in known if first <= one.at < last]
        if looked:
            found.append(Recheck(day, Durability.HELD, looked[0]))
        elif now >= last:
            found.append(Recheck(day, Durability.NOT_LOOKED, None))
    return tuple(found)


def broken_by(repaired_at: datetime, passes: Sequence[PassBy], rule: RecheckRule) -> PassBy | None:
    """The first pass that saw the distress again, often enough; None where none did."""
    later = [one for one in passes if one.at >= repaired_at + rule.settles_after]
    seen = [one for one in later if one.sightings >= rule.least_sightings]
    return min(seen, key=lambda one: (one.at, one.pass_id), default=None)


def _ends(days: Sequence[int]) -> tuple[int, ...]:
    return (*days[1:], 2 * days[-1])
