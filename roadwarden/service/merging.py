"""Sightings into the database: merged, placed on the roads and judged, batch by batch, each batch kept as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine

from roadwarden.defects.defect import Defect
from roadwarden.defects.judging import severity_at
from roadwarden.defects.policy import MergingPolicy
from roadwarden.defects.presence import Presence
from roadwarden.defects.rulings import Compared, Ruling
from roadwarden.defects.severity_table import SeverityTable, shipped_severity_table
from roadwarden.detections import Sighting
from roadwarden.geo.tiles import tile_keys
from roadwarden.service.known_roads import KnownRoads
from roadwarden.storage.defects import KeptDefect
from roadwarden.storage.unit import Absorbed, UnitOfWork, writing

BATCH = 2000
"""Sightings in one unit of work: what an interruption may cost, and for how long other writers wait."""

Tell = Callable[[int, int], None]
"""(done, total) so far."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What sightings become defects by."""

    merging: MergingPolicy = field(default_factory=MergingPolicy)
    severity: SeverityTable = field(default_factory=shipped_severity_table)


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What sightings came to: how many were new, which defects hold them or changed with them, which are none now."""

    new: int
    known: int
    defects: frozenset[str]
    gone: frozenset[str]

    def then(self, changed: frozenset[str], gone: frozenset[str]) -> TakenIn:
        """With what a later step changed."""
        return TakenIn(self.new, self.known, (self.defects | changed) - gone, (self.gone | gone) - changed)


def take_in(
    engine: Engine,
    sightings: Sequence[Sighting],
    roads: KnownRoads | None,
    rules: Rules,
    *,
    batch: int = BATCH,
    tell: Tell = lambda _done, _total: None,
) -> TakenIn:
    """Keeps and merges sightings. Broken off and begun again, it goes on: what is kept already is passed over."""
    new, changed, gone = 0, set[str](), set[str]()
    for first in range(0, len(sightings), batch):
        with writing(engine) as unit:
            absorbed = unit.absorb(sightings[first : first + batch], rules.merging)
            place_and_judge(unit, absorbed, roads, rules.severity)
        new += len(absorbed.new)
        changed = (changed | {defect.id for defect in absorbed.defects}) - absorbed.gone.keys()
        gone |= absorbed.gone.keys()
        tell(min(first + batch, len(sightings)), len(sightings))
    return TakenIn(new, len(sightings) - new, frozenset(changed), frozenset(gone - changed))


def say(
    engine: Engine,
    rulings: Sequence[Ruling],
    compared: Sequence[Compared],
    rules: Rules,
) -> Absorbed:
    """Keeps what a person ruled or pictures showed, and merges what it concerns anew."""
    with writing(engine) as unit:
        absorbed = unit.say(rulings, compared, rules.merging)
        place_and_judge(unit, absorbed, KnownRoads.newest(unit), rules.severity)
    return absorbed


def place_and_judge(unit: UnitOfWork, absorbed: Absorbed, roads: KnownRoads | None, table: SeverityTable) -> None:
    """Where changed defects lie on the roads, and how bad they are there; what was seen just now is there."""
    fresh = {sighting.id for sighting in absorbed.new}
    seen = [one.id for one in absorbed.defects if not fresh.isdisjoint(one.sightings[-1:])]
    unit.defects.watch(dict.fromkeys(unit.defects.unseen(seen), Presence.SEEN))
    if roads is not None:
        settle_on_roads(unit, absorbed.defects, roads, table)


def settle_on_roads(
    unit: UnitOfWork, defects: Sequence[Defect | KeptDefect], roads: KnownRoads, table: SeverityTable
) -> int:
    """Where defects lie on the newest network, and how bad they are there; returns how many lie on a road."""
    places = roads.places([defect.position for defect in defects])
    found = {defect.id: place for defect, place in zip(defects, places, strict=True)}
    severities = {
        defect.id: severity_at(defect, place, roads.roadways[place.segment], table)
        for defect, place in zip(defects, places, strict=True)
        if place is not None
    }
    unit.defects.settle_on_road(found, severities, roads.number)
    return len(severities)


def remerge(engine: Engine, rules: Rules | None = None, *, tell: Tell = lambda _done, _total: None) -> int:
    """Merges all sightings anew where the rules have changed, else those that are on no track yet; returns how many.

    Broken off and begun again, it goes on. Until it is done, defects stand as they were merged before.
    """
    rules = rules or Rules()
    with writing(engine) as unit:
        unit.merging.renew(rules.merging)
        roads, total = KnownRoads.newest(unit), unit.sightings.count_unmerged()
    done, tile = 0, 0
    while True:
        with writing(engine) as unit:
            batch = unit.sightings.unmerged(tile, BATCH)
            if not batch:
                return done
            absorbed = unit.absorb(batch, rules.merging)
            place_and_judge(unit, absorbed, roads, rules.severity)
        tile = min(int(key) for key in tile_keys([(one.position.lat, one.position.lon) for one in batch[-1:]]))
        done += len(batch)
        tell(done, total)
