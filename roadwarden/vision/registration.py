"""Whether two pictures show the same piece of road, and how one lies on the other.

SIFT on evened-out contrast, RootSIFT descriptors, ratio and mutual test, then a homography of the road plane that is
refused where no two cameras above one road could have taken the pair. Serves the sightings of a physical defect
(``eval/physical.py``), matching of places, and the alignment of before and after.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from roadwarden.detections import Boxes, Image
from roadwarden.vision.polygons import clip_polygon

ALGORITHM_VERSION = "2"
"""Changes with every change that can change a result: what was cached under another version is computed anew."""

Homography = npt.NDArray[np.float64]
"""(3, 3), of pixels (x, y, 1) of one frame to those of another; the last entry is 1."""

Mask = npt.NDArray[np.bool_]
"""(height, width); true where the picture may be looked at."""

MOST_KEYPOINTS = 2000
CONTRAST_THRESHOLD = 0.02
"""Half of OpenCV's default: worn asphalt has little contrast even after evening out."""
_CLAHE_CLIP, _CLAHE_TILES = 2.0, (8, 8)

RATIO = 0.85
REPROJECTION_PX = 4.0
LEAST_INLIERS = 15
LEAST_SUPPORT, SUPPORT_A_MATCH = 8.0, 0.3
"""Inliers must be more than 8 + 0.3 of the matches in the overlap (Brown and Lowe, *Automatic panoramic image
stitching*, 2007): dashes and kerbs alone agree on something too. Real sightings have half of them and more."""
_ITERATIONS, _CONFIDENCE = 5000, 0.9999

MOST_SCALE = 4.0
"""How many times longer or shorter a length may become at any inlier: a camera on a vehicle, near or far."""
MOST_SHEAR = 4.0
"""How many times more one direction may be stretched than the other at any inlier."""
LEAST_SPREAD = 0.02
"""Standard deviation of the inliers across their main direction, in diagonals of the frame: less is a line."""

STILL_PX, STILL_SHARE = 2.0, 0.7
"""Inliers that stand still, 0.7 of them and more, speak of what is stuck to the camera: bonnet, watermark, date
(COLMAP's test for watermarks, ``two_view_geometry.cc``, has the share; it looks at the border only) ..."""
STUCK_EXTENT = 0.6
"""... unless they reach over more than this of the frame both ways: then the vehicle stood still."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What is remarkable in one picture; some 140 bytes a keypoint, none where the picture is flat."""

    keypoints_xy: npt.NDArray[np.float32]  # (n, 2), pixels
    descriptors: npt.NDArray[np.uint8]  # (n, 128), SIFT
    width: int
    height: int

    def __len__(self) -> int:
        return len(self.keypoints_xy)


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """How picture a lies on picture b."""

    homography: Homography  # from a to b
    inliers: int
    inlier_ratio: float  # of the matches that passed ratio and mutual test
    reprojection_px: float  # median over the inliers, in b


class Refused(StrEnum):
    """Why two pictures are not registered, in the order of the tests."""

    FEW_MATCHES = "few_matches"
    FEW_INLIERS = "few_inliers"  # no homography that 15 matches or more agree on
    UNSUPPORTED = "unsupported"  # too few of the matches in the overlap agree
    IMPLAUSIBLE = "implausible"  # no two cameras above one road, or the inliers lie in a line


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """What came of registering a pair: the registration or why there is none, with the evidence either way."""

    keypoints: int  # of the picture that has fewer
    matches: int  # each other's nearest, and clearly nearer than the second nearest
    inliers: int  # of the best homography, whether it was refused or not; 0 where there is none
    refused: Refused | None
    registration: Registration | None


def features(image: Image, *, mask: Mask | None = None) -> Features:
    """Keypoints and descriptors of a picture; those where the mask is false are left out.

    Descriptors near the mask still see over its edge by their own size, so mask somewhat more than what changed.
    """
    height, width = image.shape[:2]
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    even = cv2.createCLAHE(_CLAHE_CLIP, _CLAHE_TILES).apply(grey)
    allowed = None if mask is None else mask.astype(np.uint8) * 255
    keypoints, descriptors = _sift().detectAndCompute(even, allowed)
    if descriptors is None:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8), width, height)
    points = np.array([keypoint.pt for keypoint in keypoints], np.float32)
    return Features(points, descriptors.astype(np.uint8), width, height)


