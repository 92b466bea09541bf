"""What commands on the database have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.settings import DATABASE_VARIABLE, LOCAL_DATABASE, database_url

if TYPE_CHECKING:
    from sqlalchemy import Engine

Database = Annotated[
    str | None,
    typer.Option(
        help=f"URL of the database; without it {DATABASE_VARIABLE}, else {LOCAL_DATABASE}", show_default=False
    ),
]


def opened(database: str | None) -> Engine:
    """The database, brought to the newest schema."""
    from roadwarden.storage.schema import open_storage  # SQLAlchemy takes its time, and other commands want none

    return open_storage(database or database_url())
