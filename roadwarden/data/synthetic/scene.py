"""What a camera sees of a painted street: road, house fronts, trees, cones, light of the hour, sensor noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from roadwarden.data.synthetic.camera import Camera, Matrix
from roadwarden.data.synthetic.noise import smooth
from roadwarden.data.synthetic.plane import AHEAD_M, PX_PER_M
from roadwarden.data.synthetic.street import HALF_STRIP_M, Polygon, Street, Tree
from roadwarden.detections import Image

NEAR_M, FAR_M = 0.8, 44.0
FRONT_PX_PER_M = 24
FRONT_HEIGHT_M = 9.0
_LEVELS = ((1, 1), (4, 1), (16, 2))
"""Plane shrunk along and across: far road is seen at a flat angle, so it is coarse along the drive first."""
_HAZE = np.array([205.0, 196.0, 186.0])


@dataclass(frozen=True, slots=True)
class Light:
    """Sun of an hour: how bright, how warm, and where a shadow of 1 m height falls, metres along and to the right."""

    gain: float
    tint: tuple[float, float, float]  # blue, green, red
    shadow: tuple[float, float]

    @classmethod
    def at(cls, hour: float) -> Light:
        """Solar hour from 7 to 18; ValueError outside, where this street has no lamps."""
        if not 7 <= hour <= 18:
            raise ValueError(f"hour {hour}: the synthetic street is lit from 7 to 18")
        elevation = math.sin(math.pi * (hour - 5.5) / 14)
        warm = 1 - elevation
        length = min(3.0, 0.45 / max(elevation, 0.1) ** 2)
        angle = math.pi * (hour - 12.5) / 11
        return cls(
            0.72 + 0.36 * elevation,
            (1.02 - 0.16 * warm, 1.0, 0.99 + 0.10 * warm),
            (0.5 * length * math.cos(angle), length * math.sin(angle)),
        )


class Scene:
    """A street ready to be looked at; holds the painted plane at several scales."""

    def __init__(self, street: Street, painted: Image, hour: float, cones: Sequence[Polygon]) -> None:
        """``cones``: outlines of works to be coned off."""
        self._light = Light.at(hour)
        self._trees, self._cones = street.trees, [corner for outline in cones for corner in outline]
        lit = _shadowed(painted, street.trees, self._light, street.seed)
        self._levels = [
            cv2.resize(lit, None, fx=1 / along, fy=1 / across, interpolation=cv2.INTER_AREA)
            for along, across in _LEVELS
        ]
        length = street.length + AHEAD_M
        self._fronts = [_house_fronts(np.random.default_rng([street.seed, side]), length) for side in (11, 12)]

    def frame(self, camera: Camera, at_x: float, seed: int) -> Image:
        """What the camera sees from ``at_x`` metres along the street; ``seed`` is that of the sensor's noise."""
        view = _sky(camera)
        for side, front in zip((-1, 1), self._fronts, strict=True):
            _put_front(view, front, camera, at_x, side)
        self._put_road(view, camera, at_x)
        things: list[tuple[float, Tree | Polygon]] = [(tree.x, tree) for tree in self._trees]
        things += [(float(cone[0]), cone) for cone in self._cones]
        for x, thing in sorted(things, key=lambda pair: -pair[0]):
            if NEAR_M + 1 < x - at_x < FAR_M + 15:
                if isinstance(thing, Tree):
                    _put_tree(view, thing, camera, at_x)
                else:
                    _put_cone(view, thing, camera, at_x)
        return _exposed(view, self._light, seed)

    def _put_road(self, view: Image, camera: Camera, at_x: float) -> None:
        """Each row from the level whose pixels are nearest to its own, blended between two."""
        top = max(0, camera.horizon_px + 2)
        rows = np.arange(top, camera.height_px)
        angle = math.radians(camera.pitch_deg) + np.arctan((rows - camera.height_px / 2) / camera.focal_px)
        footprint = PX_PER_M * camera.height_m / np.sin(np.maximum(angle, 1e-3)) ** 2 / camera.focal_px  # plane pixels
        level = np.clip(np.log(np.maximum(footprint, 1)) / math.log(4), 0, len(_LEVELS) - 1)
        blended = np.zeros((len(rows), camera.width_px, 3), np.float32)
        for number in range(len(_LEVELS)):
            weight = np.clip(1 - np.abs(level - number), 0, 1).astype(np.float32)
            blended += weight[:, None, None] * _warped(*self._ahead(number, camera, at_x), camera, top)
        covered = _covered(*self._ahead(0, camera, at_x), camera, top)
        distance = camera.height_m / np.tan(np.maximum(angle, 1e-3))
        haze = (0.35 * (1 - np.exp(-distance / 40)))[:, None, None]
        blended = blended * (1 - haze) + _HAZE * haze
        view[top:] = np.where(covered[:, :, None], np.clip(blended, 0, 255), view[top:]).astype(np.uint8)

    def _ahead(self, number: int, camera: Camera, at_x: float) -> tuple[Image, Matrix]:
        """The part of a level that lies ahead of the camera, and the homography from its pixels to the frame's."""
        along, across = _LEVELS[number]
        plane = self._levels[number]
        first = max(0, round((at_x + NEAR_M) * PX_PER_M / along))
        part = plane[:, first : round((at_x + FAR_M) * PX_PER_M / along)]
        to_metres = np.array(
            [
                [along / PX_PER_M, 0, first * along / PX_PER_M],
                [0, across / PX_PER_M, -HALF_STRIP_M],
                [0, 0, 1],
            ]
        )
        return part, camera.plane_to_image(at_x) @ to_metres


