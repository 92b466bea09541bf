"""Rare distress pasted into frames that have none: potholes cut from other streets, patches painted.

The motorbike rode past a handful of real potholes and patches only, and a detector that has seen three holes knows
three holes. Cut-and-paste (Dwibedi et al. 2017, *Cut, Paste and Learn*) gives it the same streets with other holes.
Everything follows from the seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from roadwarden.detections import Image
from roadwarden.taxonomy import DistressType

Mask = npt.NDArray[np.uint8]
Rect = tuple[int, int, int, int]
"""x1, y1, x2, y2 in whole pixels."""

ROAD_SATURATION, ROAD_CONTRAST = 50.0, 38.0
"""A stretch more colourful or more uneven than this is grass, a car or a marking, not bare road."""
TRIES = 25


class PatchKind(StrEnum):
    """A sawn cut, a shovelled heap, the new collar of a manhole."""

    CUT = "cut"
    HEAP = "heap"
    COLLAR = "collar"


PATCH_SHARES = {PatchKind.CUT: 0.5, PatchKind.HEAP: 0.2, PatchKind.COLLAR: 0.3}
SMALLEST_DONOR_PX = 18


@dataclass(frozen=True, slots=True)
class Donor:
    """A pothole cut out: its pixels with some road around, and which of them are hole (255) or not (0)."""

    pixels: Image
    mask: Mask


def cut_donors(image: Image, boxes_xyxy: npt.NDArray[np.float32], margin: float = 0.2) -> list[Donor]:
    """One donor a box that is large enough and nearly square; the mask is the ellipse inside the box."""
    donors = []
    for x1, y1, x2, y2 in boxes_xyxy.round().astype(int).tolist():
        width, height = x2 - x1, y2 - y1
        if min(width, height) < SMALLEST_DONOR_PX or not 0.3 <= height / width <= 2.0:
            continue
        dx, dy = int(width * margin), int(height * margin)
        left, top = max(0, x1 - dx), max(0, y1 - dy)
        pixels = image[top : y2 + dy, left : x2 + dx]
        if (pixels.max(axis=2) < 8).mean() > 0.02:  # India's frames are blacked out beside the road
            continue
        mask = np.zeros(pixels.shape[:2], np.uint8)
        centre = ((x1 + x2) // 2 - left, (y1 + y2) // 2 - top)
        cv2.ellipse(mask, centre, (int(width * 0.55), int(height * 0.55)), 0, 0, 360, 255, cv2.FILLED)
        donors.append(Donor(pixels.copy(), mask))
    return donors


def paste_pothole(
    frame: Image, taken: Sequence[Rect], donors: Sequence[Donor], rng: np.random.Generator
) -> tuple[Image, Rect] | None:
    """The frame with one donor blended into bare road, and its box; None where no bare stretch was met."""
    donor = donors[int(rng.integers(len(donors)))]
    if rng.random() < 0.5:
        donor = Donor(donor.pixels[:, ::-1].copy(), donor.mask[:, ::-1].copy())
    for _ in range(TRIES):
        bottom = float(rng.uniform(0.25, 0.97)) * frame.shape[0]
        width = max(14.0, float(rng.uniform(0.05, 0.24)) * frame.shape[1] * (0.3 + bottom / frame.shape[0]))
        scale = width / donor.pixels.shape[1]
        size = (max(8, round(width)), max(8, round(donor.pixels.shape[0] * scale * float(rng.uniform(0.6, 1.0)))))
        x1, y1 = round(float(rng.uniform(0.05, 0.95)) * frame.shape[1] - width / 2), round(bottom - size[1])
        place = (x1, y1, x1 + size[0], y1 + size[1])
        if not is_bare_road(frame, place, taken):
            continue
        pixels = cv2.resize(donor.pixels, size, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(donor.mask, size, interpolation=cv2.INTER_LINEAR)
        blended = _lay_in(frame, place, pixels, mask, contrast=float(rng.uniform(1.0, 2.2)))
        inner_x, inner_y, inner_w, inner_h = cv2.boundingRect((mask > 127).astype(np.uint8))
        return blended, (x1 + inner_x, y1 + inner_y, x1 + inner_x + inner_w, y1 + inner_y + inner_h)
    return None


def paint_pothole(frame: Image, taken: Sequence[Rect], rng: np.random.Generator) -> tuple[Image, Rect] | None:
    """The frame with one hole drawn: ragged edge, rubble inside, upper rim in shadow; None where there is no room."""
    height, width = frame.shape[:2]
    for _ in range(TRIES):
        bottom = float(rng.uniform(0.12, 0.97)) * height
        side = float(rng.uniform(0.04, 0.18)) * width * (0.3 + bottom / height)
        deep = side * float(rng.uniform(0.45, 1.4))
        x1, y1 = float(rng.uniform(0.03, 0.97)) * width - side / 2, bottom - deep
        place = (round(x1), round(y1), round(x1 + side), round(bottom))
        if place[2] - place[0] < 10 or place[3] - place[1] < 8 or not is_bare_road(frame, place, taken):
            continue
        mask = _filled(_ragged(x1, y1, side, deep, 0.3, rng), place, (height, width))
        return _dig(frame, mask, side, rng), _bounds(mask)
    return None


def _dig(frame: Image, mask: Mask, side: float, rng: np.random.Generator) -> Image:
    """Rubble of two sizes below the surface, and the shadow of the rim where the mask, shifted, no longer covers it."""
    coarse, fine = (cv2.GaussianBlur(rng.normal(0, 1, mask.shape).astype(np.float32), (0, 0), s) for s in (2.2, 0.9))
    rubble = (coarse * 9 + fine * 2.2) * float(rng.uniform(4, 11)) / 3
    shift = max(1, round(side * float(rng.uniform(0.04, 0.14))))
    shadow = cv2.subtract(mask, np.roll(mask, (shift, int(rng.integers(-shift, shift + 1))), (0, 1)))
    tone = float(rng.uniform(10, 60)) * (-1 if rng.random() < 0.85 else 0.4)
    dug = cv2.GaussianBlur(frame, (0, 0), 4).astype(np.float32) + (tone + rubble)[..., None]
    dug -= cv2.GaussianBlur(shadow, (0, 0), 0.8)[..., None].astype(np.float32) / 255 * float(rng.uniform(20, 70))
    share = cv2.GaussianBlur(mask, (0, 0), 0.7)[..., None].astype(np.float32) / 255
    return np.asarray(np.clip(frame * (1 - share) + dug * share, 0, 255), np.uint8)


def _filled(outline: npt.NDArray[np.int32], place: Rect, shape: tuple[int, int]) -> Mask:
    """The outline filled, but for what would leave its place and might cover something labelled."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [outline], 255)
    x1, y1, x2, y2 = place
    kept = np.zeros_like(mask)
    kept[y1:y2, x1:x2] = mask[y1:y2, x1:x2]
    return kept


