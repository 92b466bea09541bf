"""The page of drawn pairs, and what ``roadwarden eval repairs --out --gallery`` leaves."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from roadwarden.cases.event_types import Verdict
from roadwarden.cli import app, eval_repairs
from roadwarden.eval.repairs import Kind, Outcome, Triple, score
from roadwarden.eval.repairs_gallery import MOST_OF_A_KIND, Gallery
from roadwarden.eval.repairs_report import Run
from roadwarden.repairs.assess import Assessor
from roadwarden.repairs.pictures import Picture
from roadwarden.taxonomy import DistressType
from tests.repairs.repair_scenes import BOX, ScriptedDetector, looked_at_again, road, seen, there, with_hole, with_patch

BEFORE, OPEN, MENDED = with_hole(road()), looked_at_again(with_hole(road())), looked_at_again(with_patch(road()))


def detector() -> ScriptedDetector:
    return ScriptedDetector(seen((DistressType.POTHOLE, BOX)), seen((DistressType.POTHOLE, there())))


@pytest.fixture(scope="module")
def pair():
    """Two pictures with their assessment: an open hole, seen in both."""
    before, after = Picture(BEFORE, "a" * 64), Picture(OPEN, "b" * 64)
    return before, after, Assessor(detector()).assess(before, after, BOX, DistressType.POTHOLE)


def said(name: str, kind: Kind, verdict: Verdict) -> Outcome:
    return Outcome(name, "g", kind, DistressType.POTHOLE, verdict, "r", 40.0, aligned=True, seconds=1, cpu_seconds=1)


def names(gallery: Gallery) -> list[str]:
    return [one.outcome.name for one in gallery.pairs()]


def test_wrong_ones_come_first_then_each_kind_in_turn(pair) -> None:
    gallery = Gallery(6)
    for number in range(5):
        gallery.add(said(f"open {number}", Kind.NOTHING_DONE, Verdict.NOT_REPAIRED), *pair)
    gallery.add(said("mended", Kind.MENDED, Verdict.REPAIRED), *pair)
    gallery.add(said("passed", Kind.SHADOW, Verdict.REPAIRED), *pair)
    assert MOST_OF_A_KIND == 3
    assert names(gallery) == ["passed", "mended", "open 0", "open 1", "open 2"]
    small = Gallery(1)
    small.add(said("mended", Kind.MENDED, Verdict.REPAIRED), *pair)
    small.add(said("passed", Kind.SHADOW, Verdict.REPAIRED), *pair)
    small.add(said("passed too", Kind.SHADOW, Verdict.REPAIRED), *pair)
    assert names(small) == ["passed"]


def test_the_page_is_one_file_without_scripts_and_its_text_is_escaped(pair) -> None:
    gallery = Gallery(3)
    bad = replace(said("<script>alert(1)</script>", Kind.SHADOW, Verdict.REPAIRED), reason='"><b>')
    gallery.add(bad, *pair)
    run = Run("val", "2", datetime(2026, 1, 1, tzinfo=UTC), {"repairs": "<3>"}, score([bad]), (bad,), "a desk", 400.0)
    page = gallery.page(run, real=True)
    assert "<script" not in page
    assert "<b>" not in page.replace("<b>wrong: REPAIRED</b>", "")
    assert "repairs &lt;3&gt;" in page
    assert "must not be committed" in page
    assert "must not be committed" not in gallery.page(run, real=False)
    assert not re.search(r'(?:src|href)="(?!data:image/jpeg;base64,)', page)
    (jpeg,) = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    strip = cv2.imdecode(np.frombuffer(base64.b64decode(jpeg), np.uint8), 1)
    assert strip.shape[1] == 1600  # three panels of 640, made smaller


def test_the_command_leaves_page_plots_and_gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pothole = DistressType.POTHOLE
    triples = [
        Triple("one", "g", Kind.NOTHING_DONE, pothole, BEFORE, OPEN, BOX),
        Triple("two", "g", Kind.MENDED, pothole, BEFORE, MENDED, BOX),  # the detector says that it is still there
    ]
    monkeypatch.setattr(eval_repairs, "load_detector", lambda *_words, **_more: detector())
    monkeypatch.setattr(eval_repairs, "street_triples", lambda _seeds, skip=0: iter(triples[skip:]))
    out, gallery = tmp_path / "out", tmp_path / "gallery"
    words = ["eval", "repairs", "--number", "2", "--out", str(out), "--gallery", str(gallery)]
    assert CliRunner().invoke(app, words).exit_code == 3  # a bound of two triples is none
    assert sorted(one.name for one in out.iterdir()) == [
        "street-1-reliability.svg", "street-1-verdicts.svg", "street-1.json", "street-1.md",
    ]  # fmt: skip
    text = (out / "street-1.md").read_text()
    linked = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert linked == ["street-1-reliability.svg", "street-1-verdicts.svg"]
    page = (gallery / "street-1-gallery.html").read_text()
    assert page.index(">two<") < page.index(">one<")  # the wrong one first
