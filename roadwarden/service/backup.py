"""Backups and restores of the database and of its files, and whether what came back is what went away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from roadwarden.service.privacy.erasing import erased_files
from roadwarden.storage import backup as archives
from roadwarden.storage.backup import Backup
from roadwarden.storage.blobs import BlobStore, DamagedBlob, NoSuchBlob
from roadwarden.storage.engine import open_engine

__all__ = ["Backup", "Files", "back_up", "back_up_files", "files_beside", "restore", "restore_files"]

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Files:
    """What became of the files of one store in another."""

    copied: int
    bytes: int
    there: int  # already
    removed: int  # that the log says were erased
    damaged: tuple[str, ...]  # not copied: their bytes have another hash than their name

    def as_json(self) -> dict[str, object]:
        """For machines."""
        counts = {name: getattr(self, name) for name in ("copied", "bytes", "there", "removed")}
        return counts | {"damaged": list(self.damaged)}


def files_beside(path: Path) -> str:
    """Where the files go that belong to a backup: one folder for all backups of a folder, each file once."""
    return str(path.parent / "files")


def back_up(url: str, path: Path) -> Backup:
    """Writes the database of a URL, whatever its schema, to a new file, while others go on with it."""
    with _open(url) as engine:
        return archives.backup(engine, path)


def back_up_files(url: str, source: BlobStore, target: BlobStore, tell: Tell = lambda done, total: None) -> Files:
    """Copies the files that the other store has not, and removes from it what was erased since.

    After the database: what a row names was put into the store before the row was written.
    """
    with _open(url) as engine:
        erased = erased_files(engine)
    removed = 0
    for sha256 in sorted(erased):
        if target.has(sha256) and not source.has(sha256):
            target.remove(sha256)
            removed += 1
    done = _copy(source, target, tell)
    return Files(done.copied, done.bytes, done.there, removed, done.damaged)


def restore(url: str, path: Path) -> Backup:
    """Fills the empty database of a URL from a backup, and brings it to the newest schema."""
    with _open(url) as engine:
        return archives.restore(engine, path)


def restore_files(source: BlobStore, target: BlobStore, tell: Tell = lambda done, total: None) -> Files:
    """Copies the files of a backup that the store has not."""
    return _copy(source, target, tell)


def _copy(source: BlobStore, target: BlobStore, tell: Tell) -> Files:
    names = list(source.names())
    copied = size = there = 0
    damaged = []
    for number, sha256 in enumerate(names, start=1):
        if target.has(sha256):
            there += 1
        else:
            try:
                size += source.copy_to(target, sha256)
                copied += 1
            except DamagedBlob:
                damaged.append(sha256)
            except NoSuchBlob:
                pass  # erased since we listed it
        tell(number, len(names))
    return Files(copied, size, there, 0, tuple(damaged))


@contextmanager
def _open(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()
