"""Which schema a database has, and the way to the newest.

Migrations are ``migrations/versions/vNNNN_*.py``, one transaction each. For a new one edit ``tables.py`` and write the
module by hand for both databases: the tests compare what the migrations make with the tables, on both.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table

from roadwarden.errors import DataError
from roadwarden.storage import (  # noqa: F401 - they add themselves to the metadata
    assessment_tables,
    case_tables,
    evidence_tables,
    identity_tables,
    inbox_tables,
    ledger_tables,
    people_tables,
    picture_tables,
    request_tables,
    stream_tables,
    tables,
    tip_tables,
)
from roadwarden.storage.engine import open_engine, reading, shown, writing
from roadwarden.storage.metadata import metadata

VERSION_TABLE = "roadwarden_schema"
"""Not Alembic's own name for it: MLflow may keep its tables in the same database."""
EMPTY = "0000"


def all_tables() -> tuple[Table, ...]:
    """Every table of the newest schema, those first that others point to."""
    return tuple(metadata.sorted_tables)


def revisions() -> tuple[str, ...]:
    """The schemas this Roadwarden knows, the first one first."""
    script = ScriptDirectory.from_config(_config())
    return tuple(reversed([entry.revision for entry in script.walk_revisions()]))


def schema_of(engine: Engine) -> str:
    """The database's schema; ``EMPTY`` where nothing was ever kept in it."""
    with reading(engine) as connection:
        return _schema(connection)


def upgrade(engine: Engine) -> tuple[str, ...]:
    """Brings the database to the newest schema, step by step; returns the steps taken, often none.

    Raises DataError where the database has a schema that this Roadwarden does not know, before anything is touched.
    """
    known = revisions()
    if _known(schema_of(engine), known, engine) == known[-1]:
        return ()
    return tuple(revision for revision in known if _step(engine, revision, known))


def open_storage(url: str) -> Engine:
    """An engine whose database has the newest schema: a new one is made, an older one brought up.

    Raises ConfigError, MissingExtra, StorageAway and DataError as ``open_engine`` and ``upgrade`` do.
    """
    engine = open_engine(url)
    upgrade(engine)
    return engine


def _step(engine: Engine, revision: str, known: tuple[str, ...]) -> bool:
    """Whether the step had to be taken: another process may have been first."""
    with writing(engine) as connection:
        schema = _known(_schema(connection), known, engine)
        if schema >= revision:
            return False
        command.upgrade(_config(connection), revision)
        return True


def _schema(connection: Connection) -> str:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision() or EMPTY


def _known(schema: str, known: tuple[str, ...], engine: Engine) -> str:
    if schema == EMPTY or schema in known:
        return schema
    raise DataError(
        f"the database {shown(engine)} has the schema {schema}, this Roadwarden knows up to {known[-1]}: install the "
        "newer one that has written it, or name another database in ROADWARDEN_DATABASE. Nothing was touched"
    )


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "roadwarden.storage:migrations")
    config.attributes["connection"] = connection
    return config
