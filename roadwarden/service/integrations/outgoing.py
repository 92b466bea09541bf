"""Our message in their words. Pure: the same message gives the same bytes at every attempt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from roadwarden.cases.event_types import parse_time
from roadwarden.errors import DataError
from roadwarden.geo.coordinates import from_wgs84
from roadwarden.service.integrations.fields import MISSING, Value, look, matches, put, read
from roadwarden.service.integrations.partner import Outgoing, Partner

THEIRS = "theirs"
"""Place of their number of the case, beside what our message says."""
PLACES = {"data.stands.latitude": 0, "data.stands.longitude": 1}


def body_for(partner: Partner, message: Mapping[str, Any], theirs: str | None) -> bytes | None:
    """What they are sent; None where no row of their file speaks of such a message.

    Raises DataError for a code that their file does not have.
    """
    told = {**message, THEIRS: theirs}
    row = next((row for row in partner.outgoing if row.topic == told.get("topic") and matches(row.when, told)), None)
    return None if row is None else _encoded(partner, row, told)


def _encoded(partner: Partner, row: Outgoing, told: Mapping[str, Any]) -> bytes:
    body: dict[str, Any] = {}
    for place, value in row.body.items():
        if (found := _value(partner, value, told)) is not MISSING:
            put(body, place, found)
    return json.dumps(body, ensure_ascii=False, sort_keys=True).encode()


def _value(partner: Partner, value: Value, told: Mapping[str, Any]) -> Any:
    if value.at in PLACES:
        return _coordinate(partner, told, PLACES[value.at])
    found = read(value, told)
    if value.time is None or found is MISSING:
        return found
    try:
        return parse_time(found).astimezone(ZoneInfo(partner.zone)).strftime(value.time)
    except ValueError as exc:
        raise DataError(f"{value.at}: {exc}") from exc


def _coordinate(partner: Partner, told: Mapping[str, Any], which: int) -> Any:
    lat, lon = (look(told, place) for place in PLACES)
    if lat is MISSING or lon is MISSING:
        return MISSING
    return round(from_wgs84(float(lat), float(lon), partner.coordinates)[which], 7)