def _sift() -> cv2.SIFT:
    return cv2.SIFT.create(nfeatures=MOST_KEYPOINTS, contrastThreshold=CONTRAST_THRESHOLD)


def register(a: Features, b: Features) -> Registration | None:
    """The homography from a to b with the most support; None where the two do not show the same piece of road.

    The same pair gives the same answer in every run.
    """
    return attempt(a, b).registration


def attempt(a: Features, b: Features) -> Attempt:
    """The same with the evidence, for who has to decide how sure that is.

    Matches on what is stuck to the camera are left out where they would outvote the road.
    """
    matches = _mutual_matches(_root(a.descriptors), _root(b.descriptors))
    ours, theirs = a.keypoints_xy[matches[:, 0]], b.keypoints_xy[matches[:, 1]]
    homography, inside = _robust_homography(ours, theirs)
    if homography is not None and _is_stuck(ours[inside], theirs[inside], a, b):
        moved = np.linalg.norm(ours - theirs, axis=1) > STILL_PX
        ours, theirs = ours[moved], theirs[moved]
        homography, inside = _robust_homography(ours, theirs)
    keypoints, inliers = min(len(a), len(b)), int(inside.sum())
    refused = _refusal(homography, ours, theirs, inside, a, b)
    if refused is not None or homography is None:
        return Attempt(keypoints, len(ours), inliers, refused, None)
    error = np.linalg.norm(_warp_points(ours[inside], homography) - theirs[inside], axis=1)
    found = Registration(homography, inliers, float(inside.mean()), float(np.median(error)))
    return Attempt(keypoints, len(ours), inliers, None, found)


def _refusal(
    homography: Homography | None,
    ours: npt.NDArray[np.float32],
    theirs: npt.NDArray[np.float32],
    inside: npt.NDArray[np.bool_],
    a: Features,
    b: Features,
) -> Refused | None:
    """What speaks against a homography of matches of which those ``inside`` are its inliers."""
    if len(ours) < LEAST_INLIERS:
        return Refused.FEW_MATCHES
    if homography is None or int(inside.sum()) < LEAST_INLIERS:
        return Refused.FEW_INLIERS
    if int(inside.sum()) <= LEAST_SUPPORT + SUPPORT_A_MATCH * _in_overlap(homography, ours, b):
        return Refused.UNSUPPORTED
    if not _is_plausible(homography, ours[inside], theirs[inside], a, b):
        return Refused.IMPLAUSIBLE
    return None


def _is_stuck(ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32], a: Features, b: Features) -> bool:
    """Whether inliers lie on something that moves with the camera, and not on a road seen twice from one spot."""
    if (a.width, a.height) != (b.width, b.height) or not len(ours):
        return False
    still = np.linalg.norm(ours - theirs, axis=1) <= STILL_PX
    if still.mean() < STILL_SHARE:
        return False
    low, high = np.quantile(ours[still], [0.05, 0.95], axis=0)
    return bool((high - low < STUCK_EXTENT * np.array([a.width, a.height])).any())


