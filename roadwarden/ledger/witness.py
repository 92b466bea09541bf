"""A witness outside: it keeps every checkpoint it was shown, and takes only those that continue its last one.

What makes the log more than a promise: whoever rewrites it, keys in hand, still cannot make the witness forget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from roadwarden.errors import WitnessRefused
from roadwarden.ledger.checkpoint import Checkpoint, KeyRing
from roadwarden.ledger.merkle import Hash, consistent


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint as a witness keeps it."""

    note: str  # the signed note
    at: datetime  # when the witness took it


class Witness(Protocol):
    """Another department's memory of our checkpoints."""

    @property
    def name(self) -> str:
        """For people: where it is."""
        ...

    def kept(self, origin: str) -> Sequence[Witnessed]:
        """All it has of one log, in the order in which it took them. Raises LedgerError or StorageAway."""
        ...

    def submit(self, note: str, proof: Sequence[Hash], ring: KeyRing, now: datetime) -> None:
        """Keeps a checkpoint; ``proof``: that it continues the witness's last one. Once more: nothing happens.

        Raises WitnessRefused where it does not.
        """
        ...


def check_continues(name: str, last: Checkpoint | None, new: Checkpoint, proof: Sequence[Hash]) -> None:
    """Raises WitnessRefused that says what is wrong where ``new`` does not continue ``last``."""
    if last is None or consistent(last.size, new.size, last.root, new.root, proof):
        return
    if new.size < last.size:
        what = f"the log has {new.size} leaves, {last.size} were witnessed: it was truncated or an older one put back"
    elif new.size == last.size:
        what = f"two logs of {new.size} leaves with different roots: leaves were changed"
    else:
        what = f"the log of {new.size} leaves does not begin with the {last.size} that were witnessed"
    raise WitnessRefused(f"witness {name} refuses {new}: {what}. Run 'roadwarden ledger audit' and find out who did it")
