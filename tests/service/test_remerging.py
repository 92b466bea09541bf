"""Sightings merged by other rules, and what becomes of a merge that is broken off."""

from __future__ import annotations

import pytest
from drives import CAMERA, HANGZHOU, MORNING, SETTINGS, drive, fixes, street

from roadwarden.defects.merging import merge
from roadwarden.defects.policy import MergingPolicy
from roadwarden.errors import DataError
from roadwarden.geo.tiles import MapBox
from roadwarden.service import merging
from roadwarden.service.merging import Rules, remerge
from roadwarden.service.survey import survey
from roadwarden.storage.schema import open_storage
from roadwarden.storage.unit import reading, writing

COARSE = Rules(MergingPolicy(map_floor_m=2.0, whole_m=9.0))
ROW = tuple((60.0 + 1.9 * step, -2.0) for step in range(4))  # holes nearer to each other than coarse rules can tell


@pytest.fixture
def engine(database_url):
    engine = open_storage(database_url)
    with writing(engine) as unit:
        unit.segments.add(street(), "street", MORNING)
    survey(engine, drive(holes=ROW), fixes(), CAMERA, SETTINGS)
    yield engine
    engine.dispose()


def kept(engine):
    with reading(engine) as unit:
        return unit.defects.in_box(MapBox(30.0, 120.0, 30.5, 120.5))


def all_sightings(engine):
    with reading(engine) as unit:
        homes = unit.sightings.of_defects(one.id for one in kept(engine))
    return {one.id: name for name, ones in homes.items() for one in ones}, [
        one for ones in homes.values() for one in ones
    ]


def test_other_rules_merge_everything_anew_and_only_when_asked(engine):
    assert len(kept(engine)) == len(ROW)
    later = drive(start=MORNING.replace(day=3), holes=ROW, name="tuesday")
    with pytest.raises(DataError, match="defects rebuild"):
        survey(engine, later, fixes(start=MORNING.replace(day=3)), CAMERA, SETTINGS, COARSE)
    homes, sightings = all_sightings(engine)
    assert remerge(engine, COARSE) == len(sightings)
    homes, sightings = all_sightings(engine)
    assert homes == merge(sightings, HANGZHOU, COARSE.merging).homes()
    assert len(set(homes.values())) < len(ROW)
    assert all(one.road is not None and one.severity is not None for one in kept(engine))
    assert remerge(engine, COARSE) == 0
    survey(engine, later, fixes(start=MORNING.replace(day=3)), CAMERA, SETTINGS, COARSE)


def test_a_rebuild_that_is_broken_off_goes_on(engine, monkeypatch):
    _, sightings = all_sightings(engine)
    monkeypatch.setattr(merging, "BATCH", 7)
    told = []

    def stop(done, total):
        told.append((done, total))
        if done >= 14:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        remerge(engine, COARSE, tell=stop)
    assert told == [(7, len(sightings)), (14, len(sightings))]
    assert remerge(engine, COARSE) == len(sightings) - 14
    homes, sightings = all_sightings(engine)
    assert homes == merge(sightings, HANGZHOU, COARSE.merging).homes()
    assert {one.id for one in kept(engine)} == set(homes.values())
