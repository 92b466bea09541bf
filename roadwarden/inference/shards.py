"""Joins the shards of a job: their parts are the parts of the whole job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from roadwarden.errors import DataError
from roadwarden.inference.listing import number_of_batches
from roadwarden.inference.parts import finished_batches, read_parts
from roadwarden.inference.results import Tally, write_tables
from roadwarden.inference.summary import write_summary
from roadwarden.inference.workspace import Workspace, writing


def merge_shards(folders: Sequence[Path], out: Path, *, geojson: bool = False) -> Tally:
    """Writes the tables of the whole job; raises DataError for shards of different jobs or a batch nobody has done."""
    spaces = [Workspace(folder) for folder in folders]
    job = _common_job(spaces)
    owners = {number: space for space in spaces for number in finished_batches(space.parts)}
    missing = sorted(set(range(number_of_batches(job["frames"]))) - owners.keys())
    if missing:
        raise DataError(
            f"{len(missing)} batches are in none of the folders (first: {missing[0]}); "
            "name every shard's folder, and finish each with its 'roadwarden detect' command"
        )
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        tally = write_tables(_parts(owners), out, geojson=geojson)
        write_summary(out, job, tally)
    return tally


def _common_job(spaces: Sequence[Workspace]) -> dict[str, Any]:
    jobs = {space.root: space.read_job() for space in spaces}
    for root, job in jobs.items():
        if job is None:
            raise DataError(f"{root}: not the output of 'roadwarden detect'")
    first_root, first = next(iter(jobs.items()))
    for root, job in jobs.items():
        if job["fingerprint"] != first["fingerprint"]:  # type: ignore[index]
            raise DataError(f"{root}: a shard of another job than {first_root}")
    return first  # type: ignore[return-value]


def _parts(owners: dict[int, Workspace]) -> Iterator[pa.Table]:
    for number in sorted(owners):
        yield from read_parts(owners[number].parts, [number])
