"""What a spot of road looks like beside the road around it, and whether it is the same surface as in another picture.

Plain difference of pictures tells light from light: shade, a wet road or another exposure change every pixel, a mended
hole only a few. So nothing here compares brightness between pictures. Structure is compared by correlation of small
cells, which light scales but does not move; texture, lines and colour are compared with the road around the spot in
the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from roadwarden.detections import Image

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""
Seen = npt.NDArray[np.bool_]
"""(height, width); true where the aligned picture shows anything."""
_Grey = npt.NDArray[np.float32]
_Bounds = tuple[int, int, int, int]
"""Whole pixels: first column, first row, and the column and row behind the last."""

SURFACE_VERSION = "2"
"""Changes with every change that can change a figure, here or in ``crack_lines.py``."""

CELL_PX = 24
SEARCH_PX = 6
"""How far a cell may have moved: a homography of the plane is off by a few pixels on a road that is not quite one."""
LEAST_CONTRAST = 1.5
"""Standard deviation, grey levels after filtering, below which a cell has nothing to be recognised by."""
LEAST_INSIDE = 0.75
"""Share of a cell that lies in the spot: a cell half on the road beside a patch is found again by that half."""
LEAST_CELLS = 3
"""Fewer cells that stand out are too few; then all cells of the spot count."""
RING_SHARE, RING_LEAST_PX = 0.6, 48
"""Width of the road around the spot: a share of the spot's mean side, and no less than two cells."""
INNER_SHARE = 0.12
"""What is left off at each edge of the spot when its texture is judged: the joint of a patch is no crack."""
RECOLOURED = 12.0
"""Distance of two colours in a and b of CIE Lab from which no light makes the one of the other."""
FINE_SIGMA, COARSE_SIGMA = 1.0, 6.0
REACH_PX = SEARCH_PX + 24
"""How far beyond the cells a pixel has a say: the kernel of COARSE_SIGMA has 24 pixels on each side."""
LINE_PX = 9
"""Dark lines up to this width are cracks to the closing; wider ones are shade or tone."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How far the cells of the before picture are found again in the after picture; each a correlation, -1..1."""

    spot: tuple[float, ...]  # cells of the defect's box with as much to be seen as the road around it has, and more
    around: tuple[float, ...]  # cells of the road around it

    @property
    def around_median(self) -> float:
        """0 where there is no cell to compare."""
        return float(np.median(self.around)) if self.around else 0.0

    def unchanged_share(self, least: float) -> float:
        """Share of the spot's cells that are found again; 0 where it has none."""
        return float(np.mean(np.array(self.spot) >= least)) if self.spot else 0.0

    @property
    def spot_median(self) -> float:
        """0 where there is no cell to compare."""
        return float(np.median(self.spot)) if self.spot else 0.0


@dataclass(frozen=True, slots=True)
class Texture:
    """The spot against the road around it in one picture; ratios, 1 where the two are alike."""

    roughness: float  # 90th percentile of fine detail by local brightness
    lines: float  # 95th percentile of how much darker than its surroundings a line is, by local brightness
    tone: float  # median brightness
    evenness: float  # spread of brightness without fine detail, by median brightness; spot alone, no ratio
    foreign: float  # share of the spot that is more coloured or brighter than any of the road around it


def aligned(after: Image, homography: npt.NDArray[np.float64], size: tuple[int, int]) -> tuple[Image, Seen]:
    """The after picture as the before camera, of (width, height), would have taken it; ``homography`` before to after.

    The second value is false where the after picture does not reach.
    """
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    picture = cv2.warpPerspective(after, homography, size, flags=flags)
    solid = np.full(after.shape[:2], 255, np.uint8)
    seen = cv2.warpPerspective(solid, homography, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP) > 0
    return np.asarray(picture, np.uint8), seen


def likeness(before: Image, after: Image, seen: Seen, box: Box) -> Likeness:
    """Cells of the spot and of the road around it, looked for within SEARCH_PX in the aligned after picture."""
    outer, inner = _grown(box, ring_px(box), before.shape), _grown(box, 0, before.shape, least=CELL_PX)
    left, top = max(0, outer[0] - REACH_PX), max(0, outer[1] - REACH_PX)
    part = slice(top, outer[3] + REACH_PX), slice(left, outer[2] + REACH_PX)  # what is further away has no say
    return _likeness(
        _detail(before[part]), _detail(after[part]), seen[part], _shifted(outer, left, top), _shifted(inner, left, top)
    )


