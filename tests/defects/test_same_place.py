"""What comparing two pictures is worth: same place, another place, or it cannot be told."""

from __future__ import annotations

import pytest

from roadwarden.defects.rulings import Answer
from roadwarden.defects.same_place import (
    OtherRule,
    PlaceEvidence,
    SamePlaceTable,
    SameRule,
    judge_place,
    read_same_place_table,
    shipped_same_place_table,
)
from roadwarden.errors import ConfigError
from roadwarden.taxonomy import Status

TABLE = SamePlaceTable(
    version="test",
    algorithm="test",
    same=SameRule(least_inliers=20, source="policy", status=Status.VERIFIED),
    other=OtherRule(least_keypoints=500, most_matches=10, source="policy", status=Status.VERIFIED),
)


def evidence(*, keypoints: int = 2000, matches: int = 100, inliers: int = 0, fits: bool = False) -> PlaceEvidence:
    return PlaceEvidence(keypoints, matches, inliers, fits=fits)


@pytest.mark.parametrize(
    ("seen", "answer"),
    [
        (evidence(inliers=20, fits=True), Answer.SAME),
        (evidence(inliers=19, fits=True), Answer.CANNOT_TELL),
        (evidence(inliers=400), Answer.CANNOT_TELL),
        (evidence(matches=10), Answer.DIFFERENT),
        (evidence(matches=11), Answer.CANNOT_TELL),
        (evidence(matches=0, keypoints=499), Answer.CANNOT_TELL),
    ],
    ids=["enough", "one too few", "mirrored or in a line", "nothing in common", "something in common", "flat picture"],
)
def test_what_the_evidence_says(seen, answer):
    assert judge_place(seen, TABLE) is answer


def test_without_a_rule_other_is_never_said():
    table = TABLE.model_copy(update={"other": None})
    assert judge_place(evidence(matches=0), table) is Answer.CANNOT_TELL


def test_the_table_that_comes_with_us_has_its_sources():
    table = shipped_same_place_table()
    assert table.same.least_inliers >= 15  # nothing is registered below
    assert table.other is not None
    assert "val" in table.same.source


def test_a_misspelt_number_is_named(tmp_path):
    place = tmp_path / "same_place.yaml"
    text = 'version: "1"\nalgorithm: "2"\nsame: {least_inlier: 20, source: policy, status: verified}\n'
    place.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="least_inlier"):
        read_same_place_table(place)
