"""What happened to cases is kept once and for good: the same stories on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
from kept_cases import MONDAY, event, filed, hours, repaired
from sqlalchemy import text
from sqlalchemy.event import listen

from roadwarden.errors import DataError, NotAllowed, StaleCase
from roadwarden.storage import engine as engines
from roadwarden.storage.case_commands import DoneCommand
from roadwarden.storage.case_rows import CaseFilter, CaseRowStore
from roadwarden.storage.case_tables import WarningState
from roadwarden.storage.case_unit import reading, writing
from roadwarden.storage.case_warnings import KeptWarning
from roadwarden.storage.schema import open_storage


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    yield engine
    engine.dispose()


def keep(engine, case, events, after=0):
    with writing(engine) as unit:
        return unit.events.append(case, events, after=after, recorded_at=MONDAY + hours(100))


class TestEvents:
    def test_a_story_comes_back_as_it_was_kept(self, engine):
        odd = event("HZ-2", 9, "parked", 30.123456, {"reason": "雨; DROP TABLE", "until": "2026-03-09T00:00:00+08:00"})
        assert keep(engine, "HZ-1", repaired("HZ-1")) == 7
        assert keep(engine, "HZ-2", [filed("HZ-2", longitude=120.16, latitude=30.25), odd]) == 2
        with reading(engine) as unit:
            assert unit.events.of("HZ-1") == tuple(repaired("HZ-1"))
            assert unit.events.of("HZ-2")[1] == odd
            assert unit.events.of("nobody's") == ()
            assert unit.events.of_cases(["HZ-2", "HZ-1", "nobody's"]).keys() == {"HZ-1", "HZ-2"}
            assert [one.case for one in unit.events.all()] == ["HZ-1"] * 7 + ["HZ-2"] * 2
            assert (unit.events.count(), unit.events.version("HZ-1"), unit.events.version("HZ-0")) == (9, 7, 0)
            assert unit.events.cases() == ("HZ-1", "HZ-2")
            assert unit.events.cases(after="HZ-1") == ("HZ-2",)

    def test_who_was_slower_is_told_and_writes_nothing(self, engine):
        first, *later = repaired("HZ-1")
        keep(engine, "HZ-1", [first])
        keep(engine, "HZ-1", later[:1], after=1)
        with pytest.raises(StaleCase, match="case HZ-1 is at version 2, not 1: somebody was faster"):
            keep(engine, "HZ-1", [event("HZ-1", 2, "voided", 1, {"reason": "not ours"})], after=1)
        with reading(engine) as unit:
            assert unit.events.of("HZ-1") == (first, later[0])

    def test_a_seq_is_never_given_twice(self, engine):
        keep(engine, "HZ-1", repaired("HZ-1")[:3])
        with pytest.raises(DataError, match="case HZ-1 has an event with seq 3 already"):
            keep(engine, "HZ-1", [event("HZ-1", 3, "repair_started", 9)], after=3)
        with pytest.raises(DataError, match="seq 8 already"):
            keep(engine, "HZ-1", [event("HZ-1", 8, "accepted", 9), event("HZ-1", 8, "accepted", 10)], after=3)
        with pytest.raises(DataError, match="events of case HZ-7 among those of case HZ-1"):
            keep(engine, "HZ-1", [event("HZ-7", 8, "accepted", 9)], after=3)
        with reading(engine) as unit:
            assert unit.events.version("HZ-1") == 3

    @pytest.mark.parametrize(
        "tampering",
        ["UPDATE case_events SET actor = 'nobody'", "DELETE FROM case_events WHERE seq = 7"],
        ids=["changed", "deleted"],
    )
    def test_the_database_itself_refuses_to_change_the_past(self, engine, tampering):
        keep(engine, "HZ-1", repaired("HZ-1"))
        with pytest.raises(DataError, match="case_events are only added to"), engines.writing(engine) as connection:
            connection.execute(text(tampering))
        with reading(engine) as unit:
            assert unit.events.of("HZ-1") == tuple(repaired("HZ-1"))

    def test_two_rows_of_one_version_are_refused_below_the_store(self, engine):
        keep(engine, "HZ-1", repaired("HZ-1")[:1])
        copy = (
            "INSERT INTO case_events (case_id, version, seq, type, occurred_at, received_at, recorded_at, actor, role,"
            " data, event_schema) SELECT case_id, {version}, {seq}, type, occurred_at, received_at, recorded_at, actor,"
            " role, data, event_schema FROM case_events"
        )
        for version, seq in ((1, 2), (2, 1)):
            with pytest.raises(DataError, match=r"(?i)unique"), engines.writing(engine) as connection:
                connection.execute(text(copy.format(version=version, seq=seq)))

    def test_numbers_of_cases_have_no_gaps_where_a_filing_failed(self, engine):
        def number(fails=False):
            with writing(engine) as unit:
                found = unit.events.next_number("2026")
                if fails:
                    raise RuntimeError("the power goes")
                return found

        assert [number(), number()] == [1, 2]
        with pytest.raises(RuntimeError):
            number(fails=True)
        assert number() == 3
        with writing(engine) as unit:
            assert unit.events.next_number("2027") == 1


class TestCommands:
    def test_a_key_is_good_for_one_wish(self, engine):
        with writing(engine) as unit:
            assert unit.commands.done("k1", "close HZ-1") is None
            unit.commands.put("k1", "close HZ-1", DoneCommand("HZ-1", 7), MONDAY)
        with reading(engine) as unit:
            assert unit.commands.done("k1", "close HZ-1") == DoneCommand("HZ-1", 7)
            assert unit.commands.done("k2", "close HZ-1") is None
            with pytest.raises(NotAllowed, match="the key 'k1' was used for another command, on case HZ-1"):
                unit.commands.done("k1", "close HZ-2")


class TestWarnings:
    def test_a_warning_is_new_once_only(self, engine):
        def warning(threshold, report=None, state=WarningState.SENT):
            return KeptWarning("HZ-1", "repair", 1, report, threshold, state, MONDAY, MONDAY + hours(1))

        with writing(engine) as unit:
            kept = [warning("50 %", state=WarningState.SKIPPED), warning("80 %")]
            assert unit.warnings.put(kept) == tuple(kept)
            assert unit.warnings.put([warning("50 %"), warning("80 %"), warning("80 %", report=0)]) == (
                warning("80 %", report=0),
            )
        with reading(engine) as unit:
            assert set(unit.warnings.of_cases(["HZ-1", "HZ-2"])["HZ-1"]) == {*kept, warning("80 %", report=0)}

    def test_a_case_is_looked_at_when_its_time_has_come(self, engine):
        with writing(engine) as unit:
            unit.warnings.watch({"HZ-1": MONDAY + hours(5), "HZ-2": MONDAY, "HZ-3": None})
            unit.warnings.watch({"HZ-1": MONDAY + hours(1)})
            assert unit.warnings.to_look_at(MONDAY, most=10) == ("HZ-2",)
            assert unit.warnings.to_look_at(MONDAY + hours(1), most=10) == ("HZ-2", "HZ-1")
            assert unit.warnings.to_look_at(MONDAY + hours(1), most=1) == ("HZ-2",)
            unit.warnings.watch({"HZ-2": None})
            assert unit.warnings.to_look_at(MONDAY + hours(99), most=10) == ("HZ-1",)


def test_the_board_is_read_from_its_own_index(tmp_path):
    """SQLite uses an index on open cases only where a question says it in the index's own words."""
    engine = open_storage(f"sqlite:///{tmp_path}/plan.db")
    asked = []
    listen(
        engine, "before_cursor_execute", lambda _c, _cursor, statement, values, *_: asked.append((statement, values))
    )
    for wanted, index in (
        (CaseFilter(), "ix_cases_board "),
        (CaseFilter(area="west-lake"), "ix_cases_board_area "),
        (CaseFilter(department="roads"), "ix_cases_board_department "),
        (CaseFilter(crew="crew-7"), "ix_cases_board_crew "),
    ):
        with engines.reading(engine) as connection:
            CaseRowStore(connection).board(wanted, MONDAY)
            statement, values = asked[-1]
            plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
        assert any(f"USING INDEX {index}" in step for step in plan), plan
        assert not any("TEMP B-TREE" in step for step in plan), plan
    engine.dispose()
