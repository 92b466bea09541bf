"""A photograph of a screen: the beat of two grids, and nothing else, is told."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from roadwarden.vision.screen import looks_like_a_screen, screen_peak
from tests.repairs.repair_scenes import road, with_hole


def off_a_screen(image, pixels=2.3, turned_deg=4.0):
    """Each pixel of the screen three coloured stripes with a dark gap; a camera that sees each in ``pixels`` pixels."""
    side, (height, width) = 6, image.shape[:2]
    grid = np.zeros((side, side, 3), np.float32)
    grid[:-1, 0:2, 2] = grid[:-1, 2:4, 1] = grid[:-1, 4:6, 0] = 2.4
    lit = np.repeat(np.repeat(image, side, 0), side, 1) * np.tile(grid, (height, width, 1))
    scale = pixels / side
    turn = cv2.getRotationMatrix2D((lit.shape[1] / 2, lit.shape[0] / 2), turned_deg, scale)
    size = (int(width * pixels), int(height * pixels))
    turn[:, 2] += np.array(size) / 2 - np.array([lit.shape[1], lit.shape[0]]) / 2
    blurred = cv2.GaussianBlur(lit, (0, 0), 0.4 / scale)
    taken = cv2.warpAffine(blurred, turn, size)
    noise = np.random.default_rng(3).normal(0, 2.5, taken.shape)
    return np.clip(taken + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def scene():
    return with_hole(road())


def test_a_photograph_of_a_screen_is_told(scene):
    assert looks_like_a_screen(off_a_screen(scene[:300, :400]))


def test_a_photograph_of_the_road_is_not(scene):
    assert screen_peak(scene) < 2.7
    assert not looks_like_a_screen(cv2.resize(scene, (1280, 960)))


def test_a_grate_in_a_part_of_the_picture_is_none(scene):
    grated = cv2.resize(scene, (1280, 960))
    y, x = np.mgrid[0:200, 0:260]
    grated[600:800, 700:960] = np.where(((x + y) // 5) % 2, 40, 200)[..., None].astype(np.uint8)
    assert not looks_like_a_screen(grated)


def test_once_made_smaller_nothing_is_left_to_see(scene):
    taken = off_a_screen(scene[:300, :400])
    small = cv2.resize(taken, None, fx=0.35, fy=0.35, interpolation=cv2.INTER_AREA)
    assert not looks_like_a_screen(small)


def test_a_picture_too_small_to_tell_is_not_accused():
    assert screen_peak(np.zeros((100, 100, 3), np.uint8)) == 0.0
