"""Tracks and networks that do not lie on one another: GCJ-02 taken for WGS-84."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from roadwarden.detections import Position
from roadwarden.geo.coordinates import gcj02_to_wgs84, outside_china, wgs84_to_gcj02
from roadwarden.geo.network import RoadNetwork
from roadwarden.geo.plane import Metres

FEWEST, MOST = 20, 500
"""Positions that are needed, and looked at."""
FITS_M = 15.0
TIMES = 3.0
"""What is shifted must fit to ``FITS_M`` in the median and this many times better than what is not."""
_FURTHEST_M = 1_000.0


class Mistaken(StrEnum):
    """What is in GCJ-02 although it was called WGS-84."""

    TRACK = "track"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Gcj02Suspicion:
    """The track does not lie on the roads as it stands and does when one of the two is taken as GCJ-02."""

    mistaken: Mistaken
    shift_m: float  # between the two readings
    off_road_m: float  # median distance from the nearest road, as it stands
    off_road_if_gcj02_m: float

    def __str__(self) -> str:
        other = {
            Mistaken.TRACK: "positions look like GCJ-02: read them with '--coordinates gcj02'",
            Mistaken.NETWORK: "the road network looks like GCJ-02: import it as gcj02",
        }[self.mistaken]
        return (
            f"{other}. As they stand they lie {self.off_road_m:.0f} m beside the roads, "
            f"moved by {self.shift_m:.0f} m only {self.off_road_if_gcj02_m:.0f} m. Nothing was changed"
        )


def suspect_gcj02(positions: Sequence[Position | None], network: RoadNetwork) -> Gcj02Suspicion | None:
    """Whether a track called WGS-84, or the network, is in GCJ-02; None where nothing speaks for it.

    Looks at up to ``MOST`` positions, evenly chosen, at least ``FEWEST``. Never corrects: a system is named by people.
    """
    known = [position for position in positions if position is not None]
    if len(known) < FEWEST or outside_china(known[0].lat, known[0].lon):
        return None
    degrees = [(each.lat, each.lon) for each in known[:: max(1, len(known) // MOST)]]
    metres = network.plane.to_metres(degrees)
    off = _off_road_m(network, metres)
    turns: dict[Mistaken, Callable[[float, float], tuple[float, float]]] = {
        Mistaken.TRACK: gcj02_to_wgs84,
        Mistaken.NETWORK: wgs84_to_gcj02,
    }
    readings = {
        mistaken: network.plane.to_metres([turn(*each) for each in degrees]) for mistaken, turn in turns.items()
    }
    fits = {mistaken: _off_road_m(network, reading) for mistaken, reading in readings.items()}
    mistaken = min(fits, key=lambda each: fits[each])
    if fits[mistaken] > FITS_M or off < TIMES * max(fits[mistaken], 1.0):
        return None
    shift = float(np.median(np.linalg.norm(readings[mistaken] - metres, axis=1)))
    return Gcj02Suspicion(mistaken, shift, off, fits[mistaken])


def _off_road_m(network: RoadNetwork, metres: Metres) -> float:
    """Median distance from the nearest road."""
    return float(np.median(network.off_road_m(metres, _FURTHEST_M)))
