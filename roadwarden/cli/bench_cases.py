"""``roadwarden bench cases``: how fast lists, the countdown board and the replay of a case are."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from roadwarden.cli.bench import bench_app
from roadwarden.cli.exits import EXIT_NOT_PASSED

BENCH_DATABASE = "sqlite:///var/bench-cases.db"


def register(_: typer.Typer) -> None:
    """Adds the command to the group ``bench``."""
    bench_app.command("cases")(cases)


def cases(
    database: Annotated[
        str,
        typer.Option(
            help="URL of a database for this bench alone, SQLite or PostgreSQL; it stays filled for the next run"
        ),
    ] = BENCH_DATABASE,
    number: Annotated[int, typer.Option("--cases", min=100, help="cases to store first, ten events each")] = 200_000,
    rounds: Annotated[int, typer.Option(min=1, help="times to ask each question")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="of the questions")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Time lists, filters, the countdown board and the replay of one case; exit code 3 where a target is missed.

    Example: roadwarden bench cases --cases 20000
    """
    from roadwarden.eval.bench_cases import bench_cases  # SQLAlchemy takes its time, and other commands want none
    from roadwarden.storage.schema import open_storage

    result = bench_cases(
        open_storage(database),
        cases=number,
        rounds=rounds,
        seed=seed,
        tell=lambda what: typer.echo(f"... {what}", err=True),
    )
    print(json.dumps(result.as_json(), indent=2) if as_json else result.markdown())
    if not result.holds:
        raise typer.Exit(EXIT_NOT_PASSED)
