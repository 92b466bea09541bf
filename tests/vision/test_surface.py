"""Is it the same surface, and is it as sound as the road around it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.vision import surface
from roadwarden.vision.surface import aligned, edge_step, likeness, recoloured, texture
from tests.repairs.repair_scenes import BOX, LOOK_B, looked_at_again, road, with_hole, with_patch

ALL = np.ones((480, 640), bool)
ROAD = road()
HOLE, PATCH = with_hole(ROAD), with_patch(ROAD)


@settings(max_examples=15, deadline=None)
@given(gain=st.floats(0.5, 1.2), offset=st.floats(0, 20))
def test_light_does_not_make_another_surface(gain: float, offset: float) -> None:
    lit = np.clip(HOLE * gain + offset, 0, 255).astype(np.uint8)
    found = likeness(HOLE, lit, ALL, BOX)
    assert found.unchanged_share(0.7) > 0.95
    assert found.around_median > 0.9


def test_a_patch_is_another_surface_and_the_road_around_it_is_the_same() -> None:
    found = likeness(HOLE, PATCH, ALL, BOX)
    assert found.unchanged_share(0.7) < 0.15
    assert found.around_median > 0.95


def test_what_the_picture_does_not_reach_is_not_compared() -> None:
    assert likeness(HOLE, PATCH, np.zeros_like(ALL), BOX) == likeness(HOLE, HOLE, np.zeros_like(ALL), BOX)
    assert likeness(HOLE, HOLE, np.zeros_like(ALL), BOX).unchanged_share(0.7) == 0.0


def test_a_hole_is_rougher_than_its_road_and_a_patch_is_not() -> None:
    hole, patch = texture(HOLE, BOX), texture(PATCH, BOX)
    assert hole.roughness > 1.3 > patch.roughness
    assert hole.tone < 1
    assert patch.foreign == 0


def test_leaves_have_a_colour_that_no_light_gives_and_a_warm_evening_has_not() -> None:
    leaves = HOLE.copy()
    x1, y1, x2, y2 = (round(edge) for edge in BOX)
    leaves[y1:y2, x1:x2] = (40, 110, 165)
    evening = np.clip(HOLE * np.array([0.8, 0.95, 1.1]), 0, 255).astype(np.uint8)
    assert recoloured(HOLE, leaves, BOX, ALL) > 0.9
    assert texture(leaves, BOX).foreign > 0.9
    assert recoloured(HOLE, evening, BOX, ALL) < 0.1
    assert recoloured(HOLE, PATCH, BOX, ALL) < 0.1


def test_the_second_look_is_laid_on_the_first() -> None:
    laid, seen = aligned(looked_at_again(HOLE, gain=1.0), LOOK_B, (640, 480))
    inner = (slice(60, 420), slice(60, 580))
    assert seen[inner].all()
    assert np.abs(laid[inner].astype(float) - HOLE[inner]).mean() < 6


def test_the_step_at_the_edge_of_a_patch_by_hand() -> None:
    flat = np.full((200, 200, 3), 100, np.uint8)
    flat[80:120, 60:140] = 40
    assert edge_step(flat, (60, 80, 140, 120)) == pytest.approx(0.6)


@pytest.mark.parametrize("box", [BOX, (2.0, 3.0, 60.0, 40.0), (580.0, 430.0, 640.0, 480.0), (10.0, 10.0, 630.0, 470.0)])
def test_looking_near_the_spot_only_finds_what_looking_everywhere_does(box: surface.Box) -> None:
    before, after = with_hole(road()), with_hole(road(), seed=6)
    seen = np.ones(before.shape[:2], bool)
    seen[:, 600:] = False
    outer = surface._grown(box, surface.ring_px(box), before.shape)
    inner = surface._grown(box, 0, before.shape, least=surface.CELL_PX)
    everywhere = surface._likeness(surface._detail(before), surface._detail(after), seen, outer, inner)
    assert likeness(before, after, seen, box) == everywhere
