"""Backups and restores, and whether what came back is what went away."""

from __future__ import annotations

from pathlib import Path

from roadwarden.storage import backup as archives
from roadwarden.storage.backup import Backup
from roadwarden.storage.engine import open_engine

__all__ = ["Backup", "back_up", "restore"]


def back_up(url: str, path: Path) -> Backup:
    """Writes the database of a URL, whatever its schema, to a new file, while others go on with it."""
    engine = open_engine(url)
    try:
        return archives.backup(engine, path)
    finally:
        engine.dispose()


def restore(url: str, path: Path) -> Backup:
    """Fills the empty database of a URL from a backup, and brings it to the newest schema."""
    engine = open_engine(url)
    try:
        return archives.restore(engine, path)
    finally:
        engine.dispose()
