"""The files of pictures against the log: what lies under each sha256 that it names, read once more from the store.

The log names the pictures of evidence itself, and through the records of assessments the pictures drawn for them.
Nothing is held for long: pages of leaves, pieces of files, and a transaction for each page, so that a store of a
million pictures can be read for hours beside those who write.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Engine

from roadwarden.errors import ConfigError, LedgerError
from roadwarden.ledger.bundle import drawn_for
from roadwarden.ledger.canonical import sha256_hex
from roadwarden.ledger.faults import Fault, FaultKind
from roadwarden.ledger.leaves import Json, LeafKind, erased_pictures, read_leaf
from roadwarden.storage.assessments import AssessmentStore, ShownStore
from roadwarden.storage.blobs import BlobStore, Held, NoSuchBlob
from roadwarden.storage.engine import reading
from roadwarden.storage.evidence import EvidenceStore
from roadwarden.storage.ledger_store import LeafRow, LedgerStore

LEAVES_AT_ONCE: Final = 500
MOST_FAULTS: Final = 1000
"""Named; the rest are counted. A store that was lost has millions."""
_NAMING: Final = (LeafKind.EVIDENCE, LeafKind.ASSESSMENT)
_DICE: Final = random.SystemRandom()
_SHA256: Final = re.compile(r"[0-9a-f]{64}")

Tell = Callable[[int, int], None]
Draw = Callable[[], float]
"""0 up to below 1."""


@dataclass(slots=True)
class PictureAudit:
    """What reading the pictures gave."""

    share: float  # of the pictures, that was to be read
    named: int = 0  # pictures that the log names by their sha256; one that two leaves name is two
    read: int = 0  # of those, whose files were read
    bytes: int = 0
    erased: int = 0  # of those named, that the log says were erased
    otherwise: int = 0  # evidence that is named by no sha256: nothing can be said of it
    more_faults: int = 0  # beyond those that are named
    faults: list[Fault] = field(default_factory=list)

    def as_json(self) -> Json:
        """For machines; the faults are told with those of the log."""
        names = ("share", "named", "read", "bytes", "erased", "otherwise", "more_faults")
        return {name: getattr(self, name) for name in names}

    def add(self, fault: Fault | None) -> None:
        """Names a fault, or counts it."""
        if fault is None:
            return
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)
        else:
            self.more_faults += 1


@dataclass(frozen=True, slots=True)
class _Named:
    """A picture, and who names it."""

    sha256: str
    where: str


def audit_pictures(
    engine: Engine,
    blobs: BlobStore,
    share: float = 1.0,
    tell: Tell = lambda done, total: None,
    draw: Draw = _DICE.random,
) -> PictureAudit:
    """Reads the file of every picture that the log names, or of a share of them that nobody can foresee.

    ``tell`` gets leaves done and in all. Raises StorageAway where the database or the store do not answer, ConfigError
    for a share that is none. What somebody has done to a file never raises.
    """
    if not 0 <= share <= 1:
        raise ConfigError(f"{share:g} is no share of the pictures; write one from 0 to 1")
    audit, erased = PictureAudit(share), _Erased(engine)
    erased.follow()
    with reading(engine) as connection:
        total = LedgerStore(connection).count_of_kinds(_NAMING)
    done, last = 0, -1
    while page := _page(engine, last):
        for one in _named(engine, page, audit):
            audit.named += 1
            if share == 1 or draw() < share:
                audit.add(_look(engine, blobs, one, erased, audit))
        done, last = done + len(page), page[-1].number
        tell(min(done, total), total)
    return audit


def _page(engine: Engine, last: int) -> Sequence[LeafRow]:
    with reading(engine) as connection:
        return LedgerStore(connection).leaves_of_kinds(_NAMING, last, LEAVES_AT_ONCE)


def _named(engine: Engine, page: Sequence[LeafRow], audit: PictureAudit) -> Iterator[_Named]:
    """A leaf or record that cannot be read is the log's own fault, and named there."""
    for leaf in page:
        try:
            body = read_leaf(leaf.body.encode(), f"leaf {leaf.number}")
        except LedgerError:
            continue
        if body["kind"] == LeafKind.EVIDENCE:
            name = str(body.get("evidence"))
            if _SHA256.fullmatch(name):
                yield _Named(name, f"picture {name[:12]} of case {body.get('case')} event {body.get('seq')}")
            else:
                audit.otherwise += 1
        elif (drawn := _drawn(engine, str(body.get("assessment")))) is not None:
            yield _Named(drawn, f"picture {drawn[:12]} drawn for an assessment of case {body.get('case')}")


def _drawn(engine: Engine, record: str) -> str | None:
    with reading(engine) as connection:
        row = AssessmentStore(connection).get(record)
    if row is None or sha256_hex(row.content.encode()) != record:
        return None
    return drawn_for(row.content.encode())


def _look(engine: Engine, blobs: BlobStore, one: _Named, erased: _Erased, audit: PictureAudit) -> Fault | None:
    try:
        held = blobs.held(one.sha256)
    except NoSuchBlob:
        if one.sha256 not in erased.pictures:
            erased.follow()  # it may have gone while we read
        if one.sha256 in erased.pictures:
            audit.erased += 1
            return None
        return Fault(FaultKind.DELETED, one.where, "its file is not in the store, and the log has no erasure of it")
    audit.read += 1
    audit.bytes += held.size_bytes
    if held.sha256 == one.sha256:
        if one.sha256 not in erased.pictures:
            return None
        text = "the log says that it was erased, and its file is there: run 'roadwarden privacy sweep'"
        return Fault(FaultKind.INSERTED, one.where, text)
    return _wrong(engine, one, held)


def _wrong(engine: Engine, one: _Named, held: Held) -> Fault:
    """In what way a file is not the picture."""
    with reading(engine) as connection:
        evidence = EvidenceStore(connection)
        kept, other = evidence.get(one.sha256), evidence.get(held.sha256)
        known = other is not None or ShownStore(connection).has(held.sha256)
    if known:
        return Fault(FaultKind.SWAPPED, one.where, f"its file holds picture {held.sha256[:12]}")
    if kept is not None and held.size_bytes < kept.size_bytes:
        text = f"its file has {held.size_bytes:,} bytes, {kept.size_bytes:,} were kept"
        return Fault(FaultKind.TRUNCATED, one.where, text)
    return Fault(FaultKind.CHANGED, one.where, f"its file has the sha256 {held.sha256[:12]}…")


class _Erased:
    """The pictures that the log says were erased."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.pictures: set[str] = set()
        self._last = -1

    def follow(self) -> None:
        while page := self._page():
            for leaf in page:
                with suppress(LedgerError):  # a fault of the log, and named there
                    self.pictures |= set(erased_pictures(read_leaf(leaf.body.encode(), f"leaf {leaf.number}")))
            self._last = page[-1].number

    def _page(self) -> Sequence[LeafRow]:
        with reading(self._engine) as connection:
            return LedgerStore(connection).leaves_of_kinds((LeafKind.ERASURE,), self._last, LEAVES_AT_ONCE)
