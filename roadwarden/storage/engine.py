"""One engine from a URL: an SQLite file in WAL mode, or a PostgreSQL server through psycopg 3.

Both are used alike. Foreign keys hold. A transaction that writes has no other writer beside it (in SQLite by BEGIN
IMMEDIATE, in PostgreSQL by one advisory lock), one that reads sees one state throughout. Errors leave as ours, without
passwords.
"""

from __future__ import annotations

import importlib.util
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from roadwarden.data.redact_url import redact_url
from roadwarden.errors import ConfigError, DataError, MissingExtra, StorageAway

SQLITE, POSTGRESQL = "sqlite", "postgresql"
BUSY_S = 30.0
"""How long a writer waits for the one before it."""
BUSY_AGAIN_S = 0.01
CONNECT_S = 10
WRITER_LOCK = 0x526F_6164  # "Road": the number of our advisory lock in PostgreSQL
_WRITES = "roadwarden_writes"
_DURABLY = "roadwarden_durably"
_SQLITE_PRAGMAS = (
    "synchronous=NORMAL",  # with WAL a power cut may lose the newest commits, never half of one
    "foreign_keys=ON",
    "cache_size=-65536",  # 64 MiB
    "temp_store=MEMORY",
)


def open_engine(url: str, *, busy_s: float = BUSY_S) -> Engine:
    """An engine for ``sqlite:///FILE`` (its folder is made) or ``postgresql+psycopg://USER:PASSWORD@HOST/DATABASE``.

    Nothing is connected yet. Raises ConfigError for any other URL, MissingExtra without psycopg.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == SQLITE:
        return _sqlite(parsed, busy_s)
    return _postgresql(parsed, busy_s)


def shown(engine: Engine) -> str:
    """The URL for people: without user, password and options."""
    url = engine.url
    return URL.create(url.drivername, host=url.host, port=url.port, database=url.database).render_as_string()


@contextmanager
def writing(engine: Engine, *, durably: bool = False) -> Iterator[Connection]:
    """A transaction that writes: committed as a whole at the end, rolled back on any error.

    ``durably``: once it has ended, not even a power cut takes it away, for one fsync more in SQLite. Raises StorageAway
    where another writer keeps us waiting for longer than the engine's ``busy_s``, DataError where the database refuses
    what is written.
    """
    options = {_WRITES: True, _DURABLY: durably}
    with answering(engine), engine.connect().execution_options(**options) as connection, connection.begin():
        if engine.dialect.name == POSTGRESQL:
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": WRITER_LOCK})
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads one state throughout, however long it takes and whoever writes meanwhile."""
    options: dict[str, Any] = (
        {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if engine.dialect.name == POSTGRESQL else {}
    )
    with answering(engine), engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def analyse(engine: Engine) -> None:
    """Counts what the tables hold, so that the database plans well: after a first or large import."""
    with answering(engine), engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
        connection.execute(text("ANALYZE"))


@contextmanager
def answering(engine: Engine) -> Iterator[None]:
    """Turns the database's errors into ours."""
    try:
        yield
    except SQLAlchemyError as exc:
        message = f"the database {shown(engine)}: {_without_password(_first_line(exc), engine.url)}"
        if isinstance(exc, OperationalError | InterfaceError) or getattr(exc, "connection_invalidated", False):
            raise StorageAway(f"{message}; {_remedy(engine)}") from None
        raise DataError(f"{message}; nothing of this transaction is kept") from None


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError(f"'{redact_url(url)}' is no database URL; {_wanted()}") from None
    name = parsed.drivername
    if name == POSTGRESQL:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {SQLITE, "sqlite+pysqlite", "postgresql+psycopg"}:
        raise ConfigError(f"'{name}' is no database we know; {_wanted()}")
    if parsed.get_backend_name() == SQLITE and not parsed.database:
        raise ConfigError(f"'{redact_url(url)}' names no file; {_wanted()}")
    return parsed


def _wanted() -> str:
    return "use sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE"


def _sqlite(url: URL, busy_s: float) -> Engine:
    file = Path(str(url.database))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(f"{file.parent}: cannot be made: {exc.strerror}; {_wanted()}") from exc
    engine = create_engine(url, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver begins no transactions of its own; we do, below
        connection.execute(f"PRAGMA busy_timeout={int(busy_s * 1000)}")
        _keep_a_log(connection, busy_s)
        for pragma in _SQLITE_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        durably = connection.get_execution_options().get(_DURABLY, False)
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if durably else 'NORMAL'}")
        connection.exec_driver_sql(f"PRAGMA query_only={int(not writes)}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _keep_a_log(connection: sqlite3.Connection, busy_s: float) -> None:
    """Changes the journal of a new database to WAL; SQLite itself waits for nobody there, whatever its busy_timeout."""
    deadline = time.monotonic() + busy_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(BUSY_AGAIN_S)
        else:
            return


def _postgresql(url: URL, busy_s: float) -> Engine:
    if importlib.util.find_spec("psycopg") is None:
        raise MissingExtra("PostgreSQL needs psycopg: pip install 'roadwarden[postgres]'")
    settings = {"connect_timeout": CONNECT_S, "options": f"-c timezone=UTC -c lock_timeout={int(busy_s * 1000)}"}
    return create_engine(
        url,
        connect_args={name: value for name, value in settings.items() if name not in url.query},
        hide_parameters=True,
        pool_pre_ping=True,
    )


def _remedy(engine: Engine) -> str:
    if engine.dialect.name == SQLITE:
        return "another process may be writing to it for long; is the disk full, may we write to the file and folder?"
    return "is the server running, is the URL in ROADWARDEN_DATABASE right, may the user connect?"


def _first_line(exc: SQLAlchemyError) -> str:
    cause = exc.orig if isinstance(exc, DBAPIError) and exc.orig is not None else exc
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0][:300]


def _without_password(message: str, url: URL) -> str:
    secrets = [str(url.password or ""), *(str(value) for name, value in url.query.items() if "password" in name)]
    for secret in filter(None, secrets):
        message = message.replace(secret, "***")
    return redact_url(message)
