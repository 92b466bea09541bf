"""How the before picture lies on the after picture, by the road around the spot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from roadwarden.defects.same_place import PlaceEvidence
from roadwarden.detections import Boxes
from roadwarden.repairs.place import PlaceFacts
from roadwarden.vision.registration import Attempt, Features, Homography, attempt, warp_boxes
from roadwarden.vision.surface import Box

MASKED_SHARE, MASKED_PX = 0.15, 8
"""What is left out of the matching around the spot: SIFT sees somewhat beyond a keypoint."""


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """How the before picture lies on the after picture; ``homography`` None where it does not."""

    facts: PlaceFacts
    homography: Homography | None
    projected: Boxes  # (1, 4) the defect's box in the after picture, zeros where it is not there

    def as_json(self) -> dict[str, Any]:
        """For records."""
        return {
            "ok": self.homography is not None,
            "inliers": self.facts.masked.inliers if self.homography is not None else 0,
            "inlier_ratio": round(self.facts.inlier_ratio, 4),
            "reprojection_px": round(self.facts.reprojection_px, 3),
            "overlap": round(self.facts.overlap, 4),
        }


def align(before: Features, after: Features, box: Box | None) -> Alignment:
    """Lays before on after; the spot, which changed if it was mended, has no say in it.

    Without a box nothing is left out, and nothing is projected.
    """
    masked = attempt(before if box is None else _without(before, box), after)
    whole = masked if masked.registration is not None or box is None else attempt(before, after)
    size = (after.width, after.height)
    found = masked.registration
    projected, overlap = np.zeros((1, 4), np.float32), 0.0
    if found is not None and box is not None:
        projected = warp_boxes(np.array([box], np.float32), found.homography, size)
        overlap = _overlap(box, found.homography, size)
    facts = PlaceFacts(
        masked=_evidence(masked),
        whole=_evidence(whole),
        inlier_ratio=found.inlier_ratio if found is not None else 0.0,
        reprojection_px=found.reprojection_px if found is not None else 0.0,
        overlap=overlap,
    )
    return Alignment(facts, found.homography if found is not None else None, projected)


def _without(found: Features, box: Box) -> Features:
    """The keypoints that do not lie on the spot, which has changed if it was repaired."""
    x1, y1, x2, y2 = box
    margin = max(MASKED_PX, MASKED_SHARE * max(x2 - x1, y2 - y1))
    x, y = found.keypoints_xy.T
    inside = (x >= x1 - margin) & (x <= x2 + margin) & (y >= y1 - margin) & (y <= y2 + margin)
    return replace(found, keypoints_xy=found.keypoints_xy[~inside], descriptors=found.descriptors[~inside])


def _evidence(tried: Attempt) -> PlaceEvidence:
    return PlaceEvidence(tried.keypoints, tried.matches, tried.inliers, fits=tried.registration is not None)


def _overlap(box: Box, homography: Homography, size: tuple[int, int]) -> float:
    """Share of the box's area, in the before picture, that the after picture shows; on a grid of 33 x 33 points."""
    x, y = np.meshgrid(np.linspace(box[0], box[2], 33), np.linspace(box[1], box[3], 33))
    ends = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], axis=1) @ homography.T
    ahead = ends[:, 2] > 1e-9
    pixels = ends[:, :2] / np.where(ahead, ends[:, 2], 1.0)[:, None]
    shown = ahead & (pixels >= 0).all(axis=1) & (pixels <= np.array(size)).all(axis=1)
    return float(shown.mean())
