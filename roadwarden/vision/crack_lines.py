"""Whether a crack was poured full: a broader dark band, as dark all over, follows the old line.

Its cells are found again all the same, because the band follows the crack; so ``vision/surface.py`` alone calls a
sealed crack an unchanged surface. Damp beside an open crack is a broader band too, but the crack is the darker line in
it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from roadwarden.detections import Image
from roadwarden.vision.surface import SEARCH_PX, Box, Seen

BACKGROUND_PX = 41
"""Side of the window whose median is the road beside a line; a line of half of that is seen as a line."""
MARGIN_PX = 16
"""How far beside the old line its band is looked for."""
TOP_SHARE = 0.01
"""Share of the box whose darkest pixels are the line for sure: a crack that crosses its box covers some 2 %."""
SURE, FAINT = 0.5, 0.3
"""Shares of the darkness of those pixels: a line begins at the one and goes on down to the other."""
OVER_ROAD, LEAST_SPECKLE = 1.5, 0.02
"""How many times darker, against the road, a line is than nine tenths of the pixels beside it."""
LEAST_LINE_PX, LEAST_BAND_PX = 30, 20
WINDOW_PX = 31
"""Side of the window in which darkness and breadth of the two lines are compared: far cracks are narrow and pale."""
BROADER = 1.2
"""Area of the band by that of the old line, from which it is broader there. Unmended lines have 0.94 to 1.11."""
STRETCHES = 12
"""Parts that the old line is cut into along the longer side of the box: the near half of a crack has most pixels."""

_Depth = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seal:
    """How far a band follows an old line, each 0 to 1."""

    along: float  # share of the stretches of the old line along which a broader dark line lies now
    evenness: float  # darkness of the band beside the old line, by that on it: 1 where the line is no more to be seen


NO_SEAL = Seal(0.0, 0.0)


def seal_of(before: Image, after: Image, seen: Seen, box: Box) -> Seal:
    """``after`` is aligned. NO_SEAL where the before picture shows no line that stands out."""
    window, spot = _around(box, before.shape)
    shown = seen[window]
    ours, theirs = _depth(before[window]), np.where(shown, _depth(after[window]), 0)
    old, speckle = _old_line(ours, spot & shown)
    if int(old.sum()) < LEAST_LINE_PX:
        return NO_SEAL
    theirs = _moved_onto(theirs, old)
    was, now = _level(ours, old), _level(theirs, old)
    band = _line(theirs, np.maximum(now, OVER_ROAD * speckle), old)
    broader = (_area(band) > BROADER * _area(_line(ours, was, old))) & (now > OVER_ROAD * speckle)
    return Seal(_along(broader, old, box), _evenness(theirs, band, old))


def _around(box: Box, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], Seen]:
    """The part of the picture that is looked at, and which of its pixels lie in the box."""
    x1, y1, x2, y2 = (round(edge) for edge in box)
    left, top = max(0, x1 - BACKGROUND_PX), max(0, y1 - BACKGROUND_PX)
    window = slice(top, min(shape[0], y2 + BACKGROUND_PX)), slice(left, min(shape[1], x2 + BACKGROUND_PX))
    spot = np.zeros((window[0].stop - top, window[1].stop - left), bool)
    spot[max(0, y1 - top) : y2 - top, max(0, x1 - left) : x2 - left] = True
    return window, spot


def _depth(part: Image) -> _Depth:
    """How much darker than the road beside it each pixel is, by the brightness of that road."""
    grey = cv2.GaussianBlur(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), (0, 0), 0.8)
    road = np.maximum(cv2.medianBlur(grey, BACKGROUND_PX).astype(np.float32), 8.0)
    return np.asarray(np.maximum(road - grey, 0) / road, np.float32)


def _old_line(depth: _Depth, spot: Seen) -> tuple[Seen, float]:
    """The line in the box, and how dark the speckle beside it is; no pixel where nothing stands out."""
    nothing = np.zeros(depth.shape, bool), LEAST_SPECKLE
    if not spot.any():
        return nothing
    top = float(np.quantile(depth[spot], 1 - TOP_SHARE))
    sure = (depth > SURE * top) & spot
    beside = _grown(sure, MARGIN_PX) & ~_grown(sure, 4)
    if not beside.any():
        return nothing
    speckle = max(float(np.quantile(depth[beside], 0.9)), LEAST_SPECKLE)
    if SURE * top < OVER_ROAD * speckle:
        return nothing
    return _joined((depth > max(FAINT * top, OVER_ROAD * speckle)) & spot, sure), speckle


def _moved_onto(depth: _Depth, old: Seen) -> _Depth:
    """Moved by up to SEARCH_PX so that it is darkest on the old line."""
    wide = np.pad(depth, SEARCH_PX)
    sums = cv2.matchTemplate(wide, old.astype(np.float32), cv2.TM_CCORR)
    x, y = cv2.minMaxLoc(sums)[3]
    return np.asarray(wide[y : y + depth.shape[0], x : x + depth.shape[1]])


def _level(depth: _Depth, old: Seen) -> _Depth:
    """How dark the old line's pixels are on average around each pixel."""
    return np.asarray(_area(depth * old) / np.maximum(_area(old), 1e-3))


def _line(depth: _Depth, level: _Depth, old: Seen) -> Seen:
    """Pixels at least half as dark as the line is there, joined to the old line."""
    return _joined((depth > SURE * level) & _grown(old, MARGIN_PX), old)


def _along(broader: Seen, old: Seen, box: Box) -> float:
    """Share of the stretches of the old line of which half and more is broader."""
    rows, columns = np.nonzero(old)
    places = columns if box[2] - box[0] >= box[3] - box[1] else rows
    stretch = (places - places.min()) * STRETCHES // (np.ptp(places) + 1)
    whole = np.bincount(stretch, minlength=STRETCHES)
    part = np.bincount(stretch, weights=broader[rows, columns], minlength=STRETCHES)
    return float((part[whole > 0] >= 0.5 * whole[whole > 0]).mean())


def _evenness(depth: _Depth, band: Seen, old: Seen) -> float:
    inner = cv2.erode(band.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0  # its edge is blurred
    beside = inner & ~_grown(old, 1)
    dark = float(np.quantile(depth[old], 0.8))
    if int(beside.sum()) < LEAST_BAND_PX or dark <= 0:
        return 0.0
    return min(1.0, float(np.median(depth[beside])) / dark)


def _joined(mask: Seen, to: Seen) -> Seen:
    """The connected parts of ``mask`` that touch ``to``."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    touching = np.unique(labels[to & mask])
    return np.asarray(np.isin(labels, touching[touching > 0]))


def _area(mask: npt.NDArray[np.generic]) -> _Depth:
    return np.asarray(cv2.boxFilter(mask.astype(np.float32), -1, (WINDOW_PX, WINDOW_PX), normalize=False))


def _grown(mask: Seen, by: int) -> Seen:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)) > 0)
