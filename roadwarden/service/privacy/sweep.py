"""The rules of retention, applied: what has aged is erased in small transactions, each with its leaf in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from roadwarden.cases.event_types import format_time
from roadwarden.errors import LedgerError
from roadwarden.ledger.leaves import Json
from roadwarden.service.ledger_erasure import Erasure, erase
from roadwarden.service.privacy.erasing import Eraser, Proof, Warrant, digest_of
from roadwarden.service.privacy.rules import RetentionTable
from roadwarden.storage import evidence
from roadwarden.storage.engine import reading
from roadwarden.storage.evidence import UseKind
from roadwarden.storage.forgetting import ForgetStore, Forgettable

logger = logging.getLogger(__name__)

AT_ONCE: Final = 500
"""Keys of one transaction and of one leaf: some 30 ms of the one writer's time."""
MOST_LOOSE: Final = 100_000
"""Looked for in the log at once."""
BY: Final = "retention"
_PICTURES: Final = frozenset({Forgettable.REPORT_PICTURES, Forgettable.LOOSE_PICTURES, Forgettable.CASE_PICTURES})


@dataclass(frozen=True, slots=True)
class Swept:
    """What one rule did, or, in a dry run, would have done."""

    rule: Forgettable
    before: datetime
    count: int
    proofs: tuple[Proof, ...]
    fault: str = ""  # why it stopped

    def as_json(self) -> Json:
        """For machines."""
        leaves = [{"leaf": one.leaf, "count": one.count, "sha256": one.sha256} for one in self.proofs]
        return {
            "rule": self.rule.value,
            "before": format_time(self.before),
            "count": self.count,
            "leaves": leaves,
            "fault": self.fault or None,
        }


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Applies rules to one database and its files."""

    eraser: Eraser
    rules: RetentionTable

    def sweep(self) -> tuple[Swept, ...]:
        """Erases all that has aged; each rule that is in force tells what it did. Raises StorageAway."""
        self.eraser.ledger.follow()
        self.eraser.finish()
        return tuple(self._apply(rule, before) for rule, before in self._in_force())

    def look(self) -> tuple[Swept, ...]:
        """What ``sweep`` would erase, counted; nothing is."""
        self.eraser.ledger.follow()
        return tuple(
            Swept(rule, before, len(self._due(rule, before, 1_000_000)), ()) for rule, before in self._in_force()
        )

    def _in_force(self) -> Iterator[tuple[Forgettable, datetime]]:
        now = self.eraser.now()
        for rule in Forgettable:
            if (keep := self.rules.keep(rule)) is not None:
                yield rule, now - keep

    def _due(self, rule: Forgettable, before: datetime, most: int = AT_ONCE) -> Sequence[Any]:
        with reading(self.eraser.engine) as connection:
            return ForgetStore(connection).due(rule, before, most)

    def _apply(self, rule: Forgettable, before: datetime) -> Swept:
        warrant = Warrant(BY, f"rule {rule} of version {self.rules.version}", rule, before)
        count, proofs = 0, list[Proof]()
        if rule is Forgettable.LOOSE_PICTURES:
            self._tie_to_cases(before)
        try:
            while keys := self._due(rule, before):
                proofs += self._erase(rule, keys, warrant)
                count += len(keys)
        except LedgerError as exc:  # tampered with: nothing more goes before somebody has looked
            logger.error("rule %s of retention stops: %s", rule, exc)
            return Swept(rule, before, count, tuple(proofs), str(exc))
        return Swept(rule, before, count, tuple(proofs))

    def _tie_to_cases(self, before: datetime) -> None:
        """A picture that an event names belongs to its case, also where nobody has said so: it is not loose."""
        loose = self._due(Forgettable.LOOSE_PICTURES, before, MOST_LOOSE)
        named = self.eraser.named_by_events(loose) if loose else {}
        if not named:
            return
        with evidence.writing(self.eraser.engine) as unit:
            for sha256, cases in named.items():
                for case in sorted(cases):
                    unit.use(UseKind.CASE, case, [sha256])

    def _erase(self, rule: Forgettable, keys: Sequence[Any], warrant: Warrant) -> Sequence[Proof]:
        if rule in _PICTURES:
            return self.eraser.pictures(keys, warrant)
        if rule is Forgettable.CASE_WORDS:
            return [proof for case in keys if (proof := self._words_of_case(case, warrant)) is not None]
        return [self.eraser.rows(rule, keys, warrant)]

    def _words_of_case(self, case: str, warrant: Warrant) -> Proof | None:
        before = warrant.before or self.eraser.now()
        rows = {"rule": Forgettable.CASE_WORDS.value, "before": format_time(before)}
        wanted = Erasure(case, None, warrant.by, warrant.reason, rows)
        done = erase(self.eraser.ledger, wanted, self.eraser.now())
        if done.leaf is None:
            return None
        return Proof(done.leaf, len(done.positions), digest_of(done.positions))
