"""What people do with defects: look them up, and say that two are one or one is two."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from roadwarden.defects.judging import judge
from roadwarden.defects.rulings import Ruling
from roadwarden.defects.severity import Assessed
from roadwarden.detections import Sighting
from roadwarden.errors import DataError
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.merging import Rules, place_and_judge
from roadwarden.storage.defects import KeptDefect
from roadwarden.storage.unit import Absorbed, UnitOfWork, reading, writing


@dataclass(frozen=True, slots=True)
class Whole:
    """A defect with all that it is made of."""

    defect: KeptDefect
    sightings: tuple[Sighting, ...]  # by time
    rulings: tuple[Ruling, ...]  # that name one of them
    assessed: Assessed | None  # None where it lies on no known road
    street: str  # name, empty where there is none


def whole(engine: Engine, name: str, rules: Rules | None = None) -> Whole:
    """The defect that an id, or the beginning of one, leads to now; raises DataError where there is none or several."""
    rules = rules or Rules()
    with reading(engine) as unit:
        defect = find(unit, name)
        sightings = unit.sightings.of_defects([defect.id]).get(defect.id, ())
        rulings = unit.rulings.about(one.id for one in sightings)
        if defect.road is None or defect.network is None:
            return Whole(defect, _by_time(sightings), rulings, None, "")
        (segment,) = unit.segments.get(defect.network, [defect.road.segment])
        roads = KnownRoads.newest(unit)
    assessed = None
    if roads is not None and roads.number == defect.network:
        assessed = judge(defect, defect.road, roads.roadways[segment.id], rules.severity)
    return Whole(defect, _by_time(sightings), rulings, assessed, segment.name)


def find(unit: UnitOfWork, name: str) -> KeptDefect:
    """The defect of an id; of one that it had once, too; of the beginning of its id where that is enough."""
    text = name.strip().lower()
    if not text or set(text) - set("0123456789abcdef") or len(text) > 32:
        raise DataError(f"'{name}' is no id of a defect: ids are up to 32 hex digits; see 'roadwarden defects list'")
    whole_id = len(text) == 32
    found = unit.defects.get(unit.defects.now([text]).values()) if whole_id else unit.defects.beginning(text)
    if not found:
        raise DataError(f"no defect {name}; see 'roadwarden defects list'")
    if len(found) > 1:
        raise DataError(
            f"'{name}' is the beginning of several ids ({found[0].id}, {found[1].id}, ...); give more digits"
        )
    return found[0]


def split(
    engine: Engine, name: str, parts: Sequence[Sequence[str]], by: str, now: datetime, rules: Rules | None = None
) -> Absorbed:
    """A person's word that a defect is several: each part is one, and what no part names is one more.

    Raises DataError for a sighting that the defect does not hold, or parts that are no split.
    """
    rules = rules or Rules()
    with writing(engine) as unit:
        defect = find(unit, name)
        held = [one.id for one in _by_time(unit.sightings.of_defects([defect.id])[defect.id])]
        named = [_sighting(held, sighting, defect.id) for part in parts for sighting in part]
        rest = tuple(one for one in held if one not in set(named))
        groups = [tuple(_sighting(held, one, defect.id) for one in part) for part in parts]
        groups = [group for group in (rest, *groups) if group]
        if len(groups) < 2 or len(set(named)) < len(named):
            raise DataError(f"defect {defect.id}: a split names some of its {len(held)} sightings, each once")
        return _ruled(unit, tuple(groups), by, now, rules)


def merge(engine: Engine, names: Sequence[str], by: str, now: datetime, rules: Rules | None = None) -> Absorbed:
    """A person's word that several defects are one. Raises DataError where they are one already."""
    rules = rules or Rules()
    with writing(engine) as unit:
        found = {defect.id for defect in (find(unit, name) for name in names)}
        if len(found) < 2:
            raise DataError("name two or more different defects to merge")
        held = unit.sightings.of_defects(found)
        return _ruled(unit, (tuple(sorted(one.id for ones in held.values() for one in ones)),), by, now, rules)


def _ruled(unit: UnitOfWork, groups: tuple[tuple[str, ...], ...], by: str, now: datetime, rules: Rules) -> Absorbed:
    content = "\n".join([now.isoformat(), by, *(" ".join(group) for group in groups)])
    ruling = Ruling(hashlib.sha256(content.encode()).hexdigest()[:16], now, groups, by)
    absorbed = unit.say([ruling], [], rules.merging)
    place_and_judge(unit, absorbed, KnownRoads.newest(unit), rules.severity)
    return absorbed


def _sighting(held: Sequence[str], name: str, defect: str) -> str:
    found = [one for one in held if one.startswith(name.strip().lower())] if name.strip() else []
    if len(found) != 1:
        what = "is the beginning of several of its sightings" if found else "is none of its sightings"
        raise DataError(f"defect {defect}: '{name}' {what}; see 'roadwarden defects show {defect[:8]}'")
    return found[0]


def _by_time(sightings: Sequence[Sighting]) -> tuple[Sighting, ...]:
    return tuple(sorted(sightings, key=lambda one: (one.seen_at, one.id)))
