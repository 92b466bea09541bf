"""Judging merging: the counts by hand, and a short street end to end."""

from __future__ import annotations

import json
import random

import pytest
from typer.testing import CliRunner

from roadwarden.cli import app
from roadwarden.data.street_passes import StreetSettings, TrueThing, make_street_passes
from roadwarden.defects.map import DefectMap
from roadwarden.defects.merging import merge
from roadwarden.eval.merging import PLANE, pairwise, survey
from roadwarden.eval.merging_errors import mean_errors, pair_errors
from roadwarden.taxonomy import DistressType


def test_pairs_are_counted_as_by_hand():
    truth = {"a": "hole", "b": "hole", "c": "hole", "d": "patch"}
    homes = {"a": "1", "b": "1", "c": "2", "d": "2"}
    assert pairwise(homes, truth) == (pytest.approx(1 / 2), pytest.approx(1 / 3))


def test_wrong_pairs_are_told_by_what_they_mix_and_missed_ones_by_what_is_in_pieces():
    crack = TrueThing("crack", DistressType.LONGITUDINAL_CRACK, 20.0, 0.0, 12.0, 0.2)
    hole = TrueThing("hole", DistressType.POTHOLE, 40.0, 0.0, 0.5, 0.5)
    truth = {"a": "crack", "b": "crack", "c": "crack", "d": "hole", "e": "hole", "f": "shadow"}
    homes = {"a": "1", "b": "1", "c": "2", "d": "2", "e": "2", "f": "2"}
    found = pair_errors([crack, hole], homes, truth)  # of 3 + 1 true pairs
    assert found.missed == {"long crack": 2 / 4}
    assert found.wrong == {
        "long crack + pothole": 2 / 4,
        "false alarm + long crack": 1 / 4,
        "false alarm + pothole": 2 / 4,
    }
    clean = pair_errors([crack, hole], truth, truth)
    assert (clean.missed, clean.wrong) == ({}, {})
    assert mean_errors([found, clean]).missed == {"long crack": 1 / 4}


def test_a_street_is_the_same_for_the_same_seed_and_another_for_another():
    short = StreetSettings(length_m=60, passes=2)
    assert make_street_passes(1, short) == make_street_passes(1, short)
    assert make_street_passes(1, short).things != make_street_passes(2, short).things


def test_the_living_map_of_a_street_is_what_merging_all_its_passes_at_once_gives():
    street = make_street_passes(5, StreetSettings(length_m=80, passes=8, things_per_100_m=25))
    seen = list(survey(street).sightings)
    living, rest = DefectMap(PLANE), random.Random(5).sample(seen, len(seen))
    while rest:
        living.add(rest[:60])
        rest = rest[60:]
    whole = merge(seen, PLANE).homes()
    assert {name: living.defect_of(name) for name in whole} == whole


def test_the_command_judges_a_short_street_and_writes_report_and_map(tmp_path):
    done = CliRunner().invoke(
        app,
        ["eval", "merging", "--streets", "1", "--passes", "8", "--length-m", "120", "--out", str(tmp_path), "--json"],
    )
    assert done.exit_code in (0, 3)
    report = json.loads(done.stdout)
    assert report == json.loads((tmp_path / "merging.json").read_text())
    assert 0 < report["mean"]["position_median_m"] < 0.8
    assert 0.9 < report["mean"]["pair_f1"] < 1
    assert report["mean"]["over_merged"] < 0.05
    assert "roadwarden eval merging --streets 1" in (tmp_path / "merging.md").read_text()
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
