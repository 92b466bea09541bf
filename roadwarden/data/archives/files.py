"""Archives whose frames are files: a folder, a glob, a bucket, a list of paths."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadwarden.data.archives.base import Entry, UnreadableEntry, is_frame
from roadwarden.data.redact_url import redact_url
from roadwarden.errors import DataError


@dataclass(frozen=True, slots=True)
class FolderArchive:
    """A folder tree, sorted by path; one directory in memory at a time."""

    root: Path

    def entries(self) -> Iterator[Entry]:
        """Every picture below the folder; DataError where there is none."""
        found = False
        for entry in walk(self.root, ""):
            found = True
            yield entry
        if not found:
            raise DataError(f"{self.root}: holds no picture (jpg, png, bmp, webp, tif); is it the right folder?")

    def read(self, path: str) -> bytes:
        """The bytes of one picture."""
        return _read_local(self.root / path, path)


def walk(folder: Path, prefix: str = "") -> Iterator[Entry]:
    """Every picture below a folder, sorted by path; ``prefix`` goes before each path."""
    with os.scandir(folder) as listing:
        children = sorted(listing, key=lambda child: child.name)
    for child in children:
        path = f"{prefix}{child.name}"
        if child.is_dir(follow_symlinks=False):
            if not child.name.startswith(".") and child.name != "__MACOSX":
                yield from walk(Path(child.path), f"{path}/")
        elif is_frame(path):
            yield Entry(path, _size(child))


def _size(child: os.DirEntry[str]) -> int:
    try:
        return child.stat().st_size
    except OSError:
        return 0  # a dangling link: reading it will say so


def _read_local(place: Path, path: str) -> bytes:
    try:
        return place.read_bytes()
    except FileNotFoundError as exc:
        raise UnreadableEntry(path, "missing") from exc
    except OSError as exc:
        raise UnreadableEntry(path, "not_permitted" if isinstance(exc, PermissionError) else "read_error") from exc


@dataclass(frozen=True, slots=True)
class ListArchive:
    """A text file of paths, one a line, relative to the folder of the list; entries keep the paths as written."""

    place: Path

    def entries(self) -> Iterator[Entry]:
        """Every line that is not empty, in the list's order; a missing file is an entry that cannot be read."""
        seen: set[str] = set()
        for line in self._lines():
            if line in seen:
                raise DataError(f"{self.place}: {line!r} stands twice; every frame once")
            seen.add(line)
            target = self.place.parent / line
            yield Entry(line, target.stat().st_size if target.is_file() else 0)
        if not seen:
            raise DataError(f"{self.place}: holds no path")

    def read(self, path: str) -> bytes:
        """The bytes of one picture."""
        return _read_local(self.place.parent / path, path)

    def _lines(self) -> Iterator[str]:
        try:
            with self.place.open(encoding="utf-8-sig") as handle:
                yield from (line.rstrip("\r\n") for line in handle if line.strip())
        except UnicodeDecodeError as exc:
            raise DataError(f"{self.place}: not a UTF-8 text file of paths") from exc


@dataclass(frozen=True, slots=True)
class FilesArchive:
    """A glob or a prefix of any fsspec file system."""

    system: Any
    path: str

    def entries(self) -> Iterator[Entry]:
        """Every picture that the glob matches or that lies below the prefix, sorted by path."""
        try:
            found = (
                self.system.glob(self.path, detail=True)
                if _is_glob(self.path)
                else self.system.find(self.path, detail=True)
            )
        except (OSError, ValueError) as exc:
            raise DataError(f"{redact_url(self.path)}: cannot be listed: {redact_url(str(exc))}") from exc
        pictures = {
            name: info for name, info in found.items() if info["type"] == "file" and is_frame(self._shown(name))
        }
        if not pictures:
            raise DataError(f"{redact_url(self.path)}: matches no picture")
        for name in sorted(pictures):
            yield Entry(self._shown(name), int(pictures[name].get("size") or 0))

    def read(self, path: str) -> bytes:
        """The bytes of one picture."""
        try:
            data: bytes = self.system.cat_file(f"{self._base()}{path}")
        except FileNotFoundError as exc:
            raise UnreadableEntry(path, "missing") from exc
        except OSError as exc:
            raise UnreadableEntry(path, "read_error") from exc
        return data

    def _base(self) -> str:
        """The folder that entries are relative to, with its slash: of a glob, what stands before its first sign."""
        path = self.system._strip_protocol(self.path)
        fixed = path
        if _is_glob(path):
            fixed = path[: min(path.find(sign) for sign in "*?[" if sign in path)].rpartition("/")[0]
        return f"{fixed.rstrip('/')}/" if fixed else ""

    def _shown(self, name: str) -> str:
        return str(name).removeprefix(self._base())


def _is_glob(path: str) -> bool:
    return any(sign in path for sign in "*?[")
