"""``roadwarden merge``: the shards of a job as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roadwarden.inference.shards import merge_shards


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(merge)


def merge(
    shards: Annotated[list[Path], typer.Argument(help="output folders of all shards of one job")],
    out: Annotated[Path, typer.Option(help="folder for the joined tables")],
    geojson: Annotated[bool, typer.Option("--geojson", help="also write detections.geojson")] = False,
) -> None:
    """Join the output of 'roadwarden detect --shard i/n' runs into the tables of one run, byte for byte.

    Example: roadwarden merge var/s1 var/s2 --out var/all
    """
    tally = merge_shards(shards, out, geojson=geojson)
    print(f"{tally.frames} frames, {tally.detections.total()} detections in {out}")
