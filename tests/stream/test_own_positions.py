"""Frames that bear their own positions, as those of boxes do, are placed by them however late they come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from roadwarden.detections import Detections, Position
from roadwarden.inference.stream.protocols import Look
from roadwarden.inference.stream.sink import OWN_FIXES, LiveFixes
from roadwarden.inference.stream.values import StreamFrame

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def looks(start, count=5):
    frames = [
        StreamFrame(
            "car-1", number, start + timedelta(seconds=number), 0.0, "0" * 64, Position(30.2, 120.1, 90.0, 10.0)
        )
        for number in range(count)
    ]
    return [Look(frame, Detections.none(), "boxnet@c0ffee12") for frame in frames]


def seen(fixes, start):
    return len(fixes(start, start + timedelta(seconds=10)))


def test_a_drive_that_arrives_behind_a_newer_one_is_placed_as_well():
    fixes = LiveFixes(None, None)
    fixes.add(looks(NOON + timedelta(hours=5)))
    fixes.add(looks(NOON))
    assert seen(fixes, NOON) == 5
    assert seen(fixes, NOON + timedelta(hours=5)) == 5


def test_what_is_neither_new_nor_near_what_has_come_is_forgotten():
    fixes = LiveFixes(None, None)
    for hour in range(6):
        fixes.add(looks(NOON + timedelta(hours=hour)))
    assert seen(fixes, NOON) == 0
    assert seen(fixes, NOON + timedelta(hours=5)) == 5
    fixes.add(looks(NOON + timedelta(hours=5) + OWN_FIXES / 2))
    assert seen(fixes, NOON + timedelta(hours=5)) == 5
