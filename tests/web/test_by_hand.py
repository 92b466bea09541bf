"""What people do on the pages with pointer and keys, in a real browser; every queue of the city holds something."""

from __future__ import annotations

import pytest
from every_page import DRAWN, PAGES, rested, visits

from roadwarden.cases.answer import CaseState
from roadwarden.data.corrections import Verdict as Correction
from roadwarden.data.corrections import read_corrections
from roadwarden.taxonomy import DistressType

WAIT_MS = 30_000
pytestmark = pytest.mark.slow


@pytest.fixture
def opened(browser, city_with_names):
    with visits(browser, *city_with_names) as made:
        yield lambda name: made.open(next(one for one in PAGES if one.name == name))


def test_frames_are_labelled_by_keys_and_pointer_and_a_kept_one_can_be_taken_back(opened, city_with_names):
    server, _ = city_with_names
    page = opened("work-types")
    frame = page.locator(".labelling .boxes")
    assert frame.locator("rect").count() == 0  # of the audit: nobody is told what the model said
    box = frame.bounding_box()
    left, top = box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + 80, top + 60, steps=4)
    page.mouse.up()
    page.keyboard.press("2")
    named = page.locator(".labels [aria-pressed=true]").get_attribute("data-label")
    page.keyboard.press("Enter")
    page.get_by_text("000000.jpg 已保存").wait_for(timeout=WAIT_MS)
    file = server.parts.review.folder / "imported" / "corrections.jsonl"
    (drawn,) = [one for one in read_corrections(file) if one.verdict is not Correction.REJECTED]
    assert (drawn.corrected, drawn.audit) == (DistressType(named), True)
    assert drawn.box_xyxy[2] - drawn.box_xyxy[0] == pytest.approx(80 * 1600 / box["width"], rel=0.3)

    page.get_by_role("button", name="撤销").last.click()
    frame.locator("rect").wait_for()
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    page.get_by_text("000000.jpg 已保存").wait_for(timeout=WAIT_MS)
    assert {one.verdict for one in read_corrections(file)} <= {Correction.REJECTED}
    assert page.complaints == []


def test_a_defect_on_the_map_shows_its_frames_and_its_repair_under_a_slider(opened):
    page = opened("map-defect")
    panel = page.locator("#panel")
    frames = panel.locator(".pictures img")
    frames.first.wait_for()
    rested(page, "[...document.querySelectorAll('#panel img')].every((one) => one.complete && one.naturalWidth > 0)")
    assert frames.count() >= 1
    after = panel.locator(".compare img").last
    slider = panel.locator(".compare-wrap input")
    seen = after.evaluate("(image) => image.style.clipPath")
    slider.press("End")
    assert slider.input_value() == "100"
    assert after.evaluate("(image) => image.style.clipPath") != seen
    assert panel.locator(".events li").count() >= 5
    page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    assert "defect=" not in page.url
    assert page.complaints == []


def test_names_in_latin_letters_are_drawn_by_the_device(opened):
    page = opened("map")
    rested(page, DRAWN)
    glyphs = page.evaluate("roadMap.style.glyphManager.getGlyphs({'sans-serif': [65, 0x6625]})")["sans-serif"]
    widths = {int(code): glyph["metrics"]["width"] for code, glyph in glyphs.items()}
    assert widths[65] > 5
    assert widths[0x6625] > widths[65]


def test_a_closing_can_be_taken_back_and_that_is_recorded(opened, city_with_names):
    server, _ = city_with_names
    desk = server.parts.desk
    page = opened("work-close")
    case = page.locator("#items a").first.inner_text()
    page.goto(f"{server.url}/cases/{case}")
    page.locator("[data-action=closed]").click()
    page.get_by_role("button", name="撤销").click(timeout=WAIT_MS)
    page.locator(".timeline").get_by_text("返工").wait_for(timeout=WAIT_MS)
    assert desk.row(case).state not in (CaseState.CLOSED, CaseState.ASSESSED)
    assert page.complaints == []
