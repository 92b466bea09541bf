"""Archives in one file: zip and tar. Members are read in memory, never written to disk."""

from __future__ import annotations

import tarfile
import threading
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from roadwarden.data.archives.base import Entry, UnreadableEntry, is_frame
from roadwarden.errors import DataError

MOST_MEMBER_BYTES = 512 * 2**20
"""A member that claims to unpack to more is not a frame but a bomb."""
MOST_HEADER_BYTES = 2**20
"""Of a tar's long names and attributes, which are read into memory as soon as they are met."""
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What zipfile unpacks no further than it is asked to; bzip2 and lzma it unpacks as a whole, whatever that gives."""
_HEADERS = (b"L", b"K", b"x", b"g", b"X")
"""Long names and links of GNU, attributes of POSIX and of Solaris."""


class ZipArchive:
    """A zip file, sorted by path. A damaged member costs itself only."""

    def __init__(self, place: Path) -> None:
        """Reads the directory at the file's end; DataError where it is cut off."""
        self._place = place
        try:
            self._zip = zipfile.ZipFile(place)
        except (zipfile.BadZipFile, OSError) as exc:
            raise DataError(f"{place}: not a whole zip file ({exc}); copy it again") from exc

    def __reduce__(self) -> tuple[type[ZipArchive], tuple[Path]]:
        """A handle is not shared between processes: each opens its own."""
        return ZipArchive, (self._place,)

    def entries(self) -> Iterator[Entry]:
        """Every picture in it; DataError where there is none."""
        sizes = {info.filename: info.file_size for info in self._zip.infolist() if is_frame(info.filename)}
        if not sizes:
            raise DataError(f"{self._place}: holds no picture (jpg, png, bmp, webp, tif)")
        for path in sorted(sizes):
            yield Entry(path, sizes[path])

    def read(self, path: str) -> bytes:
        """The bytes of one member."""
        try:
            info = self._zip.getinfo(path)
        except KeyError as exc:
            raise UnreadableEntry(path, "missing") from exc
        if info.file_size > MOST_MEMBER_BYTES:
            raise UnreadableEntry(path, "too_large")
        if info.compress_type not in _BOUNDED:
            raise UnreadableEntry(path, "unknown_packing")
        try:
            with self._zip.open(info) as member:
                return member.read(info.file_size + 1)  # a size: without one it is unpacked beyond what it claims
        except RuntimeError as exc:  # zipfile's answer to an encrypted member
            raise UnreadableEntry(path, "encrypted") from exc
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as exc:
            raise UnreadableEntry(path, "corrupt_member") from exc


class _Header(tarfile.TarInfo):
    """A header of a tar that is refused where reading it would take memory that no honest one takes."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Raises a TarError, which is where the archive breaks off."""
        header = super().frombuf(buf, encoding, errors)
        if header.type in _HEADERS and header.size > MOST_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {header.size:,} bytes is none")
        return header


class TarArchive:
    """A tar file, compressed or not, in the order of its members, so that reading in order never goes back."""

    def __init__(self, place: Path) -> None:
        """Opens it; DataError where not even its first member can be read."""
        self._place, self._lock = place, threading.Lock()
        self._open()

    def __reduce__(self) -> tuple[type[TarArchive], tuple[Path]]:
        """A handle is not shared between processes: each opens its own."""
        return TarArchive, (self._place,)

    def _open(self) -> None:
        try:
            self._tar = tarfile.open(self._place, tarinfo=_Header)  # noqa: SIM115 -- lives as long as the archive
        except (tarfile.TarError, EOFError, OSError, zlib.error) as exc:
            raise DataError(f"{self._place}: not a tar file that can be read ({exc}); copy it again") from exc
        self._members: dict[str, tarfile.TarInfo] = {}

    def entries(self) -> Iterator[Entry]:
        """Every picture up to where the file breaks off, should it."""
        yield from (Entry(path, member.size) for path, member in self._index().items())

    def read(self, path: str) -> bytes:
        """The bytes of one member."""
        member = self._index().get(path)
        if member is None:
            raise UnreadableEntry(path, "missing")
        if member.size > MOST_MEMBER_BYTES:
            raise UnreadableEntry(path, "too_large")
        with self._lock:
            try:
                handle = self._tar.extractfile(member)
                data = handle.read() if handle else b""
            except (tarfile.TarError, EOFError, OSError, zlib.error) as exc:
                raise UnreadableEntry(path, "corrupt_member") from exc
        if len(data) < member.size:
            raise UnreadableEntry(path, "corrupt_member")
        return data

    def _index(self) -> dict[str, tarfile.TarInfo]:
        if not self._members:
            for member in self._readable():
                if member.isfile() and is_frame(member.name):
                    self._members[member.name] = member
            if not self._members:
                raise DataError(f"{self._place}: holds no picture that can be read (jpg, png, bmp, webp, tif)")
        return self._members

    def _readable(self) -> Iterator[tarfile.TarInfo]:
        while True:
            try:
                member = self._tar.next()
            except (tarfile.TarError, EOFError, OSError, zlib.error):
                return
            if member is None:
                return
            yield member
