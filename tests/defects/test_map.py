"""The living map: pass after pass or one by one, it says what all at once would."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.defects.map import DefectMap
from roadwarden.defects.merging import merge
from roadwarden.defects.rulings import Ruling
from tests.defects.test_merging import CRACK, DAY, HOLE, PLANE, look


def crowd(random, count, metres):
    return [
        look(
            f"{n:03d}",
            round(random.uniform(0, 6), 1),
            round(random.uniform(-metres, metres), 1),
            drive := random.choice("abcd"),
            frame=f"{drive}{random.randrange(12)}",
            type=random.choice([HOLE, HOLE, CRACK]),
            length=random.choice([0.4, 0.6, 9.0]),
            second=random.randrange(4),
        )
        for n in range(count)
    ]


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 60), st.sampled_from([5.0, 60.0, 150.0]))
def test_batch_after_batch_in_any_order_is_the_same_as_all_at_once(random, count, metres):
    seen = crowd(random, count, metres)
    arriving = list(seen)
    random.shuffle(arriving)
    living = DefectMap(PLANE)
    while arriving:
        size = random.randint(1, 12)
        living.add(arriving[:size])
        arriving = arriving[size:]
    assert living.shelf.homes() == merge(seen, PLANE).homes()


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_rulings_may_come_before_between_or_after_the_sightings(random):
    seen = crowd(random, 24, 8.0)
    names = [sighting.id for sighting in seen]
    random.shuffle(names)
    rulings = [
        Ruling("r1", DAY, (tuple(names[:2]), tuple(names[2:4]))),
        Ruling("r2", DAY + timedelta(days=1), (tuple(names[3:6]),)),
    ]
    living = DefectMap(PLANE)
    steps = [*([sighting] for sighting in seen), *rulings]
    random.shuffle(steps)
    for step in steps:
        living.rule([step]) if isinstance(step, Ruling) else living.add(step)
    assert living.shelf.homes() == merge(seen, PLANE, rulings=rulings).homes()


def test_an_id_once_given_leads_to_the_defect_that_joined_it():
    living = DefectMap(PLANE)
    living.add([look("b1", 0.0, 0.0, "b")])
    assert living.defect_of("b1") == "b1"
    assert living.add([look("a1", 0.2, 0.0, "a")]) == {"a1"}  # an earlier one comes late
    assert living.defect_of("b1") == "a1"


def test_a_sighting_that_comes_twice_changes_nothing():
    living = DefectMap(PLANE)
    living.add([look("a1", 0.0, 0.0)])
    assert living.add([look("a1", 0.0, 0.0)]) == frozenset()
    assert len(living.shelf) == 1
