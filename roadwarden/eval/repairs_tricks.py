"""What hides or mimics a repair, done to an after picture: the hard negatives that need no other street."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from roadwarden.detections import Image
from roadwarden.eval.repairs import Kind
from roadwarden.vision.surface import Box


def brighter(image: Image, rng: np.random.Generator) -> Image:
    """Another exposure: gain and gamma."""
    gain, gamma = float(rng.uniform(0.6, 1.35)), float(rng.uniform(0.75, 1.35))
    return _whole(255 * (image / 255.0) ** gamma * gain)


def shadow(image: Image, box: Box, rng: np.random.Generator) -> Image:
    """A soft-edged shadow over the spot and beyond, bluish as shade is."""
    x, y, wide, high = _middle(box)
    reach = max(wide, high) * float(rng.uniform(0.9, 1.8))
    lean = reach * float(rng.uniform(-0.6, 0.6))
    corners = [
        (x - reach + lean, y - reach),
        (x + reach + lean, y - reach),
        (x + reach, y + reach),
        (x - reach, y + reach),
    ]
    share = _soft(image, corners, 4.0) * float(rng.uniform(0.4, 0.65))
    return _whole(image * (1 - share[..., None] * np.array([0.9, 1.0, 1.05])))


def wet(image: Image, box: Box, rng: np.random.Generator) -> Image:
    """The road around the spot after rain: darker, smoother, water in the hollow that mirrors the sky."""
    x, y, wide, high = _middle(box)
    reach = 2.5 * max(wide, high)
    corners = [(x - reach, y - reach), (x + reach, y - reach), (x + reach, y + reach), (x - reach, y + reach)]
    share = _soft(image, corners, 0.2 * reach)[..., None]
    damp = 0.58 * cv2.GaussianBlur(image, (0, 0), 0.9).astype(np.float32)
    soaked = image * (1 - share) + damp * share
    pool = _soft(image, _ellipse(x, y, 0.40 * wide, 0.40 * high), 1.5)[..., None] * float(rng.uniform(0.2, 0.5))
    return _whole(soaked * (1 - pool) + np.array([168.0, 160.0, 150.0]) * pool)


def damp(image: Image, box: Box, rng: np.random.Generator) -> Image:
    """After rain the road along a crack dries last: a dark band with soft edges, the crack the darker line in it."""
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (0, 0), 0.8)
    darker = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, np.ones((21, 21), np.uint8))
    x1, y1, x2, y2 = (max(0, round(edge)) for edge in box)
    spot = darker[y1:y2, x1:x2]
    line = np.zeros(image.shape[:2], np.float32)
    line[y1:y2, x1:x2] = spot > 0.5 * np.quantile(spot, 0.99)
    reach = int(rng.integers(7, 18))
    band = cv2.dilate(line, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    share = cv2.GaussianBlur(band, (0, 0), float(rng.uniform(1.0, 3.0))) * float(rng.uniform(0.3, 0.6))
    return _whole(image * (1 - share[..., None]))


def leaves(image: Image, box: Box, rng: np.random.Generator) -> Image:
    """Yellow and brown leaves that cover most of the spot."""
    covered = image.copy()
    x1, y1, x2, y2 = box
    size = float(np.clip(0.16 * min(x2 - x1, y2 - y1), 3, 14))
    number = int(2.2 * (x2 - x1 + size) * (y2 - y1 + size) / (np.pi * size * size * 0.5))
    for _ in range(min(number, 2500)):
        at = (float(rng.uniform(x1 - size, x2 + size)), float(rng.uniform(y1 - size, y2 + size)))
        colour = np.array([40.0, 110.0, 165.0]) * float(rng.uniform(0.55, 1.25)) + rng.normal(0, 10, 3)
        axes = (max(1, round(size * float(rng.uniform(0.7, 1.2)))), max(1, round(size * 0.5)))
        middle = (round(at[0]), round(at[1]))
        cv2.ellipse(
            covered, middle, axes, float(rng.uniform(0, 180)), 0, 360, colour.clip(0, 255).tolist(), -1, cv2.LINE_AA
        )
    return covered


def paint(image: Image, box: Box, rng: np.random.Generator) -> Image:
    """A coat over the spot, white, yellow or the grey of the road, that the crack shows through."""
    x1, y1, x2, y2 = box
    grey = image[max(0, round(y1)) : round(y2), max(0, round(x1)) : round(x2)].reshape(-1, 3).mean(axis=0)
    coats = [np.array([225.0, 228.0, 230.0]), np.array([60.0, 190.0, 225.0]), grey * 0.8]
    coat = coats[int(rng.integers(3))]
    share = _soft(image, [(x1, y1), (x2, y1), (x2, y2), (x1, y2)], 1.0)[..., None] * float(rng.uniform(0.7, 0.9))
    return _whole(image * (1 - share) + coat * share)


def cropped(image: Image, box: Box, rng: np.random.Generator) -> Image:
    """A part of the picture that the spot is cut off by, at half of its width."""
    height, width = image.shape[:2]
    x, _, _, _ = _middle(box)
    at = round(float(np.clip(x, 0.2 * width, 0.8 * width)))
    part = image[:, at:] if x < width / 2 else image[:, :at]
    return np.ascontiguousarray(part[round(float(rng.uniform(0, 0.1)) * height) :])


def reencoded(image: Image, rng: np.random.Generator) -> Image:
    """The same exposure once more: compressed harder, another size, a touch of brightness."""
    quality = int(rng.integers(45, 85))
    scale = float(rng.choice([1.0, 0.8]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", _whole(small * float(rng.uniform(0.92, 1.08))), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


INSTEAD = {Kind.PAINT: Kind.LEAVES, Kind.DAMP: Kind.SHADOW}
"""Of defects that are no cracks."""

_TRICKS: dict[Kind, Callable[[Image, Box, np.random.Generator], Image]] = {
    Kind.BRIGHTNESS: lambda image, _box, rng: brighter(image, rng),
    Kind.MENDED_BRIGHTER: lambda image, _box, rng: brighter(image, rng),
    Kind.SHADOW: shadow,
    Kind.WET: wet,
    Kind.DAMP: damp,
    Kind.LEAVES: leaves,
    Kind.PAINT: paint,
    Kind.CROPPED: cropped,
}


def tricked(image: Image, kind: Kind, box: Box, rng: np.random.Generator) -> Image:
    """What the kind does to an after picture whose defect lies in ``box``; the picture itself where that is nothing."""
    trick = _TRICKS.get(kind)
    return image if trick is None else trick(image, box, rng)


def photographed(image: Image, quality: int = 88) -> Image:
    """As a JPEG brings it back."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def paste_patch(image: Image, patch: Image, box: Box, feather_px: float = 1.5) -> Image:
    """A patch cut from another picture laid over ``box``, as bright against the road there as it was at home.

    ``patch`` holds some road around itself: a fifth of its sides on each side, whose brightness is brought to the
    target's.
    """
    x1, y1, x2, y2 = box
    wide, high = x2 - x1, y2 - y1
    frame_box = (x1 - 0.2 * wide, y1 - 0.2 * high, x2 + 0.2 * wide, y2 + 0.2 * high)
    size = (max(4, round(frame_box[2] - frame_box[0])), max(4, round(frame_box[3] - frame_box[1])))
    scaled = cv2.resize(patch, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    canvas, weight = image.astype(np.float32), np.zeros(image.shape[:2], np.float32)
    left, top = round(frame_box[0]), round(frame_box[1])
    rows = slice(max(0, top), min(image.shape[0], top + size[1]))
    columns = slice(max(0, left), min(image.shape[1], left + size[0]))
    part = scaled[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    rim = np.ones(size[::-1], bool)
    rim[round(size[1] / 7) : -round(size[1] / 7) or None, round(size[0] / 7) : -round(size[0] / 7) or None] = False
    rim = rim[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    home, here = np.median(part[rim], axis=0), np.median(canvas[rows, columns][rim], axis=0)
    weight[rows, columns] = 1.0
    grown = [(x1 - 2, y1 - 2), (x2 + 2, y1 - 2), (x2 + 2, y2 + 2), (x1 - 2, y2 + 2)]
    share = (_soft(image, grown, feather_px) * weight)[rows, columns, None]
    canvas[rows, columns] = canvas[rows, columns] * (1 - share) + part * (here / np.maximum(home, 1)) * share
    return _whole(canvas)


def _middle(box: Box) -> tuple[float, float, float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]


def _ellipse(x: float, y: float, wide: float, high: float) -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    return [(float(x + wide * np.cos(angle)), float(y + high * np.sin(angle))) for angle in angles]


def _soft(image: Image, corners: list[tuple[float, float]], blur: float) -> np.ndarray:
    """0..1 inside the outline, soft at its edge."""
    mask = np.zeros(image.shape[:2], np.float32)
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1.0, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.5, blur)), np.float32)


def _whole(values: np.ndarray) -> Image:
    return np.asarray(np.clip(values, 0, 255), np.uint8)