def _warped(part: Image, to_image: Matrix, camera: Camera, top: int, how: int = cv2.INTER_LINEAR) -> Image:
    """``part`` as the camera's rows from ``top`` on show it; black where they do not."""
    shift = np.array([[1, 0, 0], [0, 1, -top], [0, 0, 1]], np.float64)
    size = (camera.width_px, camera.height_px - top)
    return np.asarray(cv2.warpPerspective(part, shift @ to_image, size, flags=how), np.uint8)


def _covered(part: Image, to_image: Matrix, camera: Camera, top: int) -> npt.NDArray[np.bool_]:
    """Which pixels show ``part``."""
    solid = np.full(part.shape[:2], 255, np.uint8)
    return _warped(solid, to_image, camera, top, cv2.INTER_NEAREST) > 0


def _shadowed(painted: Image, trees: Sequence[Tree], light: Light, seed: int) -> Image:
    """Dappled shade of crowns and bars of trunks."""
    scale = 4  # shade has soft edges; a quarter of the resolution is enough
    rows, columns = painted.shape[0] // scale, painted.shape[1] // scale
    shade = np.zeros((rows, columns), np.float32)
    offset = np.array([0.0, HALF_STRIP_M])
    for tree in trees:
        foot = np.array([tree.x, tree.y])
        crown = foot + np.array(light.shadow) * tree.height * 0.75
        centre = tuple(int(value) for value in np.round((crown + offset) * PX_PER_M / scale))
        start = tuple(int(value) for value in np.round((foot + offset) * PX_PER_M / scale))
        cv2.ellipse(shade, centre, (48, 42), 0, 0, 360, 1.0, -1)
        cv2.line(shade, start, centre, 0.8, 5)
    generator = np.random.default_rng([seed, 4])
    leaves = np.clip(0.75 + 0.35 * smooth(generator, shade.shape, 7), 0.1, 1)
    shade = cv2.GaussianBlur(shade * leaves, (0, 0), 2.0)
    full = cv2.resize(shade, (painted.shape[1], painted.shape[0]), interpolation=cv2.INTER_LINEAR)
    lit = np.empty_like(painted)
    for channel, strength in enumerate((0.42, 0.47, 0.50)):  # shade is bluish
        lit[:, :, channel] = painted[:, :, channel] * (1 - strength * np.clip(full, 0, 1))
    return lit


def _sky(camera: Camera) -> Image:
    rows = np.linspace(0, 1, camera.height_px)[:, None, None]
    top, bottom = np.array([228.0, 208.0, 188.0]), np.array([214.0, 212.0, 208.0])
    return np.broadcast_to(top + (bottom - top) * rows, (camera.height_px, camera.width_px, 3)).astype(np.uint8).copy()


def _house_fronts(generator: np.random.Generator, length: float) -> Image:
    """A row of houses seen from the street, (height, length) with the ground at the last row."""
    rows, columns = round(FRONT_HEIGHT_M * FRONT_PX_PER_M), round(length * FRONT_PX_PER_M)
    fronts = np.zeros((rows, columns, 3), np.uint8)
    start = 0
    while start < columns:
        width = round(generator.uniform(7, 13) * FRONT_PX_PER_M)
        tone = generator.uniform(120, 205) * np.array([0.88, 0.96, 1.0]) + generator.normal(0, 6, 3)
        fronts[:, start : start + width] = np.clip(tone, 60, 235)
        _put_openings(fronts, generator, start, min(columns, start + width))
        fronts[:, start : start + 3] = (fronts[:, start : start + 3] * 0.6).astype(np.uint8)
        start += width
    fronts[-14:] = (fronts[-14:] * 0.7).astype(np.uint8)
    return fronts


