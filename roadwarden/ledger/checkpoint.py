"""C2SP tlog-checkpoint: the size and root hash of the log, signed; and which keys are believed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from roadwarden.errors import LedgerError
from roadwarden.ledger.merkle import HASH_BYTES, Hash
from roadwarden.ledger.note import SignedNote, SigningKey, VerifierKey

_SUCCESSION: Final = "roadwarden key succession v1"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the log was: the first ``size`` leaves have this root."""

    origin: str  # the log's name, and that of its keys
    size: int
    root: Hash

    @property
    def text(self) -> str:
        """Three lines, no extensions."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """From its text; raises LedgerError for any other, also for extension lines, which we do not write."""
        lines = text.split("\n")
        try:
            checkpoint = cls(lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True))
        except (IndexError, ValueError, binascii.Error) as exc:
            raise LedgerError("no checkpoint: wanted lines with origin, size and root hash") from exc
        if checkpoint.text != text or not checkpoint.origin or len(checkpoint.root) != HASH_BYTES:
            raise LedgerError("the checkpoint is not spelled as checkpoints are")
        return checkpoint

    def sign(self, key: SigningKey) -> SignedNote:
        """Raises LedgerError for a key of another log."""
        if key.name != self.origin:
            raise LedgerError(f"the key is that of {key.name}, the log is {self.origin}: name the log's own key")
        return key.sign(self.text)

    def __str__(self) -> str:
        return f"{self.origin} size {self.size} root {self.root.hex()[:16]}…"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Public keys that are believed, and by signed successions those that followed them.

    A succession is a note in which an older key names its successor; it lengthens the trust in the older key and is
    worth as much. Where a private key was lost to somebody, hand out the new public key instead.
    """

    trusted: tuple[VerifierKey, ...]
    successions: tuple[SignedNote, ...] = ()
    _believed: Mapping[str, VerifierKey] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_believed", _followed(self.trusted, self.successions))

    @property
    def believed(self) -> tuple[VerifierKey, ...]:
        """The trusted keys, then their successors."""
        return tuple(self._believed.values())

    def with_successions(self, notes: Iterable[SignedNote]) -> KeyRing:
        """The same trust, more successions."""
        return KeyRing(self.trusted, (*self.successions, *notes))

    def open(self, note: SignedNote) -> str:
        """The text of a note; raises LedgerError where no believed key has signed it."""
        if not any(note.signed_by(key) for key in self.believed):
            names = ", ".join(f"{one.name} ({one.key_id.hex()})" for one in note.signatures)
            raise LedgerError(f"no good signature of a key that you trust; signed by {names}")
        return note.text

    def checkpoint(self, content: str) -> Checkpoint:
        """A checkpoint from its signed form; raises LedgerError where it is none, or none of these keys."""
        note = SignedNote.parse(content)
        checkpoint = Checkpoint.parse(self.open(note))
        if not any(note.signed_by(key) and key.name == checkpoint.origin for key in self.believed):
            raise LedgerError(f"the checkpoint of {checkpoint.origin} is signed by the key of another log")
        return checkpoint


def head_of(content: str) -> Checkpoint:
    """What a signed checkpoint says, whoever has signed it; raises LedgerError where it is none."""
    return Checkpoint.parse(SignedNote.parse(content).text)


def succession(old: SigningKey, new: VerifierKey) -> SignedNote:
    """The old key says that the new one follows it; raises LedgerError where they are of two logs."""
    if old.name != new.name:
        raise LedgerError(f"a key of {new.name} cannot follow one of {old.name}")
    return old.sign(f"{_SUCCESSION}\n{new}\n")


def _followed(trusted: Iterable[VerifierKey], notes: Iterable[SignedNote]) -> Mapping[str, VerifierKey]:
    found = {str(key): key for key in trusted}
    left = list(notes)
    while followed := [note for note in left if any(note.signed_by(key) for key in found.values())]:
        for note in followed:
            new = _successor(note)
            found.setdefault(str(new), new)
        left = [note for note in left if note not in followed]
    return found


def _successor(note: SignedNote) -> VerifierKey:
    lines = note.text.split("\n")
    if lines[0] != _SUCCESSION or len(lines) != 3:
        raise LedgerError("the note names no successor of a key")
    new = VerifierKey.parse(lines[1])
    if any(one.name != new.name for one in note.signatures):
        raise LedgerError(f"a key of another log names the successor of {new.name}")
    return new
