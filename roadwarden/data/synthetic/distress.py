"""Paints a defect on the plane, before, during and after its repair."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import cv2
import numpy as np

from roadwarden.data.synthetic.noise import fine, smooth, surface
from roadwarden.data.synthetic.plane import PX_PER_M, Plane, draw_line, fill
from roadwarden.data.synthetic.shapes import branches, crack_line, fragments
from roadwarden.data.synthetic.street import HALF_STRIP_M, PlacedDefect, Polygon, Repair, Surface
from roadwarden.detections import Image
from roadwarden.taxonomy import DistressType

CRACKS = frozenset({DistressType.LONGITUDINAL_CRACK, DistressType.TRANSVERSE_CRACK})


def paint_defect(plane: Plane, defect: PlacedDefect, repair: Repair, material: Surface) -> None:
    """The defect as far as its repair has come."""
    generator = np.random.default_rng([defect.seed, 3])
    if repair is Repair.BEFORE:
        _BEFORE[defect.type](plane, defect, generator)
    elif repair is Repair.DURING:
        _milled(plane, defect, generator)
    elif defect.type in CRACKS:
        _sealed(plane, defect)
    else:
        _patched(plane, defect, generator, fresh=material is Surface.ASPHALT)


def _crack(plane: Plane, defect: PlacedDefect, generator: np.random.Generator) -> None:
    window = plane.window(defect.bounds, 0.15)
    line = crack_line(defect)
    sides = branches(line, generator)

    def draw(canvas: Image) -> None:
        points = plane.pixel(line)
        for start in range(0, len(points) - 1, 3):
            draw_line(canvas, points[start : start + 4], window, int(generator.integers(2, 4)))
        for side in sides:
            draw_line(canvas, plane.pixel(side), window, 1)

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
    inside = plane.mask(lambda canvas: fill(canvas, plane.pixel(defect.outline), window), window, 3)
    mask = cv2.GaussianBlur(edges.astype(np.float32), (0, 0), 0.6) * inside
    shades = generator.normal(1, 0.06, int(cell.max()) + 1).astype(np.float32)[cell]
    base = plane.grey[window] * (1 - inside * (1 - 0.9 * shades))
    plane.grey[window] = base * (1 - 0.72 * mask)


def _pothole(plane: Plane, defect: PlacedDefect, generator: np.random.Generator) -> None:
    """A hole: rough dark floor, the edge towards the sun in shadow, the far edge bright, gravel around it."""
    window = plane.window(defect.bounds, 0.35)
    inside = plane.mask(lambda canvas: fill(canvas, plane.pixel(defect.outline), window), window, 1.0)
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
    inside = plane.mask(lambda canvas: fill(canvas, plane.pixel(corners), window), window, 0.8)
    seal = plane.mask(lambda canvas: draw_line(canvas, plane.pixel(corners), window, 5, closed=True), window)
    part = plane.grey[window]
    tone = 52 if fresh else 74
    filling = tone + surface(generator, (part.shape[0], part.shape[1]), {1: 5, 3: 5, 30: 2.5})
    part = part * (1 - inside) + inside * filling
    plane.grey[window] = part * (1 - seal) + seal * 40


def _milled(plane: Plane, defect: PlacedDefect, generator: np.random.Generator) -> None:
    """Cut out and grooved by the milling drum."""
    x1, y1, x2, y2 = defect.bounds
    window = plane.window((x1, y1, x2, y2), 0.2)
    part = plane.grey[window]
    grooves = 14 * np.sin(np.arange(part.shape[0], dtype=np.float32) * 2 * math.pi / 4)[:, None]
    inside = plane.mask(lambda canvas: fill(canvas, plane.pixel(_corners(defect, 0.08)), window), window)
    filling = 76 + grooves + surface(generator, (part.shape[0], part.shape[1]), {1: 7, 12: 4})
    edge = cv2.GaussianBlur(inside, (0, 0), 3) * (1 - inside)
    plane.grey[window] = (part * (1 - inside) + inside * filling) * (1 - 0.5 * edge)


def _sealed(plane: Plane, defect: PlacedDefect) -> None:
    """A crack poured full: a smooth dark band along it."""
    window = plane.window(defect.bounds, 0.15)
    points = plane.pixel(crack_line(defect))
    band = plane.mask(lambda canvas: draw_line(canvas, points, window, 9), window, 1.2)
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
