"""What every erasure does: the rows, and in the same transaction a leaf of the log that says what went and how much.

Files go after that. A process that ends in between leaves a file that the log calls erased: ``finish`` removes it, and
an audit names it meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, inspect

from roadwarden.cases.event_types import format_time, parse_time
from roadwarden.errors import NotFound
from roadwarden.ledger.canonical import canonical, sha256_hex
from roadwarden.ledger.leaves import Erased, Json, LeafKind, Source, draft_of_erasure, erased_pictures, read_leaf
from roadwarden.service.cases import utc_now
from roadwarden.service.ledger import Ledger
from roadwarden.storage.assessments import ShownStore
from roadwarden.storage.blobs import BlobStore
from roadwarden.storage.engine import reading, writing
from roadwarden.storage.evidence import EvidenceStore, UseKind
from roadwarden.storage.evidence_tables import evidence
from roadwarden.storage.forgetting import ForgetStore, Forgettable
from roadwarden.storage.ledger_store import LedgerStore
from roadwarden.storage.ledger_tables import ledger_leaves

FINISH_WITHIN: Final = timedelta(days=7)
"""Files of pictures that were erased since are looked for again."""
LEAVES_AT_ONCE: Final = 4096


@dataclass(frozen=True, slots=True)
class Warrant:
    """Who has it erased, and why; with a rule of retention, which one and how old things are that go."""

    by: str
    reason: str
    rule: Forgettable | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """What the log has of one step of an erasure."""

    leaf: int
    count: int
    sha256: str  # of the keys of what went, as canonical JSON of a sorted list


@dataclass(frozen=True, slots=True)
class Eraser:
    """Of one database and its store of files."""

    engine: Engine
    blobs: BlobStore
    now: Callable[[], datetime] = utc_now
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ledger", Ledger(self.engine))

    def rows(self, rule: Forgettable, keys: Sequence[Any], warrant: Warrant) -> Proof:
        """Erases rows, or the words in them."""
        with writing(self.engine, durably=True) as connection:
            ForgetStore(connection).forget(rule, keys)
            return self.log(connection, keys, warrant)

    def pictures(self, pictures: Iterable[str], warrant: Warrant) -> tuple[Proof, ...]:
        """Erases the files of pictures, their redacted copies, what was drawn of them, and what EXIF said.

        One leaf for each case that holds some, so that its bundle can tell; one for those that no case holds.
        """
        return self._pictures(list(dict.fromkeys(pictures)), frozenset(), warrant)

    def picture(self, sha256: str, named: frozenset[str], warrant: Warrant) -> tuple[Proof, ...]:
        """Erases one picture; ``named``: cases whose events name it. Raises NotFound for one that nobody knows."""
        with reading(self.engine) as connection:
            known = EvidenceStore(connection).get(sha256) is not None
        if not (known or named or self.blobs.has(sha256)):
            raise NotFound(f"there is no picture {sha256[:64]}")
        return self._pictures([sha256], named, warrant)

    def _pictures(self, wanted: Sequence[str], named: frozenset[str], warrant: Warrant) -> tuple[Proof, ...]:
        if not wanted:
            return ()
        files: set[str] = set()
        with writing(self.engine, durably=True) as connection:
            files |= {public for one in wanted if (public := EvidenceStore(connection).erase(one, self.now()))}
            proofs = []
            for case, several in sorted(self._by_case(connection, wanted, named).items()):
                drawn = ShownStore(connection).drawn_from(several, case) if case else ()
                files |= set(drawn)
                erased = Erased(pictures=sorted({*several, *drawn}))
                proofs.append(self._leaf(connection, erased, several, warrant, case or None))
        for sha256 in (*wanted, *sorted(files)):
            self.blobs.remove(sha256)
        return tuple(proofs)

    def finish(self) -> int:
        """Removes files of pictures that were erased and are there still; returns how many there were."""
        left = [one for one in sorted(erased_files(self.engine, self.now() - FINISH_WITHIN)) if self.blobs.has(one)]
        for sha256 in left:
            self.blobs.remove(sha256)
        return len(left)

    def named_by_events(self, pictures: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """The cases whose events name each of the pictures; reads the whole log, piece by piece."""
        self.ledger.follow()
        wanted, found, last = frozenset(pictures), dict[str, set[str]](), -1
        while wanted:
            with reading(self.engine) as connection:
                page = LedgerStore(connection).leaves_of_kinds((LeafKind.EVIDENCE,), last, LEAVES_AT_ONCE)
            for leaf in page:
                name = str(read_leaf(leaf.body.encode(), f"leaf {leaf.number}").get("evidence"))
                if name in wanted:
                    found.setdefault(name, set()).add(str(leaf.case))
            if not page:
                break
            last = page[-1].number
        return {name: frozenset(cases) for name, cases in found.items()}

    def log(self, connection: Connection, keys: Sequence[Any], warrant: Warrant) -> Proof:
        """A leaf that says how much went, in the caller's transaction."""
        return self._leaf(connection, Erased(), keys, warrant, None)

    def _leaf(
        self, connection: Connection, erased: Erased, keys: Sequence[Any], warrant: Warrant, case: str | None
    ) -> Proof:
        store = LedgerStore(connection)
        digest = digest_of(keys)
        rows: Json = {"count": len(keys), "sha256": digest}
        if warrant.rule is not None:
            rows["rule"] = warrant.rule.value
        if warrant.before is not None:
            rows["before"] = format_time(warrant.before)
        erased = Erased(erased.leaves, erased.pictures, rows)
        number = store.newest(Source.ERASURES) + 1
        draft = draft_of_erasure(number, erased, warrant.by, warrant.reason, self.now(), case)
        leaf = store.size()
        self.ledger.append([draft], store)
        return Proof(leaf, len(keys), digest)

    def _by_case(
        self, connection: Connection, pictures: Sequence[str], named: frozenset[str]
    ) -> Mapping[str, list[str]]:
        """Those that belong to no case under the empty name."""
        pictured, found = EvidenceStore(connection), dict[str, list[str]]()
        for sha256 in pictures:
            cases = set(named)
            cases |= {subject for kind, subject in pictured.uses_of(sha256) if kind is UseKind.CASE}
            cases |= ShownStore(connection).cases_of(sha256)
            for case in cases or {""}:
                found.setdefault(case, []).append(sha256)
        return found


def erased_files(engine: Engine, since: datetime | None = None) -> frozenset[str]:
    """Files that are not to be anywhere any more, as rows and log say; a database of an older schema knows of none."""
    with reading(engine) as connection:
        tables = set(inspect(connection).get_table_names())
        found = set(EvidenceStore(connection).erased_files(since)) if evidence.name in tables else set()
    last = -1
    while ledger_leaves.name in tables:
        with reading(engine) as connection:
            page = LedgerStore(connection).leaves_of_kinds((LeafKind.ERASURE,), last, LEAVES_AT_ONCE)
        if not page:
            break
        bodies = [read_leaf(leaf.body.encode(), f"leaf {leaf.number}") for leaf in page]
        found |= {
            name
            for body in bodies
            if since is None or parse_time(body["at"]) >= since
            for name in erased_pictures(body)
        }
        last = page[-1].number
    return frozenset(found)


def digest_of(keys: Iterable[Any]) -> str:
    """What proves which things went to whoever has a list of them; it tells nobody else which they were."""
    return sha256_hex(canonical(sorted(map(str, keys))))
