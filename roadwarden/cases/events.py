"""The events of a case, schema version 1 (docs/events.md): one immutable fact each, an envelope and typed data.

Nothing here judges whether an event was allowed; that is ``workflow``.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from roadwarden.cases.event_data import (
    DATA_OF,
    Absorbed,
    Accepted,
    Approver,
    Assessed,
    Closed,
    Dispatched,
    EventData,
    EvidenceRequested,
    Extended,
    Filed,
    HandedBack,
    Merged,
    Parked,
    Released,
    Reopened,
    RepairReported,
    RepairStarted,
    Resumed,
    SafetyMeasure,
    SelfHandled,
    SeverityChanged,
    TimeAccepted,
    Transferred,
    Unmerged,
    Voided,
)
from roadwarden.cases.event_types import EventType, Role, Verdict, format_time, parse_text, parse_time
from roadwarden.errors import DataError
from roadwarden.taxonomy import Severity

__all__ = [
    "DATA_OF",
    "SCHEMA_VERSION",
    "Absorbed",
    "Accepted",
    "Approver",
    "Assessed",
    "CaseEvent",
    "Closed",
    "Dispatched",
    "EventData",
    "EventType",
    "EvidenceRequested",
    "Extended",
    "Filed",
    "HandedBack",
    "Merged",
    "Parked",
    "Released",
    "Reopened",
    "RepairReported",
    "RepairStarted",
    "Resumed",
    "Role",
    "SafetyMeasure",
    "SelfHandled",
    "Severity",
    "SeverityChanged",
    "TimeAccepted",
    "Transferred",
    "UnknownKeys",
    "Unmerged",
    "Verdict",
    "Voided",
    "data_as_json",
    "format_time",
    "parse_data",
    "parse_event",
    "parse_time",
]

SCHEMA_VERSION: Final = 1
"""A line may carry it as ``"v": 1``; a line without means 1."""

_REQUIRED: Final = ("case", "seq", "type", "occurred_at", "received_at", "actor", "role")
_KEYS: Final = frozenset((*_REQUIRED, "data", "v"))
_LARGEST_SEQ: Final = 2**53
_UNKNOWN: Final = "unexpected_keyword_argument"
"""What pydantic calls a key that a dataclass does not have."""
_Word = TypeVar("_Word", bound=StrEnum)


class UnknownKeys(StrEnum):
    """What to do with a key that nobody here knows."""

    REFUSED = "refused"  # an error: a typing error must not get into a store
    NOTED = "noted"  # kept beside the event and told: a replay judges by what it knows


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One fact of one case; ``seq`` is its version in the case. Raises ValueError for data of another type."""

    case: str
    seq: int
    type: EventType
    occurred_at: datetime  # UTC, by the clock of whoever acted
    received_at: datetime  # UTC, by the server's clock
    actor: str
    role: Role
    data: EventData
    unknown: tuple[str, ...] = ()  # keys that were noted, with their values; not part of the canonical form

    def __post_init__(self) -> None:
        if type(self.data) is not DATA_OF[self.type]:
            raise ValueError(f"{self.type} wants {DATA_OF[self.type].__name__}, not {type(self.data).__name__}")
        if self.occurred_at.tzinfo is None or self.received_at.tzinfo is None:
            raise ValueError(f"{self.type} {self.seq}: times want an offset")

    def as_json(self) -> dict[str, Any]:
        """The canonical form: keys in the order of the contract, times in UTC, nothing that says nothing."""
        return {
            "case": self.case,
            "seq": self.seq,
            "type": self.type.value,
            "occurred_at": format_time(self.occurred_at),
            "received_at": format_time(self.received_at),
            "actor": self.actor,
            "role": self.role.value,
            "data": data_as_json(self.data),
        }


def parse_event(content: object, unknown: UnknownKeys = UnknownKeys.REFUSED) -> CaseEvent:
    """From JSON, strictly: raises DataError that names the key, also for keys nobody knows unless they are noted."""
    if not isinstance(content, dict):
        raise DataError("wanted a JSON object, one event a line")
    beside = _check_keys(content, unknown)
    kind = _word(EventType, "type", content["type"])
    said = {} if content.get("data") is None else content["data"]
    if unknown is UnknownKeys.NOTED:
        said, more = _known_part(kind, said)
        beside += more
    return CaseEvent(
        case=_text("case", content["case"]),
        seq=_seq(content["seq"]),
        type=kind,
        occurred_at=_time("occurred_at", content["occurred_at"]),
        received_at=_time("received_at", content["received_at"]),
        actor=_text("actor", content["actor"]),
        role=_word(Role, "role", content["role"]),
        data=parse_data(kind, said),
        unknown=tuple(sorted(beside)),
    )


