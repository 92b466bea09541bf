"""``roadwarden bench ledger``: what a leaf and a proof cost when the log holds millions."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from roadwarden.cli.bench import bench_app

BENCH_DATABASE = "sqlite:///var/bench-ledger.db"


def register(_: typer.Typer) -> None:
    """Adds the command to the group ``bench``."""
    bench_app.command("ledger")(ledger)


def ledger(
    database: Annotated[
        str,
        typer.Option(
            help="URL of a database for this bench alone, SQLite or PostgreSQL; it stays filled for the next run"
        ),
    ] = BENCH_DATABASE,
    leaves: Annotated[int, typer.Option(min=1000, help="leaves to have first")] = 1_000_000,
    append: Annotated[int, typer.Option(min=1, help="leaves to time")] = 20_000,
    proofs: Annotated[int, typer.Option(min=1, help="inclusion proofs to time")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="of the leaves that are proved")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Time appending to the log, inclusion and consistency proofs, and checkpoints.

    Example: roadwarden bench ledger --leaves 10000000
    """
    from roadwarden.eval.bench_ledger import bench_ledger  # SQLAlchemy takes its time, and other commands want none
    from roadwarden.storage.schema import open_storage

    result = bench_ledger(
        open_storage(database),
        leaves=leaves,
        appended=append,
        proofs=proofs,
        seed=seed,
        tell=lambda what: typer.echo(f"... {what}", err=True),
    )
    print(json.dumps(result.as_json(), indent=2) if as_json else result.markdown())
