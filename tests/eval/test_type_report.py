"""The whole report of the scene drawn by hand, held to a golden file whose numbers were worked out with a pencil."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.eval.test_uses import TestUse, log_use
from roadwarden.eval.type_page import render_types
from roadwarden.eval.type_report import Subject, type_report
from tests.conftest import REPOSITORY
from tests.eval.scene import OPERATING_POINT, SCENE, A, L, P, R, T, frame

GOLDEN = Path(__file__).parent / "golden" / "scene.json"
SUBJECT = Subject("hand", "scene", datetime(2026, 11, 24, 9, 30, tzinfo=UTC), ("drawn by hand",))


@pytest.fixture(scope="module")
def report():
    return type_report(SCENE, OPERATING_POINT, SUBJECT)


def assert_holds(golden, found, path="report"):
    """Every value of the golden file stands in what was found; what the golden file leaves out is free."""
    if isinstance(golden, dict):
        for key, value in golden.items():
            assert key in found, f"{path}.{key}"
            assert_holds(value, found[key], f"{path}.{key}")
    elif isinstance(golden, list):
        assert len(golden) == len(found), path
        for index, (ours, theirs) in enumerate(zip(golden, found, strict=True)):
            assert_holds(ours, theirs, f"{path}[{index}]")
    else:
        assert found == (pytest.approx(golden, abs=1e-6) if isinstance(golden, float) else golden), path


def test_the_scene_has_the_figures_of_the_pencil(report):
    """How each number of golden/scene.json comes about, beyond what test_protocols.py says of the counts.

    coverage   found 7 of 9, right 11 of 12, typed 4 of 7, end to end 4 of 9, F1 2 * 7/9 * 11/12 / (7/9 + 11/12) = 77/91.5
    by group   north: t1 t2 t3 t4 t5 found of 5, 3 typed right; south: t7 t9 of 4 found, 1 typed right (t7 is a tie).
               The draws are north twice (a quarter), one of each (a half), south twice (a quarter), so the middle 95 %
               of type accuracy is 1/2 to 3/5, of found 2/4 to 5/5, of end to end 1/4 to 3/5, of precision 7/8 to 1
               (north 7 of 8: d8; south 4 of 4).
    Wilson     4 of 7, z = 1.644854: (0.571429 + 0.193253 - 1.644854 * sqrt(0.034985 + 0.013804)) / 1.386506 = 0.289477
    macro      coverage: L 2/2, T 1/2, A 0/1, P 0/1, R 1/1; IoU: 1, 1, 0, 0, 1
    area       18000 of 27000; north 14100 of 17000, south 3900 of 10000
    labels     6 of 9 true, 6 of 12 seen; F1 by type 2 * aware / (true + seen): L 4/(3+6), T 4/(2+2), A 2/(2+1), P 0, R 1
    ECE        12 detections; scores 0.9 0.9 0.9, 0.8 0.8, 0.7 0.7, 0.6 0.6, 0.5 0.5, 0.4. Every score is a bin, since equal
               scores share one. By coverage all but 0.4 are right:
               (3 * 0.1 + 2 * 0.2 + 2 * 0.3 + 2 * 0.4 + 2 * 0.5 + 0.4) / 12 = 3.5 / 12
               By IoU: 0.9: d1 d6 of 3; 0.8: d7 of 2; 0.7: both; 0.6: both; 0.5: none; 0.4: none.
               (3 * 0.233333 + 2 * 0.3 + 2 * 0.3 + 2 * 0.4 + 2 * 0.5 + 0.4) / 12 = 4.1 / 12
    AP50       L (34 + 33 * 0.5) / 101 = 0.5, T 1, A 1, P 0, R 1 (test_average_precision.py); mean 0.7
    AP50-95    L above 0.5 only d13, fourth in rank: 34 * 1/4 / 101 = 0.084158 nine times: 0.125743; T d3 (IoU 0.8) at
               0.55 to 0.80, recall 1/2: 51/101 six times: 0.402970; A and R at 0.5 only: 0.1; P 0; mean 0.145743
    IoU 0.3    d9 finds t6 too: 8 of 9, 6 typed right
    """  # noqa: E501
    assert_holds(json.loads(GOLDEN.read_text(encoding="utf-8")), report.as_json())


def test_the_line_says_all_that_must_stand_together(report):
    assert report.line() == (
        "hand on 3 frames of 2 groups: coverage: found 0.778, precision 0.917, type accuracy 0.571 of 7 (bound 0.289, "
        "by group 0.500 to 0.600), macro 0.500, end to end 0.444; IoU 0.5: found 0.778, type accuracy 0.714, "
        "F1 with labels 0.571, F1 without 0.667; mAP50 0.700, mAP50-95 0.146; ECE 0.292"
    )


def test_json_has_no_nan_and_every_type(report):
    empty = type_report([frame("a"), frame("b", [(0, 0, 9, 9, L)])], OPERATING_POINT, SUBJECT)
    text = json.dumps(empty.as_json(), allow_nan=False)
    assert json.loads(text)["coverage"]["precision"]["value"] is None
    assert [row["type"] for row in report.as_json()["coverage"]["types"]] == [str(one) for one in (L, T, A, P, R)]


def test_a_type_is_proven_by_twenty_boxes_of_two_streets():
    street = [
        frame(str(n), [(0, 0, 10, 10, L), (50, 0, 60, 10, T)], [(0, 0, 10, 10, L, 0.9), (50, 0, 60, 10, T, 0.9)],
              group="west" if n < 19 else "east")
        for n in range(20)
    ]  # fmt: skip
    rows = {row.type: row.proven for row in type_report(street, None, SUBJECT).coverage.types}
    assert rows == {L: True, T: True, A: False, P: False, R: False}
    alone = [replace(one, group="west") for one in street]
    assert not any(row.proven for row in type_report(alone, None, SUBJECT).coverage.types)
    assert not any(row.proven for row in type_report(street[1:], None, SUBJECT).coverage.types)


def test_the_time_must_be_aware():
    with pytest.raises(ValueError, match="time zone"):
        Subject("a", "b", datetime(2026, 1, 1))  # noqa: DTZ001


class Defects:
    """A section that another module would add."""

    def as_json(self):
        return {"defects": 4}

    def rows(self):
        return [("physical defects", "实体病害", "4 <of 5>")]

    def line(self):
        return "4 defects"


def test_a_section_of_another_module_stands_on_the_page_in_the_file_and_in_the_line():
    report = type_report(SCENE, OPERATING_POINT, SUBJECT, physical=Defects())
    assert report.as_json()["physical"] == {"defects": 4}
    assert report.line().endswith("; 4 defects")
    assert "4 &lt;of 5&gt;" in render_types(report)


def test_the_page_stands_alone_in_two_languages(report):
    page = render_types(report)
    assert "http" not in page.replace("http://www.w3.org", "")
    for text in (
        "57.1 %",
        "28.9 %",
        "7 / 9",
        "Pothole",
        "坑槽",
        "drawn by hand",
        "2026-11-24 09:30 UTC",
        "0.700 · 0.146",
    ):
        assert text in page, text
    assert page.count("<svg") == 4
    assert "nan" not in page.lower().replace("finance", "")
    hostile = replace(SUBJECT, model="<script>alert(1)</script>")
    assert "<script>alert" not in render_types(replace(report, subject=hostile))


def test_nothing_seen_still_gives_a_page():
    nothing = [replace(one, seen=one.seen.take([])) for one in SCENE]
    page = render_types(type_report(nothing, OPERATING_POINT, SUBJECT))
    assert "0 / 9" in page
    assert "nan" not in page.lower()


scores = st.lists(st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9]), min_size=13, max_size=14)


@settings(deadline=None, max_examples=5)
@given(scores, st.sampled_from([0.2, 0.4, 0.6]), st.sampled_from([0.0, 0.2, 0.3]))
def test_keeping_only_what_is_easy_finds_less(drawn, low, more):
    """The escape from a promise of type accuracy is a higher threshold: found and detections fall, never rise.

    Found and typed right falls with them by IoU. By coverage it may rise a little, where what falls away is a wrong
    type that lay over the right one (d11 over t7), but never above found.
    """
    it = iter([*drawn, 0.5])
    rescored = [
        replace(
            one, seen=replace(one.seen, scores=np.sort([next(it) for _ in range(len(one.seen))])[::-1].astype("f4"))
        )
        for one in SCENE
    ]
    loose, strict = (
        type_report(rescored, dict.fromkeys(OPERATING_POINT, value), SUBJECT) for value in (low, low + more)
    )
    for protocol in ("coverage", "iou", "iou_lenient"):
        ours, theirs = getattr(loose, protocol), getattr(strict, protocol)
        assert theirs.found.part <= ours.found.part
        assert theirs.detections <= ours.detections
        assert theirs.end_to_end.part <= theirs.found.part
    assert strict.iou.end_to_end.part <= loose.iou.end_to_end.part
    assert [one.found for one in strict.sweep] == sorted((one.found for one in strict.sweep), reverse=True)


def test_each_use_of_the_test_part_is_a_row(tmp_path):
    log = tmp_path / "eval" / "uses.md"
    use = TestUse(datetime(2026, 11, 25, tzinfo=UTC).date(), "new 0123", "the release | report", "see\nbelow")
    assert log_use(log, use) == 1
    assert log_use(log, use) == 2
    assert log.read_text().splitlines()[-1] == "| 2 | 2026-11-25 | new 0123 | the release \\| report | see below |"
    copy = tmp_path / "copy.md"
    ours = (REPOSITORY / "eval" / "test-part-uses.md").read_text(encoding="utf-8")
    copy.write_text(ours, encoding="utf-8")
    assert log_use(copy, use) == sum(line.startswith("| ") for line in ours.splitlines()) - 2 + 1
    assert copy.read_text(encoding="utf-8").startswith(ours)
