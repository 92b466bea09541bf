"""Rare distress pasted into streets that have none."""

from __future__ import annotations

import numpy as np
import pytest

from roadwarden.taxonomy import DistressType
from roadwarden.training.paste import cut_donors, is_bare_road, paint_patch, paint_pothole, paste_pothole, paste_rare


def road(seed: int = 0) -> np.ndarray:
    """Grey, grainy asphalt, 512 px."""
    grain = np.random.default_rng(seed).normal(0, 8, (512, 512, 1))
    return np.clip(120 + grain, 0, 255).repeat(3, axis=2).astype(np.uint8)


def hole_on_another_street() -> tuple[np.ndarray, np.ndarray]:
    picture = road(1)
    picture[200:260, 300:380] = 40
    return picture, np.array([[300, 200, 380, 260]], np.float32)


def test_a_pothole_is_cut_with_road_around_it():
    picture, boxes = hole_on_another_street()
    (donor,) = cut_donors(picture, boxes)
    assert donor.pixels.shape[:2] == donor.mask.shape == (84, 112)
    assert donor.mask[42, 56] == 255
    assert donor.mask[0, 0] == 0


def test_small_and_blacked_out_holes_are_no_donors():
    picture, boxes = hole_on_another_street()
    assert cut_donors(picture, np.array([[10, 10, 20, 20]], np.float32)) == []
    picture[:, 370:] = 0
    assert cut_donors(picture, boxes) == []


@pytest.mark.parametrize("seed", range(6))
def test_the_box_is_where_the_picture_changed(seed):
    frame, rng = road(), np.random.default_rng(seed)
    donors = cut_donors(*hole_on_another_street())
    for changed in (
        paint_pothole(frame, [], rng),
        paint_patch(frame, [], road(7), rng),
        paste_pothole(frame, [], donors, rng),
    ):
        assert changed is not None
        picture, (x1, y1, x2, y2) = changed
        different = np.abs(picture.astype(int) - frame).max(axis=2) > 12
        inside = different[max(0, y1 - 4) : y2 + 4, max(0, x1 - 4) : x2 + 4].sum()
        assert 0 <= x1 < x2 <= 512
        assert 0 <= y1 < y2 <= 512
        assert different.sum() > 20
        assert inside / different.sum() > 0.95


def test_what_is_labelled_is_never_painted_over():
    taken = np.array([[0, 0, 512, 250], [0, 300, 512, 512]], np.float32)
    for seed in range(10):
        picture, added = paste_rare(road(), taken, [], road(7), np.random.default_rng(seed))
        assert all(box[1] >= 250 and box[3] <= 300 for _, box in added)
        assert (picture[:246] == road()[:246]).all()


def test_grass_cars_and_markings_are_not_bare_road():
    grass = np.zeros((512, 512, 3), np.uint8)
    grass[...] = (40, 160, 60)
    marked = road()
    marked[:, 200:260] = 255
    assert is_bare_road(road(), (100, 100, 300, 300), [])
    assert not is_bare_road(grass, (100, 100, 300, 300), [])
    assert not is_bare_road(marked, (150, 100, 300, 300), [])
    assert not is_bare_road(road(), (400, 400, 600, 500), [])
    assert paint_patch(grass, [], road(7), np.random.default_rng(0)) is None


def test_everything_follows_from_the_seed():
    nothing = np.zeros((0, 4), np.float32)
    donors = cut_donors(*hole_on_another_street())
    one, two = (paste_rare(road(), nothing, donors, road(7), np.random.default_rng(5)) for _ in range(2))
    assert (one[0] == two[0]).all()
    assert one[1] == two[1]
    assert {distress for distress, _ in one[1]} <= {DistressType.POTHOLE, DistressType.PATCH}
