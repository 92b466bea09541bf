"""From the first schema on, on both databases."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from roadwarden.errors import DataError
from roadwarden.storage.engine import open_engine, reading, writing
from roadwarden.storage.schema import EMPTY, VERSION_TABLE, _config, open_storage, revisions, schema_of, upgrade
from roadwarden.storage.tables import metadata

SCHEMAS = [
    pytest.param(one, marks=() if one in {revisions()[0], revisions()[-2]} else pytest.mark.slow) for one in revisions()
]
"""The first and the last before today's always, those between at length."""


@pytest.fixture
def empty(empty_database_url):
    engine = open_engine(empty_database_url)
    yield engine
    engine.dispose()


def rules(engine):
    inspector = inspect(engine)
    return {(table, rule["name"]) for table in metadata.tables for rule in inspector.get_check_constraints(table)}


class TestUpgrade:
    def test_an_empty_database_gets_every_step_and_then_none(self, empty):
        assert schema_of(empty) == EMPTY
        assert upgrade(empty) == revisions()
        assert schema_of(empty) == revisions()[-1]
        assert upgrade(empty) == ()

    @pytest.mark.parametrize("first", SCHEMAS)
    def test_each_schema_that_ever_was_becomes_the_tables_of_today(self, empty, first, tmp_path):
        with writing(empty) as connection:
            command.upgrade(_config(connection), first)
        upgrade(empty)
        with reading(empty) as connection:
            options = {"version_table": VERSION_TABLE, "compare_type": True}
            assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        today = create_engine(f"sqlite:///{tmp_path}/today.db")
        metadata.create_all(today)
        assert rules(empty) == rules(today)
        assert len(rules(today)) > 20

    def test_a_newer_schema_is_refused_before_anything_is_touched(self, empty, empty_database_url):
        upgrade(empty)
        with writing(empty) as connection:
            connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9001'"))
        with pytest.raises(DataError, match=f"schema 9001, this Roadwarden knows up to {revisions()[-1]}") as refused:
            open_storage(empty_database_url)
        assert "Nothing was touched" in str(refused.value)
        assert schema_of(empty) == "9001"

    def test_a_step_that_fails_leaves_the_schema_as_it_was(self, empty):
        with writing(empty) as connection:
            connection.execute(text("CREATE TABLE sightings (somebody_elses INTEGER)"))
        with pytest.raises(DataError, match="sightings"):
            upgrade(empty)
        assert schema_of(empty) == EMPTY
        assert set(inspect(empty).get_table_names()) == {"sightings"}

    def test_mlflow_may_keep_its_tables_in_the_same_database(self, empty):
        with writing(empty) as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
            connection.execute(text("INSERT INTO alembic_version VALUES ('bda7b8c39065')"))
        assert upgrade(empty) == revisions()
