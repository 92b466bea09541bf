"""What the leaves of the log say: one canonical JSON object each.

What may name or describe a person (who acted, who approved, free text) is not in a leaf. There stands a commitment
instead: HMAC-SHA256 under a random salt of the leaf that is kept outside the log. With value and salt anybody can check
it; once the salt is thrown away it says nothing about the value any more, and the log stays whole.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from roadwarden.cases.event_types import EventType, format_time
from roadwarden.errors import LedgerError
from roadwarden.ledger.canonical import canonical, read_canonical
from roadwarden.models.history import Entry

LEAF_VERSION: Final = 1
SALT_BYTES: Final = 32
ERASED: Final = "[erased]"
"""What stands in a record where personal data was erased."""

Json: TypeAlias = dict[str, Any]
Personal: TypeAlias = Mapping[str, Any]
"""Path of a field to its value."""

EVENT_PERSONAL: Final = ("actor", "data.approved_by", "data.note", "data.reason")
_MOVE_PERSONAL: Final = ("who", "why")


class LeafKind(StrEnum):
    """What a leaf records."""

    EVENT = "event"
    EVIDENCE = "evidence"  # one picture that an event names
    ASSESSMENT = "assessment"  # a verdict on a repair report
    ALIAS_MOVE = "alias_move"  # an entry of the model registry's history
    KEY = "key"  # a key of the log that follows another
    ERASURE = "erasure"  # personal data of other leaves was erased


class Source(StrEnum):
    """Where a leaf comes from; with position and part it names a leaf once and for all."""

    EVENTS = "events"  # position: of the event among all events
    REGISTRY = "registry"  # position: number of the entry
    KEYS = "keys"  # position: 1, 2, 3 …
    ERASURES = "erasures"  # position: 1, 2, 3 …


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event as it stands in the database, not judged: also one that somebody has tampered with."""

    position: int
    case: str
    version: int
    seq: int
    type: str
    occurred_at: datetime
    received_at: datetime
    recorded_at: datetime
    actor: str
    role: str
    data: Json
    schema: int

    def fields(self) -> Json:
        """All of it, as a leaf says it; times in UTC."""
        return {
            "position": self.position,
            "case": self.case,
            "version": self.version,
            "seq": self.seq,
            "type": self.type,
            "occurred_at": format_time(self.occurred_at),
            "received_at": format_time(self.received_at),
            "recorded_at": format_time(self.recorded_at),
            "actor": self.actor,
            "role": self.role,
            "data": self.data,
            "event_schema": self.schema,
        }


@dataclass(frozen=True, slots=True)
class Draft:
    """A leaf to be: what it says in public, and the personal data that it only commits to."""

    kind: LeafKind
    source: Source
    position: int
    part: int  # 0 for the record itself, then what else it gives
    public: Json
    personal: Personal
    case: str | None = None

    def sealed(self, salt: bytes) -> bytes:
        """The canonical bytes of the leaf."""
        seals = {path: seal(salt, path, value) for path, value in self.personal.items()}
        return body_of(self.kind, self.public, seals)

    def sealed_as(self, seals: Mapping[str, str]) -> bytes:
        """The same with commitments that are known, where values or salt are gone."""
        return body_of(self.kind, self.public, seals)


def body_of(kind: LeafKind, public: Json, seals: Mapping[str, str]) -> bytes:
    """The canonical bytes of a leaf."""
    content = {"v": LEAF_VERSION, "kind": kind.value} | public
    return canonical(content | {"personal": dict(seals)} if seals else content)


def seal(salt: bytes, path: str, value: object) -> str:
    """The commitment to one personal value, hex."""
    return hmac.new(salt, path.encode() + b"\0" + canonical(value), hashlib.sha256).hexdigest()


def read_leaf(body: bytes, name: str) -> Json:
    """A leaf from its bytes; raises LedgerError that begins with ``name`` where it is none of ours."""
    content = read_canonical(body, name)
    if not isinstance(content, dict) or content.get("v") != LEAF_VERSION or content.get("kind") not in set(LeafKind):
        raise LedgerError(f"{name}: no leaf of version {LEAF_VERSION}; a newer Roadwarden may have written it")
    return content