def _root(descriptors: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """RootSIFT: Hellinger distance instead of Euclidean (Arandjelović and Zisserman, 2012); rows of length 1."""
    values = descriptors.astype(np.float32)
    total = values.sum(axis=1, keepdims=True)
    return np.asarray(np.sqrt(np.divide(values, total, out=values, where=total > 0)), np.float32)


def _mutual_matches(ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """(n, 2) indices of pairs that are each other's nearest and clearly nearer than the second nearest."""
    if min(len(ours), len(theirs)) < 2:
        return np.zeros((0, 2), np.intp)
    likeness = ours @ theirs.T
    rows = np.arange(len(ours))
    best, mutual = likeness.argmax(axis=1), likeness.argmax(axis=0)
    nearest = likeness[rows, best]
    likeness[rows, best] = -np.inf
    second = likeness.max(axis=1)
    # distance² = 2 - 2 likeness, for rows of length 1
    clear = 1 - nearest <= RATIO**2 * (1 - second)
    kept = np.flatnonzero(clear & (mutual[best] == rows))
    return np.stack([kept, best[kept]], axis=1)


def _robust_homography(
    ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32]
) -> tuple[Homography | None, npt.NDArray[np.bool_]]:
    nothing = np.zeros(len(ours), bool)
    if len(ours) < LEAST_INLIERS:
        return None, nothing
    try:  # USAC draws from a generator of its own that starts anew with each call
        homography, inside = cv2.findHomography(
            ours, theirs, cv2.USAC_MAGSAC, REPROJECTION_PX, maxIters=_ITERATIONS, confidence=_CONFIDENCE
        )
    except cv2.error:  # OpenCV 4.x throws on some degenerate sets
        return None, nothing
    if homography is None or not np.isfinite(homography).all():
        return None, nothing
    return np.asarray(homography, np.float64), inside.ravel().astype(bool)


def _in_overlap(homography: Homography, ours: npt.NDArray[np.float32], b: Features) -> int:
    """How many of the matches lie where frame b looks at too, if the homography is right."""
    ends = np.column_stack([ours, np.ones(len(ours))]) @ homography.T
    return int((ends @ _frame_edges((b.width, b.height)).T >= 0).all(axis=1).sum())


def _is_plausible(
    homography: Homography, ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float32], a: Features, b: Features
) -> bool:
    """Whether two cameras above one flat road could have taken the pair, and the inliers pin the homography down."""
    if _spread(ours, a) < LEAST_SPREAD or _spread(theirs, b) < LEAST_SPREAD:
        return False
    largest, smallest, turned_over = _stretches(homography, ours)
    if turned_over:
        return False
    scale = np.sqrt(largest * smallest)
    within = (scale < MOST_SCALE) & (scale > 1 / MOST_SCALE) & (largest < MOST_SHEAR * smallest)
    return bool(within.all())


def _spread(points: npt.NDArray[np.float32], frame: Features) -> float:
    across = np.linalg.eigvalsh(np.cov(points.T.astype(np.float64)))[0]
    return float(np.sqrt(max(across, 0.0)) / np.hypot(frame.width, frame.height))


def _stretches(
    homography: Homography, points: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], bool]:
    """(largest and smallest stretch at each point, whether any is mirrored or beyond the horizon)."""
    ends = np.column_stack([points, np.ones(len(points))]) @ homography.T
    depth = ends[:, 2]
    image = ends[:, :2] / depth[:, None]
    jacobian = (homography[None, :2, :2] - image[:, :, None] * homography[None, None, 2, :2]) / depth[:, None, None]
    largest, smallest = np.linalg.svd(jacobian, compute_uv=False).T
    return largest, smallest, bool((depth <= 0).any() or (np.linalg.det(jacobian) <= 0).any())


def _warp_points(points: npt.NDArray[np.float32], homography: Homography) -> npt.NDArray[np.float64]:
    ends = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return np.asarray(ends[:, :2] / ends[:, 2:])


def warp_boxes(boxes: Boxes, homography: Homography, frame_size: tuple[int, int]) -> Boxes:
    """What a frame of (width, height) shows of each box of another frame: boxes around the warped, clipped corners.

    A box that lies outside, or beyond the horizon, becomes 0, 0, 0, 0.
    """
    return np.array([_warp_box(box, homography, frame_size) for box in boxes], np.float32).reshape(-1, 4)


def _warp_box(
    box: npt.NDArray[np.float32], homography: Homography, frame_size: tuple[int, int]
) -> npt.NDArray[np.float64]:
    x1, y1, x2, y2 = (float(edge) for edge in box)
    corners = np.array([[x1, y1, 1], [x2, y1, 1], [x2, y2, 1], [x1, y2, 1]], np.float64) @ homography.T
    # clipped while still homogeneous, so that a box that reaches the horizon is cut there and not turned inside out
    for edge in _frame_edges(frame_size):
        corners = clip_polygon(corners, corners @ edge)
    if not len(corners):
        return np.zeros(4)
    pixels = corners[:, :2] / corners[:, 2:]
    return np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])


def _frame_edges(frame_size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Half-planes n · (x, y, w) >= 0 whose intersection is the frame."""
    width, height = frame_size
    return np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, width], [0, -1, height]], np.float64)
