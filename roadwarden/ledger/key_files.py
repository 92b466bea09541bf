"""Keys in files: the private one for its owner alone, the public one for everybody."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from roadwarden.errors import ConfigError, LedgerError, OutputError
from roadwarden.ledger.checkpoint import KeyRing, succession
from roadwarden.ledger.note import SignedNote, SigningKey, VerifierKey

MOST_BYTES = 1 << 20


def write_new_key(path: Path, name: str, follows: SigningKey | None = None) -> SigningKey:
    """Makes ``path`` (mode 0600) and ``path.pub``; with ``follows`` also ``path.succession``, signed by that key.

    Raises OutputError where one of them is there: a key is never overwritten.
    """
    key = SigningKey.new(name)
    note = None if follows is None else succession(follows, key.verifier)
    public, follow = public_path(path), succession_path(path)
    for one in (path, public, follow):
        if one.exists():
            raise OutputError(f"{one} is there already: name a new file, a key is never overwritten")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, key.text() + "\n", 0o600)
        _write(public, f"{key.verifier}\n", 0o644)
        if note is not None:
            _write(follow, str(note), 0o644)
    except OSError as exc:
        raise OutputError(f"{path}: cannot be written: {exc.strerror or exc}") from exc
    return key


def read_private_key(path: Path) -> SigningKey:
    """Raises ConfigError where it cannot be read, or where others than its owner can read it."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(
            f"{path}: no private key: {type(exc).__name__}; 'roadwarden ledger keygen' makes one"
        ) from exc
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"{path}: others may read this private key (mode {mode & 0o777:o}): chmod 600 {path}")
    try:
        return SigningKey.parse(text.removesuffix("\n"))
    except LedgerError as exc:
        raise ConfigError(f"{path}: {exc}") from exc


def read_public_keys(path: Path) -> tuple[VerifierKey, ...]:
    """One key a line, lines with # left out; raises ConfigError where there is none or one cannot be read."""
    lines = [line.strip() for line in _read(path).splitlines()]
    try:
        keys = tuple(VerifierKey.parse(line) for line in lines if line and not line.startswith("#"))
    except LedgerError as exc:
        raise ConfigError(f"{path}: {exc}") from exc
    if not keys:
        raise ConfigError(f"{path}: holds no public key")
    return keys


def read_succession(path: Path) -> SignedNote:
    """The note in which an older key names its successor."""
    try:
        return SignedNote.parse(_read(path))
    except LedgerError as exc:
        raise ConfigError(f"{path}: {exc}") from exc


def ring_of(key: SigningKey) -> KeyRing:
    """Trust in one's own key."""
    return KeyRing((key.verifier,))


def public_path(path: Path) -> Path:
    """Beside the private key."""
    return path.with_name(f"{path.name}.pub")


def succession_path(path: Path) -> Path:
    """Beside the private key."""
    return path.with_name(f"{path.name}.succession")


def _write(path: Path, text: str, mode: int) -> None:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(number, "w", encoding="utf-8", newline="\n") as file:
        os.fchmod(number, mode)  # whatever the umask
        file.write(text)
        file.flush()
        os.fsync(number)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{path}: too large for a file of keys")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: cannot be read: {type(exc).__name__}") from exc
