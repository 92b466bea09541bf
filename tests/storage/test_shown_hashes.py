"""Copies of pictures of repair reports are found among all that were ever shown, as if each were compared."""

from __future__ import annotations

import random

import pytest

from roadwarden.storage.assessments import HashIndex, ShownPicture
from roadwarden.storage.case_unit import reading, writing
from roadwarden.storage.schema import open_storage

BITS = 8


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    yield engine
    engine.dispose()


def pictures(first, number):
    """Pictures of a few cameras, so that some lie near each other; the highest and the lowest hash among them."""
    dice = random.Random(first)
    cameras = [0, 2**64 - 1, *(random.Random(seed).getrandbits(64) for seed in range(6))]
    for at in range(first, first + number):
        hashed = dice.choice(cameras)
        for bit in dice.sample(range(64), dice.randrange(9)):
            hashed ^= 1 << bit
        yield ShownPicture(f"{at:064x}", hashed, f"HZ-{at // 2}", at % 2)


def near_by_hand(shown, perceptual):
    found = [((one.perceptual ^ perceptual).bit_count(), number) for number, one in enumerate(shown)]
    return [shown[number] for bits, number in sorted(found) if bits <= BITS]


def test_an_index_that_follows_finds_what_comparing_each_finds(engine):
    index, shown = HashIndex(), []
    assert index.near(7, BITS) == []
    for first, number in ((0, 300), (300, 1), (301, 0), (301, 200)):
        new = list(pictures(first, number))
        shown += new
        with writing(engine) as unit:
            unit.shown.add(new)
        with reading(engine) as unit:
            index.follow(unit.shown)
            for asked in (0, 2**64 - 1, *(one.perceptual for one in pictures(9000, 5))):
                numbers = index.near(asked, BITS)
                by_number = dict(zip(sorted(numbers), unit.shown.get(sorted(numbers)), strict=True))
                assert [by_number[at] for at in numbers] == near_by_hand(shown, asked)
                assert 0 < len(numbers) < len(shown)


def test_what_is_known_is_not_read_again(engine):
    with writing(engine) as unit:
        unit.shown.add(list(pictures(0, 10)))

    asked = []

    class Counted:
        def after(self, number, most=4):
            asked.append(number)
            return unit.shown.after(number, most)

    index = HashIndex()
    with reading(engine) as unit:
        index.follow(Counted())
        index.follow(Counted())
        newest = unit.shown.newest()
    assert asked == [0, newest - 6, newest - 2, newest, newest]
