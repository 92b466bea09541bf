"""Boxes to Label Studio and back, and the page people label on."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.data.label_studio import label_config, read_export, to_percent, to_pixels
from roadwarden.taxonomy import TRAINED_TYPES, Language

EDGE = st.floats(-50, 9000, allow_nan=False)


@settings(deadline=None)
@given(x1=EDGE, y1=EDGE, across=st.floats(1, 9000), down=st.floats(1, 9000), width=st.integers(16, 9000),
       height=st.integers(16, 9000))  # fmt: skip
def test_a_box_comes_back_to_a_thousandth_of_a_pixel(x1, y1, across, down, width, height):
    box = (x1, y1, x1 + across, y1 + down)
    assert to_pixels(to_percent(box, width, height), width, height) == pytest.approx(box, abs=1e-3)


@settings(deadline=None)
@given(x=st.floats(0, 100), y=st.floats(0, 100), w=st.floats(-50, 50), h=st.floats(-50, 50), turn=st.floats(-360, 360))
def test_a_hull_holds_the_corner_it_was_turned_about_and_is_not_inside_out(x, y, w, h, turn):
    x1, y1, x2, y2 = to_pixels({"x": x, "y": y, "width": w, "height": h, "rotation": turn}, 200, 100)
    assert x1 <= 2 * x + 1e-9
    assert 2 * x <= x2 + 1e-9
    assert y1 <= y + 1e-9
    assert y <= y2 + 1e-9


@pytest.mark.parametrize("language", Language)
def test_the_page_names_types_in_its_language_and_exports_their_ids(language):
    page = ElementTree.fromstring(label_config(TRAINED_TYPES, language))
    labels = list(page.iter("Label"))
    assert [label.get("alias") for label in labels] == list(map(str, TRAINED_TYPES))
    assert ("坑槽" in [label.get("value") for label in labels]) == (language is Language.CHINESE)
    assert len({label.get("background") for label in labels}) == len(labels)


def test_what_label_studio_itself_exported_is_read():
    """Label Studio 1.23.2, Chinese page: a proposal accepted, a task skipped, and a box drawn by hand with key 4."""
    export = read_export(Path(__file__).parent / "label_studio_export.json")
    proposal, skipped, drawn = export.passes
    assert export.untouched == ()
    assert [one.frame for one in export.passes] == ["frames/000016.jpg", "frames/000008.jpg", "frames/000021.jpg"]
    assert (proposal.annotator, proposal.annotation, proposal.sizes) == ("1", "1", {(1280, 720)})
    assert proposal.drawn[0].box_xyxy == pytest.approx((461.66, 263.48, 732.05, 370.92), abs=0.01)
    assert (skipped.cancelled, skipped.drawn) == (True, ())
    assert drawn.drawn[0].label == "pothole"
    assert drawn.drawn[0].box_xyxy == pytest.approx((384.5, 216.4, 584.2, 366.2), abs=0.1)
    assert drawn.updated_at > proposal.updated_at
    assert not any(one.refused for one in export.passes)
