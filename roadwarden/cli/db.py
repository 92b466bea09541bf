"""``roadwarden db``: the schema, the rows of the lists, backups."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.cli.case_common import AsJson, open_desk
from roadwarden.cli.database import Database, PicturesFolder
from roadwarden.cli.exits import EXIT_NOT_PASSED
from roadwarden.cli.progress import progress
from roadwarden.data.redact_url import redact_url
from roadwarden.settings import blobs_url, database_url

if TYPE_CHECKING:
    from roadwarden.service.backup import Backup, Files

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


FilesOption = Annotated[
    bool,
    typer.Option("--files/--no-files", help="also the pictures; without them a backup is half of one"),
]


@db_app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="new file: an SQLite database, or of PostgreSQL a zip")],
    files: FilesOption = True,
    files_into: Annotated[
        str | None, typer.Option(help="folder or fsspec URL for the pictures; without it 'files' beside FILE")
    ] = None,
    blobs: PicturesFolder = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Write the whole database to a file, and the pictures that are new beside it, while others go on working.

    Backups in one folder share the pictures; what was erased is removed from there. Exits with 3 where a picture was
    damaged.

    Example: roadwarden db backup var/backups/monday.db
    """
    from roadwarden.service.backup import back_up, back_up_files, files_beside
    from roadwarden.storage.blobs import open_blobs

    url = database or database_url()
    done, place = back_up(url, file), files_into or files_beside(file)
    kept: Files | None = None
    if files:
        with progress("pictures") as report:
            kept = back_up_files(url, open_blobs(blobs or blobs_url()), open_blobs(place), report)
    _tell(done, kept, place, f"{file}: schema {done.schema}, {done.rows} rows, {done.bytes:,} bytes", as_json=as_json)


@db_app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="what 'roadwarden db backup' wrote, of the same kind of database")],
    files: FilesOption = True,
    files_from: Annotated[
        str | None, typer.Option(help="where the pictures of the backup lie; without it 'files' beside FILE")
    ] = None,
    blobs: PicturesFolder = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Fill a new, empty database from a backup, bring it to the newest schema, and put back pictures that are missing.

    Exits with 3 where a picture of the backup was damaged. 'roadwarden ledger audit' says whether all are there.

    Example: roadwarden db restore var/backups/monday.db --database sqlite:///var/restored.db
    """
    from roadwarden.service.backup import files_beside, restore_files
    from roadwarden.service.backup import restore as fill
    from roadwarden.storage.blobs import open_blobs

    done, place = fill(database or database_url(), file), files_from or files_beside(file)
    kept: Files | None = None
    if files:
        with progress("pictures") as report:
            kept = restore_files(open_blobs(place), open_blobs(blobs or blobs_url()), report)
    _tell(done, kept, place, f"{done.rows} rows of schema {done.schema} restored from {file}", as_json=as_json)


def _tell(done: Backup, files: Files | None, place: str, words: str, *, as_json: bool) -> None:
    told: dict[str, object] = {"file": str(done.path), "schema": done.schema, "rows": done.rows, "bytes": done.bytes}
    if as_json:
        print(json.dumps(told | {"files": None if files is None else files.as_json() | {"place": place}}))
    else:
        print(words)
        print("pictures: left out" if files is None else _line(files, place))
    if files is not None and files.damaged:
        raise typer.Exit(EXIT_NOT_PASSED)


def _line(files: Files, place: str) -> str:
    removed = f", {files.removed} removed that were erased" if files.removed else ""
    damaged = f", {len(files.damaged)} DAMAGED and not copied: {', '.join(files.damaged[:5])}" if files.damaged else ""
    counts = f"{files.copied} copied ({files.bytes:,} bytes), {files.there} were there"
    return f"pictures ({redact_url(place)}): {counts}{removed}{damaged}"
