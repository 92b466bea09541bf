"""Whether a picture is an earlier one again: the same exposure, re-encoded, scaled or with another brightness.

A perceptual hash finds candidates among all earlier evidence; what it says of a fixed camera, whose pictures all look
alike, is settled on the pixels: a copy agrees in every part of the picture, two exposures do not.
"""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import numpy.typing as npt

from roadwarden.detections import Image

_SIDE, _KEPT = 32, 8
COMPARED_PX = 384
CELLS = 8


def perceptual_hash(image: Image) -> int:
    """64 bits: the signs of the 8 x 8 slowest waves of a 32 x 32 copy against their median (Zauner, 2010)."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    waves = cv2.dct(small)[:_KEPT, :_KEPT].ravel()
    bits = waves > np.median(waves[1:])
    return int("".join("1" if bit else "0" for bit in bits), 2)


def hash_distance(one: int, other: int) -> int:
    """Bits that differ, 0..64; unrelated pictures differ in some 32."""
    return (one ^ other).bit_count()


def worst_disagreement(one: Image, other: Image) -> float:
    """Root mean square difference in the worst of 8 x 8 parts, grey levels, after the best gain and offset.

    Infinite where the two have another shape. A re-encoded copy stays below some 6; a car or a mended hole does not.
    """
    if abs(one.shape[0] / one.shape[1] - other.shape[0] / other.shape[1]) > 0.02:
        return float("inf")
    ours, theirs = _small(one), _small(other)
    theirs = (
        cv2.resize(theirs, (ours.shape[1], ours.shape[0])).astype(np.float32) if theirs.shape != ours.shape else theirs
    )
    spread = float(theirs.std())
    gain = float(((theirs - theirs.mean()) * (ours - ours.mean())).mean()) / spread**2 if spread > 1e-6 else 0.0
    left = ours - (ours.mean() + gain * (theirs - theirs.mean()))
    rows, columns = (np.linspace(0, side, CELLS + 1).astype(int) for side in left.shape)
    cells = [
        float(np.sqrt((left[top:bottom, first:last] ** 2).mean()))
        for top, bottom in itertools.pairwise(rows)
        for first, last in itertools.pairwise(columns)
    ]
    return max(cells)


def _small(image: Image) -> npt.NDArray[np.float32]:
    scale = COMPARED_PX / max(image.shape[:2])
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)
