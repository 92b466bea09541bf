"""Paints the road plane of a street, seen from above: everything flat that a camera will look at."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from roadwarden.data.synthetic.noise import Field, fine, smooth, surface
from roadwarden.data.synthetic.shapes import branches, crack_line, fragments
from roadwarden.data.synthetic.street import (
    HALF_ROAD_M,
    HALF_STRIP_M,
    Manhole,
    PlacedDefect,
    Polygon,
    Repair,
    Street,
    Surface,
)
from roadwarden.detections import Image
from roadwarden.taxonomy import DistressType

PX_PER_M = 100
AHEAD_M = 45.0
"""The plane goes on this far behind the street's end, so that its last frame still has a road to look at."""
SLAB_M = 5.0
CRACKS = frozenset({DistressType.LONGITUDINAL_CRACK, DistressType.TRANSVERSE_CRACK})

_ASPHALT_TONE, _CONCRETE_TONE = np.array([0.98, 1.0, 1.02]), np.array([0.94, 1.0, 1.04])  # B, G, R


@dataclass(slots=True)
class Plane:
    """Brightness of the strip, 0..255: rows go from left to right of the drive, columns along it."""

    grey: Field
    length: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.grey.shape[0], self.grey.shape[1]

    def pixel(self, points: Polygon) -> Polygon:
        """Columns and rows of (n, 2) metres."""
        return np.asarray(np.stack([points[:, 0], points[:, 1] + HALF_STRIP_M], axis=1) * PX_PER_M)

    def window(self, bounds: tuple[float, float, float, float], margin: float) -> tuple[slice, slice]:
        """Rows and columns around a rectangle of metres."""
        x1, y1, x2, y2 = bounds
        (left, top), (right, bottom) = self.pixel(np.array([[x1 - margin, y1 - margin], [x2 + margin, y2 + margin]]))
        rows, columns = self.shape
        return (
            slice(max(0, int(top)), min(rows, int(bottom) + 1)),
            slice(max(0, int(left)), min(columns, int(right) + 1)),
        )

    def mask(self, draw: Callable[[Image], None], window: tuple[slice, slice], blur: float = 0.7) -> Field:
        """0..1 inside ``window`` where ``draw`` put 255 on a canvas as large as the window."""
        canvas = np.zeros((window[0].stop - window[0].start, window[1].stop - window[1].start), np.uint8)
        draw(canvas)
        return np.asarray(cv2.GaussianBlur(canvas, (0, 0), blur).astype(np.float32) / 255, np.float32)


def paint(street: Street, repairs: Mapping[str, Repair]) -> Image:
    """The strip as a picture, 1 cm a pixel, evenly lit; ``repairs`` by defect id, BEFORE where it is silent."""
    length = street.length + AHEAD_M
    shape = (round(2 * HALF_STRIP_M * PX_PER_M), round(length * PX_PER_M))
    generator = np.random.default_rng([street.seed, 2])
    plane = Plane(_asphalt(generator, shape), length)
    concrete_from = round(street.concrete_from * PX_PER_M)
    plane.grey[:, concrete_from:] = _concrete(generator, shape)[:, concrete_from:]
    _wheel_tracks(plane)
    _joints(plane, street)
    for x, y, radius in street.wet:
        _wet(plane, generator, x, y, radius)
    _markings(plane, generator)
    for manhole in street.manholes:
        _manhole(plane, manhole)
    for defect in street.defects:
        _defect(plane, street, defect, repairs.get(defect.id, Repair.BEFORE))
    picture = _coloured(plane, concrete_from)
    _pavements(picture, generator)
    return picture


def _asphalt(generator: np.random.Generator, shape: tuple[int, int]) -> Field:
    grey = 104 + surface(generator, shape, {1: 9, 2.5: 9, 25: 2.5, 120: 3, 700: 5})
    pebbles = smooth(generator, shape, 1.8) > 2.6
    grey[pebbles] += 26
    return grey


def _concrete(generator: np.random.Generator, shape: tuple[int, int]) -> Field:
    grooves = 1.5 * np.sin(np.arange(shape[1], dtype=np.float32) * 2 * math.pi / 3)
    return np.asarray(150 + surface(generator, shape, {1: 5, 3: 3, 40: 3, 400: 5}) + grooves, np.float32)


def _wheel_tracks(plane: Plane) -> None:
    y = np.arange(plane.shape[0]) / PX_PER_M - HALF_STRIP_M
    for centre in (-2.6, -1.0, 0.9, 2.5):
        plane.grey -= (7 * np.exp(-(((y - centre) / 0.28) ** 2)))[:, None].astype(np.float32)