def _put_openings(fronts: Image, generator: np.random.Generator, start: int, end: int) -> None:
    """Windows above, shop fronts and doors on the ground floor."""
    metre, rows = FRONT_PX_PER_M, fronts.shape[0]
    shop = tuple(float(value) for value in generator.uniform(40, 120, 3))
    for left in range(start + metre, end - 2 * metre, round(2.6 * metre)):
        for floor in range(2):
            bottom = rows - round((4.2 + 3.2 * floor) * metre)
            cv2.rectangle(
                fronts, (left, bottom - round(1.5 * metre)), (left + round(1.3 * metre), bottom), (92, 84, 74), -1
            )
            cv2.rectangle(
                fronts, (left, bottom - round(1.5 * metre)), (left + round(1.3 * metre), bottom), (200, 205, 208), 2
            )
        top = rows - round(2.7 * metre)
        cv2.rectangle(fronts, (left, top), (left + round(2.1 * metre), rows - 6), shop, -1)
        cv2.rectangle(fronts, (left + 5, top + 14), (left + round(2.1 * metre) - 5, rows - 12), (88, 82, 78), -1)
    sign = rows - round(3.3 * metre)
    colour = tuple(float(value) for value in generator.uniform(50, 200, 3))
    cv2.rectangle(fronts, (start + metre // 2, sign), (max(start + metre, end - metre // 2), sign + 13), colour, -1)


def _put_front(view: Image, front: Image, camera: Camera, at_x: float, side: int) -> None:
    """A vertical plane along the back of the pavement."""
    first, last = round((at_x + NEAR_M) * FRONT_PX_PER_M), round((at_x + FAR_M) * FRONT_PX_PER_M)
    part = front[:, max(0, first) : last]
    to_metres = np.array(
        [[1 / FRONT_PX_PER_M, 0, max(0, first) / FRONT_PX_PER_M], [0, -1 / FRONT_PX_PER_M, FRONT_HEIGHT_M], [0, 0, 1]]
    )
    to_image = camera.wall_to_image(at_x, side * HALF_STRIP_M) @ to_metres
    mask = _covered(part, to_image, camera, 0)
    view[mask] = _warped(cv2.GaussianBlur(part, (0, 0), 1.0), to_image, camera, 0)[mask]


def _put_tree(view: Image, tree: Tree, camera: Camera, at_x: float) -> None:
    """Trunk, and the crown where the camera looks up that far."""
    trunk = np.array([[tree.x, tree.y, z] for z in (0.0, 0.6 * tree.height)])
    (foot, fork), ahead = camera.project(trunk, at_x)
    if ahead.min() < NEAR_M:
        return
    width = max(1, round(0.26 * camera.focal_px / float(ahead[0])))
    ends = [tuple(int(value) for value in np.round(np.clip(point, -30000, 30000))) for point in (foot, fork)]
    cv2.line(view, ends[0], ends[1], (52, 62, 72), width, cv2.LINE_AA)
    cv2.line(
        view,
        (ends[0][0] - width // 4, ends[0][1]),
        (ends[1][0] - width // 4, ends[1][1]),
        (70, 82, 92),
        max(1, width // 3),
    )
    generator = np.random.default_rng([round(tree.x * 100), 5])
    scale = camera.focal_px / float(ahead[1])
    for _ in range(26):
        offset = generator.normal(0, 0.8, 2) * scale
        green = generator.uniform(0.6, 1.25)
        centre = (int(fork[0] + offset[0]), int(fork[1] - 0.8 * scale + offset[1]))
        cv2.circle(view, centre, max(1, int(0.45 * scale)), (48 * green, 92 * green, 70 * green), -1, cv2.LINE_AA)


def _put_cone(view: Image, place: Polygon, camera: Camera, at_x: float) -> None:
    """A traffic cone, 0.7 m high, orange with a white band."""
    heights = np.array([[place[0], place[1], z] for z in (0.0, 0.25, 0.45, 0.7)])
    points, ahead = camera.project(heights, at_x)
    if ahead.min() < NEAR_M:
        return
    scale = camera.focal_px / float(ahead[0])
    halves = np.array([0.19, 0.13, 0.08, 0.03]) * scale
    for lower, colour in ((0, (30, 90, 235)), (1, (235, 235, 235)), (2, (30, 90, 235))):
        low, high = points[lower], points[lower + 1]
        corners = [
            [low[0] - halves[lower], low[1]],
            [low[0] + halves[lower], low[1]],
            [high[0] + halves[lower + 1], high[1]],
            [high[0] - halves[lower + 1], high[1]],
        ]
        cv2.fillPoly(view, [np.round(corners).astype(np.int32)], colour, cv2.LINE_AA)


def _exposed(view: Image, light: Light, seed: int) -> Image:
    """Light, a slight softness of lens and motion, vignette, sensor noise."""
    generator = np.random.default_rng([seed, 6])
    rows, columns = view.shape[:2]
    x, y = np.linspace(-1, 1, columns, dtype=np.float32), np.linspace(-1, 1, rows, dtype=np.float32)
    vignette = 1 - 0.16 * np.minimum(1, (x[None] ** 2 + y[:, None] ** 2) / 1.6)
    soft = cv2.GaussianBlur(view, (0, 0), 0.6).astype(np.float32)
    soft *= vignette[:, :, None] * np.array(light.tint, np.float32) * light.gain
    soft += 2.5 * generator.standard_normal((rows, columns, 1), dtype=np.float32)
    return np.asarray(np.clip(soft, 0, 255), np.uint8)
