"""The triples that the assessor of repairs is judged on: the same each time, and of the kind they say."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from roadwarden.data.splits import read_splits
from roadwarden.eval.repairs import Kind, Triple
from roadwarden.eval.repairs_roads import road_triples
from roadwarden.eval.repairs_street import street_triples
from roadwarden.repairs.pictures import Earlier, Picture, is_copy
from roadwarden.repairs.table import shipped_repair_table
from roadwarden.vision.fingerprint import perceptual_hash

ROADS = Path(__file__).parents[3] / "shared" / "roads"
pytestmark = pytest.mark.slow


def assert_same(ours: list[Triple], theirs: list[Triple]) -> None:
    assert [one.name for one in ours] == [one.name for one in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one.box == other.box
        assert (one.before == other.before).all()
        assert (one.after == other.after).all()


def assert_boxes_inside(triples: list[Triple]) -> None:
    for one in triples:
        height, width = one.before.shape[:2]
        x1, y1, x2, y2 = one.box
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height


def test_a_street_gives_the_same_triples_again() -> None:
    kinds = (Kind.MENDED, Kind.OLD_PHOTO, Kind.NOTHING_DONE)
    first = list(islice(street_triples([3], kinds), 4))
    assert_same(first, list(islice(street_triples([3], kinds), 4)))
    assert_boxes_inside(first)
    assert {one.kind for one in first} <= set(kinds)


def test_an_old_photo_is_told_and_a_second_look_is_not() -> None:
    table = shipped_repair_table().gate
    for one in islice(street_triples([5], (Kind.OLD_PHOTO, Kind.NOTHING_DONE)), 4):
        earlier = [Earlier("before", perceptual_hash(one.before), one.before)]
        assert is_copy(Picture(one.after, "after"), earlier, table) is (one.kind is Kind.OLD_PHOTO)


@pytest.mark.skipif(not ROADS.is_dir(), reason="the road pictures are not here")
def test_real_triples_stay_within_their_part() -> None:
    triples = list(road_triples(ROADS, "val", 6, 4))
    assert_same(triples, list(road_triples(ROADS, "val", 6, 4)))
    assert_boxes_inside(triples)
    groups = {row.group for row in read_splits(ROADS) if row.part == "val"}
    assert {one.group for one in triples} <= groups
    assert all(one.after.dtype == np.uint8 for one in triples)
