"""``roadwarden bench pictures``: what it costs to know a picture again among a million."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from roadwarden.cli.bench import bench_app

BENCH_DATABASE = "sqlite:///var/bench-pictures.db"


def register(_: typer.Typer) -> None:
    """Adds the command to the group ``bench``."""
    bench_app.command("pictures")(pictures)


def pictures(
    database: Annotated[
        str,
        typer.Option(
            help="URL of a database for this bench alone, SQLite or PostgreSQL; it stays filled for the next run"
        ),
    ] = BENCH_DATABASE,
    count: Annotated[int, typer.Option("--pictures", min=1000, help="pictures to have first")] = 1_000_000,
    lookups: Annotated[int, typer.Option(min=20, help="look-ups to time")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="of the hashes")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Time whether a picture was evidence before, beside the rows alone and all hashes in memory.

    Example: roadwarden bench pictures --pictures 1000000
    """
    from roadwarden.eval.bench_pictures import bench_pictures
    from roadwarden.storage.schema import open_storage

    result = bench_pictures(
        open_storage(database),
        count,
        lookups,
        seed,
        tell=lambda what: typer.echo(f"... {what}", err=True),
    )
    print(json.dumps(result.as_json(), indent=2) if as_json else result.markdown())
