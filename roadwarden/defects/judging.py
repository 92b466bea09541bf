"""How bad a defect is where it lies: its size, the grade of its road, and whether wheels roll over it."""

from __future__ import annotations

import math
from typing import Protocol

from roadwarden.defects.roadways import Roadway
from roadwarden.defects.severity import Assessed, Confirmed, Known, assess, lane_place, severity_of
from roadwarden.defects.severity_table import LanePlace, SeverityTable
from roadwarden.defects.size import Measured, Size
from roadwarden.defects.votes import Vote
from roadwarden.detections import PlaneCovariance
from roadwarden.geo.places import RoadPlace
from roadwarden.taxonomy import Severity


class Sized(Protocol):
    """What is judged: a ``Defect``, or one as a store gives it."""

    @property
    def vote(self) -> Vote:
        """Its type."""

    @property
    def covariance(self) -> PlaneCovariance:
        """Of its place, m²."""

    @property
    def length_m(self) -> float:
        """Along the road."""

    @property
    def width_m(self) -> float:
        """Across it."""

    @property
    def size_sigma_m(self) -> float:
        """Of either."""


def size_of(defect: Sized) -> Size:
    """Its sides with their error."""
    return Size(defect.length_m, defect.width_m, defect.size_sigma_m)


def judge(
    defect: Sized,
    place: RoadPlace,
    roadway: Roadway,
    table: SeverityTable,
    confirmed: Confirmed = Confirmed.NOBODY,
) -> Assessed:
    """The table's verdict on a defect that lies on ``roadway`` at ``place``."""
    return assess(known_of(defect, place, roadway, table, confirmed), table)


def known_of(
    defect: Sized,
    place: RoadPlace,
    roadway: Roadway,
    table: SeverityTable,
    confirmed: Confirmed = Confirmed.NOBODY,
) -> Known:
    """What the table is applied to."""
    return Known(
        type=defect.vote.type,
        grade=roadway.grade,
        size=size_of(defect),
        lane=_lane(defect, place, roadway, table),
        confirmed=confirmed,
    )


def severity_at(defect: Sized, place: RoadPlace, roadway: Roadway, table: SeverityTable) -> Severity:
    """The severity alone of ``judge``: what a batch of thousands keeps."""
    return severity_of(known_of(defect, place, roadway, table), table)


def _lane(defect: Sized, place: RoadPlace, roadway: Roadway, table: SeverityTable) -> LanePlace:
    spread = defect.covariance
    sigma = math.sqrt((spread.east_m2 + spread.north_m2) / 2)
    beside = roadway.beside_lane_middle_m(roadway.lateral_m(place))
    return lane_place(Measured(beside, sigma), defect.width_m, table.wheel_path)
