"""Moving an alias: never past the gate, and never without the history.

A move writes ``intended``, then moves the alias, then writes ``done``; whoever comes after a crash settles what is open
by looking where the alias stands. An alias moved past us is seen, and written down as ``found`` with the next move.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from roadwarden.errors import ConfigError
from roadwarden.models.history import (
    Entry,
    Move,
    Step,
    digest,
    faults,
    following,
    head_faults,
    in_place,
    open_intent,
    place,
    previous_version,
    read_entry,
    read_history,
    standing,
    voucher,
)
from roadwarden.models.mlflow_store import MlflowStore
from roadwarden.models.registry import MODEL_NAME, Tag, check_promotable

INTENT_HOLDS = timedelta(seconds=60)
"""A move takes a second; one that is open for longer was cut short."""
_ALIAS = re.compile(r"(?!latest$)(?!v\d+$)[a-z][a-z0-9_-]{0,99}")


@dataclass(frozen=True, slots=True)
class Order:
    """Somebody's wish to move an alias."""

    alias: str
    who: str
    why: str
    at: datetime  # aware; when it was given
    name: str = MODEL_NAME

    def __post_init__(self) -> None:
        if not _ALIAS.fullmatch(self.alias):
            raise ConfigError(f"alias '{self.alias}': wanted a word such as champion, not 'latest' and no 'v1'")


@dataclass(frozen=True, slots=True)
class _Wish:
    move: Move
    from_version: int | None
    to_version: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the history holds and what is wrong with it; nothing is wrong where ``faults`` is empty."""

    entries: tuple[Entry, ...]
    faults: tuple[str, ...]
    head: str  # sha256 of the newest line: note it elsewhere, and no later edit of what lies before stays unseen


@dataclass(slots=True)
class _Book:
    """The history while it grows: what is read once and written entry by entry."""

    store: MlflowStore
    order: Order
    entries: list[Entry] = field(default_factory=list)

    def write(self, step: Step, wish: _Wish, why: str) -> Entry:
        """Raises AlreadyTaken where somebody else wrote an entry in the meantime."""
        entry = following(
            self.entries,
            step=step,
            move=wish.move,
            alias=self.order.alias,
            from_version=wish.from_version,
            to_version=wish.to_version,
            sha256=wish.sha256,
            who=self.order.who,
            why=why,
            now=self.order.at,
        )
        self.store.append(self.order.name, entry.number, entry.line())
        self.store.note_head(self.order.name, entry.number, digest(entry.line()))
        self.entries.append(entry)
        return entry


def promote(store: MlflowStore, version: int, order: Order) -> Entry:
    """Moves the alias to a version whose very file has passed its gate; gives the entry that says so.

    Raises ModelError for the gate, a tampered file or a broken history, ConfigError where the alias is there already,
    another move is under way, or it is not said who and why.
    """
    return _move(_open(store, order, Move.PROMOTE), Move.PROMOTE, version)


def rollback(store: MlflowStore, order: Order) -> Entry:
    """Moves the alias to the version promoted before; twice, to the one before that. The gate rules here too."""
    book = _open(store, order, Move.ROLLBACK)
    version = previous_version(book.entries, order.alias)
    if version is None:
        raise ConfigError(f"nothing was promoted to '{order.alias}' before; name a version with 'registry promote'")
    return _move(book, Move.ROLLBACK, version)


def verify(store: MlflowStore, name: str = MODEL_NAME) -> Verdict:
    """Checks the chain, and that every alias stands where the newest entry says."""
    lines = store.lines(name)
    wrong = faults(lines) + head_faults(lines, store.head(name))
    if wrong:
        return Verdict((), wrong, "")
    entries = tuple(read_entry(lines[number]) for number in sorted(lines))
    head = digest(entries[-1].line()) if entries else ""
    return Verdict(entries, _disagreements(entries, store.aliases(name)), head)


def _disagreements(entries: tuple[Entry, ...], aliases: Mapping[str, int]) -> tuple[str, ...]:
    found = []
    for alias in sorted({entry.alias for entry in entries} | set(aliases)):
        present, known = aliases.get(alias), in_place(entries, alias)
        if voucher(entries, alias, present) is not None or present is known is None:
            continue
        stands = f"'{alias}' stands at {place(present)}"
        told = "where no promotion has put it" if present == known else f"the history says {place(known)}"
        found.append(f"{stands}, {told}")
    return tuple(found)


def _move(book: _Book, move: Move, version: int) -> Entry:
    store, order = book.store, book.order
    now_at = standing(book.entries, order.alias)
    if now_at and now_at.to_version == version and now_at.step is Step.DONE:
        raise ConfigError(f"'{order.alias}' is {place(version)} already")
    sha256 = check_promotable(store, store.version(order.name, version))
    wish = _Wish(move, in_place(book.entries, order.alias), version, sha256)
    book.write(Step.INTENDED, wish, order.why)
    store.set_alias(order.name, order.alias, version)
    return book.write(Step.DONE, wish, order.why)


def _open(store: MlflowStore, order: Order, move: Move) -> _Book:
    """The history with nothing open in it and the alias where it says."""
    book = _Book(store, order, list(read_history(store.lines(order.name), store.head(order.name))))
    intent = open_intent(book.entries)
    if intent:
        _settle(book, intent)
    present, known = store.aliases(order.name).get(order.alias), in_place(book.entries, order.alias)
    if present != known:
        sha256 = "" if present is None else store.version(order.name, present).tags.get(Tag.SHA256, "")
        why = f"the alias stands at {place(present)} though the history says {place(known)}: it was moved past us"
        book.write(Step.FOUND, _Wish(move, known, present, sha256), why)
    return book


def _settle(book: _Book, intent: Entry) -> None:
    if abs(book.order.at - intent.when) < INTENT_HOLDS:
        raise ConfigError(f"{intent.who} is moving '{intent.alias}' just now ({intent}); try again in a minute")
    present = book.store.aliases(book.order.name).get(intent.alias)
    step = Step.DONE if present == intent.to_version else Step.WITHDRAWN
    theirs = replace(book, order=replace(book.order, alias=intent.alias))
    wish = _Wish(intent.move, intent.from_version, intent.to_version, intent.sha256)
    theirs.write(step, wish, f"entry {intent.number} was cut short; the alias stands at {place(present)}")
