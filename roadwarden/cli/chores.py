"""What the scheduler does beside warnings and deliveries: the inbox, the log, the rules of retention."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from roadwarden.cli.ledger_common import NO_REGISTRY, advance, moves_or_none, own_ring, private_key
from roadwarden.cli.partners import inbox_desk
from roadwarden.settings import blobs_url

if TYPE_CHECKING:
    from roadwarden.service.cases import CaseDesk
    from roadwarden.service.scheduler import Chore

HOUR_S = 3600.0
RETENTION_EVERY_S = 6 * HOUR_S


def inbox_chores(desk: CaseDesk, partners: Path | None, keep: timedelta) -> Iterator[Chore]:
    """What waits because the case was busy, the database away, or for what happened before it."""
    from roadwarden.service.scheduler import Chore

    box = inbox_desk(desk, partners)
    if box is None:
        return

    def apply() -> int:
        done = box.apply()
        return done.applied + done.rejected + done.ignored

    yield Chore("inbox", apply)
    yield Chore("forget_inbox", lambda: box.forget(desk.now() - keep), HOUR_S)


def ledger_chore(
    desk: CaseDesk, key: Path | None, witnesses: Sequence[str], registry: str | None, every_s: float
) -> Chore:
    """The log follows; with a key it is signed and shown to the witnesses too. Raises ConfigError, LedgerError."""
    from roadwarden.service.ledger import Ledger
    from roadwarden.service.scheduler import Chore

    ledger = Ledger(desk.engine)
    asked = registry if registry is not None or moves_or_none(None) is not None else NO_REGISTRY  # says it once
    if key is None:
        return Chore("ledger", lambda: ledger.follow(moves_or_none(asked) or ()), every_s)
    private = private_key(key)
    ring = own_ring(key, private)
    follow: Callable[[], int] = lambda: int(advance(ledger, key, private, ring, witnesses, asked)["added"])  # noqa: E731
    return Chore("ledger", follow, every_s)


def retention_chore(desk: CaseDesk, rules: Path | None) -> Chore:
    """What has become older than the rules allow is erased. Raises ConfigError for rules that cannot be read."""
    from roadwarden.cli.privacy import retention_table
    from roadwarden.service.privacy.erasing import Eraser
    from roadwarden.service.privacy.sweep import Sweeper
    from roadwarden.service.scheduler import Chore
    from roadwarden.storage.blobs import open_blobs

    sweeper = Sweeper(Eraser(desk.engine, open_blobs(blobs_url()), desk.now), retention_table(rules))
    return Chore("retention", lambda: sum(one.count for one in sweeper.sweep()), RETENTION_EVERY_S)
