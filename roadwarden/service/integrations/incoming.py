"""What a message of theirs wants of us. Pure: nothing is asked of the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from roadwarden.cases.events import Role
from roadwarden.cases.permissions import Person
from roadwarden.errors import DataError
from roadwarden.geo.coordinates import to_wgs84
from roadwarden.service.integrations.fields import MISSING, Value, as_time, look, matches, read
from roadwarden.service.integrations.partner import Does, Inbox, Incoming, Partner

TIMES = frozenset({"seen_at"})
NUMBERED = frozenset({Does.TELLS_OF_A_PROBLEM, Does.NUMBERS})


@dataclass(frozen=True, slots=True)
class Wish:
    """What they want. ``fields``: without what they do not say."""

    does: Does
    theirs: str | None  # their number of the case
    ours: str | None  # our name of it
    happened_at: datetime | None
    role: Role | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


def wish_of(partner: Partner, inbox: Inbox, body: Mapping[str, Any]) -> Wish:
    """Raises DataError that names the place in their message and what is wrong there."""
    row = next((row for row in inbox.messages if matches(row.when, body)), None)
    if row is None and not inbox.ignores_the_rest:
        places = sorted({place for row in inbox.messages for place in row.when})
        found = ", ".join(f"{place} {_shown(look(body, place))}" for place in places)
        raise DataError(f"no row of the partner's file speaks of such a message: {found}")
    theirs, ours = names_of(inbox, body)
    if row is None:
        return Wish(Does.NOTHING, theirs, ours, None)
    happened, told = happened_at(partner, inbox, body), _fields(partner, row, body)
    if row.does in NUMBERED and theirs is None:
        raise DataError(f"{inbox.theirs}: their number of the case is wanted, and is not there")
    if row.does is Does.TELLS_OF_A_PROBLEM and "problem" not in told:
        raise DataError(f"{row.fields['problem'].at}: which problem it is about is wanted, and is not there")
    return Wish(row.does, theirs, ours, happened, row.role, told)


def names_of(inbox: Inbox, body: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Their number and our name of the case, where the message has them."""
    found = (MISSING if place is None else look(body, place) for place in (inbox.theirs, inbox.ours))
    theirs, ours = (None if one is MISSING or str(one) == "" else str(one) for one in found)
    return theirs, ours


def subject_of(inbox: Inbox, body: Mapping[str, Any]) -> str:
    """What keeps messages of one case together; empty where the message names none."""
    theirs, ours = names_of(inbox, body)
    return f"theirs {theirs}" if theirs else f"ours {ours}" if ours else ""


def happened_at(partner: Partner, inbox: Inbox, body: Mapping[str, Any]) -> datetime | None:
    """By their clock; None where they do not say. Raises DataError for what is no time."""
    if inbox.happened_at is None or (found := read(inbox.happened_at, body)) is MISSING:
        return None
    return _time(partner, inbox.happened_at, found)


def person_of(partner: Partner, inbox: Inbox, role: Role) -> Person:
    """As whom a partner's system acts; it is not a person, and its name says so."""
    return Person(f"system:{partner.name}", role, frozenset(inbox.areas), inbox.department, inbox.crew)


def _fields(partner: Partner, row: Incoming, body: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: read(value, body) for name, value in row.fields.items()}
    told = {name: one for name, one in found.items() if one is not MISSING}
    for name in TIMES & told.keys():
        told[name] = _time(partner, row.fields[name], told[name])
    if row.does is Does.TELLS_OF_A_PROBLEM:
        _place_on_earth(partner, told)
    return told


def _place_on_earth(partner: Partner, told: dict[str, Any]) -> None:
    names = ("latitude", "longitude")
    if not told.keys() & set(names):
        return
    try:
        lat, lon = (float(told[name]) for name in names)
    except (KeyError, TypeError, ValueError):
        raise DataError(f"latitude and longitude: {told.get(names[0])}, {told.get(names[1])} is no place") from None
    told["latitude"], told["longitude"] = to_wgs84(lat, lon, partner.coordinates)


def _time(partner: Partner, value: Value, found: object) -> datetime:
    return as_time(found, value.at or "value", value.time, ZoneInfo(partner.zone))


def _shown(found: object) -> str:
    return "is not there" if found is MISSING else f"is '{str(found)[:40]}'"
