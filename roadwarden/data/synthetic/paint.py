"""Paints the road plane of a street, seen from above: everything flat that a camera will look at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import cv2
import numpy as np

from roadwarden.data.synthetic.distress import paint_defect
from roadwarden.data.synthetic.noise import Field, smooth, surface
from roadwarden.data.synthetic.plane import AHEAD_M, PX_PER_M, Plane, draw_line
from roadwarden.data.synthetic.street import HALF_ROAD_M, HALF_STRIP_M, Manhole, Repair, Street
from roadwarden.detections import Image

SLAB_M = 5.0
_ASPHALT_TONE, _CONCRETE_TONE = np.array([0.98, 1.0, 1.02]), np.array([0.94, 1.0, 1.04])  # B, G, R


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
        paint_defect(plane, defect, repairs.get(defect.id, Repair.BEFORE), street.surface_at(defect.bounds[0]))
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
    joints = [(float(x), -HALF_ROAD_M, float(x), HALF_ROAD_M) for x in np.arange(start, plane.length, SLAB_M)]
    for joint in [*joints, (start, 0.0, plane.length, 0.0)]:
        window = plane.window(joint, 0.05)
        ends = plane.pixel(np.reshape(joint, (2, 2)))
        plane.grey[window] *= 1 - 0.55 * plane.mask(partial(draw_line, points=ends, window=window, thickness=1), window)


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
    part = plane.grey[window]  # a view: what is painted here is painted on the plane
    rows, columns = np.mgrid[0 : part.shape[0], 0 : part.shape[1]] - np.array(part.shape)[:, None, None] / 2
    distance = np.hypot(rows, columns) / (cover.radius * PX_PER_M)
    chequers = 82 + 16 * np.sign(np.sin(rows * 0.9) * np.sin(columns * 0.9))
    part[:] = np.where(distance < 0.88, chequers + 0.15 * (part - 100), part)
    part[(distance >= 0.88) & (distance < 0.94)] = 48
    part[(distance >= 0.94) & (distance < 1.08)] += 22


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
