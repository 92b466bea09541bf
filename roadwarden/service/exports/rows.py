"""A defect as a flat row: what GeoJSON, GeoPackage and tables have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from roadwarden.geo.places import Segment
from roadwarden.storage.defects import KeptDefect
from roadwarden.taxonomy import describe

COLUMNS: Mapping[str, type] = {
    "id": str,
    "type": str,
    "name": str,
    "chinese": str,
    "margin": float,
    "severity": str,
    "presence": str,
    "length_m": float,
    "width_m": float,
    "size_sigma_m": float,
    "position_sigma_m": float,
    "heading_deg": float,
    "street": str,
    "segment": str,
    "chainage_m": float,
    "offset_m": float,
    "side": str,
    "grade": str,
    "passes": int,
    "sightings": int,
    "first_seen_at": str,
    "last_seen_at": str,
}
"""Names and types of the columns, in order; every one may be empty but the id."""


def row_of(defect: KeptDefect, segments: Mapping[str, Segment]) -> dict[str, Any]:
    """``COLUMNS`` of one defect; ``segments`` are those of the network it was placed on."""
    info, spread, road = describe(defect.vote.type), defect.covariance, defect.road
    segment = segments.get(road.segment) if road else None
    return {
        "id": defect.id,
        "type": str(defect.vote.type),
        "name": info.english,
        "chinese": info.chinese,
        "margin": round(defect.vote.margin, 3),
        "severity": str(defect.severity) if defect.severity else None,
        "presence": str(defect.presence),
        "length_m": round(defect.length_m, 2),
        "width_m": round(defect.width_m, 2),
        "size_sigma_m": round(defect.size_sigma_m, 2),
        "position_sigma_m": round(math.sqrt((spread.east_m2 + spread.north_m2) / 2), 2),
        "heading_deg": _rounded(defect.position.heading_deg, 1),
        "street": (segment.name or None) if segment else None,
        "segment": road.segment if road else None,
        "chainage_m": round(road.chainage_m, 2) if road else None,
        "offset_m": round(road.offset_m, 2) if road else None,
        "side": str(road.side) if road else None,
        "grade": str(segment.grade) if segment else None,
        "passes": defect.passes,
        "sightings": defect.sightings,
        "first_seen_at": defect.first_seen_at.isoformat(),
        "last_seen_at": defect.last_seen_at.isoformat(),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
