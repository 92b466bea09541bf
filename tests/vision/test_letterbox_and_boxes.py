"""Scaling into the network and back, and arithmetic on boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.vision.boxes import ious, non_maximum_suppression
from roadwarden.vision.letterbox import STRIDE_PX, Letterbox

sides = st.integers(8, 5000)


@given(sides, sides, st.sampled_from([320, 416, 640]))
def test_the_input_is_a_multiple_of_the_stride_and_not_above_the_size(height, width, size):
    box = Letterbox.of(height, width, size)
    assert box.input_height % STRIDE_PX == 0
    assert box.input_width % STRIDE_PX == 0
    assert max(box.input_height, box.input_width) <= size


@given(sides, sides, st.integers(0, 2**31))
def test_boxes_survive_the_way_there_and_back(height, width, seed):
    letterbox = Letterbox.of(height, width, 640)
    corners = np.random.default_rng(seed).uniform(0, 1, (5, 2, 2)) * [width, height]
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)
    there = boxes * letterbox.scale + np.array([letterbox.left, letterbox.top] * 2)
    assert np.allclose(letterbox.restore(there.astype(np.float32)), boxes, atol=0.01 * max(1, 1 / letterbox.scale))


def test_a_wide_frame_costs_less_than_a_square():
    box = Letterbox.of(1080, 1920, 640)
    assert (box.input_height, box.input_width) == (384, 640)


def test_iou_worked_out_by_hand():
    ours = np.array([[0, 0, 10, 10], [0, 0, 0, 0]], np.float32)
    theirs = np.array([[5, 0, 15, 10], [20, 20, 30, 30]], np.float32)
    assert ious(ours, theirs) == pytest.approx(np.array([[1 / 3, 0], [0, 0]]))


@given(st.integers(0, 40), st.integers(0, 2**31))
def test_suppression_keeps_no_two_that_overlap_and_drops_none_that_do_not(count, seed):
    generator = np.random.default_rng(seed)
    corners = generator.integers(0, 30, (count, 2)).astype(np.float32)
    boxes = np.concatenate([corners, corners + generator.integers(1, 20, (count, 2))], axis=1).astype(np.float32)
    scores = (generator.integers(0, 5, count) / 4).astype(np.float32)  # ties on purpose
    kept = non_maximum_suppression(boxes, scores, 0.5)
    overlap = ious(boxes, boxes)
    for a in kept:
        assert all(overlap[a, b] <= 0.5 for b in kept if b != a)
    for dropped in set(range(count)) - set(kept.tolist()):
        assert any(overlap[dropped, a] > 0.5 and scores[a] >= scores[dropped] for a in kept)


def test_suppression_agrees_with_torchvision():
    torch = pytest.importorskip("torch")
    from torchvision.ops import nms

    generator = np.random.default_rng(3)
    corners = generator.uniform(0, 200, (300, 2))
    boxes = np.concatenate([corners, corners + generator.uniform(5, 80, (300, 2))], axis=1).astype(np.float32)
    scores = generator.permutation(300).astype(np.float32) / 300
    theirs = nms(torch.from_numpy(boxes), torch.from_numpy(scores), 0.5).tolist()
    assert non_maximum_suppression(boxes, scores, 0.5).tolist() == theirs