def _bounds(mask: Mask) -> Rect:
    x, y, width, height = cv2.boundingRect(mask)
    return x, y, x + width, y + height


def _ragged(
    x1: float, y1: float, side: float, deep: float, rough: float, rng: np.random.Generator
) -> npt.NDArray[np.int32]:
    """A closed outline around the middle of the place, its radius wandering by ``rough``."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    wander = np.convolve(np.tile(rng.normal(0, 1, 24), 3), np.ones(3) / 3, "same")[24:48]
    radius = np.clip(0.9 + rough * wander, 0.5, 1.1)
    points = np.stack(
        [x1 + side / 2 * (1 + radius * np.cos(angles)), y1 + deep / 2 * (1 + radius * np.sin(angles))], axis=1
    )
    return points.round().astype(np.int32)


def _lay_in(frame: Image, place: Rect, pixels: Image, mask: Mask, *, contrast: float) -> Image:
    """Keeps how the hole differs from its own rim: Poisson blending would wash out just that darkness."""
    x1, y1, x2, y2 = place
    rim = np.median(pixels[mask < 64], axis=0) if (mask < 64).any() else np.median(pixels, axis=(0, 1))
    window = frame[y1:y2, x1:x2].astype(np.float32)
    ground = np.median(window.reshape(-1, 3), axis=0)
    hole = np.clip(ground + (pixels.astype(np.float32) - rim) * contrast, 0, 255)
    share = cv2.GaussianBlur(mask, (0, 0), max(0.8, (x2 - x1) / 40))[..., None].astype(np.float32) / 255
    blended = frame.copy()
    blended[y1:y2, x1:x2] = window * (1 - share) + hole * share
    return blended


def paint_patch(
    frame: Image, taken: Sequence[Rect], texture: Image, rng: np.random.Generator
) -> tuple[Image, Rect] | None:
    """The frame with one patch of another tone and grain, sawn or raked, and its box; None where there is no room."""
    height, width = frame.shape[:2]
    for _ in range(TRIES):
        bottom = float(rng.uniform(0.35, 1.0)) * height
        side = float(rng.uniform(0.10, 0.45)) * width * (0.3 + 0.8 * bottom / height)
        deep = side * float(rng.choice([0.3, 0.6, 1.0, 1.8], p=[0.2, 0.4, 0.3, 0.1]) * rng.uniform(0.8, 1.3))
        x1, y1 = float(rng.uniform(-0.05, 1.0)) * width - side / 3, bottom - deep
        place = (max(0, round(x1)), max(0, round(y1)), min(width, round(x1 + side)), min(height, round(bottom)))
        if place[2] - place[0] < 24 or place[3] - place[1] < 16 or not is_bare_road(frame, place, taken):
            continue
        kind = PatchKind(rng.choice(list(PATCH_SHARES), p=list(PATCH_SHARES.values())))
        outline = _outline(kind, x1, y1, side, deep, rng)
        mask = _filled(outline, place, (height, width))
        painted = _fill(frame, mask, texture, rng)
        if kind is PatchKind.COLLAR:
            painted = _set_manhole(painted, (x1 + side / 2, y1 + deep / 2), side * 0.27, deep * 0.27, rng)
        if rng.random() < 0.7:  # the saw's cut, or bitumen at the seam
            tone = int(rng.integers(20, 90))
            seam = np.zeros((height, width), np.uint8)
            cv2.polylines(seam, [outline], isClosed=True, color=255, thickness=int(rng.integers(1, 4)))
            seam &= mask
            share = cv2.GaussianBlur(seam, (3, 3), 0)[..., None] / 255 * float(rng.uniform(0.4, 0.9))
            painted = np.asarray(painted * (1 - share) + tone * share, np.uint8)
        return painted, _bounds(mask)
    return None


def _outline(
    kind: PatchKind, x1: float, y1: float, side: float, deep: float, rng: np.random.Generator
) -> npt.NDArray[np.int32]:
    """A four-sided cut seen in perspective, a square turned on its corner, or the ragged heap of a shovel."""
    if kind is PatchKind.COLLAR and rng.random() < 0.5:
        middle = (x1 + side / 2, y1 + deep * float(rng.uniform(0.4, 0.5)))
        corners = [(middle[0], y1), (x1 + side, middle[1]), (middle[0], y1 + deep), (x1, middle[1])]
        return (np.array(corners) + rng.normal(0, 0.02 * side, (4, 2))).round().astype(np.int32)
    if kind is not PatchKind.HEAP:
        narrow = side * float(rng.uniform(0.02, 0.22))
        lean = side * float(rng.uniform(-0.12, 0.12))
        corners = [
            (x1 + narrow + lean, y1),
            (x1 + side - narrow + lean, y1),
            (x1 + side, y1 + deep),
            (x1, y1 + deep),
        ]
        wobble = rng.normal(0, 0.02 * side, (4, 2))
        return (np.array(corners) + wobble).round().astype(np.int32)
    return _ragged(x1, y1, side, deep, 0.25, rng)


def _set_manhole(
    frame: Image, centre: tuple[float, float], radius_x: float, radius_y: float, rng: np.random.Generator
) -> Image:
    """An iron cover in the middle of its collar, or the bare collar of one whose cover is out of the picture."""
    if rng.random() < 0.15:
        return frame
    middle = (round(centre[0]), round(centre[1]))
    axes = (max(3, round(radius_x)), max(2, round(radius_y)))
    cover = np.zeros(frame.shape[:2], np.uint8)
    cv2.ellipse(cover, middle, axes, 0, 0, 360, 255, cv2.FILLED)
    rows, columns = np.indices(cover.shape)
    step = max(3, axes[0] // 4)
    ribs = (((rows // max(2, step * axes[1] // axes[0])) + columns // step) % 2) * float(rng.uniform(10, 40))
    iron = np.clip(float(rng.uniform(45, 110)) + ribs + rng.normal(0, 6, cover.shape), 0, 255)
    share = cv2.GaussianBlur(cover, (3, 3), 0)[..., None].astype(np.float32) / 255
    return np.asarray(frame * (1 - share) + iron[..., None] * share, np.uint8)


def _fill(frame: Image, mask: Mask, texture: Image, rng: np.random.Generator) -> Image:
    """Another street's grain, brought to this street's brightness and then made darker or lighter."""
    grain = cv2.resize(texture, (frame.shape[1], frame.shape[0])).astype(np.float32)
    grain = grain - cv2.GaussianBlur(grain, (0, 0), 8)
    inside = frame[mask > 0].astype(np.float32)
    shift = float(rng.uniform(12, 60)) * (-1 if rng.random() < 0.6 else 0.8)
    smooth = cv2.GaussianBlur(frame, (0, 0), 12).astype(np.float32)
    tone = 0.5 * smooth + 0.5 * inside.mean(axis=0) + shift
    filled = np.clip(tone + grain * float(rng.uniform(0.4, 1.3)), 0, 255)
    share = cv2.GaussianBlur(mask, (0, 0), 0.8)[..., None].astype(np.float32) / 255
    return np.asarray(frame * (1 - share) + filled * share, np.uint8)


def is_bare_road(frame: Image, place: Rect, taken: Sequence[Rect]) -> bool:
    """Whether the place lies in the frame, on grey and even ground, away from what is already labelled."""
    x1, y1, x2, y2 = place
    if x1 < 0 or y1 < 0 or x2 > frame.shape[1] or y2 > frame.shape[0]:
        return False
    if any(x1 < right and left < x2 and y1 < low and top < y2 for left, top, right, low in taken):
        return False
    window = frame[y1:y2, x1:x2]
    saturation = cv2.cvtColor(window, cv2.COLOR_BGR2HSV)[..., 1]
    grey = cv2.cvtColor(window, cv2.COLOR_BGR2GRAY)
    return bool(saturation.mean() < ROAD_SATURATION and grey.std() < ROAD_CONTRAST)


def paste_rare(
    frame: Image,
    boxes_xyxy: npt.NDArray[np.float32],
    donors: Sequence[Donor],
    texture: Image,
    rng: np.random.Generator,
) -> tuple[Image, list[tuple[DistressType, Rect]]]:
    """The frame with up to two potholes and one patch more, and the boxes that were added."""
    taken: list[Rect] = [(int(a), int(b), int(c), int(d)) for a, b, c, d in boxes_xyxy.tolist()]
    added: list[tuple[DistressType, Rect]] = []
    for distress in (DistressType.PATCH, DistressType.POTHOLE, DistressType.POTHOLE):
        if distress is DistressType.PATCH:
            pasted = paint_patch(frame, taken, texture, rng)
        elif donors and rng.random() < 0.4:
            pasted = paste_pothole(frame, taken, donors, rng)
        else:
            pasted = paint_pothole(frame, taken, rng)
        if pasted is not None:
            frame, box = pasted
            taken.append(box)
            added.append((distress, box))
    return frame, added
