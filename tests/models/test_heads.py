"""From network output to detections, with numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from roadwarden.errors import ModelError
from roadwarden.models.card import Head, ModelCard
from roadwarden.models.heads import read_output
from roadwarden.models.score_map import ScoreMap
from roadwarden.taxonomy import TAXONOMY_VERSION, DistressType
from roadwarden.vision.letterbox import Letterbox

PATCH, POTHOLE = DistressType.PATCH, DistressType.POTHOLE
WIDE = Letterbox.of(360, 640, 320)  # halved: 320 x 180, padded to 320 x 192 with 6 px above


def card(head: Head, **thresholds: float) -> ModelCard:
    return ModelCard(
        name="toy-1",
        classes=(POTHOLE, PATCH),
        input_size=320,
        head=head,
        taxonomy_version=TAXONOMY_VERSION,
        thresholds={POTHOLE: 0.5, PATCH: 0.3} | {DistressType(name): value for name, value in thresholds.items()},
        training_data="none",
        git_commit="0000000",
    )


def test_boxes_come_back_in_pixels_of_the_original_frame():
    output = np.array([[10, 16, 110, 106, 0.9, 0]], np.float32)
    found = read_output(output, card(Head.END_TO_END), WIDE)
    assert found.boxes_xyxy.tolist() == [[20.0, 20.0, 220.0, 200.0]]
    assert found.types == (POTHOLE,)


def test_a_box_in_the_grey_padding_is_clipped_to_the_frame():
    found = read_output(np.array([[-5, 0, 40, 26, 0.9, 1]], np.float32), card(Head.END_TO_END), WIDE)
    assert found.boxes_xyxy.tolist() == [[0.0, 0.0, 80.0, 40.0]]


def test_each_type_has_its_own_threshold():
    output = np.array([[0, 10, 9, 20, 0.4, 0], [0, 10, 9, 20, 0.4, 1]], np.float32)
    assert read_output(output, card(Head.END_TO_END), WIDE).types == (PATCH,)


def test_one_piece_of_road_has_one_type_the_surest():
    # centre x, centre y, width, height, score of pothole, score of patch: one column an anchor
    here = [[50, 50, 40, 40, 0.8, 0.1], [52, 50, 40, 40, 0.6, 0.1], [50, 50, 40, 40, 0.1, 0.7]]
    elsewhere = [[120, 50, 40, 40, 0.1, 0.6]]
    found = read_output(np.array([*here, *elsewhere], np.float32).T, card(Head.ONE_TO_MANY), WIDE)
    assert found.types == (POTHOLE, PATCH)
    assert found.scores.tolist() == pytest.approx([0.8, 0.6])


def test_scores_are_calibrated_before_they_meet_the_threshold():
    """Half the temperature moves a score of 0.4 to 0.31 and one of 0.8 to 0.94: only the second reaches 0.35."""
    calibrated = card(Head.ONE_TO_MANY).model_copy(update={"score_map": ScoreMap(slope=2.0)})
    anchors = [[50, 50, 40, 40, 0.8, 0.0], [120, 50, 40, 40, 0.4, 0.0]]
    thresholds = dict.fromkeys(calibrated.classes, 0.35)
    output = np.array(anchors, np.float32).T
    found = read_output(output, calibrated.model_copy(update={"thresholds": thresholds}), WIDE)
    assert found.scores.tolist() == pytest.approx([0.941], abs=1e-3)
    uncalibrated = card(Head.ONE_TO_MANY).model_copy(update={"thresholds": thresholds})
    assert len(read_output(output, uncalibrated, WIDE)) == 2


@pytest.mark.parametrize("head", Head)
def test_a_shape_that_the_metadata_does_not_announce_is_refused(head):
    with pytest.raises(ModelError, match=head.value):
        read_output(np.zeros((5, 5), np.float32), card(head), WIDE)


@pytest.mark.parametrize("head", Head)
def test_a_clean_frame_is_an_empty_value(head):
    output = np.zeros((0, 6) if head is Head.END_TO_END else (6, 0), np.float32)
    assert len(read_output(output, card(head), WIDE)) == 0
