"""Data that an older Roadwarden kept is there after the way to the newest schema, and what was refused still is."""

from __future__ import annotations

import pytest
from alembic import command
from kept_cases import MONDAY, hours, repaired
from sqlalchemy import text

from roadwarden.errors import DataError
from roadwarden.storage.case_unit import reading, writing
from roadwarden.storage.engine import open_engine
from roadwarden.storage.engine import reading as reading_rows
from roadwarden.storage.engine import writing as writing_rows
from roadwarden.storage.schema import _config, revisions, upgrade

ID = {"sqlite": "x'{}'", "postgresql": "'\\x{}'::bytea"}
OF_THE_FIRST = """
INSERT INTO networks VALUES (1, {sha}, 'city.geojson', '2026-01-01 00:00:00')
INSERT INTO segments (network, id, name, grade, road_class, one_way, width_m, line) VALUES (1, 's1', '文三路', 'I', NULL, {no}, 24.5, '[]')
INSERT INTO stretches (network, segment, seen_at, lane, from_m, to_m, quality) VALUES (1, 's1', '2026-01-02 00:00:00', -1, 0, 10, 'usable')
INSERT INTO passes VALUES (1, 'monday')
INSERT INTO models VALUES (1, 'yolo')
INSERT INTO defects (id, tile, type, margin, shares, lat, lon, east_m2, north_m2, east_north_m2, length_m, width_m, size_sigma_m, passes, sightings, first_seen_at, last_seen_at, severity) VALUES ({id}, 5, 'pothole', 0.5, '{{}}', 30, 120, 1, 1, 0, 1, 1, 0.1, 1, 1, '2026-01-02 00:00:00', '2026-01-02 00:00:00', 'severe')
INSERT INTO sightings (id, tile, defect, frame, seen_at, pass, model, type, score, lat, lon, east_m2, north_m2, east_north_m2, length_m, width_m, size_sigma_m) VALUES ({id}, 5, {id}, {sha}, '2026-01-02 00:00:00', 1, 1, 'pothole', 0.5, 30, 120, 1, 1, 0, 1, 1, 0.1)
INSERT INTO rulings VALUES (1, 'r1', '2026-01-03 00:00:00', 'u1')
INSERT INTO ruled_sightings VALUES (1, {id}, 0, 0)
"""  # noqa: E501 - one statement a line
TABLES = ("networks", "segments", "stretches", "passes", "models", "defects", "sightings", "rulings", "ruled_sightings")


def kept(engine):
    """Every row of the tables of the first schema, by column."""
    with reading_rows(engine) as connection:
        return {
            table: [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]
            for table in TABLES
        }


def fill(connection):
    form = ID[connection.dialect.name]
    values = {"sha": form.format("ab" * 32), "id": form.format("cd" * 16)}
    values["no"] = "0" if connection.dialect.name == "sqlite" else "false"
    for statement in OF_THE_FIRST.strip().splitlines():
        connection.exec_driver_sql(statement.format(**values))


@pytest.mark.parametrize("first", revisions())
def test_what_each_schema_kept_is_there_in_the_newest(empty_database_url, first):
    engine = open_engine(empty_database_url)
    with writing_rows(engine) as connection:
        command.upgrade(_config(connection), first)
        fill(connection)
    before = kept(engine)
    upgrade(engine)
    after = kept(engine)
    for table, rows in before.items():
        assert [{name: row[name] for name in rows[0]} for row in after[table]] == rows
    assert after["defects"][0]["presence"] == "seen"
    with writing(engine) as unit:
        unit.events.append("HZ-1", repaired("HZ-1"), after=0, recorded_at=MONDAY + hours(9))
    with reading(engine) as unit:
        assert unit.events.of("HZ-1") == tuple(repaired("HZ-1"))
    for table in ("rulings", "case_events"):
        with pytest.raises(DataError, match="only added to"), writing_rows(engine) as connection:
            connection.execute(text(f"DELETE FROM {table}"))
    engine.dispose()
