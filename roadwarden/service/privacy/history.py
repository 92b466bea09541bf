"""What was erased, as the log has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from roadwarden.ledger.leaves import Json, Source, erased_pictures, read_leaf
from roadwarden.storage.engine import reading
from roadwarden.storage.ledger_store import LedgerStore


@dataclass(frozen=True, slots=True)
class ErasureLeaf:
    """One leaf; ``rule``, ``count`` and ``sha256`` are missing where only names and words of events went."""

    leaf: int
    at: str
    case: str | None
    rule: str | None
    count: int | None
    sha256: str | None
    events: int
    pictures: tuple[str, ...]

    def as_json(self) -> Json:
        """For machines."""
        names = ("leaf", "at", "case", "rule", "count", "sha256", "events")
        return {name: getattr(self, name) for name in names} | {"pictures": list(self.pictures)}

    def __str__(self) -> str:
        what = [
            f"by rule {self.rule}" if self.rule else "by request",
            f"of case {self.case}" if self.case else "",
            f"{self.events} events" if self.events else "",
            f"{len(self.pictures)} pictures" if self.pictures else "",
            "" if self.count is None else f"{self.count} in all, sha256 {str(self.sha256)[:12]}…",
        ]
        return f"{self.at} leaf {self.leaf}: " + ", ".join(filter(None, what))


def erasures(engine: Engine, case: str | None = None) -> Sequence[ErasureLeaf]:
    """In the order of the log."""
    with reading(engine) as connection:
        rows = LedgerStore(connection).leaves_of_source(Source.ERASURES)
    found = [_erasure(row.number, read_leaf(row.body.encode(), f"leaf {row.number}")) for row in rows]
    return [one for one in found if case in (None, one.case)]


def _erasure(leaf: int, body: Json) -> ErasureLeaf:
    rows = body.get("rows", {})
    return ErasureLeaf(
        leaf,
        str(body["at"]),
        body.get("case"),
        rows.get("rule"),
        rows.get("count"),
        rows.get("sha256"),
        len(body["leaves"]),
        erased_pictures(body),
    )
