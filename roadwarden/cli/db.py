"""``roadwarden db``: the schema, the rows of the lists, backups."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.case_common import AsJson, open_desk
from roadwarden.cli.database import Database
from roadwarden.cli.exits import EXIT_NOT_PASSED
from roadwarden.cli.progress import progress
from roadwarden.settings import database_url

db_app = typer.Typer(help="The database: its schema, its lists, its backups.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    app.add_typer(db_app, name="db")


@db_app.command()
def upgrade(database: Database = None, as_json: AsJson = False) -> None:
    """Bring a database to the newest schema, step by step; make a backup first, there is no way back.

    Example: roadwarden db upgrade
    """
    from roadwarden.storage.engine import open_engine
    from roadwarden.storage.schema import schema_of
    from roadwarden.storage.schema import upgrade as bring_up

    engine = open_engine(database or database_url())
    before, steps = schema_of(engine), bring_up(engine)
    told = {"before": before, "steps": list(steps), "schema": schema_of(engine)}
    print(json.dumps(told) if as_json else f"schema {told['schema']}, {len(steps)} steps taken (it was {before})")


@db_app.command()
def rebuild(
    check: Annotated[
        bool, typer.Option("--check", help="exit with 3 where a row was missing or wrong; it is mended all the same")
    ] = False,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Make the rows of the lists anew from the events of the cases; the rows come out the same, or were wrong.

    Example: roadwarden db rebuild --check
    """
    from roadwarden.service.rebuild import rebuild as make_anew

    desk = open_desk(database)
    with progress("cases") as report:
        found = make_anew(desk.engine, desk.policies, desk.now(), report)
    if as_json:
        print(json.dumps({"rows": found.rows, "mended": list(found.mended)}, ensure_ascii=False))
    else:
        print(f"{found.rows} rows, {len(found.mended)} of them were missing or wrong")
        for case in found.mended[:20]:
            print(f"  {case}")
    if check and found.mended:
        raise typer.Exit(EXIT_NOT_PASSED)


@db_app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="new file: an SQLite database, or of PostgreSQL a zip")],
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Write the whole database to a file, while others go on working.

    Example: roadwarden db backup var/backups/monday.db
    """
    from roadwarden.service.backup import back_up

    done = back_up(database or database_url(), file)
    told = {"file": str(done.path), "schema": done.schema, "rows": done.rows, "bytes": done.bytes}
    print(json.dumps(told) if as_json else f"{file}: schema {done.schema}, {done.rows} rows, {done.bytes:,} bytes")


@db_app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="what 'roadwarden db backup' wrote, of the same kind of database")],
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Fill a new, empty database from a backup, and bring it to the newest schema.

    Example: roadwarden db restore var/backups/monday.db --database sqlite:///var/restored.db
    """
    from roadwarden.service.backup import restore as fill

    done = fill(database or database_url(), file)
    told = {"file": str(done.path), "schema": done.schema, "rows": done.rows, "bytes": done.bytes}
    print(json.dumps(told) if as_json else f"{done.rows} rows of schema {done.schema} restored from {file}")
