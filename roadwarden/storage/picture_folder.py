"""Pictures in a folder, each under its sha256: ``ab/cd/abcd…``, or flat with or without an ending."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from roadwarden.errors import StorageAway

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ENDINGS = ("", ".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """Written once, never changed. Raises StorageAway where the disk does not do its part."""

    folder: Path

    def get(self, sha256: str) -> bytes | None:
        """None where it is not there; a file that is not what its name says is not it."""
        if not _SHA256.fullmatch(sha256):  # and so no name ever leads out of the folder
            return None
        flat = [self.folder / f"{sha256}{ending}" for ending in _ENDINGS]
        for path in (self._path(sha256), *flat):
            try:
                data = path.read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                continue
            except OSError as exc:
                raise StorageAway(f"{path}: cannot be read: {exc.strerror}") from exc
            if hashlib.sha256(data).hexdigest() == sha256:
                return data
        return None

    def put(self, data: bytes) -> str:
        """Keeps a picture, whole or not at all; returns its sha256."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        if path.exists():
            return sha256
        beside = path.with_name(f".{secrets.token_hex(8)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(path)
        except OSError as exc:
            raise StorageAway(f"{path}: cannot be written: {exc.strerror}; is there room, may we write there?") from exc
        return sha256

    def _path(self, sha256: str) -> Path:
        return self.folder / sha256[:2] / sha256[2:4] / sha256
