"""Databases of the newest schema, copied: to make one step by step costs a test most of a second, and many want one.

Steps are tested where they are the matter (``empty_database_url``); processes that tests start take them as users do.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgres import PostgresServer
from sqlalchemy import Engine, inspect
from sqlalchemy.exc import DatabaseError

from roadwarden.storage import schema
from roadwarden.storage.engine import open_engine

Upgrade = Callable[[Engine], tuple[str, ...]]


@pytest.fixture(scope="session", autouse=True)
def _sqlite_is_copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """In this process: a file of SQLite in which nothing is gets a copy of one that was made step by step."""
    steps, lock, place = schema.upgrade, threading.Lock(), tmp_path_factory.mktemp("schema") / "newest.db"

    def upgrade(engine: Engine) -> tuple[str, ...]:
        with lock:
            if engine.dialect.name != "sqlite" or not _is_empty(engine):
                return steps(engine)
            if not place.exists():
                _make(place, steps)
            _copy(place, engine)
        return schema.revisions()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "upgrade", upgrade)
        yield


def _is_empty(engine: Engine) -> bool:
    try:
        return not inspect(engine).get_table_names()
    except DatabaseError:  # no database at all: the steps say so
        return False


def _make(place: Path, steps: Upgrade) -> None:
    engine = open_engine(f"sqlite:///{place}")
    steps(engine)
    engine.dispose()


def _copy(place: Path, engine: Engine) -> None:
    connection, made = engine.raw_connection(), sqlite3.connect(place)
    try:
        assert isinstance(connection.driver_connection, sqlite3.Connection)
        made.backup(connection.driver_connection)
    finally:
        made.close()
        connection.close()


@pytest.fixture(scope="session")
def newest_postgres(postgres_server: PostgresServer) -> str:
    """The name of a database of the newest schema, to be copied."""
    url = postgres_server.new_database()
    engine = open_engine(url)
    schema.upgrade(engine)
    engine.dispose()
    return url.rpartition("/")[2]


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, newest_postgres: str) -> Iterator[str]:
    """A database in PostgreSQL with the newest schema, and nothing in it."""
    url = postgres_server.new_database(like=newest_postgres)
    yield url
    postgres_server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with nothing in it, once in SQLite and once in PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/roadwarden.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without a schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/roadwarden.db"
        return
    server = request.getfixturevalue("postgres_server")
    url = server.new_database()
    yield url
    server.drop(url)
