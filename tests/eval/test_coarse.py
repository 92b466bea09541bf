"""Where the truth says crack and not which kind, crack against pothole is what can be judged."""

from __future__ import annotations

import numpy as np

from roadwarden.eval.coarse import with_cracks_merged
from roadwarden.eval.coverage import coverage_counts
from roadwarden.eval.judged import JudgedFrame, Seen
from roadwarden.taxonomy import DistressType as Type


def test_cracks_of_every_kind_are_one_type_and_potholes_and_abstentions_stay():
    boxes = np.array([[20 * i, 0, 20 * i + 10, 10] for i in range(5)], np.float32)
    true = (Type.LINEAR_CRACK, Type.LINEAR_CRACK, Type.POTHOLE, Type.LINEAR_CRACK, Type.LINEAR_CRACK)
    said = (Type.LONGITUDINAL_CRACK, Type.ALLIGATOR_CRACK, Type.POTHOLE, None, Type.PATCH)
    frame = JudgedFrame("km_10.jpg", "run", "", 640, 480, boxes, true, Seen(boxes, said, np.full(5, 0.5, np.float32)))
    merged = with_cracks_merged([frame])
    assert merged[0].seen.types == (Type.LINEAR_CRACK, Type.LINEAR_CRACK, Type.POTHOLE, None, Type.PATCH)
    assert float(coverage_counts([frame]).total().type_accuracy) == 0.2
    assert float(coverage_counts(merged).total().type_accuracy) == 0.6
