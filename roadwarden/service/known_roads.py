"""The newest road network of a database, ready to find places on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from shapely import get_coordinates
from shapely.ops import substring

from roadwarden.defects.roadways import Roadway
from roadwarden.detections import Position
from roadwarden.geo.matching import MapMatcher
from roadwarden.geo.network import RoadNetwork
from roadwarden.geo.places import RoadPlace
from roadwarden.storage.unit import UnitOfWork


@dataclass(frozen=True, eq=False)
class KnownRoads:
    """One version of the network; ``number`` is that of its import."""

    number: int
    network: RoadNetwork

    @classmethod
    def newest(cls, unit: UnitOfWork) -> KnownRoads | None:
        """None where no network was ever imported. O(n log n) in its segments."""
        networks = unit.segments.networks()
        if not networks:
            return None
        return cls(networks[-1].number, RoadNetwork.of(unit.segments.of_network(networks[-1].number)))

    @cached_property
    def matcher(self) -> MapMatcher:
        """Made once: its graph takes longer than a track."""
        return MapMatcher(self.network)

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each segment in the network."""
        return {one.id: row for row, one in enumerate(self.network.segments)}

    @cached_property
    def roadways(self) -> Mapping[str, Roadway]:
        """The carriageway of each segment."""
        lengths = self.network.lengths_m.tolist()
        return {one.id: Roadway.of(one, length) for one, length in zip(self.network.segments, lengths, strict=True)}

    def lane_line(self, segment: str, lane: int, from_m: float, to_m: float) -> list[tuple[float, float]]:
        """The middle of a lane between two chainages, as latitudes and longitudes."""
        roadway, whole = self.roadways[segment], self.network.lines[self.rows[segment]]
        right_m = (lane + 0.5) * roadway.width_m / roadway.lanes - roadway.width_m / 2
        part = substring(whole, from_m, to_m)
        beside = part.offset_curve(-right_m) if part.length > 0 and right_m else part
        usable = beside if beside.geom_type == "LineString" and not beside.is_empty else part
        return [(float(lat), float(lon)) for lat, lon in self.network.plane.to_degrees(get_coordinates(usable))]

    def places(self, positions: Sequence[Position]) -> tuple[RoadPlace | None, ...]:
        """Where things lie, each by itself; None where no road is near."""
        return self.matcher.match_each(positions)
