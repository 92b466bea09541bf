"""Where frames wait: bounded, fair, never for a dead camera."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from roadwarden.inference.stream.books import Ticket
from roadwarden.inference.stream.hall import Entrant, Hall
from roadwarden.inference.stream.policy import Policy, WhenBehind
from roadwarden.inference.stream.protocols import Arrival
from roadwarden.inference.stream.values import Door, Encoded, StreamFrame

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIVE = Policy(WhenBehind.DROP_OLDEST, 2, 1.0)
PATIENT = Policy(WhenBehind.WAIT, 2, None)
GO = threading.Event()


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def entrant(camera, number, policy=LIVE, arrived_s=100.0):
    frame = StreamFrame(camera, number, NOON, arrived_s, f"{number:02x}")
    return Entrant(Arrival(frame, Encoded(b"")), Ticket(camera, number), policy)


def names(batch):
    return [(one.ticket.camera, one.ticket.number) for one in batch]


@pytest.fixture
def out():
    return []


@pytest.fixture
def hall(out):
    return Hall(lambda one, door: out.append((one.ticket.camera, one.ticket.number, door)), Clock())


def test_a_full_buffer_of_a_live_camera_gives_up_its_oldest(hall, out):
    for number in range(5):
        assert hall.put(entrant("a", number), GO)
    assert out == [("a", number, Door.DROPPED_QUEUE_FULL) for number in range(3)]
    assert names(hall.take(9, 0, GO)) == [("a", 3), ("a", 4)]


def test_an_archive_waits_at_a_full_buffer_and_loses_nothing(hall, out):
    def fill():
        for number in range(5):
            hall.put(entrant("a", number, PATIENT), GO)

    thread = threading.Thread(target=fill)
    thread.start()
    taken = []
    while len(taken) < 5:
        taken += names(hall.take(1, 0, GO))
    thread.join()
    assert taken == [("a", number) for number in range(5)]
    assert out == []


def test_a_frame_that_waited_for_too_long_is_dropped_and_a_fresh_one_behind_it_is_not(hall, out):
    hall.put(entrant("a", 0, arrived_s=98.0), GO)
    hall.put(entrant("a", 1, arrived_s=99.9), GO)
    assert names(hall.take(9, 0, GO)) == [("a", 1)]
    assert out == [("a", 0, Door.DROPPED_STALE)]


def test_cameras_take_turns_and_a_busy_one_starves_no_other(hall):
    for number in range(2):
        for camera in ("a", "b", "c"):
            hall.put(entrant(camera, number), GO)
    batches = [names(hall.take(2, 0, GO)) for _ in range(3)]
    assert batches == [[("a", 0), ("b", 0)], [("c", 0), ("a", 1)], [("b", 1), ("c", 1)]]


def test_a_batch_is_not_waited_for_beyond_its_deadline_nor_for_a_camera_that_sends_nothing(out):
    hall = Hall(lambda one, door: out.append(one))
    hall.put(entrant("dead", 0, arrived_s=time.monotonic()), GO)
    hall.take(1, 0, GO)
    hall.put(entrant("alive", 0, arrived_s=time.monotonic()), GO)
    begun = time.monotonic()
    assert names(hall.take(8, 0.1, GO)) == [("alive", 0)]
    assert 0.09 < time.monotonic() - begun < 1.0


def test_a_full_batch_goes_at_once(out):
    hall = Hall(lambda one, door: out.append(one))
    for camera in ("a", "b"):
        hall.put(entrant(camera, 0, arrived_s=time.monotonic()), GO)
    begun = time.monotonic()
    assert len(hall.take(2, 10.0, GO)) == 2
    assert time.monotonic() - begun < 2.0


def test_while_memory_is_short_live_frames_are_dropped_and_archives_stand_still(hall, out):
    hall.press(full=True)
    assert not hall.put(entrant("live", 0), GO)
    assert out == [("live", 0, Door.DROPPED_QUEUE_FULL)]
    thread = threading.Thread(target=hall.put, args=(entrant("film", 0, PATIENT), GO))
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    hall.press(full=False)
    thread.join(5)
    assert names(hall.take(9, 0, GO)) == [("film", 0)]


def test_who_waits_when_the_worker_ends_leaves_by_shutdown(hall, out):
    stop = threading.Event()
    for number in range(2):
        hall.put(entrant("a", number, PATIENT), stop)
    thread = threading.Thread(target=hall.put, args=(entrant("a", 2, PATIENT), stop))
    thread.start()
    stop.set()
    thread.join(5)
    assert out == [("a", 2, Door.SHUTDOWN)]
    assert names(hall.empty()) == [("a", 0), ("a", 1)]
    assert hall.take(1, 0, stop) == []


def test_what_is_taken_leaves_room_in_its_budget_for_the_work_that_is_still_to_come(hall, out):
    for _ in range(30):
        hall.took(0.3)
    hall.put(entrant("a", 1, arrived_s=99.25), GO)  # 0.75 s old; with 0.3 s of work it would be kept after 1.05 s
    hall.put(entrant("a", 2, arrived_s=99.35), GO)
    assert names(hall.take(9, 0, GO)) == [("a", 2)]
    assert out == [("a", 1, Door.DROPPED_STALE)]
    assert hall.oldest_s(LIVE) == pytest.approx(0.7, abs=0.01)
    assert hall.oldest_s(PATIENT) == float("inf")


def test_where_the_work_takes_longer_than_the_budget_frames_are_late_and_not_all_dropped(hall, out):
    hall.took(30.0)
    hall.put(entrant("a", 1, arrived_s=99.6), GO)
    assert names(hall.take(9, 0, GO)) == [("a", 1)]


def test_a_source_is_told_of_every_frame_that_waits_no_more_by_whatever_way(hall, out):
    freed = []

    def told(number, arrived_s=100.0):
        one = entrant("a", number, arrived_s=arrived_s)
        return replace(one, arrival=replace(one.arrival, freed=lambda: freed.append(number)))

    stopped = threading.Event()
    stopped.set()
    hall.put(told(1), GO)
    hall.put(told(2, arrived_s=90.0), GO)
    hall.put(told(3), GO)  # 1 is pushed out
    hall.take(1, 0, GO)  # 2 is stale, 3 gets its turn
    hall.put(told(4), stopped)
    hall.put(told(5), GO)
    hall.empty()
    assert freed == [1, 2, 3, 4, 5]
