"""Stretches of time, half open [start, end): what parked and breached times are made of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

Interval = tuple[datetime, datetime]


def union(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """In order, overlapping and touching ones as one, empty ones left out."""
    merged: list[Interval] = []
    for start, end in sorted(one for one in intervals if one[0] < one[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return tuple(merged)


def clipped(intervals: Iterable[Interval], end: datetime) -> tuple[Interval, ...]:
    """What lies before ``end``."""
    return union((start, min(stop, end)) for start, stop in intervals)


def overlap(some: Iterable[Interval], others: Iterable[Interval]) -> tuple[Interval, ...]:
    """What lies in both."""
    second = union(others)
    return union((max(a, c), min(b, d)) for a, b in union(some) for c, d in second)


def measure(intervals: Iterable[Interval]) -> timedelta:
    """How long they are together; what they share counts once."""
    return sum((end - start for start, end in union(intervals)), timedelta(0))
