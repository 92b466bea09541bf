"""One defect for the panel beside the map: itself, its sightings, its cases, and pictures of them."""

from __future__ import annotations

import math
from typing import Any

from roadwarden.access.people import Principal
from roadwarden.access.policy import may
from roadwarden.cases.rights import Right
from roadwarden.service.case_views import belongs_of
from roadwarden.service.defects import Whole, whole
from roadwarden.storage.case_unit import reading
from roadwarden.web.parts import Parts

MOST_SIGHTINGS = 60


def defect_told(parts: Parts, caller: Principal, name: str) -> dict[str, Any]:
    """As JSON; cases that the caller may not see are left out. Raises DataError where there is no such defect."""
    found = whole(parts.engine, name)
    return _facts(found) | {
        "votes": [{"type": kind.value, "share": share} for kind, share in _votes(found)],
        "sightings": [_sighting(one) for one in found.sightings[: -MOST_SIGHTINGS - 1 : -1]],
        "cases": _cases(parts, caller, found),
        "pictures": [],
        "before": None,
        "after": None,
    }


def _facts(found: Whole) -> dict[str, Any]:
    defect, road = found.defect, found.defect.road
    return {
        "id": defect.id,
        "type": defect.vote.type.value,
        "severity": None if defect.severity is None else defect.severity.value,
        "suspected": found.assessed is not None and found.assessed.suspected,
        "presence": defect.presence.value,
        "lat": defect.position.lat,
        "lon": defect.position.lon,
        "length_m": defect.length_m,
        "width_m": defect.width_m,
        "size_sigma_m": defect.size_sigma_m,
        "place_sigma_m": math.sqrt(max(defect.covariance.east_m2, defect.covariance.north_m2)),
        "first_seen_at": defect.first_seen_at.isoformat(),
        "last_seen_at": defect.last_seen_at.isoformat(),
        "passes": defect.passes,
        "sightings_count": defect.sightings,
        "street": found.street,
        "segment": None if road is None else road.segment,
        "chainage_m": None if road is None else road.chainage_m,
    }


def _votes(found: Whole) -> list[tuple[Any, float]]:
    shares = sorted(found.defect.vote.shares, key=lambda pair: -pair[1])
    return [pair for pair in shares if pair[1] >= 0.005][:6]


def _sighting(one: Any) -> dict[str, Any]:
    return {
        "seen_at": one.seen_at.isoformat(),
        "type": one.type.value,
        "score": one.score,
        "length_m": one.length_m,
        "width_m": one.width_m,
        "pass": one.pass_id,
        "model": one.model,
    }


def _cases(parts: Parts, caller: Principal, found: Whole) -> list[dict[str, Any]]:
    now = parts.now()
    ids = {found.defect.id, *(one.id for one in found.sightings)}
    with reading(parts.engine) as unit:
        rows = [row.at(now) for row in unit.rows.of_defects(ids)]
    seen = [row for row in rows if may(caller, Right.CASES_READ, parts.permissions, belongs_of(row))]
    return [{"case_id": row.case_id, "state": row.state, "light": row.light(now).value} for row in reversed(seen)]
