"""A crack poured full: a broader band, as dark all over; damp, shade, blur and half a seal are none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from roadwarden.detections import Image
from roadwarden.eval.repairs_tricks import damp, shadow
from roadwarden.vision.crack_lines import NO_SEAL, Seal, seal_of
from tests.repairs.repair_scenes import road

BOX = (240.0, 120.0, 400.0, 380.0)
SEEN = np.ones((480, 640), bool)
LINE = np.array([[250, 128], [275, 160], [268, 205], [310, 250], [330, 262], [345, 310], [338, 340], [390, 372]])


def with_line(image: Image, broad: int, tone: float, until: int = len(LINE), shift: tuple[int, int] = (0, 0)) -> Image:
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.polylines(mask, [LINE[:until] + np.array(shift)], False, 255, broad, cv2.LINE_AA)
    share = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 0.8)[..., None]
    return (image * (1 - share) + tone * share).astype(np.uint8)


CRACKED = with_line(road(), 3, 20)


def seal(after: Image) -> Seal:
    return seal_of(CRACKED, after, SEEN, BOX)


@pytest.mark.parametrize("shift", [(0, 0), (3, -2)], ids=["", "laid three pixels off"])
def test_a_crack_poured_full_is_a_broader_band_as_dark_all_over(shift: tuple[int, int]) -> None:
    found = seal(with_line(with_line(road(), 3, 20, shift=shift), 11, 44, shift=shift))
    assert found.along >= 0.95
    assert found.evenness >= 0.75


def test_half_a_seal_is_told_by_the_stretches_that_are_still_a_crack() -> None:
    assert 0.3 <= seal(with_line(CRACKED, 11, 44, until=5)).along <= 0.75


@pytest.mark.parametrize(
    "after",
    [CRACKED, (CRACKED * 0.6).astype(np.uint8), shadow(CRACKED, BOX, np.random.default_rng(1)), road()],
    ids=["nothing done", "darker", "shade", "gone"],
)
def test_what_is_not_broader_is_no_seal(after: Image) -> None:
    assert seal(after).along <= 0.1


@pytest.mark.parametrize("seed", range(6))
def test_in_damp_the_crack_is_the_darker_line(seed: int) -> None:
    found = seal(damp(CRACKED, BOX, np.random.default_rng(seed)))
    assert found.along < 0.95 or found.evenness < 0.75


def test_a_blurred_picture_of_an_open_crack_is_no_seal() -> None:
    for sigma in (1.0, 1.5, 2.0):
        found = seal(cv2.GaussianBlur(CRACKED, (0, 0), sigma))
        assert found.along < 0.95 or found.evenness < 0.75


def test_where_no_line_was_there_is_no_seal() -> None:
    flat = np.full((480, 640, 3), 110, np.uint8)
    assert seal_of(flat, with_line(flat, 11, 44), SEEN, BOX) == NO_SEAL
    assert seal_of(CRACKED, CRACKED, np.zeros_like(SEEN), BOX) == NO_SEAL
