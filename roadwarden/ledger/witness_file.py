"""A witness in a file that is only added to: JSON Lines, a checkpoint a line, each with the sha256 of the line before.

Where the system can make a file append-only (``chattr +a``, as root, on ext4 or XFS), ``protect`` does it; elsewhere
the folder must belong to somebody whom the service cannot write as, or lie on write-once storage.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from roadwarden.cases.event_types import format_time, parse_time
from roadwarden.errors import LedgerError, OutputError
from roadwarden.ledger.canonical import canonical, read_canonical, sha256_hex
from roadwarden.ledger.checkpoint import Checkpoint, KeyRing, head_of
from roadwarden.ledger.merkle import Hash
from roadwarden.ledger.witness import Witnessed, check_continues

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

_BEFORE_ALL: Final = "0" * 64


class FileWitness:
    """One file for any number of logs."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """The path of the file."""
        return str(self._path)

    def kept(self, origin: str) -> tuple[Witnessed, ...]:
        """What it has of one log; raises LedgerError that names the line where the file was tampered with."""
        kept, _ = self._read()
        return tuple(one for one in kept if head_of(one.note).origin == origin)

    def submit(self, note: str, proof: Sequence[Hash], ring: KeyRing, now: datetime) -> None:
        """Adds a line, on the disk when this returns; one process at a time."""
        new = ring.checkpoint(note)
        with self._alone():
            self._submit(new, note, proof, now)

    def _submit(self, new: Checkpoint, note: str, proof: Sequence[Hash], now: datetime) -> None:
        everything, digest = self._read()
        kept = [one for one in everything if head_of(one.note).origin == new.origin]
        last = head_of(kept[-1].note) if kept else None
        if any(one.note == note for one in kept):
            return  # another process was faster
        check_continues(self.name, last, new, proof)
        self._append(canonical({"at": format_time(now), "checkpoint": note, "previous": digest}) + b"\n")

    def protect(self) -> bool:
        """Has the system refuse everything but appending; False where it cannot, or may not."""
        tool = shutil.which("chattr")
        if tool is None or not self._path.exists():
            return False
        done = subprocess.run([tool, "+a", str(self._path)], capture_output=True, check=False)
        return done.returncode == 0

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Between processes of one machine; on a network drive as far as that passes locks on."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            number = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as exc:
            raise OutputError(f"witness {self.name}: cannot be opened: {exc.strerror}") from exc
        try:
            if fcntl is not None:
                fcntl.flock(number, fcntl.LOCK_EX)
            yield
        finally:
            os.close(number)

    def _read(self) -> tuple[list[Witnessed], str]:
        try:
            content = self._path.read_bytes() if self._path.exists() else b""
        except OSError as exc:
            raise LedgerError(f"witness {self.name}: cannot be read: {exc.strerror}") from exc
        kept, digest = [], _BEFORE_ALL
        for number, line in enumerate(content.splitlines(keepends=True), start=1):
            entry = self._entry(line, number, digest)
            kept.append(entry)
            digest = sha256_hex(line)
        return kept, digest

    def _entry(self, line: bytes, number: int, digest: str) -> Witnessed:
        name = f"witness {self.name}: line {number}"
        if not line.endswith(b"\n"):
            raise LedgerError(f"{name} was cut off")
        entry = read_canonical(line[:-1], name)
        if not isinstance(entry, dict) or set(entry) != {"at", "checkpoint", "previous"}:
            raise LedgerError(f"{name} is none of a witness")
        if entry["previous"] != digest:
            raise LedgerError(f"{name} does not follow the line before it: a line was changed, removed or inserted")
        try:
            return Witnessed(str(entry["checkpoint"]), parse_time(entry["at"]))
        except ValueError as exc:
            raise LedgerError(f"{name}: {exc}") from exc

    def _append(self, line: bytes) -> None:
        try:
            number = os.open(self._path, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(number, line)
                os.fsync(number)
            finally:
                os.close(number)
        except OSError as exc:
            raise OutputError(f"witness {self.name}: cannot be added to: {exc.strerror}") from exc
        with suppress(OSError):
            folder = os.open(self._path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
