"""The living map in a database: batch after batch, in any order, it is what merging all at once says."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from kept_roads import HANGZHOU, NOON, look, sha, survey
from sqlalchemy import func, select, text

from roadwarden.defects.folding import defects_of
from roadwarden.defects.merging import merge
from roadwarden.defects.policy import MergingPolicy
from roadwarden.defects.rulings import Answer, Compared, Ruling
from roadwarden.errors import DataError
from roadwarden.geo.plane import LocalPlane
from roadwarden.storage.engine import reading as reading_connection
from roadwarden.storage.engine import writing as writing_connection
from roadwarden.storage.schema import open_storage
from roadwarden.storage.tables import track_cells, tracks
from roadwarden.storage.unit import reading, writing
from roadwarden.taxonomy import DistressType

RULES = MergingPolicy()
PLANE = HANGZHOU  # as the database chooses it: the middle of what came first, to a hundredth of a degree


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    yield engine
    engine.dispose()


def crowd(seed, count, metres):
    """Passes of four cars through a crowd of holes and cracks, some so long that they cross tiles."""
    chance = random.Random(seed)
    seen = []
    for n in range(count):
        drive = chance.choice("abcd")
        one = look(
            f"{seed} {n}",
            round(chance.uniform(0, 6), 1),
            round(chance.uniform(-metres, metres), 1),
            seconds=chance.randrange(4),
            drive=drive,
            type=chance.choice([DistressType.POTHOLE, DistressType.POTHOLE, DistressType.LONGITUDINAL_CRACK]),
        )
        size = chance.choice([0.4, 0.6, 9.0, 45.0])
        seen.append(replace(one, frame=sha(f"{drive}{chance.randrange(12)}"), length_m=size))
    return seen


def absorbed(engine, sightings):
    with writing(engine) as unit:
        return unit.absorb(sightings, RULES)


def homes(engine, sightings):
    with reading(engine) as unit:
        return dict(unit.sightings.defects_of(one.id for one in sightings))


def kept_defects(engine, ids):
    with reading(engine) as unit:
        return unit.defects.get(ids)


def assert_as_all_at_once(engine, seen, rulings=(), compared=()):
    whole = merge(seen, PLANE, RULES, rulings, compared)
    assert homes(engine, seen) == whole.homes()
    wanted = {defect.id: defect for defect in defects_of(whole, seen, PLANE, RULES)}
    found = {defect.id: defect for defect in kept_defects(engine, wanted)}
    assert found.keys() == wanted.keys()
    for name, defect in wanted.items():
        kept = found[name]
        assert (kept.vote, kept.passes, kept.sightings) == (defect.vote, len(defect.passes), len(defect.sightings))
        assert (kept.first_seen_at, kept.last_seen_at) == (defect.first_seen_at, defect.last_seen_at)
        for value in ("length_m", "width_m", "size_sigma_m"):
            assert getattr(kept, value) == pytest.approx(getattr(defect, value))
        assert PLANE.metres_of(kept.position) == pytest.approx(PLANE.metres_of(defect.position), abs=1e-4)
    with reading(engine) as unit:
        assert unit.defects.count() == len(wanted)


@pytest.mark.parametrize(("seed", "count", "metres"), [(1, 40, 5.0), (2, 60, 60.0), (3, 60, 150.0), (4, 30, 15.0)])
def test_batch_after_batch_in_any_order_is_the_same_as_all_at_once(engine, seed, count, metres):
    seen = crowd(seed, count, metres)
    chance, arriving = random.Random(seed), list(seen)
    chance.shuffle(arriving)
    while arriving:
        size = chance.randint(1, 20)
        absorbed(engine, arriving[:size])
        arriving = arriving[size:]
    assert_as_all_at_once(engine, seen)


def test_a_batch_that_is_broken_off_leaves_nothing_and_may_come_again(engine):
    seen = crowd(5, 40, 20.0)
    absorbed(engine, seen[:20])
    with pytest.raises(ZeroDivisionError), writing(engine) as unit:
        unit.absorb([*seen[20:]], RULES).new[1 // 0]
    assert_as_all_at_once(engine, seen[:20])
    absorbed(engine, seen[10:])
    assert_as_all_at_once(engine, seen)


def test_a_survey_read_twice_changes_nothing(engine):
    seen = crowd(6, 30, 20.0)
    assert set(absorbed(engine, seen).new) == set(seen)
    again = absorbed(engine, seen)
    assert (again.new, again.defects, dict(again.gone)) == ((), (), {})
    assert_as_all_at_once(engine, seen)


def test_what_people_and_pictures_say_between_batches_counts_as_if_it_had_been_known_from_the_start(engine):
    seen = crowd(7, 50, 12.0)
    names = [one.id for one in seen]
    rulings = [
        Ruling("split", NOON, ((names[0], names[1]), (names[2], names[3])), "inspector"),
        Ruling("merge", NOON + timedelta(days=1), ((names[3], names[4], names[20]),), "inspector"),
        Ruling("later", NOON + timedelta(days=2), ((names[20],), (names[21],)), "inspector"),
    ]
    compared = [Compared(*sorted(names[5:7]), Answer.SAME), Compared(*sorted(names[8:10]), Answer.DIFFERENT)]
    absorbed(engine, seen[:25])
    for ruling in rulings:
        with writing(engine) as unit:
            unit.say([ruling], [], RULES)
    absorbed(engine, seen[25:40])
    with writing(engine) as unit:
        unit.say([], compared, RULES)
    absorbed(engine, seen[40:])
    assert_as_all_at_once(engine, seen, rulings, compared)


def test_ids_of_defects_that_were_joined_lead_on(engine):
    later, earlier = look("later", seconds=60), look("earlier", 0.2, drive="tuesday")
    absorbed(engine, [later])
    change = absorbed(engine, [earlier])
    assert change.gone == {later.id: earlier.id}
    assert [defect.id for defect in change.defects] == [earlier.id]
    with reading(engine) as unit:
        assert unit.defects.now([later.id]) == {later.id: earlier.id}


def test_a_ruling_about_a_sighting_that_is_not_kept_is_refused(engine):
    absorbed(engine, [look("a")])
    with pytest.raises(DataError), writing(engine) as unit:
        unit.say([Ruling("r", NOON, ((sha("nobody's", 32),),))], [], RULES)


def test_by_other_rules_nothing_is_mixed(engine):
    absorbed(engine, [look("a")])
    with pytest.raises(DataError, match="defects rebuild"), writing(engine) as unit:
        unit.absorb([look("b")], MergingPolicy(reach_m=2.0))


def test_another_city_belongs_in_another_database(engine):
    absorbed(engine, [look("a")])
    with pytest.raises(DataError, match="another city in another database"):
        absorbed(engine, [look("far", plane=LocalPlane(39.9, 116.4))])


def test_a_batch_reads_its_neighbourhood_only(engine):
    """What is far away may be damaged without a batch noticing."""
    absorbed(engine, survey(holes=40, spread_m=200.0))
    with reading_connection(engine) as connection:
        before = connection.execute(select(func.count()).select_from(tracks)).scalar_one()
    damaged = "UPDATE tracks SET looks = seen WHERE east_m * east_m + north_m * north_m < 40000 AND number <= 20"
    with writing_connection(engine) as connection:
        assert connection.execute(text(damaged)).rowcount > 0
    absorbed(engine, [look("a new one", 2_000.0, 0.0, drive="monday")])
    with reading_connection(engine) as connection:
        assert connection.execute(select(func.count()).select_from(tracks)).scalar_one() == before + 1
        known = set(connection.execute(select(tracks.c.number)).scalars())
        assert set(connection.execute(select(track_cells.c.track)).scalars()) == known
