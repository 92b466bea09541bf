"""Road networks into the database; defects that are there already are placed on the new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from roadwarden.defects.severity_table import SeverityTable, shipped_severity_table
from roadwarden.geo.places import Segment
from roadwarden.service.known_roads import KnownRoads
from roadwarden.service.merging import settle_on_roads
from roadwarden.storage.segments import KeptNetwork
from roadwarden.storage.unit import reading, writing

_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Imported:
    """A network, whether it is a new version, and what became of the defects."""

    network: KeptNetwork
    new: bool
    segments: int
    placed: int  # defects that were placed on its roads
    off_road: int  # defects that lie on none of them


def import_roads(
    engine: Engine,
    segments: Sequence[Segment],
    source: str,
    now: datetime,
    table: SeverityTable | None = None,
) -> Imported:
    """Keeps a network and places every defect on it. The newest import is the one that surveys go by.

    Defects that lie on it already stay, so an import that was broken off goes on, and the same again costs little.
    Stretches that were looked at stay with the network they were driven on.
    """
    with writing(engine) as unit:
        before = {known.number for known in unit.segments.networks()}
        network = unit.segments.add(segments, source, now)
        roads = KnownRoads.newest(unit)
    if roads is None or roads.number != network.number:
        return Imported(network, False, len(segments), 0, 0)
    placed = off_road = 0
    with reading(engine) as unit:
        ids = unit.defects.beside(network.number)
    for first in range(0, len(ids), _PAGE):
        with writing(engine) as unit:
            page = unit.defects.get(ids[first : first + _PAGE])
            on = settle_on_roads(unit, page, roads, table or shipped_severity_table())
        placed, off_road = placed + on, off_road + len(ids[first : first + _PAGE]) - on
    return Imported(network, network.number not in before, len(segments), placed, off_road)