def parse_data(kind: EventType, content: object) -> EventData:
    """The data of one event from JSON; raises DataError that lists every fault."""
    try:
        data: EventData = _adapter(kind).validate_python(content)
    except ValidationError as exc:
        faults = (_explain(fault["loc"], fault["type"], fault["msg"], kind) for fault in exc.errors())
        raise DataError(f"{kind}: " + "; ".join(faults)) from exc
    return data


def _known_part(kind: EventType, content: object) -> tuple[object, list[str]]:
    """The data without keys that nobody knows, and those."""
    try:
        _adapter(kind).validate_python(content)
    except ValidationError as exc:
        places = [fault["loc"] for fault in exc.errors() if fault["type"] == _UNKNOWN]
        return _without(content, places)
    return content, []


def _without(content: object, places: list[tuple[int | str, ...]]) -> tuple[object, list[str]]:
    content, beside = copy.deepcopy(content), []
    for place in places:
        part: Any = content
        for name in place[:-1]:
            part = part[name]
        beside.append(_beside(".".join(str(name) for name in ("data", *place)), part.pop(place[-1])))
    return content, beside


def _beside(name: str, value: object) -> str:
    return f"{name}={json.dumps(value, ensure_ascii=True, sort_keys=True)}"


def data_as_json(data: EventData) -> dict[str, Any]:
    """Fields in their order, without those that say nothing."""
    pairs = ((field.name, getattr(data, field.name)) for field in dataclasses.fields(data))
    return {name: _plain(value) for name, value in pairs if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Approver):
        return value.actor if value.role is None else {"actor": value.actor, "role": value.role.value}
    if isinstance(value, tuple):
        return list(value)
    return value.value if isinstance(value, StrEnum) else value


@cache
def _adapter(kind: EventType) -> TypeAdapter[Any]:
    return TypeAdapter(DATA_OF[kind])


def _check_keys(content: dict[Any, Any], unknown: UnknownKeys) -> list[str]:
    """The keys that are noted; raises DataError for what is missing, and for the others."""
    if missing := [name for name in _REQUIRED if name not in content]:
        raise DataError(f"no {', '.join(repr(name) for name in missing)}")
    version = content.get("v", SCHEMA_VERSION)
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise DataError(f"event schema {version!r} is not known here, only {SCHEMA_VERSION}; upgrade Roadwarden")
    strange = [str(name) for name in content if name not in _KEYS]
    if strange and unknown is UnknownKeys.REFUSED:
        raise DataError(f"unknown key {strange[0]!r}{_suggest(strange[0], _KEYS)}")
    return [_beside(name, content[name]) for name in strange]


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise DataError(f"{name}: wanted text, found {value!r}")
    try:
        return parse_text(value)
    except ValueError as exc:
        raise DataError(f"{name}: {exc}") from exc


def _seq(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _LARGEST_SEQ:
        raise DataError(f"seq: wanted a whole number from 0, found {value!r}")
    return value


def _time(name: str, value: object) -> datetime:
    try:
        return parse_time(value)
    except ValueError as exc:
        raise DataError(f"{name}: {exc}") from exc


def _word(words: type[_Word], name: str, value: object) -> _Word:
    try:
        return words(str(value))
    except ValueError as exc:
        raise DataError(f"unknown {name} {value!r}{_suggest(str(value), words)}") from exc


def _explain(place: tuple[int | str, ...], fault: str, message: str, kind: EventType) -> str:
    name = ".".join(str(part) for part in ("data", *place))
    known = [field.name for field in dataclasses.fields(DATA_OF[kind])]
    if fault == _UNKNOWN and place:
        return f"unknown key {name!r}{_suggest(str(place[-1]), known)}"
    return f"{name}: {message.removeprefix('Value error, ')}"


def _suggest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, [str(one) for one in known], n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
