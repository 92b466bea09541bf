"""Several looks at one frame, and their mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.detections import Detections, Image
from roadwarden.models.card import Head, ModelCard, View
from roadwarden.models.score_map import ScoreMap
from roadwarden.models.views import VIEW_FLOOR, detect_in_views, merge_views
from roadwarden.taxonomy import TAXONOMY_VERSION, TRAINED_TYPES, DistressType

LONG, CROSS, HOLE = DistressType.LONGITUDINAL_CRACK, DistressType.TRANSVERSE_CRACK, DistressType.POTHOLE
ROAD: Image = np.zeros((100, 200, 3), np.uint8)


def seen(*rows: tuple[tuple[float, float, float, float], DistressType, float]) -> Detections:
    if not rows:
        return Detections.none()
    boxes, types, scores = zip(*rows, strict=True)
    return Detections(np.array(boxes, np.float32), types, np.array(scores, np.float32))


def card(*views: View, threshold: float = 0.1, score_map: ScoreMap | None = None) -> ModelCard:
    return ModelCard(
        name="looks twice",
        classes=TRAINED_TYPES,
        input_size=416,
        head=Head.ONE_TO_MANY,
        taxonomy_version=TAXONOMY_VERSION,
        thresholds=dict.fromkeys(TRAINED_TYPES, threshold),
        score_map=score_map or ScoreMap(),
        training_data="none",
        git_commit="test",
        views=views,
    )


def test_what_both_views_see_keeps_its_mean_score_and_place():
    merged = merge_views([seen(((0, 0, 100, 10), LONG, 0.6)), seen(((4, 0, 104, 10), LONG, 0.2))])
    assert merged.types == (LONG,)
    assert merged.scores == pytest.approx([0.4])
    assert merged.boxes_xyxy == pytest.approx(np.array([[1, 0, 101, 10]]))  # 3 parts of the first, 1 of the second


def test_what_one_view_of_four_sees_has_a_quarter_of_its_score():
    merged = merge_views([seen(((0, 0, 10, 10), HOLE, 0.8)), seen(), seen(), seen()])
    assert merged.scores == pytest.approx([0.2])


def test_views_outvote_the_surest_of_them():
    box = (0, 0, 50, 50)
    merged = merge_views([seen((box, LONG, 0.5)), seen((box, CROSS, 0.4)), seen((box, CROSS, 0.3))])
    assert merged.types == (CROSS,)
    assert merged.scores == pytest.approx([0.7 / 3])  # not the mean of all: what called it otherwise is doubt


def test_a_view_votes_once_for_one_distress():
    near = seen(((0, 0, 50, 50), LONG, 0.5), ((0, 0, 50, 48), LONG, 0.4))
    assert merge_views([near, seen()]).scores.tolist() == pytest.approx([0.25])


def test_two_distresses_stay_two():
    merged = merge_views([seen(((0, 0, 10, 10), HOLE, 0.3), ((50, 0, 90, 10), CROSS, 0.6))])
    assert merged.types == (CROSS, HOLE)


def test_nothing_seen_in_any_view_is_nothing():
    assert len(merge_views([seen(), seen()])) == 0


boxes = st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(1, 40)] * 2).map(
    lambda b: (float(b[0]), float(b[1]), float(b[0] + b[2]), float(b[1] + b[3]))
)
views = st.lists(
    st.lists(st.tuples(boxes, st.sampled_from(TRAINED_TYPES), st.floats(0.03, 1)), max_size=6), min_size=1, max_size=4
)


@given(views)
def test_a_mean_is_no_surer_than_its_surest_view_and_invents_no_type(rows):
    looks = [seen(*view) for view in rows]
    merged = merge_views(looks)
    every = [row for view in rows for row in view]
    assert len(merged) <= len(every)
    assert merged.scores.tolist() == sorted(merged.scores.tolist(), reverse=True)
    assert set(merged.types) <= {distress for _, distress, _ in every}
    if every:
        assert merged.scores.max() <= max(score for *_, score in every) + 1e-6


@given(views)
def test_the_same_look_twice_changes_nothing(rows):
    look = merge_views([seen(*rows[0])])
    again = merge_views([look, look])
    assert again.types == look.types
    assert again.scores == pytest.approx(look.scores, abs=1e-6)


class Camera:
    """Sees one hole near the left edge, at every size, and remembers how it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, bool]] = []

    def __call__(self, images: Sequence[Image], size: int, asked: ModelCard) -> list[Detections]:
        self.asked.append((size, bool(images[0][0, 0].any())))
        assert set(asked.thresholds.values()) == {VIEW_FLOOR}
        left = 190 if self.asked[-1][1] else 0
        return [seen(((left, 0, left + 10, 10), HOLE, 0.4)) for _ in images]


def test_a_mirrored_view_is_mirrored_back():
    road = ROAD.copy()
    road[:, -1] = 255  # a bright right edge: on the left where the picture is mirrored
    camera = Camera()
    (found,) = detect_in_views([road], card(View(size=416), View(size=512, mirrored=True)), camera)
    assert camera.asked == [(416, False), (512, True)]
    assert found.boxes_xyxy.tolist() == [[0, 0, 10, 10]]
    assert found.scores == pytest.approx([0.4])


def test_scores_are_calibrated_after_the_mean_and_held_to_the_threshold():
    doubtful = ScoreMap(slope=1.0, offset=-2.0)  # 0.4 becomes 0.083
    views = (View(size=416), View(size=512))
    assert len(detect_in_views([ROAD], card(*views, score_map=doubtful), Camera())[0]) == 0
    (kept,) = detect_in_views([ROAD], card(*views, threshold=0.05, score_map=doubtful), Camera())
    assert kept.scores == pytest.approx([0.0828], abs=1e-3)


def test_a_card_without_views_looks_once_as_it_says():
    once = card()

    def see(images: Sequence[Image], size: int, asked: ModelCard) -> list[Detections]:
        assert (size, asked) == (416, once)
        return [seen(((0, 0, 10, 10), HOLE, 0.4))]

    assert len(detect_in_views([ROAD], once, see)[0]) == 1
