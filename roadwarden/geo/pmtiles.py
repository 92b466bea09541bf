"""A basemap out of one local file: PMTiles, version 3 of the specification. Nothing is asked of anybody else.

The file stays open and is read piece by piece; of its directories the last used ones are kept in memory.
"""

from __future__ import annotations

import gzip
import json
import os
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from roadwarden.errors import ConfigError, DataError

MAGIC: Final = b"PMTiles"
_HEADER: Final = struct.Struct("<7sB11Q6B4iB2i")
_KEPT_DIRECTORIES: Final = 64
_DEEPEST: Final = 4
"""Directories in directories; the specification has three at most."""
_MOST_BYTES: Final = 64 * 2**20
"""Of a directory once it is unpacked: a damaged file shall not fill the memory."""


class Compression(IntEnum):
    """Of directories, and of tiles."""

    UNKNOWN = 0
    NONE = 1
    GZIP = 2
    BROTLI = 3
    ZSTD = 4


class TileType(IntEnum):
    """What tiles are."""

    UNKNOWN = 0
    MVT = 1
    PNG = 2
    JPEG = 3
    WEBP = 4
    AVIF = 5


MEDIA_TYPES: Final = {
    TileType.MVT: "application/vnd.mapbox-vector-tile",
    TileType.PNG: "image/png",
    TileType.JPEG: "image/jpeg",
    TileType.WEBP: "image/webp",
    TileType.AVIF: "image/avif",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """Tiles of one content from ``tile`` on, or, with no run, another directory."""

    tile: int
    offset: int
    length: int
    run: int


@dataclass(frozen=True, slots=True)
class Header:
    """What the first 127 bytes say."""

    root: tuple[int, int]  # offset and length in the file
    metadata: tuple[int, int]
    leaves_at: int
    tiles_at: int
    packed: Compression  # directories and metadata
    tiles_packed: Compression
    kind: TileType
    min_zoom: int
    max_zoom: int


class Basemap:
    """One file; several threads may ask it."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError for a file that cannot be served."""
        self._path = path
        try:
            self._file = os.open(path, os.O_RDONLY)
        except OSError as exc:
            raise ConfigError(f"{path}: the basemap cannot be opened: {exc.strerror}") from exc
        self.header = _header(os.pread(self._file, _HEADER.size, 0), path)
        self._directory = lru_cache(maxsize=_KEPT_DIRECTORIES)(self._read_directory)
        self._directory(*self.header.root)  # a damaged file is told now, not when somebody looks at the map

    @property
    def media_type(self) -> str:
        """Of its tiles."""
        return MEDIA_TYPES[self.header.kind]

    @property
    def is_gzipped(self) -> bool:
        """Whether its tiles are handed out packed."""
        return self.header.tiles_packed is Compression.GZIP

    def metadata(self) -> dict[str, Any]:
        """As its makers wrote it: ``attribution``, ``vector_layers``."""
        try:
            told = json.loads(self._unpacked(self._read(*self.header.metadata)))
        except (ValueError, DataError) as exc:
            raise ConfigError(f"{self._path}: what it says of itself is damaged: {exc}") from exc
        return told if isinstance(told, dict) else {}

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        """As it lies in the file; None where there is none. Raises DataError where the file is damaged."""
        wanted = tile_id(z, x, y)
        place = self.header.root
        for _ in range(_DEEPEST):
            found = _entry_of(self._directory(*place), wanted)
            if found is None:
                return None
            if found.run:
                inside = wanted - found.tile < found.run
                return self._read(self.header.tiles_at + found.offset, found.length) if inside else None
            place = (self.header.leaves_at + found.offset, found.length)
        raise DataError(f"{self._path}: damaged: directories lie deeper than {_DEEPEST}")

    def _read(self, offset: int, length: int) -> bytes:
        try:
            data = os.pread(self._file, length, offset)
        except (OSError, OverflowError) as exc:
            raise DataError(f"{self._path}: cannot be read: {exc}") from exc
        if len(data) < length:
            raise DataError(f"{self._path}: ends too early; was it copied whole?")
        return data

    def _read_directory(self, offset: int, length: int) -> tuple[Entry, ...]:
        try:
            return tuple(_entries(self._unpacked(self._read(offset, length))))
        except (IndexError, ValueError) as exc:
            raise DataError(f"{self._path}: a directory is damaged: {exc}") from exc

    def _unpacked(self, data: bytes) -> bytes:
        if self.header.packed is Compression.NONE:
            return data
        try:
            unpack = zlib.decompressobj(wbits=31)
            plain = unpack.decompress(data, _MOST_BYTES)
        except zlib.error as exc:
            raise DataError(f"{self._path}: damaged: {exc}") from exc
        if unpack.unconsumed_tail:
            raise DataError(f"{self._path}: damaged: a directory of more than {_MOST_BYTES:,} bytes")
        return plain


def tile_id(z: int, x: int, y: int) -> int:
    """The number of a tile: all of the zooms above it, then along the Hilbert curve."""
    found = ((1 << (2 * z)) - 1) // 3
    for level in range(z - 1, -1, -1):
        side = 1 << level
        right, low = x >> level & 1, y >> level & 1
        found += ((3 * right) ^ low) << (2 * level)
        x, y = x & (side - 1), y & (side - 1)
        if not low:
            x, y = (side - 1 - y, side - 1 - x) if right else (y, x)
    return found


def _header(data: bytes, path: Path) -> Header:
    if len(data) < _HEADER.size or not data.startswith(MAGIC + b"\x03"):
        raise ConfigError(f"{path}: no PMTiles file of version 3; 'pmtiles convert' makes one")
    _magic, _version, *numbers = _HEADER.unpack(data)
    offsets, (_clustered, packed, tiles_packed, kind, least, most) = numbers[:11], numbers[11:17]
    try:
        header = Header(
            root=(offsets[0], offsets[1]),
            metadata=(offsets[2], offsets[3]),
            leaves_at=offsets[4],
            tiles_at=offsets[6],
            packed=Compression(packed),
            tiles_packed=Compression(tiles_packed),
            kind=TileType(kind),
            min_zoom=least,
            max_zoom=most,
        )
    except ValueError as exc:
        raise ConfigError(f"{path}: damaged: {exc}") from exc
    if header.kind not in MEDIA_TYPES:
        raise ConfigError(f"{path}: does not say what its tiles are")
    for what, how in (("directories", header.packed), ("tiles", header.tiles_packed)):
        if how not in (Compression.NONE, Compression.GZIP):
            raise ConfigError(f"{path}: its {what} are packed as {how.name.lower()}; wanted gzip or none")
    return header


def _entries(data: bytes) -> Iterator[Entry]:
    numbers = _varints(data)
    count = next(numbers)
    if count > len(data):
        raise ValueError(f"{count} entries in {len(data)} bytes")
    tiles, last = [], 0
    for _ in range(count):
        last += next(numbers)
        tiles.append(last)
    runs = [next(numbers) for _ in range(count)]
    lengths = [next(numbers) for _ in range(count)]
    after = 0
    for tile, run, length in zip(tiles, runs, lengths, strict=True):
        told = next(numbers)
        offset = told - 1 if told else after
        after = offset + length
        yield Entry(tile, offset, length, run)


def _varints(data: bytes) -> Iterator[int]:
    at = 0
    while True:
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield value


def _entry_of(entries: tuple[Entry, ...], tile: int) -> Entry | None:
    """The last one that does not begin behind the tile."""
    row = bisect_right(entries, tile, key=lambda one: one.tile)
    return entries[row - 1] if row else None


def unpacked_tile(data: bytes) -> bytes:
    """For a browser that takes nothing packed. Raises DataError for a damaged one."""
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as exc:
        raise DataError(f"a tile of the basemap is damaged: {exc}") from exc
