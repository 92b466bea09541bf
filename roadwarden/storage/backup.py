"""A whole database into a file and back, while others go on writing.

SQLite: by its online backup into another SQLite file, which is checked. PostgreSQL: a zip of what COPY says of each of
our tables in one snapshot, with a manifest (schema, rows and sha256 of each); needs no client programs, and leaves
tables of others in the same database alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from alembic import command
from sqlalchemy import Connection, Engine, inspect, text

from roadwarden import __version__
from roadwarden.errors import DataError, OutputError
from roadwarden.storage.engine import POSTGRESQL, answering, reading, shown, writing
from roadwarden.storage.metadata import metadata
from roadwarden.storage.schema import EMPTY, VERSION_TABLE, _config, revisions, schema_of, upgrade

MANIFEST = "manifest.json"
FORM = "roadwarden-backup 1"
PIECE = 1 << 20
MOST_MANIFEST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds."""

    path: Path
    schema: str
    rows: int
    bytes: int


def backup(engine: Engine, path: Path) -> Backup:
    """Writes the database as it is now to a new file; nobody has to stop writing.

    Raises OutputError where the file is there already or cannot be written, DataError for a database without a schema.
    """
    if path.exists():
        raise OutputError(f"{path} is there already; name a new file, a backup never replaces another")
    schema = schema_of(engine)
    if schema == EMPTY:
        raise DataError(f"the database {shown(engine)} is empty; there is nothing to back up")
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        rows = (_dump_postgresql if engine.dialect.name == POSTGRESQL else _dump_sqlite)(engine, unfinished, schema)
        _onto_the_disk(unfinished)
        unfinished.replace(path)
        _onto_the_disk(path.parent)
    except OSError as exc:
        raise OutputError(f"{path}: the backup cannot be written: {exc.strerror or exc}") from exc
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return Backup(path, schema, rows, path.stat().st_size)


def restore(engine: Engine, path: Path) -> Backup:
    """Fills an empty database from a backup of the same kind of database, and brings it to the newest schema.

    Raises DataError where the database holds something, or where the file is damaged or no backup: nothing is kept
    then.
    """
    if not path.is_file():
        raise DataError(f"{path}: there is no such backup")
    if schema_of(engine) != EMPTY or _anything_of_ours(engine):
        raise DataError(
            f"the database {shown(engine)} holds something already; restore into a new, empty one and then name that "
            "in ROADWARDEN_DATABASE"
        )
    found = _load_postgresql(engine, path) if engine.dialect.name == POSTGRESQL else _load_sqlite(engine, path)
    upgrade(engine)
    return found


def _anything_of_ours(engine: Engine) -> bool:
    with reading(engine) as connection:
        return bool(set(inspect(connection).get_table_names()) & set(metadata.tables))


# SQLite


def _dump_sqlite(engine: Engine, path: Path, schema: str) -> int:
    with _sqlite_errors(path), closing(sqlite3.connect(path)) as target:
        with answering(engine), engine.connect() as connection:
            _driver(connection).backup(target)  # in one step: one snapshot, and in WAL mode no writer waits for it
        target.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        return _check_sqlite(target, path)


def _load_sqlite(engine: Engine, path: Path) -> Backup:
    with _sqlite_errors(path), closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as source:
        rows = _check_sqlite(source, path)
        schema = _schema_in_sqlite(source, path)
        with answering(engine), engine.connect() as connection:
            target = _driver(connection)
            target.execute("PRAGMA query_only=0")
            source.backup(target)
            target.execute("PRAGMA journal_mode=WAL")
    engine.dispose()
    return Backup(path, schema, rows, path.stat().st_size)


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.dbapi_connection
    if not isinstance(driver, sqlite3.Connection):  # pragma: no cover - another driver
        raise DataError("SQLite's online backup needs the driver of the standard library")
    return driver


def _check_sqlite(connection: sqlite3.Connection, path: Path) -> int:
    """Rows of our tables; raises DataError where SQLite finds the file damaged."""
    faults = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
    if faults != ["ok"]:
        raise DataError(f"{path}: the backup is damaged: {faults[0]}")
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    names = sorted(there & set(metadata.tables))
    return sum(int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for name in names)


def _schema_in_sqlite(connection: sqlite3.Connection, path: Path) -> str:
    try:
        row = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()
    except sqlite3.OperationalError:
        row = None
    return _known_schema(str(row[0]) if row else "", path)


@contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as exc:
        raise OutputError(f"{path}: {exc}; is the disk full, may we write there?") from exc
    except sqlite3.DatabaseError as exc:
        raise DataError(f"{path}: is no backup of an SQLite database: {exc}") from exc


# PostgreSQL


