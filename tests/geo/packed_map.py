"""A PMTiles file as its specification says, written without our reader."""

from __future__ import annotations

import gzip
import json
import struct


def varint(number: int) -> bytes:
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def directory(entries) -> bytes:
    """Of (tile, offset, length, run), in order of their tiles; packed."""
    parts, last = [varint(len(entries))], 0
    for tile, *_ in entries:
        parts.append(varint(tile - last))
        last = tile
    parts += [varint(run) for *_, run in entries]
    parts += [varint(length) for _, _, length, _ in entries]
    after = None
    for _, offset, length, _ in entries:
        parts.append(varint(0 if offset == after else offset + 1))
        after = offset + length
    return gzip.compress(b"".join(parts))


def packed_map(root, leaves, tiles, *, kind=1, zooms=(0, 2), metadata=None, tiles_packed=2) -> bytes:
    """The whole file; ``leaves`` and ``tiles`` are bytes that entries name by offset and length."""
    root, told = directory(root), gzip.compress(json.dumps(metadata or {}).encode())
    at = [127, 127 + len(root), 127 + len(root) + len(told)]
    tiles_at = at[2] + len(leaves)
    numbers = [at[0], len(root), at[1], len(told), at[2], len(leaves), tiles_at, len(tiles), 0, 0, 0]
    rest = struct.pack("<6B4iB2i", 1, 2, tiles_packed, kind, *zooms, 0, 0, 0, 0, 0, 0, 0)
    return b"PMTiles\x03" + struct.pack("<11Q", *numbers) + rest + root + told + leaves + tiles
