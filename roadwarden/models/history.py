"""Who moved an alias when, from where to where and why: what MLflow itself does not keep.

Entries are lines of JSON, each with the sha256 of the line before it: an edited, dropped or added line breaks the
chain. Everything here is pure; ``models/mlflow_store.py`` keeps the lines, docs/decisions/0004-registry-history.md says
how.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from roadwarden.errors import ConfigError, ModelError

NO_ENTRY_BEFORE = "0" * 64
MOST_CHARACTERS = {"who": 200, "why": 2000}
"""So that a line stays below the 6000 characters of an MLflow parameter, where MLflow would cut it silently."""


class Move(StrEnum):
    """What somebody asked for."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"


class Step(StrEnum):
    """How far it has come."""

    INTENDED = "intended"  # written before the alias is touched; until it is settled nobody else moves an alias
    DONE = "done"
    WITHDRAWN = "withdrawn"  # it was cut short before the alias was touched
    FOUND = "found"  # the alias was seen at to_version though no entry says so: moved past us, or deleted


@dataclass(frozen=True, slots=True)
class Entry:
    """One line; versions are None where the alias stands nowhere."""

    number: int  # from 1, without gaps
    step: Step
    move: Move
    alias: str
    from_version: int | None
    to_version: int | None
    sha256: str  # of the file of to_version; empty where there is none
    who: str
    why: str
    when: datetime  # aware, UTC
    previous: str  # sha256 of the line before

    def __post_init__(self) -> None:
        if self.when.utcoffset() is None:
            raise ConfigError("a time in the history needs its zone")
        for name, most in MOST_CHARACTERS.items():
            text: str = getattr(self, name)
            length = len(json.dumps(text.strip(), ensure_ascii=False)) - 2  # as it is stored: a quote takes two
            if not 1 <= length <= most:
                raise ConfigError(f"{name}: from 1 to {most} characters are wanted, these are {length}")

    def as_json(self) -> dict[str, Any]:
        """Its fields, the time as ISO 8601 in UTC."""
        return {**asdict(self), "when": self.when.astimezone(UTC).isoformat()}

    def line(self) -> str:
        """The one spelling that is stored and hashed."""
        return json.dumps(self.as_json(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    def __str__(self) -> str:
        return f"{self.move} {self.alias} {place(self.from_version)} -> {place(self.to_version)}: {self.step}"


def place(version: int | None) -> str:
    """A version for people."""
    return "nowhere" if version is None else f"version {version}"


def digest(line: str) -> str:
    """What the next entry carries as ``previous``."""
    return hashlib.sha256(line.encode()).hexdigest()


def read_entry(line: str) -> Entry:
    """Parses a line; raises ModelError where it is none of ours."""
    try:
        fields = json.loads(line)
        entry = Entry(
            **fields
            | {
                "step": Step(fields["step"]),
                "move": Move(fields["move"]),
                "when": datetime.fromisoformat(fields["when"]),
            }
        )
    except (ValueError, TypeError, KeyError, ConfigError) as exc:
        raise ModelError(f"not a line of the history ({exc}): {line[:120]}") from exc
    return entry


def faults(lines: Mapping[int, str]) -> tuple[str, ...]:
    """What is wrong with the chain, in words; empty when it is whole. Keys are the numbers the lines are kept under."""
    found: list[str] = []
    before = NO_ENTRY_BEFORE
    for number in range(1, max(lines, default=0) + 1):
        if number not in lines:
            found.append(f"entry {number} is missing")
            continue
        try:
            entry = read_entry(lines[number])
        except ModelError as exc:
            found.append(f"entry {number} is {exc}")
        else:
            if entry.number != number:
                found.append(f"entry {number} says that it is entry {entry.number}")
            if entry.line() != lines[number]:
                found.append(f"entry {number} is not spelled as it was written")
            if entry.previous != before:
                found.append(f"entry {number - 1} is not what it was when entry {number} was written")
        before = digest(lines[number])
    return tuple(found)


def head_faults(lines: Mapping[int, str], head: tuple[int, str] | None) -> tuple[str, ...]:
    """What contradicts the number and digest noted of the newest entry; the note may lag behind, after a crash."""
    if head is None or digest(lines.get(head[0], "")) == head[1]:
        return ()
    missing = head[0] not in lines
    return (f"entry {head[0]} is missing at the end" if missing else f"entry {head[0]} is not what was noted of it",)


def read_history(lines: Mapping[int, str], head: tuple[int, str] | None = None) -> tuple[Entry, ...]:
    """The entries, oldest first; raises ModelError where the chain is broken."""
    wrong = faults(lines) + head_faults(lines, head)
    if wrong:
        raise ModelError(
            f"the registry's history is broken: {'; '.join(wrong)}. Find out who has edited it and bring it back from "
            "a backup of the MLflow store: no alias is moved on it, and nothing is loaded by an alias"
        )
    return tuple(read_entry(lines[number]) for number in sorted(lines))


def following(
    entries: Sequence[Entry],
    *,
    step: Step,
    move: Move,
    alias: str,
    from_version: int | None,
    to_version: int | None,
    sha256: str,
    who: str,
    why: str,
    now: datetime,
) -> Entry:
    """The entry that comes next."""
    return Entry(
        number=len(entries) + 1,
        step=step,
        move=move,
        alias=alias,
        from_version=from_version,
        to_version=to_version,
        sha256=sha256,
        who=who.strip(),
        why=why.strip(),
        when=now,
        previous=digest(entries[-1].line()) if entries else NO_ENTRY_BEFORE,
    )


def open_intent(entries: Sequence[Entry]) -> Entry | None:
    """The move that has begun and not been settled; it is always the last entry."""
    return entries[-1] if entries and entries[-1].step is Step.INTENDED else None


def standing(entries: Sequence[Entry], alias: str) -> Entry | None:
    """The settled entry that says where the alias stands; None where it never stood."""
    settled = (entry for entry in reversed(entries) if entry.alias == alias and entry.step in {Step.DONE, Step.FOUND})
    return next(settled, None)


def in_place(entries: Sequence[Entry], alias: str) -> int | None:
    """The version at which the history says the alias stands."""
    entry = standing(entries, alias)
    return entry.to_version if entry else None


def voucher(entries: Sequence[Entry], alias: str, version: int | None) -> Entry | None:
    """The entry by which the alias stands at this version with the gate passed; None where no entry says so.

    A move that is under way vouches for where it goes: the alias moves before ``done`` is written.
    """
    for entry in (open_intent(entries), standing(entries, alias)):
        if entry and entry.alias == alias and entry.to_version == version and entry.step is not Step.FOUND:
            return entry
    return None


def previous_version(entries: Sequence[Entry], alias: str) -> int | None:
    """Where a rollback goes: rolling back twice goes back two promotions, not to and fro.

    From a version that the alias was moved to past us it goes to the last one that was promoted.
    """
    promoted: list[int] = []
    for entry in entries:
        if entry.alias != alias or entry.step is not Step.DONE or entry.to_version is None:
            continue
        if entry.move is Move.ROLLBACK and entry.to_version in promoted:
            while promoted[-1] != entry.to_version:
                promoted.pop()
        else:
            promoted.append(entry.to_version)
    if promoted and promoted[-1] == in_place(entries, alias):
        promoted.pop()
    return promoted[-1] if promoted else None
