"""One defect for the panel beside the map: itself, its sightings, its cases and what happened to them, and pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from roadwarden.access.people import Principal
from roadwarden.access.policy import may
from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.event_types import format_time
from roadwarden.cases.rights import Right
from roadwarden.inference.sighting_pictures import Part
from roadwarden.service.case_views import belongs_of
from roadwarden.service.defects import Whole, whole
from roadwarden.storage import unit as unit_of_map
from roadwarden.storage.case_unit import reading
from roadwarden.web.pages.case_actions import last_report
from roadwarden.web.pages.pictures import overlay_of, pictures_of, url_of
from roadwarden.web.parts import Parts

MOST_SIGHTINGS: Final = 60
MOST_PICTURES: Final = 6


def defect_told(parts: Parts, caller: Principal, name: str) -> dict[str, Any]:
    """As JSON; cases that the caller may not see are left out. Raises DataError where there is no such defect."""
    found = whole(parts.engine, name)
    rows = _rows(parts, caller, found)
    now = parts.now()
    return _facts(found) | {
        "votes": [{"type": kind.value, "share": share} for kind, share in _votes(found)],
        "sightings": [_sighting(one) for one in found.sightings[: -MOST_SIGHTINGS - 1 : -1]],
        "cases": [{"case_id": row.case_id, "state": row.state, "light": row.light(now).value} for row in rows],
        "events": _events(parts, rows[0]) if rows else [],
        "pictures": _pictures(parts, caller, found),
        "repair": _repair(parts, caller, rows),
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


def _rows(parts: Parts, caller: Principal, found: Whole) -> list[CaseRow]:
    """Cases about the defect, or about one that it took in, that the caller sees; the newest first."""
    now = parts.now()
    ids = {found.defect.id, *(one.id for one in found.sightings)}
    with reading(parts.engine) as unit:
        rows = [row.at(now) for row in unit.rows.of_defects(ids)]
    return [row for row in reversed(rows) if may(caller, Right.CASES_READ, parts.permissions, belongs_of(row))]


def _events(parts: Parts, row: CaseRow) -> list[dict[str, str]]:
    """What happened to the newest case; whoever did it is on the case's own page."""
    return [{"type": one.type.value, "at": format_time(one.occurred_at)} for one in parts.desk.events(row.case_id)]


def _pictures(parts: Parts, caller: Principal, found: Whole) -> list[dict[str, str]]:
    """Of the newest sightings whose frames are known to lie somewhere; every frame once."""
    if parts.sightings is None or not may(caller, Right.EVIDENCE_READ, parts.permissions):
        return []
    newest = {one.frame: one for one in found.sightings}  # by time: the last of a frame stays
    with unit_of_map.reading(parts.engine) as unit:
        known = unit.pictures.of(one.id for one in newest.values())
    shown = [one for one in reversed(newest.values()) if one.id in known][:MOST_PICTURES]
    return [
        {
            "url": sighting_url(one.id, Part.AROUND),
            "whole": sighting_url(one.id, Part.WHOLE),
            "at": format_time(one.seen_at),
        }
        for one in shown
    ]


def sighting_url(name: str, part: Part) -> str:
    """Where a page finds the redacted picture of a sighting."""
    return f"/map/sightings/{name}/{part.value}.jpg"


def _repair(parts: Parts, caller: Principal, rows: Sequence[CaseRow]) -> Mapping[str, str | None] | None:
    """Before and after of the newest case that has both, and what the machine drew of them."""
    for row in rows:
        if not may(caller, Right.EVIDENCE_READ, parts.permissions, belongs_of(row)):
            continue
        events = parts.desk.events(row.case_id)
        shown = pictures_of(parts, row.case_id, events)
        if shown.before and shown.after:
            return {
                "case": row.case_id,
                "before": url_of(shown.before[0]),
                "after": url_of(shown.after[0]),
                "overlay": overlay_of(parts, row.case_id, last_report(events)),
            }
    return None