def _likeness(ours: _Grey, theirs: _Grey, seen: Seen, outer: _Bounds, inner: _Bounds) -> Likeness:
    spot, around = [], []
    for x, y in _cells(outer):
        found = _found_again(ours, theirs, seen, x, y)
        if found is None:
            continue
        inside = _shared(inner, x, y)
        contrast = float(ours[y : y + CELL_PX, x : x + CELL_PX].std())
        if inside >= LEAST_INSIDE:
            spot.append((contrast, found))
        elif inside == 0:
            around.append((contrast, found))
    return Likeness(_remarkable(spot, around), tuple(found for _, found in around))


def _remarkable(spot: list[tuple[float, float]], around: list[tuple[float, float]]) -> tuple[float, ...]:
    """The correlations of the spot's cells that stand out: in the box of a crack most of the road is not the crack."""
    usual = float(np.median([contrast for contrast, _ in around])) if around else 0.0
    chosen = [found for contrast, found in spot if contrast >= usual]
    return tuple(chosen if len(chosen) >= LEAST_CELLS else [found for _, found in spot])


def texture(image: Image, box: Box, seen: Seen | None = None) -> Texture:
    """Of the box's inner part against the ring around the box; where ``seen`` is false nothing is counted."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = box
    outer = _grown(box, ring_px(box), image.shape)
    inset = INNER_SHARE * min(x2 - x1, y2 - y1)
    ring = _region((height, width), outer) & ~_region((height, width), _grown(box, 4, image.shape))
    spot = _region((height, width), _grown(box, -inset, image.shape))
    if seen is not None:
        ring, spot = ring & seen, spot & seen
    if spot.sum() < 16 or ring.sum() < 16:
        return Texture(1.0, 1.0, 1.0, 0.0, 0.0)
    window = _window(outer)
    part, ring, spot = image[window], ring[window], spot[window]
    grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY).astype(np.float32)
    local = np.maximum(cv2.GaussianBlur(grey, (0, 0), COARSE_SIGMA), 8.0)
    fine = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 2.0)) / local
    lines = _dark_lines(grey) / local
    low = cv2.GaussianBlur(grey, (0, 0), 3.0)[spot]
    return Texture(
        roughness=_ratio(float(np.quantile(fine[spot], 0.9)), float(np.quantile(fine[ring], 0.9))),
        lines=_ratio(float(np.quantile(lines[spot], 0.95)), float(np.quantile(lines[ring], 0.95))),
        tone=_ratio(float(np.median(grey[spot])), float(np.median(grey[ring]))),
        evenness=float(low.std() / max(np.median(low), 8.0)),
        foreign=_foreign(part, grey, spot, ring),
    )


def recoloured(before: Image, after: Image, box: Box, seen: Seen) -> float:
    """Share of the box whose colour is no longer the spot's, after what light did to the road around it.

    ``after`` is aligned. Asphalt and concrete are grey, patched or not; leaves and coloured paint are not. 0 where too
    little is seen.
    """
    shape = (before.shape[0], before.shape[1])
    bounds = _grown(box, ring_px(box), shape)
    window = _window(bounds)
    spot = _region(shape, _grown(box, 0, shape))
    ring = (_region(shape, bounds) & ~_region(shape, _grown(box, 4, shape)) & seen)[window]
    spot = (spot & seen)[window]
    if spot.sum() < 16 or ring.sum() < 16:
        return 0.0
    ours, theirs = _colour(before[window]), _colour(after[window])
    light = np.median(theirs[ring], axis=0) - np.median(ours[ring], axis=0)
    moved = theirs[spot] - (np.median(ours[spot], axis=0) + light)
    return float((np.hypot(moved[:, 0], moved[:, 1]) > RECOLOURED).mean())


def _colour(part: Image) -> _Grey:
    """(height, width, 2): a and b of CIE Lab, as 8 bits hold them."""
    lab = cv2.cvtColor(cv2.GaussianBlur(part, (0, 0), 1.0), cv2.COLOR_BGR2LAB)
    return np.asarray(lab[..., 1:], np.float32)


def edge_step(image: Image, box: Box) -> float:
    """Mean step of brightness across the box's edge, by the brightness around it: how sharply a patch is set off."""
    outside = _ring_mean(image, box, 2, 8)
    inside = _ring_mean(image, box, -8, -2)
    return abs(inside - outside) / max(outside, 8.0)


def ring_px(box: Box) -> float:
    """Width of the road around a spot that it is compared with, pixels."""
    x1, y1, x2, y2 = box
    return max(RING_LEAST_PX, RING_SHARE * (x2 - x1 + y2 - y1) / 2)


