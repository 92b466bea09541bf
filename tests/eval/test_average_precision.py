"""Our mAP is COCO's: held to pycocotools on random streets with ties, empties and degenerate boxes."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from roadwarden.eval.average_precision import average_precision
from roadwarden.eval.judged import JudgedFrame, Seen
from tests.eval.scene import SCENE, A, L, P, R, T, frame

TYPES = (L, T, A, P, R)


def xywh(box):
    x1, y1, x2, y2 = map(float, box)
    return [x1, y1, x2 - x1, y2 - y1]


def by_pycocotools(frames):
    """(mAP50, mAP50-95, {type: AP50}) of the same frames."""
    truth, found = [], []
    for image, one in enumerate(frames, 1):
        for box, true in zip(one.true_boxes, one.true_types, strict=True):
            row = xywh(box)
            truth.append({"id": len(truth) + 1, "image_id": image, "category_id": TYPES.index(true), "bbox": row})
            truth[-1] |= {"area": row[2] * row[3], "iscrowd": 0}
        for box, said, score in zip(one.seen.boxes_xyxy, one.seen.types, one.seen.scores, strict=True):
            if said is not None:
                row = {"image_id": image, "category_id": TYPES.index(said), "bbox": xywh(box), "score": float(score)}
                found.append(row)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": image} for image in range(1, len(frames) + 1)],
            "categories": [{"id": index, "name": str(one)} for index, one in enumerate(TYPES)],
            "annotations": truth,
        }
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(found), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    ap50 = judge.eval["precision"][0, :, :, 0, 2].mean(axis=0)
    return judge.stats[1], judge.stats[0], dict(zip(TYPES, ap50, strict=True))


def random_street(seed):
    """Boxes on a coarse grid, so that scores and overlaps tie; some frames empty, some boxes without area."""
    rng = np.random.default_rng(seed)

    def some(n):
        corner = rng.integers(0, 8, (n, 2)) * 8
        return np.concatenate([corner, corner + rng.integers(0, 5, (n, 2)) * 8], axis=1).astype(np.float32)

    def one(number):
        n, m = rng.integers(0, 5), rng.integers(0, 160 if number == 3 else 9)
        truth, true = some(n), [TYPES[index] for index in rng.integers(0, 4, n)]
        near = truth + np.tile(rng.integers(-1, 2, (n, 2)) * 4, 2).astype(np.float32)
        near_types = [one if rng.random() < 0.7 else L for one in true]
        types = [None if index == 5 else TYPES[index] for index in rng.integers(0, 6, m)]
        order = rng.permutation(n + m)
        found = np.concatenate([near, some(m)])[order]
        scores = np.sort(rng.integers(1, 20, n + m) / 20).astype(np.float32)[::-1]
        every = [*near_types, *types]
        seen = Seen(found, tuple(every[index] for index in order), scores)
        return JudgedFrame(str(number), "g", "", 96, 96, truth, tuple(true), seen)

    return [one(number) for number in range(12)]


@pytest.mark.parametrize("seed", range(12))
def test_it_agrees_with_pycocotools(seed):
    frames = random_street(seed)
    ours, theirs = average_precision(frames, TYPES), by_pycocotools(frames)
    assert ours.map50 == pytest.approx(theirs[0], abs=1e-6)
    assert ours.map50_95 == pytest.approx(theirs[1], abs=1e-6)
    assert 0 < ours.map50_95 < ours.map50 < 1
    for one in ours.types:
        if one.true:
            assert one.ap50 == pytest.approx(theirs[2][one.type], abs=1e-6)


def test_the_scene_by_hand():
    # Longitudinal, best score first: d1 right (IoU 0.5 of t1), d9 wrong, d2 wrong (t1 is taken), d13 right, d11 and d8
    # wrong; of 3 true. Precision 1 up to recall 1/3 (34 points: 0.00 to 0.33), 2/4 up to 2/3 (33 points), 0 beyond.
    # Transverse: d3 and d10 right: 1. Alligator: d5 and d14 right (IoU 0.5): 1. Pothole: d4 wrong: 0. Patch: d7: 1.
    ap50 = {one.type: one.ap50 for one in average_precision(SCENE).types}
    assert ap50 == pytest.approx({L: (34 + 33 * 0.5) / 101, T: 1, A: 1, P: 0, R: 1})
    assert average_precision(SCENE).map50 == pytest.approx(by_pycocotools(SCENE)[0], abs=1e-6)


def test_a_type_that_is_not_there_is_left_out_and_nothing_is_not_a_number():
    alone = average_precision([frame("a", [(0, 0, 10, 10, L)], [(0, 0, 10, 8, L, 0.9), (0, 0, 9, 9, P, 0.9)])])
    assert alone.map50 == 1
    assert alone.map50_95 == pytest.approx(0.7)  # IoU 0.8: right at 0.50, 0.55, ... 0.80
    assert np.isnan(average_precision([frame("b")]).map50)
