"""What commands on the database and its files have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.errors import DataError
from roadwarden.settings import DATABASE_VARIABLE, LOCAL_DATABASE, database_url

if TYPE_CHECKING:
    from sqlalchemy import Engine

Database = Annotated[
    str | None,
    typer.Option(
        help=f"URL of the database; without it {DATABASE_VARIABLE}, else {LOCAL_DATABASE}", show_default=False
    ),
]

PicturesFolder = Annotated[
    str | None,
    typer.Option(
        "--blobs", help="where pictures are kept: folder or fsspec URL; without it ROADWARDEN_BLOBS, else var/blobs"
    ),
]


def opened(database: str | None) -> Engine:
    """The database, brought to the newest schema."""
    from roadwarden.storage.schema import open_storage  # SQLAlchemy takes its time, and other commands want none

    return open_storage(database or database_url())


def existing(database: str | None) -> Engine:
    """The same for commands that need something kept: a mistyped path is told, and makes no empty database.

    Raises DataError where the file of an SQLite database is not there.
    """
    from sqlalchemy.engine import make_url

    url = database or database_url()
    if url.startswith("sqlite"):
        place = make_url(url).database or ":memory:"
        if place != ":memory:" and not place.startswith("file:") and not Path(place).is_file():
            raise DataError(
                f"{place}: there is no database; check the path ({DATABASE_VARIABLE}, --database), "
                "or make it: 'roadwarden survey', 'roadwarden roads import' or 'roadwarden case file'"
            )
    return opened(url)