def _detail(image: Image) -> _Grey:
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), FINE_SIGMA) - cv2.GaussianBlur(grey, (0, 0), COARSE_SIGMA))


def _found_again(ours: _Grey, theirs: _Grey, seen: Seen, x: int, y: int) -> float | None:
    """The best correlation of one cell; None where it shows nothing or the other picture does not reach."""
    top, left = max(0, y - SEARCH_PX), max(0, x - SEARCH_PX)
    window = slice(top, y + CELL_PX + SEARCH_PX), slice(left, x + CELL_PX + SEARCH_PX)
    cell = ours[y : y + CELL_PX, x : x + CELL_PX]
    if cell.std() < LEAST_CONTRAST or not seen[window].all():
        return None
    return float(cv2.matchTemplate(theirs[window], cell, cv2.TM_CCOEFF_NORMED).max())


def _cells(outer: _Bounds) -> list[tuple[int, int]]:
    """Corners of cells that half overlap, at most some 400: large spots are sampled."""
    x1, y1, x2, y2 = outer
    step = CELL_PX // 2
    while (x2 - x1) * (y2 - y1) / step**2 > 400:
        step += CELL_PX // 4
    return [(x, y) for y in range(y1, y2 - CELL_PX + 1, step) for x in range(x1, x2 - CELL_PX + 1, step)]


def _shared(inner: _Bounds, x: int, y: int) -> float:
    wide = min(inner[2], x + CELL_PX) - max(inner[0], x)
    high = min(inner[3], y + CELL_PX) - max(inner[1], y)
    return max(0, wide) * max(0, high) / CELL_PX**2


def _grown(box: Box, by: float, shape: tuple[int, ...], least: int = 1) -> _Bounds:
    """Whole pixels of the box grown (or shrunk) on all sides, at least ``least`` long and inside the picture."""
    sides = []
    for low, high, limit in ((box[0], box[2], shape[1]), (box[1], box[3], shape[0])):
        middle, half = (low + high) / 2, max((high - low) / 2 + by, least / 2)
        sides.append((max(0, round(middle - half)), min(limit, round(middle + half))))
    return sides[0][0], sides[1][0], sides[0][1], sides[1][1]


def _shifted(bounds: _Bounds, left: int, top: int) -> _Bounds:
    return bounds[0] - left, bounds[1] - top, bounds[2] - left, bounds[3] - top


def _region(shape: tuple[int, int], bounds: _Bounds) -> Seen:
    mask = np.zeros(shape, bool)
    mask[_window(bounds)] = True
    return mask


def _window(bounds: _Bounds) -> tuple[slice, slice]:
    return slice(bounds[1], bounds[3]), slice(bounds[0], bounds[2])


def _dark_lines(grey: _Grey) -> _Grey:
    """How much darker a pixel is than the road on both sides of it (black top-hat), grey levels."""
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (LINE_PX, LINE_PX))
    return np.asarray(cv2.morphologyEx(cv2.GaussianBlur(grey, (0, 0), 0.8), cv2.MORPH_BLACKHAT, element), np.float32)


def _foreign(part: Image, grey: _Grey, spot: Seen, ring: Seen) -> float:
    """Share of the spot that is no road: leaves and paint stand out by colour or by being bright."""
    lab = cv2.cvtColor(cv2.GaussianBlur(part, (0, 0), 1.0), cv2.COLOR_BGR2LAB).astype(np.float32)
    middle = np.median(lab[ring], axis=0)
    chroma = np.hypot(lab[..., 1] - middle[1], lab[..., 2] - middle[2])
    coloured = chroma > max(10.0, _usual_high(chroma[ring]))
    bright = grey > max(1.35 * float(np.median(grey[ring])), _usual_high(grey[ring]))
    return float((coloured | bright)[spot].mean())


def _usual_high(values: _Grey) -> float:
    """What only outliers exceed (Tukey's far fence): leaves beside the spot must not become what is usual."""
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high + 3 * (high - low))


def _ring_mean(image: Image, box: Box, low: float, high: float) -> float:
    shape = (image.shape[0], image.shape[1])
    ring = _region(shape, _grown(box, high, shape)) & ~_region(shape, _grown(box, low, shape))
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return float(grey[ring].mean()) if ring.any() else 0.0


def _ratio(ours: float, theirs: float) -> float:
    return ours / theirs if theirs > 1e-6 else 1.0