def _joints(plane: Plane, street: Street) -> None:
    """Slab joints of the concrete stretch: each SLAB_M across, one along the middle."""
    start = street.concrete_from
    lines = [((x, -HALF_ROAD_M), (x, HALF_ROAD_M)) for x in np.arange(start, plane.length, SLAB_M)]
    lines.append(((start, 0.0), (plane.length, 0.0)))
    for line in lines:
        ends = plane.pixel(np.array(line))
        window = plane.window((*_ends_of(line),), 0.05)
        mask = plane.mask(lambda canvas, ends=ends, window=window: _polyline(canvas, ends, window, 1), window)  # type: ignore[misc]
        plane.grey[window] *= 1 - 0.55 * mask


def _ends_of(line: tuple[tuple[float, float], tuple[float, float]]) -> tuple[float, float, float, float]:
    """Bounds of a line."""
    (x1, y1), (x2, y2) = line
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def _wet(plane: Plane, generator: np.random.Generator, x: float, y: float, radius: float) -> None:
    """A damp patch: darker, smoother, with a soft ragged edge."""
    window = plane.window((x - radius, y - radius, x + radius, y + radius), 0.3)
    part = plane.grey[window]
    rows, columns = np.mgrid[0 : part.shape[0], 0 : part.shape[1]]
    distance = np.hypot(rows - part.shape[0] / 2, columns - part.shape[1] / 2) / (radius * PX_PER_M)
    edge = distance + 0.12 * smooth(generator, (part.shape[0], part.shape[1]), 25)
    share = np.clip((1 - edge) / 0.25, 0, 1).astype(np.float32)
    plane.grey[window] = part * (1 - share) + share * (0.62 * cv2.GaussianBlur(part, (0, 0), 1.5))


def _markings(plane: Plane, generator: np.random.Generator) -> None:
    """A dashed line in the middle and solid edge lines, worn."""
    painted = np.zeros(plane.shape, np.uint8)
    for start in np.arange(1.0, plane.length, 6.0):
        _rectangle(painted, plane, (start, -0.075, start + 2.4, 0.075))
    for side in (-1, 1):
        y = side * (HALF_ROAD_M - 0.25)
        _rectangle(painted, plane, (0, y - 0.075, plane.length, y + 0.075))
    rows = np.flatnonzero(painted.any(axis=1))
    for row in rows:
        paint_left = painted[row] > 0
        wear = 0.78 + 0.16 * smooth(generator, (2, plane.shape[1]), 12)[0]
        share = np.clip(wear, 0, 0.95)[paint_left]
        plane.grey[row, paint_left] = plane.grey[row, paint_left] * (1 - share) + 212 * share


def _rectangle(canvas: Image, plane: Plane, bounds: tuple[float, float, float, float]) -> None:
    rows, columns = plane.window(bounds, 0)
    canvas[rows, columns] = 255


def _manhole(plane: Plane, cover: Manhole) -> None:
    """Iron cover with a chequered pattern in a lighter frame."""
    bounds = (cover.x - cover.radius, cover.y - cover.radius, cover.x + cover.radius, cover.y + cover.radius)
    window = plane.window(bounds, 0.12)
    part = plane.grey[window]
    rows, columns = np.mgrid[0 : part.shape[0], 0 : part.shape[1]] - np.array(part.shape)[:, None, None] / 2
    distance = np.hypot(rows, columns) / (cover.radius * PX_PER_M)
    chequers = 82 + 16 * np.sign(np.sin(rows * 0.9) * np.sin(columns * 0.9))
    part[:] = np.where(distance < 0.88, chequers + 0.15 * (part - 100), part)
    part[(distance >= 0.88) & (distance < 0.94)] = 48
    part[(distance >= 0.94) & (distance < 1.08)] += 22
    plane.grey[window] = part


def _defect(plane: Plane, street: Street, defect: PlacedDefect, repair: Repair) -> None:
    generator = np.random.default_rng([defect.seed, 3])
    if repair is Repair.BEFORE:
        _BEFORE[defect.type](plane, defect, generator)
    elif repair is Repair.DURING:
        _milled(plane, defect, generator)
    elif defect.type in CRACKS:
        _sealed(plane, defect)
    else:
        _patched(plane, defect, generator, fresh=street.surface_at(defect.bounds[0]) is Surface.ASPHALT)


