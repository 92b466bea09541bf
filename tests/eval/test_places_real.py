"""Places on pictures of other cameras and countries than the rule was chosen on: stamped, masked, of one long road."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from roadwarden.data.chainage import place_in_name
from roadwarden.data.place_pairs import FramePair, pairs_of_groups
from roadwarden.data.splits import read_splits, select
from roadwarden.defects.rulings import Answer
from roadwarden.defects.same_place import judge_place, shipped_same_place_table
from roadwarden.eval.registrations import CachedRegistrar
from roadwarden.inference.picture_matcher import evidence_of

pytestmark = pytest.mark.slow
Ask = Callable[[FramePair], Answer]


@pytest.fixture(scope="module")
def ask(roads: Path, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    pictures = {row.image: roads / row.image for row in read_splits(roads)}
    registrar = CachedRegistrar(pictures, tmp_path_factory.mktemp("kept") / "kept.parquet")

    def answer(pair: FramePair) -> Answer:
        return judge_place(evidence_of(registrar.attempt(pair.a, pair.b)), shipped_same_place_table())

    return answer


def test_a_stamp_in_every_frame_makes_no_place_of_a_whole_highway(roads, ask):
    """Every Brazilian frame carries the same stamp; those 5 m apart share road, those 200 m apart only the stamp."""
    frames = sorted(row.image for row in select(read_splits(roads), "brazil", ["survey"]))[:40]
    metres = {frame: place.chainage_m for frame in frames if (place := place_in_name(frame)) is not None}
    assert len(metres) == 40
    far = [FramePair(a, b) for a, b in itertools.combinations(frames, 2) if abs(metres[a] - metres[b]) >= 200]
    for pair in random.Random(1).sample(far, 60):
        assert ask(pair) is not Answer.SAME, pair
    near = [FramePair(a, b) for a, b in itertools.pairwise(frames) if metres[b] - metres[a] <= 5]
    assert len(near) >= 20
    assert sum(ask(pair) is Answer.SAME for pair in near) >= 0.7 * len(near)


def test_black_masks_of_one_shape_are_no_place(roads, ask):
    frames = sorted(select(read_splits(roads), "india", ["train"]), key=lambda row: row.image)[:40]
    for pair in pairs_of_groups(frames, 60, seed=1):
        assert ask(pair) is not Answer.SAME, pair
