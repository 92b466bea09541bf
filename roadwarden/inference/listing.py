"""The listing of an archive: every frame with its size, in the order the batches are cut from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from roadwarden.data.archives import Entry
from roadwarden.inference.settings import BATCH_FRAMES

SCHEMA = pa.schema([("frame", pa.string()), ("size_bytes", pa.int64())])
GROUP_ROWS = 65_536


def write_listing(entries: Iterable[Entry], place: Path) -> tuple[int, str]:
    """Streams the entries into a Parquet file; returns their number and the digest of paths and sizes."""
    digest, count = hashlib.sha256(), 0
    draft = place.with_suffix(".tmp")
    with pq.ParquetWriter(draft, SCHEMA) as writer:
        rows = iter(entries)
        while group := list(islice(rows, GROUP_ROWS)):
            for entry in group:
                digest.update(f"{entry.path}\0{entry.size_bytes}\n".encode("utf-8", "surrogateescape"))
            columns = [[entry.path for entry in group], [entry.size_bytes for entry in group]]
            writer.write_table(pa.table(columns, schema=SCHEMA))
            count += len(group)
    draft.replace(place)
    return count, digest.hexdigest()


def read_batches(place: Path) -> Iterator[tuple[int, list[Entry]]]:
    """(batch number, entries), a group of rows in memory at a time."""
    rows = (
        Entry(path, size)
        for group in pq.ParquetFile(place).iter_batches(GROUP_ROWS)
        for path, size in zip(group["frame"].to_pylist(), group["size_bytes"].to_pylist(), strict=True)
    )
    number = 0
    while batch := list(islice(rows, BATCH_FRAMES)):
        yield number, batch
        number += 1


def number_of_batches(frames: int) -> int:
    """How many batches that many frames are cut into."""
    return -(-frames // BATCH_FRAMES)
