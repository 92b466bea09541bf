"""Results reach the database, or the disk until the database is back; what is refused lies in the quarantine."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.detections import Detections, Position
from roadwarden.errors import DataError, StorageAway
from roadwarden.inference.stream.books import Books
from roadwarden.inference.stream.hall import Entrant
from roadwarden.inference.stream.look_json import look_json, read_look
from roadwarden.inference.stream.policy import ARCHIVE
from roadwarden.inference.stream.protocols import Arrival, Kept, Look, SpoolFull
from roadwarden.inference.stream.recorder import Outlets, Pace, Recorder, door_of
from roadwarden.inference.stream.spool import SpoolFolder
from roadwarden.inference.stream.values import Door, Encoded, StreamFrame
from roadwarden.taxonomy import DistressType

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def look(number, **more):
    frame = StreamFrame("cam", number, NOON + timedelta(seconds=number), 1.0, f"{number:064x}")
    return Look(frame, Detections.none(), "m@1", **more)


class Base:
    """A database that can be away, and that refuses what it is told to."""

    def __init__(self):
        self.away, self.refused, self.fenced, self.kept = False, set(), set(), []

    def known(self, keys):
        return frozenset()

    def keep(self, looks):
        if self.away:
            raise StorageAway("the database does not answer")
        numbers = [one.frame.number for one in looks]
        if self.refused & set(numbers):
            raise DataError("refused")
        fenced = frozenset(at for at, number in enumerate(numbers) if number in self.fenced)
        ours = [number for number in numbers if number not in self.fenced]
        doubles = len(set(ours) & set(self.kept))
        self.kept += [number for number in ours if number not in self.kept]
        return Kept(doubles, fenced)


class Office:
    """A recorder with books."""

    def __init__(self, folder, most=100, when_full=SpoolFull.KEEP_OLDEST):
        self.base, self.books, self.poison, self.folder = Base(), Books(), [], folder
        self.spool = SpoolFolder(folder, most, when_full)
        outlets = Outlets(
            lambda one, door: self.books.leave(one.ticket, door),
            lambda one, door: self.books.correct("cam", door_of(one), door),
            lambda one, why, tries: self.poison.append((one.frame.number, why, tries)),
        )
        self.recorder = Recorder(self.base, self.spool, outlets, Pace(0.01, 4, 3))

    def record(self, numbers):
        for number in numbers:
            one = look(number)
            entrant = Entrant(Arrival(one.frame, Encoded(b"")), self.books.enter("cam"), ARCHIVE)
            self.recorder.put(one, entrant)
        stop = threading.Event()
        stop.set()
        self.recorder.run(stop)

    @property
    def doors(self):
        account = self.books.accounts()["cam"]
        assert account.balances
        return {door: count for door, count in account.doors.items() if count}


def test_results_are_kept_in_order(tmp_path):
    office = Office(tmp_path)
    office.record(range(10))
    assert office.base.kept == list(range(10))
    assert office.doors == {Door.INFERRED: 10}


def test_while_the_database_is_away_they_lie_on_the_disk_and_drain_in_order(tmp_path):
    office = Office(tmp_path)
    office.base.away = True
    office.record(range(10))
    assert (office.base.kept, len(office.spool)) == ([], 10)
    assert office.doors == {Door.INFERRED: 10}  # they are durable
    office.base.away = False
    office.record(range(10, 20))
    while len(office.spool):
        office.record([])
    assert office.base.kept == list(range(20))
    assert office.doors == {Door.INFERRED: 20}


def test_what_lies_on_the_disk_outlives_the_worker(tmp_path):
    office = Office(tmp_path)
    office.base.away = True
    office.record(range(5))
    (tmp_path / "000000000099.tmp").write_text("half")  # a kill left it
    after = Office(tmp_path)
    assert len(after.spool) == 5
    while len(after.spool):
        after.record([])
    assert after.base.kept == list(range(5))


@pytest.mark.parametrize(
    ("when_full", "kept"), [(SpoolFull.KEEP_OLDEST, [0, 1, 2]), (SpoolFull.KEEP_NEWEST, [4, 5, 6])], ids=str
)
def test_a_full_disk_spool_keeps_the_evidence_that_its_policy_says(tmp_path, when_full, kept):
    office = Office(tmp_path, 3, when_full)
    office.base.away = True
    office.record(range(7))
    assert [one.frame.number for one in office.spool.first(9)] == kept
    assert office.doors == {Door.INFERRED: 3, Door.DROPPED_QUEUE_FULL: 4}


def test_a_result_that_the_database_refuses_takes_nobody_with_it(tmp_path):
    office = Office(tmp_path)
    office.base.refused = {2}
    office.record(range(6))
    assert office.base.kept == [0, 1, 3, 4, 5]
    assert office.poison == [(2, "refused", 3)]
    assert office.doors == {Door.INFERRED: 5, Door.DECODE_ERROR: 1}


def test_a_damaged_file_of_the_spool_is_set_aside(tmp_path):
    office = Office(tmp_path)
    office.base.away = True
    office.record(range(3))
    sorted(tmp_path.glob("*.json"))[1].write_text("{")
    after = Office(tmp_path)
    while len(after.spool):
        after.record([])
    assert after.base.kept == [0, 2]
    assert len(list(tmp_path.glob("*.damaged"))) == 1


def test_poor_frames_leave_by_their_own_door():
    assert door_of(look(1, usable=False)) is Door.POOR_QUALITY


@given(
    st.lists(st.tuples(*[st.floats(0, 4000, width=32)] * 4, st.floats(0, 1, width=32)), max_size=5),
    st.booleans(),
    st.booleans(),
)
def test_a_look_comes_back_from_the_disk_bit_by_bit(rows, usable, placed):
    position = Position(30.1234567890123, 120.1, 359.9, None) if placed else None
    seen = Detections(
        np.array([row[:4] for row in rows], np.float32).reshape(-1, 4),
        (DistressType.POTHOLE,) * len(rows),
        np.array([row[4] for row in rows], np.float32),
    )
    one = Look(StreamFrame("cam", 1, NOON, 1.5, "ab", position, timed=False), seen, "m@1", usable, not usable)
    again = read_look(look_json(one))
    assert (again.frame, again.model, again.usable, again.missed) == (one.frame, one.model, one.usable, one.missed)
    assert np.array_equal(again.detections.boxes_xyxy, seen.boxes_xyxy)
    assert np.array_equal(again.detections.scores, seen.scores)
    assert (again.detections.types, again.key) == (seen.types, one.key)


def test_what_another_worker_s_camera_brought_is_refused_and_counted_also_from_the_disk(tmp_path):
    office = Office(tmp_path)
    office.base.fenced = {1, 2, 5}
    office.record(range(4))
    assert office.doors == {Door.INFERRED: 2, Door.DROPPED_STALE: 2}
    office.base.away = True
    office.record(range(4, 8))
    assert office.doors == {Door.INFERRED: 6, Door.DROPPED_STALE: 2}
    office.base.away = False
    office.record([])
    assert office.doors == {Door.INFERRED: 5, Door.DROPPED_STALE: 3}
    assert (office.base.kept, office.recorder.fenced) == ([0, 3, 4, 6, 7], 3)
