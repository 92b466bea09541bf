"""A district that an older Roadwarden kept: after the upgrade nothing is lost, and the audit is clean."""

from __future__ import annotations

from dataclasses import replace

import pytest
from alembic import command
from logged import CASES, district, live
from sqlalchemy import inspect, text

from roadwarden.errors import DataError
from roadwarden.ledger.verify import verify_bundle
from roadwarden.service.ledger_bundles import Enclosed, bundle_case
from roadwarden.storage.engine import open_engine, reading, writing
from roadwarden.storage.schema import VERSION_TABLE, _config, all_tables, open_storage, revisions, upgrade

LEDGER = "0005"
"""The schema that first had a log."""
OLDER = [name for name in revisions()[:-1] if name >= LEDGER]


def rows_of(engine, tables):
    with reading(engine) as connection:
        return {
            name: [dict(row) for row in connection.execute(text(f"SELECT * FROM {name}")).mappings()] for name in tables
        }


def put_back(engine, revision, kept):
    """A database of an older schema that holds what of ``kept`` it has a place for."""
    with writing(engine) as connection:
        command.upgrade(_config(connection), revision)
        places = {name: {one["name"] for one in inspect(connection).get_columns(name)}
                  for name in inspect(connection).get_table_names() if name != VERSION_TABLE}  # fmt: skip
        for name in (table.name for table in all_tables() if table.name in places):
            for row in kept[name]:
                known = [column for column in row if column in places[name]]
                values = ", ".join(f":{column}" for column in known)
                connection.execute(
                    text(f"INSERT INTO {name} ({', '.join(known)}) VALUES ({values})"), {c: row[c] for c in known}
                )
    return set(places)


@pytest.mark.parametrize(
    "older", [pytest.param(name, marks=[] if name == OLDER[-1] else pytest.mark.slow) for name in OLDER]
)
def test_a_district_of_an_older_schema_is_brought_up_and_audits_clean(older, tmp_path):
    today = open_storage(f"sqlite:///{tmp_path}/today.db")
    live(today)
    there = district(today, tmp_path)
    there.advance()
    kept = rows_of(today, [table.name for table in all_tables()])
    today.dispose()

    engine = open_engine(f"sqlite:///{tmp_path}/older.db")
    held = put_back(engine, older, kept)
    assert upgrade(engine) == revisions()[revisions().index(older) + 1 :]

    after = rows_of(engine, held)
    for name in held:
        assert len(after[name]) == len(kept[name]), name
    brought = replace(there, engine=engine)
    assert brought.audit().faults == ()
    brought.advance()
    for case in CASES:
        report = verify_bundle(bundle_case(brought.ledger, case, there.key, Enclosed()), there.ring)
        assert report.verified, report.faults
    with pytest.raises(DataError, match="only added to"), writing(engine) as connection:
        connection.execute(text("DELETE FROM case_events"))
    brought.close()
