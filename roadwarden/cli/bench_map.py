"""``roadwarden bench map``: how quick the map is in a city of ten million cells."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from roadwarden.cli.bench import bench_app
from roadwarden.cli.exits import EXIT_NOT_PASSED

BENCH_DATABASE = "sqlite:///var/bench-map.db"


def register(_: typer.Typer) -> None:
    """Adds the command to the group ``bench``."""
    bench_app.command("map")(map_)


def map_(
    database: Annotated[
        str,
        typer.Option(
            help="URL of a database for this bench alone, SQLite or PostgreSQL; it stays filled for the next run"
        ),
    ] = BENCH_DATABASE,
    roads: Annotated[int, typer.Option(min=4, help="roads of 1 km x 10 m in three lanes, 10,000 cells each")] = 1000,
    defects: Annotated[int, typer.Option(min=20, help="defects of all types on them")] = 100_000,
    cases: Annotated[int, typer.Option(min=10, help="cases, two fifths of them open")] = 20_000,
    windows: Annotated[int, typer.Option(min=1, help="windows along the roads at each of ten zooms")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="of the city and the windows")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Time the map of a made-up city: its health, and all tiles of windows at every zoom; exit code 3 on a miss.

    Example: roadwarden bench map --roads 1000 --defects 100000
    """
    from roadwarden.cli.serve import take_turns
    from roadwarden.eval.bench_map import bench_map  # SQLAlchemy takes its time, and other commands want none
    from roadwarden.eval.bench_map_city import CitySize
    from roadwarden.eval.bench_map_page import as_markdown
    from roadwarden.storage.schema import open_storage

    take_turns()
    result = bench_map(
        open_storage(database),
        CitySize(roads, defects, cases, seed),
        windows,
        tell=lambda what: typer.echo(f"... {what}", err=True),
    )
    print(json.dumps(result.as_json(), indent=2) if as_json else as_markdown(result))
    if not result.holds:
        raise typer.Exit(EXIT_NOT_PASSED)
