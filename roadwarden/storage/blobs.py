"""Files by their sha256: a folder, or a bucket, of things that are written once and never changed."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import fsspec

from roadwarden.data.redact_url import redact_url
from roadwarden.errors import ConfigError, DataError, MissingExtra, StorageAway

_SHA256 = re.compile(r"[0-9a-f]{64}")
_EXTRAS = {"s3": "roadwarden[s3]"}


class NoSuchBlob(DataError):
    """Nothing is kept under that sha256."""


class DamagedBlob(DataError):
    """What is kept is not what was put there."""


PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Held:
    """What lies under a name, whatever the name says."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class BlobStore:
    """``put`` and ``get`` raise StorageAway where the disk or the object store does not do its part."""

    files: Any  # an fsspec file system
    root: str

    def put(self, data: bytes) -> str:
        """Keeps the bytes and returns their sha256; the same again does nothing."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        try:
            if not self.files.exists(path):
                self._write(path, data)
        except _unreachable() as exc:
            raise _away(exc) from exc
        return sha256

    def get(self, sha256: str) -> bytes:
        """Raises NoSuchBlob, and DamagedBlob where the bytes have another hash by now."""
        try:
            data = bytes(self.files.cat_file(self._path(sha256)))
        except FileNotFoundError as exc:
            raise NoSuchBlob(f"no file is kept under {sha256}") from exc
        except _unreachable() as exc:
            raise _away(exc) from exc
        if hashlib.sha256(data).hexdigest() != sha256:
            raise DamagedBlob(f"the file {sha256} is damaged: its bytes have another hash; restore it from a backup")
        return data

    def held(self, sha256: str) -> Held:
        """What is kept there now, hashed piece by piece: memory does not grow with the file. Raises NoSuchBlob."""
        digest, size = hashlib.sha256(), 0
        try:
            with self.files.open(self._path(sha256), "rb") as stream:
                while piece := stream.read(PIECE):
                    digest.update(piece)
                    size += len(piece)
        except FileNotFoundError as exc:
            raise NoSuchBlob(f"no file is kept under {sha256}") from exc
        except _unreachable() as exc:
            raise _away(exc) from exc
        return Held(digest.hexdigest(), size)

    def has(self, sha256: str) -> bool:
        """Whether something is kept under it."""
        try:
            return bool(self.files.exists(self._path(sha256)))
        except _unreachable() as exc:
            raise _away(exc) from exc

    def names(self) -> Iterator[str]:
        """The sha256 of everything that is kept, in order; a store that nobody has written to has nothing."""
        try:
            found = self.files.find(self.root) if self.files.exists(self.root) else ()
        except _unreachable() as exc:
            raise _away(exc) from exc
        yield from sorted(name for path in found if _SHA256.fullmatch(name := str(path).rpartition("/")[2]))

    def copy_to(self, other: BlobStore, sha256: str) -> int:
        """Copies a file piece by piece, and returns its length.

        Raises NoSuchBlob, and DamagedBlob where it is not what its name says: the other store keeps nothing then.
        """
        digest, size = hashlib.sha256(), 0
        draft = f"{other.root}/.{secrets.token_hex(8)}"
        try:
            other.files.makedirs(other.root, exist_ok=True)
            with self.files.open(self._path(sha256), "rb") as source, other.files.open(draft, "wb") as target:
                while piece := source.read(PIECE):
                    digest.update(piece)
                    size += len(piece)
                    target.write(piece)
            if digest.hexdigest() != sha256:
                other.files.rm_file(draft)
                raise DamagedBlob(f"the file {sha256} is damaged: its bytes have another hash")
            place = other._path(sha256)
            other.files.makedirs(place.rpartition("/")[0], exist_ok=True)
            other.files.mv(draft, place)
        except FileNotFoundError as exc:
            raise NoSuchBlob(f"no file is kept under {sha256}") from exc
        except _unreachable() as exc:
            raise _away(exc) from exc
        return size

    def remove(self, sha256: str) -> None:
        """Forgets it, where the law asks for that; one that is not there is forgotten already."""
        try:
            self.files.rm_file(self._path(sha256))
        except FileNotFoundError:
            return
        except _unreachable() as exc:
            raise _away(exc) from exc

    def _path(self, sha256: str) -> str:
        if not _SHA256.fullmatch(sha256):  # and so no name ever leads out of the root
            raise NoSuchBlob(f"'{sha256[:80]}' is no sha256: 64 hex digits, small letters")
        return f"{self.root}/{sha256[:2]}/{sha256[2:4]}/{sha256}"

    def _write(self, path: str, data: bytes) -> None:
        """An object store shows a file once it is whole; on a disk it is renamed into place when it is on the disk."""
        if "file" not in _protocols(self.files):
            self.files.pipe_file(path, data)
            return
        folder = path.rpartition("/")[0]
        self.files.makedirs(folder, exist_ok=True)
        beside = f"{folder}/.{secrets.token_hex(8)}"
        with self.files.open(beside, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        self.files.mv(beside, path)


def open_blobs(url: str) -> BlobStore:
    """A store in a folder (``var/blobs``) or wherever fsspec reaches (``s3://bucket/evidence``).

    Credentials come from where the file system looks for them, never from the URL. Raises ConfigError, MissingExtra.
    """
    try:
        files, root = fsspec.core.url_to_fs(url)
    except ImportError as exc:
        scheme = url.split("://", 1)[0]
        raise MissingExtra(f"{scheme}:// needs {_EXTRAS.get(scheme, 'its fsspec package')}: {exc}") from exc
    except ValueError as exc:
        raise ConfigError(f"'{redact_url(url)}' is no place for files: {exc}") from exc
    return BlobStore(files, str(root).rstrip("/"))


def _protocols(files: Any) -> tuple[str, ...]:
    return (files.protocol,) if isinstance(files.protocol, str) else tuple(files.protocol)


def _unreachable() -> tuple[type[Exception], ...]:
    """What a disk raises, and what a bucket raises whose server does not answer."""
    remote = sys.modules.get("botocore.exceptions")
    return (OSError,) if remote is None else (OSError, remote.BotoCoreError)


def _away(exc: Exception) -> StorageAway:
    told = redact_url((str(exc) or type(exc).__name__).splitlines()[0])
    return StorageAway(f"the files of evidence cannot be reached: {told}; is there room, may we write there?")
