"""``roadwarden bench ingest``: how fast sightings go into a database that is full of defects."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from roadwarden.cli.bench import bench_app

BENCH_DATABASE = "sqlite:///var/bench-ingest.db"


def register(_: typer.Typer) -> None:
    """Adds the command to the group ``bench``."""
    bench_app.command("ingest")(ingest)


def ingest(
    database: Annotated[
        str,
        typer.Option(
            help="URL of a database for this bench alone, SQLite or PostgreSQL; it stays filled for the next run"
        ),
    ] = BENCH_DATABASE,
    defects: Annotated[int, typer.Option(min=1, help="defects to store first, two sightings each")] = 1_000_000,
    sightings: Annotated[int, typer.Option(min=1, help="sightings to time")] = 20_000,
    batch: Annotated[int, typer.Option(min=1, help="sightings in one transaction")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="of the drive")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Time adding sightings, finding their neighbours and settling their defects, without merging them.

    Example: roadwarden bench ingest --defects 20000
    """
    from roadwarden.eval.bench_ingest import bench_ingest  # SQLAlchemy takes its time, and other commands want none
    from roadwarden.storage.schema import open_storage

    result = bench_ingest(
        open_storage(database),
        defects=defects,
        sightings=sightings,
        batch=batch,
        seed=seed,
        tell=lambda what: typer.echo(f"... {what}", err=True),
    )
    print(json.dumps(result.as_json(), indent=2) if as_json else result.markdown())