def _crack(plane: Plane, defect: PlacedDefect, generator: np.random.Generator) -> None:
    window = plane.window(defect.bounds, 0.15)
    line = crack_line(defect)
    sides = branches(line, generator)

    def draw(canvas: Image) -> None:
        points = plane.pixel(line)
        for start in range(0, len(points) - 1, 3):
            _polyline(canvas, points[start : start + 4], window, int(generator.integers(2, 4)))
        for side in sides:
            _polyline(canvas, plane.pixel(side), window, 1)

    mask = plane.mask(draw, window, 0.6)
    worn = cv2.GaussianBlur(mask, (0, 0), 4)
    plane.grey[window] = plane.grey[window] * (1 - 0.78 * mask) * (1 - 0.25 * worn)


def _alligator(plane: Plane, defect: PlacedDefect, generator: np.random.Generator) -> None:
    window = plane.window(defect.bounds, 0.15)
    rows, columns = np.mgrid[window[0], window[1]]
    metres = np.stack([columns.ravel() / PX_PER_M, rows.ravel() / PX_PER_M - HALF_STRIP_M], axis=1)
    cell = fragments(defect, metres).reshape(rows.shape)
    edges = np.zeros(cell.shape, np.uint8)
    edges[:, :-1] |= cell[:, :-1] != cell[:, 1:]
    edges[:-1] |= cell[:-1] != cell[1:]
    edges = cv2.dilate(edges, np.ones((2, 2), np.uint8))
    inside = plane.mask(lambda canvas: _fill(canvas, plane.pixel(defect.outline), window), window, 3)
    mask = cv2.GaussianBlur(edges.astype(np.float32), (0, 0), 0.6) * inside
    shades = generator.normal(1, 0.06, int(cell.max()) + 1).astype(np.float32)[cell]
    base = plane.grey[window] * (1 - inside * (1 - 0.9 * shades))
    plane.grey[window] = base * (1 - 0.72 * mask)


def _pothole(plane: Plane, defect: PlacedDefect, generator: np.random.Generator) -> None:
    """A hole: rough dark floor, the edge towards the sun in shadow, the far edge bright, gravel around it."""
    window = plane.window(defect.bounds, 0.35)
    inside = plane.mask(lambda canvas: _fill(canvas, plane.pixel(defect.outline), window), window, 1.0)
    part = plane.grey[window]
    depth = cv2.GaussianBlur(inside, (0, 0), 7)
    floor = 62 + 13 * smooth(generator, (part.shape[0], part.shape[1]), 5) + 9 * fine(generator, part.shape)
    slope = cv2.Sobel(depth, cv2.CV_32F, 1, 1, ksize=3) + cv2.Sobel(depth, cv2.CV_32F, 0, 1, ksize=3)
    part = part * (1 - inside) + inside * (floor - 10 * depth)
    part -= np.clip(slope, -0.2, 0.2) * 190
    rim = cv2.GaussianBlur(inside, (0, 0), 2) * (1 - inside)
    part += 24 * rim
    gravel = (generator.random(part.shape) < 0.004) & (cv2.GaussianBlur(inside, (0, 0), 14) > 0.05)
    part += 60 * cv2.GaussianBlur(gravel.astype(np.float32), (0, 0), 0.9) * 4
    plane.grey[window] = part


def _old_patch(plane: Plane, defect: PlacedDefect, generator: np.random.Generator) -> None:
    _patched(plane, defect, generator, fresh=False)


def _patched(plane: Plane, defect: PlacedDefect, generator: np.random.Generator, *, fresh: bool) -> None:
    """A rectangle of other asphalt with a sealed edge; a fresh one is nearly black."""
    window = plane.window(defect.bounds, 0.12)
    corners = _corners(defect)
    inside = plane.mask(lambda canvas: _fill(canvas, plane.pixel(corners), window), window, 0.8)
    seal = plane.mask(lambda canvas: _polyline(canvas, plane.pixel(corners), window, 5, closed=True), window)
    part = plane.grey[window]
    tone = 52 if fresh else 74
    fill = tone + surface(generator, (part.shape[0], part.shape[1]), {1: 5, 3: 5, 30: 2.5})
    part = part * (1 - inside) + inside * fill
    plane.grey[window] = part * (1 - seal) + seal * 40