def drafts_of_event(event: KeptEvent) -> tuple[Draft, ...]:
    """The leaves of one event: itself, each picture it names, and its verdict where it holds one."""
    public, personal = parted(event.fields(), EVENT_PERSONAL)
    whole = Draft(LeafKind.EVENT, Source.EVENTS, event.position, 0, public, personal, event.case)
    more = [*_evidence(event), *_assessment(event)]
    parts = (
        Draft(kind, Source.EVENTS, event.position, part, content, {}, event.case)
        for part, (kind, content) in enumerate(more, start=1)
    )
    return whole, *parts


def draft_of_move(model: str, entry: Entry) -> Draft:
    """The leaf of one entry of the registry's history; its chain of digests is not repeated, the log is one itself."""
    fields = entry.as_json() | {"model": model, "when": format_time(entry.when)}
    del fields["previous"]  # a plain digest of who and why
    public, personal = parted(fields, _MOVE_PERSONAL)
    return Draft(LeafKind.ALIAS_MOVE, Source.REGISTRY, entry.number, 0, public, personal)


def draft_of_key(position: int, key: str, note: str, now: datetime) -> Draft:
    """The leaf of a succession of keys."""
    public = {"number": position, "key": key, "succession": note, "at": format_time(now)}
    return Draft(LeafKind.KEY, Source.KEYS, position, 0, public, {})


@dataclass(frozen=True, slots=True)
class Erased:
    """What went: leaves by their salts, pictures by their files, and rows that no leaf is of, told by their digest."""

    leaves: Sequence[int] = ()
    pictures: Sequence[str] = ()  # sha256 of the files
    rows: Json = field(default_factory=dict)  # "count", "sha256" of their keys, "rule", "before"; empty for none


def draft_of_erasure(
    position: int, erased: Erased, by: str, reason: str, now: datetime, case: str | None = None
) -> Draft:
    """The leaf that says what was erased; ``case``: all of it was that case's, whose bundles tell of it."""
    public: Json = {"number": position, "leaves": list(erased.leaves), "at": format_time(now)}
    if erased.pictures:
        public["pictures"] = list(erased.pictures)
    if erased.rows:
        public["rows"] = dict(erased.rows)
    if case is not None:
        public["case"] = case
    return Draft(LeafKind.ERASURE, Source.ERASURES, position, 0, public, {"by": by, "reason": reason}, case)


def erased_pictures(body: Json) -> tuple[str, ...]:
    """The sha256 of the pictures that a leaf says were erased; none for a leaf of another kind."""
    named = body.get("pictures", []) if body.get("kind") == LeafKind.ERASURE else []
    return tuple(map(str, named)) if isinstance(named, list) else ()


def parted(fields: Json, paths: Sequence[str]) -> tuple[Json, Personal]:
    """Public fields and personal ones; of an approver the role stays public."""
    public, personal = dict(fields), {}
    if isinstance(public.get("data"), dict):
        public["data"] = dict(public["data"])
    for path in paths:
        holder, name = _holder(public, path)
        if name not in holder:
            continue
        value = holder.pop(name)
        if isinstance(value, dict) and "actor" in value:
            holder[name] = {key: one for key, one in value.items() if key != "actor"}
            path, value = f"{path}.actor", value["actor"]
        personal[path] = value
    return public, personal


def joined(public: Json, personal: Personal) -> Json:
    """The opposite of ``parted``."""
    whole = dict(public)
    if isinstance(whole.get("data"), dict):
        whole["data"] = {key: dict(one) if isinstance(one, dict) else one for key, one in whole["data"].items()}
    for path, value in personal.items():
        holder: Json = whole
        *above, name = path.split(".")
        for step in above:
            holder = holder[step]
        holder[name] = value
    return whole


def _holder(fields: Json, path: str) -> tuple[Json, str]:
    above, _, name = path.rpartition(".")
    holder = fields.get(above) if above else fields
    return (holder if isinstance(holder, dict) else {}), name


def _evidence(event: KeptEvent) -> list[tuple[LeafKind, Json]]:
    named = event.data.get("evidence", [])
    pictures = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    place = {"case": event.case, "seq": event.seq}
    return [(LeafKind.EVIDENCE, {"evidence": picture, "number": at} | place) for at, picture in enumerate(pictures)]


def _assessment(event: KeptEvent) -> list[tuple[LeafKind, Json]]:
    if event.type != EventType.ASSESSED:
        return []
    names = ("assessment", "report_seq", "verdict")
    said = {name: event.data[name] for name in names if name in event.data}
    return [(LeafKind.ASSESSMENT, said | {"case": event.case, "seq": event.seq, "role": event.role})]
