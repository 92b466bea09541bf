"""``roadwarden bench ingest``: how fast sightings go into a database that is full of defects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.bench import bench_app
from roadwarden.inference.workspace import writing

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
    defects: Annotated[int, typer.Option(min=1, help="defects to store first")] = 1_000_000,
    sightings: Annotated[int, typer.Option(min=1, help="sightings to time")] = 20_000,
    batch: Annotated[int, typer.Option(min=1, help="sightings in one transaction")] = 2000,
    passes: Annotated[int, typer.Option(min=0, help="drives over the same streets before the timed one")] = 2,
    plot: Annotated[
        Path | None, typer.Option(help="SVG of the cost of filling against n log n, when it was filled")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="of the drive")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Time adding sightings: finding their neighbours, merging, placing on roads, judging, writing.

    Example: roadwarden bench ingest --defects 20000
    """
    from roadwarden.eval import growth
    from roadwarden.eval.bench_ingest import bench_ingest  # SQLAlchemy takes its time, and other commands want none
    from roadwarden.storage.schema import open_storage

    result = bench_ingest(
        open_storage(database),
        defects=defects,
        sightings=sightings,
        batch=batch,
        passes=passes,
        seed=seed,
        tell=lambda what: typer.echo(f"... {what}", err=True),
    )
    if plot is not None and result.filling:
        with writing(plot):
            plot.write_text(growth.plot(result.filling, "Filling the stored map", "defects"), encoding="utf-8")
    print(json.dumps(result.as_json(), indent=2) if as_json else result.markdown())