def _milled(plane: Plane, defect: PlacedDefect, generator: np.random.Generator) -> None:
    """Cut out and grooved by the milling drum."""
    x1, y1, x2, y2 = defect.bounds
    window = plane.window((x1, y1, x2, y2), 0.2)
    part = plane.grey[window]
    grooves = 14 * np.sin(np.arange(part.shape[0], dtype=np.float32) * 2 * math.pi / 4)[:, None]
    inside = plane.mask(lambda canvas: _fill(canvas, plane.pixel(_corners(defect, 0.08)), window), window)
    fill = 76 + grooves + surface(generator, (part.shape[0], part.shape[1]), {1: 7, 12: 4})
    edge = cv2.GaussianBlur(inside, (0, 0), 3) * (1 - inside)
    plane.grey[window] = (part * (1 - inside) + inside * fill) * (1 - 0.5 * edge)


def _sealed(plane: Plane, defect: PlacedDefect) -> None:
    """A crack poured full: a smooth dark band along it."""
    window = plane.window(defect.bounds, 0.15)
    points = plane.pixel(crack_line(defect))
    band = plane.mask(lambda canvas: _polyline(canvas, points, window, 9), window, 1.2)
    plane.grey[window] = plane.grey[window] * (1 - band) + band * 44


_BEFORE: Mapping[DistressType, Callable[[Plane, PlacedDefect, np.random.Generator], None]] = {
    DistressType.LONGITUDINAL_CRACK: _crack,
    DistressType.TRANSVERSE_CRACK: _crack,
    DistressType.ALLIGATOR_CRACK: _alligator,
    DistressType.POTHOLE: _pothole,
    DistressType.PATCH: _old_patch,
}


def _corners(defect: PlacedDefect, margin: float = 0.0) -> Polygon:
    x1, y1, x2, y2 = defect.bounds
    x1, y1, x2, y2 = x1 - margin, y1 - margin, x2 + margin, y2 + margin
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])


def _shifted(points: Polygon, window: tuple[slice, slice]) -> npt.NDArray[np.int32]:
    """Pixels of the window with four binary digits of fraction, as OpenCV's drawing takes them."""
    return np.asarray(np.round((points - [window[1].start, window[0].start]) * 16), np.int32)


def _polyline(
    canvas: Image, points: Polygon, window: tuple[slice, slice], thickness: int, *, closed: bool = False
) -> None:
    cv2.polylines(canvas, [_shifted(points, window)], closed, 255, thickness, cv2.LINE_AA, shift=4)


def _fill(canvas: Image, points: Polygon, window: tuple[slice, slice]) -> None:
    cv2.fillPoly(canvas, [_shifted(points, window)], 255, cv2.LINE_AA, shift=4)


def _coloured(plane: Plane, concrete_from: int) -> Image:
    """Grey to BGR; wheel paths and marks keep their brightness, the two materials their tint."""
    picture = np.empty((*plane.shape, 3), np.uint8)
    for columns, tone in ((slice(0, concrete_from), _ASPHALT_TONE), (slice(concrete_from, None), _CONCRETE_TONE)):
        for channel in range(3):
            picture[:, columns, channel] = np.clip(plane.grey[:, columns] * tone[channel], 0, 255)
    return picture


def _pavements(picture: Image, generator: np.random.Generator) -> None:
    """Kerb stones and paving beside the carriageway."""
    rows, columns = picture.shape[:2]
    for side in (-1, 1):
        kerb = sorted(HALF_STRIP_M + side * edge for edge in (HALF_ROAD_M, HALF_ROAD_M + 0.15))
        paving = sorted(HALF_STRIP_M + side * edge for edge in (HALF_ROAD_M + 0.15, HALF_STRIP_M))
        top, bottom = (round(edge * PX_PER_M) for edge in paving)
        bottom = min(bottom, rows)
        grey = 148 + surface(generator, (bottom - top, columns), {1: 4, 3: 3, 60: 4})
        grey[::40] -= 32
        grey[:, ::40] -= 32
        for channel, tone in enumerate((0.88, 0.97, 1.04)):
            picture[top:bottom, :, channel] = np.clip(grey * tone, 0, 255)
        first, last = (round(edge * PX_PER_M) for edge in kerb)
        stones = 172 + surface(generator, (last - first, columns), {1: 4, 40: 3})
        stones[:, ::100] = 105
        picture[first:last] = np.clip(stones, 0, 255)[:, :, None]
        gutter = slice(first - 12, first) if side > 0 else slice(last, last + 12)
        picture[gutter] = (picture[gutter] * 0.78).astype(np.uint8)
