"""One pass is one drive past a place."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from roadwarden.defects.drives import passes_of


def along(*corners, every_m=2.0):
    """Points along straight lines between corners."""
    points = [np.array([corners[0]], float)]
    for start, end in pairwise(corners):
        steps = max(1, int(np.hypot(*np.subtract(end, start)) / every_m))
        points.append(np.linspace(start, end, steps + 1)[1:])
    return np.concatenate(points)


def numbers(metres, seconds=None):
    return passes_of(np.arange(len(metres)) * 0.2 if seconds is None else seconds, metres).tolist()


def test_a_street_driven_along_is_one_pass():
    assert set(numbers(along((0, 0), (500, 0), (500, 300)))) == {0}


def test_a_vehicle_that_stands_at_a_light_stays_in_its_pass():
    still = np.random.default_rng(1).normal(0, 0.1, (900, 2)) + np.array([100.0, 0.0])
    metres = np.concatenate([along((0, 0), (100, 0)), still, along((100, 0), (200, 0))])
    assert set(numbers(metres, np.arange(len(metres)) * 0.2)) == {0}


def test_once_more_around_the_block_is_another_pass():
    block = along((0, 0), (200, 0), (200, 100), (0, 100), (0, 0), (200, 0))
    found = numbers(block)
    assert found[0] == 0
    assert found[-1] == 1
    assert found == sorted(found)
    again = block[found.index(1)]
    assert np.hypot(*again) < 20  # where it came back


def test_the_way_back_on_the_same_street_is_another_pass():
    there = along((0, 0), (300, 0))
    found = numbers(np.concatenate([there, there[::-1] + np.array([0.0, 3.0])]))
    assert (found[0], found[-1]) == (0, 1)
    assert 0 < found.index(1) - len(there) < 30  # soon after the turn


def test_a_long_pause_begins_another_pass_and_later_frames_change_nothing_before():
    metres = along((0, 0), (400, 0))
    seconds = np.arange(len(metres)) * 0.2 + (np.arange(len(metres)) >= 100) * 600.0
    found = numbers(metres, seconds)
    assert found == [0] * 100 + [1] * (len(metres) - 100)
    assert numbers(metres[:130], seconds[:130]) == found[:130]


def test_no_frames_no_passes():
    assert numbers(np.zeros((0, 2))) == []
