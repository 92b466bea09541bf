"""A road network in memory: which segments are near, and linear references there and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from roadwarden.detections import Position
from roadwarden.errors import DataError
from roadwarden.geo.places import RoadPlace, Segment, Side
from roadwarden.geo.plane import LocalPlane, Metres

Column = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
WITHIN_M = 50.0
_TANGENT_M = 0.05  # half the stretch of line that its direction is taken from


@dataclass(frozen=True, slots=True, eq=False)
class RoadNetwork:
    """Segments with their lines in metres of one plane, and an index; make it with ``of``.

    The plane lies in the middle of the network: over a city of 60 km it stretches by 1e-5.
    """

    segments: tuple[Segment, ...]
    plane: LocalPlane
    lines: npt.NDArray[np.object_]  # shapely lines, in the order of the segments
    lengths_m: Column
    _tree: shapely.STRtree
    _rows: dict[str, int]

    @classmethod
    def of(cls, segments: Iterable[Segment]) -> RoadNetwork:
        """Indexes the segments, O(n log n). Raises DataError where there is none or two have one id."""
        known = tuple(segments)
        if not known:
            raise DataError("a road network without roads; import one with 'roadwarden roads import'")
        rows = {segment.id: row for row, segment in enumerate(known)}
        if len(rows) < len(known):
            raise DataError(f"{len(known) - len(rows)} segments share an id with another; ids name one segment each")
        sizes = np.array([len(segment.line) for segment in known])
        degrees = np.concatenate([np.array(segment.line, np.float64) for segment in known])
        plane = LocalPlane.around(Position(float(lat), float(lon)) for lat, lon in _corners(degrees))
        lines = shapely.linestrings(plane.to_metres(degrees), indices=np.repeat(np.arange(len(known)), sizes))
        return cls(known, plane, lines, shapely.length(lines), shapely.STRtree(lines), rows)

    def __len__(self) -> int:
        """Number of segments."""
        return len(self.segments)

    def segment(self, segment_id: str) -> Segment:
        """The segment of that id; raises DataError where there is none."""
        return self.segments[self._row(segment_id)]

    def length_m(self, segment_id: str) -> float:
        """Length of its line."""
        return float(self.lengths_m[self._row(segment_id)])

    def near(self, position: Position, within_m: float = WITHIN_M) -> tuple[RoadPlace, ...]:
        """Every segment within that distance, nearest first, ties by id; O(log n + found)."""
        metres = self.plane.to_metres([(position.lat, position.lon)])
        _, rows = self.pairs(metres, within_m)
        places = self.places(metres[np.zeros(len(rows), np.intp)], rows)
        return tuple(sorted(places, key=lambda place: (place.offset_m, place.segment)))

    def pairs(self, metres: Metres, within_m: float = WITHIN_M) -> tuple[Indices, Indices]:
        """All pairs of (n, 2) points of the plane and segments that near: rows of points, rows of segments."""
        points, rows = self._tree.query(shapely.points(metres), predicate="dwithin", distance=within_m)
        return points, rows

    def off_road_m(self, metres: Metres, within_m: float) -> Column:
        """(n,) distances of points from the nearest line; ``within_m`` where none is that near."""
        points = shapely.points(metres)
        (asked, _), found = self._tree.query_nearest(
            points, max_distance=within_m, return_distance=True, all_matches=False
        )
        distances = np.full(len(metres), within_m)
        distances[asked] = found
        return distances

    def places(self, metres: Metres, rows: Indices) -> tuple[RoadPlace, ...]:
        """Linear references of (n, 2) points of the plane, each on its segment, however far away."""
        chainages, offsets = self.linear(metres, rows)
        return tuple(
            RoadPlace(self.segments[row].id, chainage, abs(offset), Side.LEFT if offset > 0 else Side.RIGHT)
            for row, chainage, offset in zip(rows.tolist(), chainages.tolist(), offsets.tolist(), strict=True)
        )

    def linear(self, metres: Metres, rows: Indices) -> tuple[Column, Column]:
        """Chainages, and offsets that are positive to the left, of points each on its segment; metres."""
        points, lines = shapely.points(metres), self.lines[rows]
        chainages = shapely.line_locate_point(lines, points)
        ahead = self.directions(rows, chainages)
        away = metres - shapely.get_coordinates(shapely.line_interpolate_point(lines, chainages))
        left = ahead[:, 0] * away[:, 1] - ahead[:, 1] * away[:, 0] > 0
        distance = np.linalg.norm(away, axis=1)
        return np.asarray(chainages, np.float64), np.where(left, distance, -distance)

    def directions(self, rows: Indices, chainages: Column) -> Metres:
        """(n, 2) unit vectors east and north of the lines where they are at those chainages."""
        lines, lengths = self.lines[rows], self.lengths_m[rows]
        steps = np.minimum(_TANGENT_M, lengths / 4)
        before, after = (
            shapely.get_coordinates(shapely.line_interpolate_point(lines, (chainages + step).clip(0, lengths)))
            for step in (-steps, steps)
        )
        ahead = after - before
        return np.asarray(ahead / np.maximum(np.linalg.norm(ahead, axis=1), 1e-12)[:, None])

    def place(self, position: Position, segment_id: str) -> RoadPlace:
        """The linear reference of a position on one segment."""
        return self.places(self.plane.to_metres([(position.lat, position.lon)]), np.array([self._row(segment_id)]))[0]

    def position(self, place: RoadPlace) -> Position:
        """The position of a linear reference; its heading is the line's. Chainages beyond the end are the end."""
        return self.positions([place])[0]

    def positions(self, places: Sequence[RoadPlace]) -> tuple[Position, ...]:
        """The same of many at once, which is faster."""
        at, ahead = self._points(places)
        offsets = np.array([one.offset_m if one.side is Side.LEFT else -one.offset_m for one in places])
        degrees = self.plane.to_degrees(at + offsets[:, None] * np.stack([-ahead[:, 1], ahead[:, 0]], axis=1))
        headings = self._headings_deg(at, ahead)
        return tuple(
            Position(float(lat), float(lon), float(heading))
            for (lat, lon), heading in zip(degrees, headings, strict=True)
        )

    def headings_deg(self, places: Sequence[RoadPlace]) -> Column:
        """(n,) headings of the lines at these places, clockwise from true north."""
        return self._headings_deg(*self._points(places))

    def _points(self, places: Sequence[RoadPlace]) -> tuple[Metres, Metres]:
        """(n, 2) where the lines are, east and north, and (n, 2) unit vectors along them."""
        rows = np.array([self._row(one.segment) for one in places], np.intp)
        chainages = np.array([one.chainage_m for one in places], np.float64)
        at = shapely.get_coordinates(shapely.line_interpolate_point(self.lines[rows], chainages))
        return at, self.directions(rows, chainages.clip(0, self.lengths_m[rows]))

    def _headings_deg(self, at: Metres, ahead: Metres) -> Column:
        plane_deg = np.degrees(np.arctan2(ahead[:, 0], ahead[:, 1]))
        return np.asarray((plane_deg + self.plane.convergence_deg(at)) % 360 % 360)

    def _row(self, segment_id: str) -> int:
        try:
            return self._rows[segment_id]
        except KeyError as exc:
            raise DataError(
                f"no segment '{segment_id}' in this network of {len(self)}; import the roads again"
            ) from exc


def _corners(degrees: Metres) -> Metres:
    """Two places that have the same bounds; a network across the date line is counted from its first point."""
    lon = degrees[0, 1] + (degrees[:, 1] - degrees[0, 1] + 180) % 360 - 180
    corners = np.array([[degrees[:, 0].min(), lon.min()], [degrees[:, 0].max(), lon.max()]])
    corners[:, 1] = (corners[:, 1] + 180) % 360 - 180
    return corners