def _dump_postgresql(engine: Engine, path: Path, schema: str) -> int:
    manifest: dict[str, Any] = {"form": FORM, "roadwarden": __version__, "schema": schema, "tables": {}}
    with reading(engine) as connection, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        inspector = inspect(connection)
        there = set(inspector.get_table_names())  # of the schema that the database has, be it an older one
        for name in (table.name for table in metadata.sorted_tables if table.name in there):
            columns = [column["name"] for column in inspector.get_columns(name)]
            with archive.open(f"{name}.copy", "w", force_zip64=True) as file:
                manifest["tables"][name] = _copy_out(connection, name, columns, file)
        archive.writestr(MANIFEST, json.dumps(manifest, indent=2))
    return sum(int(entry["rows"]) for entry in manifest["tables"].values())


def _copy_out(connection: Connection, table: str, columns: list[str], file: IO[bytes]) -> dict[str, Any]:
    sha, names = hashlib.sha256(), ", ".join(f'"{name}"' for name in columns)
    with _cursor(connection) as cursor:
        with cursor.copy(f'COPY "{table}" ({names}) TO STDOUT') as copy:
            for piece in copy:
                sha.update(piece)
                file.write(piece)
        rows = int(cursor.rowcount)
    return {"columns": columns, "rows": rows, "sha256": sha.hexdigest()}


def _load_postgresql(engine: Engine, path: Path) -> Backup:
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = manifest_of(archive, path)
            with writing(engine) as connection:
                command.upgrade(_config(connection), manifest["schema"])
                rows = sum(_copy_in(connection, archive, name, entry) for name, entry in manifest["tables"].items())
                _set_counters(connection, manifest["tables"])
    except (zipfile.BadZipFile, zlib.error, EOFError) as exc:
        raise DataError(f"{path}: is no backup of a PostgreSQL database, or damaged: {exc}") from exc
    return Backup(path, manifest["schema"], rows, path.stat().st_size)


def manifest_of(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    """What a backup of PostgreSQL says of itself; raises DataError where it is none that we can restore."""
    try:
        with archive.open(MANIFEST) as file:
            content = file.read(MOST_MANIFEST_BYTES + 1)  # a size: a bomb is not unpacked beyond it
        if len(content) > MOST_MANIFEST_BYTES:
            raise ValueError("too large")
        manifest = json.loads(content)
    except (KeyError, ValueError, RecursionError) as exc:
        raise DataError(f"{path}: holds no {MANIFEST}; it is no backup of ours") from exc
    if not isinstance(manifest, dict) or manifest.get("form") != FORM:
        raise DataError(f"{path}: is of another form than '{FORM}'; a newer Roadwarden has written it")
    _known_schema(str(manifest.get("schema")), path)
    if strange := set(manifest["tables"]) - set(metadata.tables):
        raise DataError(f"{path}: holds a table '{min(strange)}' that we do not know")
    return manifest


def _copy_in(connection: Connection, archive: zipfile.ZipFile, table: str, entry: dict[str, Any]) -> int:
    sha, names = hashlib.sha256(), ", ".join(f'"{name}"' for name in entry["columns"])
    with archive.open(f"{table}.copy") as file, _cursor(connection) as cursor:
        with cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
            while piece := file.read(PIECE):
                sha.update(piece)
                copy.write(piece)
        rows = int(cursor.rowcount)
    if rows != entry["rows"] or sha.hexdigest() != entry["sha256"]:
        raise DataError(f"the backup is damaged: table {table} is not as its manifest says; nothing was kept")
    return rows


def _set_counters(connection: Connection, restored: Collection[str]) -> None:
    """Numbers that PostgreSQL gives go on behind those that were restored."""
    for table in metadata.sorted_tables:
        if table.name not in restored or (column := table.autoincrement_column) is None:
            continue
        sequence = connection.execute(
            text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column.name}
        ).scalar()
        if sequence is not None:
            query = (
                f'SELECT setval(:sequence, max("{column.name}")) FROM "{table.name}" HAVING max("{column.name}") > 0'
            )
            connection.execute(text(query), {"sequence": sequence})


@contextmanager
def _cursor(connection: Connection) -> Iterator[Any]:
    """Psycopg's own cursor, for COPY; its errors are SQLAlchemy's, and so ours in the end."""
    driver: Any = connection.connection.dbapi_connection
    with driver.cursor() as cursor:
        try:
            yield cursor
        except connection.dialect.loaded_dbapi.Error as exc:
            raise DataError(f"COPY: {str(exc).splitlines()[0]}; nothing was kept") from exc


# both


def _known_schema(schema: str, path: Path) -> str:
    if schema not in revisions():
        raise DataError(
            f"{path}: has the schema '{schema or 'none'}', this Roadwarden knows up to {revisions()[-1]}; install the "
            "one that has written it"
        )
    return schema


def _onto_the_disk(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
