"""Large frames in tiles: nothing is missed at a seam and nothing is counted twice."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.detections import Detections
from roadwarden.models.tiling import TiledDetector, TileView, merge_seams, tile_corners
from roadwarden.taxonomy import DistressType

POTHOLE, PATCH = DistressType.POTHOLE, DistressType.PATCH


def seen(*rows: tuple[float, float, float, float], of: DistressType = POTHOLE, score: float = 0.8) -> Detections:
    return Detections(
        np.array(rows, np.float32).reshape(-1, 4), (of,) * len(rows), np.full(len(rows), score, np.float32)
    )


class BlackSquares:
    """A fake that sees the bounding box of everything black in a picture."""

    card = None

    def detect(self, images):
        found = []
        for image in images:
            ys, xs = np.nonzero(image[..., 0] == 0)
            found.append(seen((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)) if len(xs) else Detections.none())
        return found


@given(st.integers(1, 9000), st.integers(1, 9000), st.integers(64, 2000))
def test_tiles_cover_every_pixel_and_stay_inside(width, height, tile_px):
    corners = list(tile_corners(width, height, tile_px))
    for length, starts in ((width, {left for left, _ in corners}), (height, {top for _, top in corners})):
        ends = sorted(starts)
        assert ends[0] == 0
        assert max(ends) + tile_px >= length
        assert max(ends) <= max(0, length - tile_px)
        assert all(b - a < tile_px for a, b in pairwise(ends))


@pytest.mark.parametrize("left", range(500, 1300, 97))
def test_a_pothole_is_one_pothole_wherever_the_seams_are(left):
    road = np.full((3000, 4000, 3), 128, np.uint8)
    road[1500:1620, left : left + 200] = 0
    (found,) = TiledDetector(BlackSquares(), tile_px=1280, from_px=2560).detect([road])
    assert found.boxes_xyxy.tolist() == [[left, 1500, left + 200, 1620]]


def test_a_small_frame_is_seen_whole():
    road = np.full((720, 1280, 3), 128, np.uint8)
    road[100:110, 200:230] = 0
    (found,) = TiledDetector(BlackSquares(), tile_px=640, from_px=2560).detect([road])
    assert found.boxes_xyxy.tolist() == [[200, 100, 230, 110]]


LEFT, RIGHT = (0, 0, 200, 100), (150, 0, 350, 100)  # two tiles that overlap by 50 px


def view(tile, *boxes, of=POTHOLE):
    return TileView(np.array(tile, np.float32), seen(*boxes, of=of))


def test_distress_of_different_types_is_never_joined():
    assert len(merge_seams([view(LEFT, (100, 0, 200, 100)), view(RIGHT, (150, 0, 250, 100), of=PATCH)])) == 2


def test_neighbours_in_one_tile_stay_two():
    assert len(merge_seams([view(LEFT, (0, 0, 100, 100), (40, 0, 140, 100))])) == 2


def test_a_long_crack_over_three_tiles_is_one():
    third = (300, 0, 500, 100)
    views = [view(LEFT, (20, 0, 200, 9)), view(RIGHT, (150, 0, 350, 9)), view(third, (300, 0, 480, 9))]
    (box,) = merge_seams(views).boxes_xyxy.tolist()
    assert box == [20, 0, 480, 9]


def test_two_cracks_that_only_meet_at_a_seam_stay_two():
    views = [view(LEFT, (20, 0, 160, 9)), view(RIGHT, (190, 0, 350, 9))]
    assert len(merge_seams(views)) == 2
