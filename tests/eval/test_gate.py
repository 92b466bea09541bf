"""What may be promoted: the gate cannot be passed by naming only what is easy."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.eval.coverage import coverage_counts
from roadwarden.eval.gate import Champion, Check, Limits, Sense, file_gate, recipe_gate
from roadwarden.eval.gate_report import gate_line, gate_markdown
from roadwarden.eval.judged import JudgedFrame, Seen
from roadwarden.taxonomy import TRAINED_TYPES, DistressType

LONG, CROSS, NET, HOLE, PATCH = TRAINED_TYPES
THRESHOLDS = dict.fromkeys(TRAINED_TYPES, 0.3)


def frame(name: str, group: str, rows: list[tuple[DistressType, DistressType | None, float]]) -> JudgedFrame:
    """True boxes side by side; each found exactly by what is said of it, or by nothing where the score is 0."""
    boxes = np.array([[20 * i, 0, 20 * i + 10, 10] for i in range(len(rows))], np.float32).reshape(-1, 4)
    found = [i for i, (_, _, score) in enumerate(rows) if score > 0]
    seen = Seen(boxes[found], tuple(rows[i][1] for i in found), np.array([rows[i][2] for i in found], np.float32))
    return JudgedFrame(name, group, f"place of {group}", 640, 480, boxes, tuple(row[0] for row in rows), seen)


def streets(rows: list[tuple[DistressType, DistressType | None, float]], copies: int = 10) -> list[JudgedFrame]:
    return [frame(f"{n}.jpg", f"street {n % 5}", rows) for n in range(copies)]


GOOD = [(one, one, 0.9) for one in TRAINED_TYPES for _ in range(10)]
"""All five types, fifty boxes a frame, all found and called right."""


def test_a_good_recipe_passes_and_says_what_was_judged():
    gate = recipe_gate(streets(GOOD), THRESHOLDS, "street")
    assert gate.passed
    assert gate.facts == {"frames": 10, "boxes": 500, "groups": 5, "places": 5}
    assert {shown.type: (shown.true, shown.found, shown.groups, shown.proven) for shown in gate.types} == dict.fromkeys(
        TRAINED_TYPES, (100, 100, 5, True)
    )


def test_ninety_percent_right_of_too_few_boxes_is_no_proof():
    """46 of 50 are right: 92 %, but Wilson's bound is 0.833."""
    rows = [(LONG, LONG if n < 46 else CROSS, 0.9) for n in range(50)]
    gate = recipe_gate([frame("one.jpg", "street", rows)], THRESHOLDS, "street")
    outcome = {check.name: check for check in gate.checks}
    assert outcome["coverage: type accuracy"].passed
    assert not outcome["coverage: Wilson bound of type accuracy"].passed
    assert outcome["coverage: Wilson bound of type accuracy"].value == pytest.approx(0.8333, abs=1e-4)


def test_a_majority_of_one_type_cannot_carry_the_others():
    """Every hole is called a crack: 93 % of all boxes are right, the mean over types is not enough."""
    rows = [(LONG, LONG, 0.9)] * 60 + [(HOLE, LONG, 0.9)] * 5
    gate = recipe_gate(streets(rows), THRESHOLDS, "street")
    outcome = {check.name: check.passed for check in gate.checks}
    assert outcome["coverage: type accuracy"]
    assert not outcome["coverage: macro type accuracy over proven types"]
    assert not outcome["proven types"]


def test_a_type_found_in_one_street_only_is_not_proven():
    rows = [(PATCH, PATCH, 0.9)] * 30
    gate = recipe_gate([frame("one.jpg", "street", rows)], THRESHOLDS, "street")
    shown = next(one for one in gate.types if one.type is PATCH)
    assert (shown.found, shown.groups, shown.proven) == (30, 1, False)


def test_an_abstention_counts_as_wrong():
    rows = [(LONG, LONG, 0.9)] * 8 + [(LONG, None, 0.9)] * 2
    gate = recipe_gate(streets(rows), THRESHOLDS, "street")
    assert gate.checks[0].value == pytest.approx(0.8)
    assert not gate.passed


def test_nothing_seen_fails_every_check_and_raises_nothing():
    gate = recipe_gate(streets([(LONG, LONG, 0.0)] * 3), THRESHOLDS, "street")
    assert not any(check.passed for check in gate.checks)
    assert json.loads(json.dumps(gate.as_json()))["checks"][0]["value"] is None
    assert "not measured" in gate_markdown(gate)


@st.composite
def seen_streets(draw: st.DrawFn) -> list[JudgedFrame]:
    """Streets where easy boxes have high scores and hard ones are mistyped with low scores."""
    row = st.tuples(st.sampled_from(TRAINED_TYPES), st.sampled_from([*TRAINED_TYPES, None]), st.floats(0, 1, width=32))
    return streets(draw(st.lists(row, min_size=1, max_size=12)), copies=draw(st.integers(1, 4)))


@given(seen_streets(), st.floats(0.02, 0.5), st.floats(0.0, 0.5))
@settings(max_examples=60, deadline=None)
def test_removing_easy_boxes_by_raising_the_threshold_cannot_pass_the_gate(frames, threshold, more):
    """What is left out is not found: found never rises with the threshold, so a gate failed by it stays failed."""
    low, high = (dict.fromkeys(TRAINED_TYPES, value) for value in (threshold, threshold + more))
    found_low, found_high = (float(coverage_counts(frames, at).total().recall) for at in (low, high))
    assert found_high <= found_low
    if found_low < Limits().found:
        assert not recipe_gate(frames, high, "street").passed


def test_keeping_only_the_sure_half_reaches_perfect_types_and_still_fails():
    rows = [(LONG, LONG, 0.9)] * 10 + [(CROSS, LONG, 0.4)] * 10
    sure = recipe_gate(streets(rows), dict.fromkeys(TRAINED_TYPES, 0.6), "street")
    outcome = {check.name: check.passed for check in sure.checks}
    assert outcome["coverage: Wilson bound of type accuracy"]
    assert not outcome["coverage: found"]
    assert not sure.passed


def test_a_file_must_be_calibrated_and_fast():
    rows = [(one, one, 0.97) for one in TRAINED_TYPES for _ in range(10)]
    names = {"model": "m", "model_sha256": "ab" * 32}
    assert file_gate(streets(rows), THRESHOLDS, latency_ms=40.0, **names).passed
    assert not file_gate(streets(rows), THRESHOLDS, latency_ms=400.0, **names).passed
    doubtful = [(one, one, 0.5) for one in TRAINED_TYPES for _ in range(10)]  # right every time, says one in two
    gate = file_gate(streets(doubtful), THRESHOLDS, latency_ms=40.0, **names)
    assert [check.name for check in gate.checks if not check.passed] == ["expected calibration error"]
    assert gate.as_json()["model_sha256"] == "ab" * 32


def test_a_challenger_that_is_surely_worse_than_the_champion_is_refused():
    worse = [(one, one, 0.9 if n < 8 else 0.0) for one in TRAINED_TYPES for n in range(10)]
    champion = Champion("champion", streets(GOOD), THRESHOLDS)
    gate = file_gate(streets(worse), THRESHOLDS, model="m", model_sha256="", latency_ms=1.0, champion=champion)
    failed = {check.name for check in gate.checks if not check.passed}
    assert "not worse than champion: upper end of the difference in found" in failed
    assert "not worse than champion: upper end of the difference in type accuracy" not in failed


def test_champion_and_challenger_see_the_same_frames():
    champion = Champion("champion", streets(GOOD, copies=3), THRESHOLDS)
    with pytest.raises(ValueError, match="different frames"):
        file_gate(streets(GOOD), THRESHOLDS, model="m", model_sha256="", latency_ms=1.0, champion=champion)


def test_limits_bind_at_the_limit_itself():
    assert Check("found", 0.70, Sense.AT_LEAST, 0.70).passed
    assert not Check("bound", 0.90, Sense.ABOVE, 0.90).passed
    assert Check("ece", 0.05, Sense.AT_MOST, 0.05).passed
    assert not Check("ece", float("nan"), Sense.AT_MOST, 0.05).passed


def test_the_report_shows_every_type_and_what_failed():
    gate = dataclasses.replace(recipe_gate(streets(GOOD), THRESHOLDS, "street"), model="street")
    page = gate_markdown(gate)
    assert all(str(one).replace("_", " ") in page for one in TRAINED_TYPES)
    assert gate_line(gate).endswith("passed")
    few = recipe_gate(streets([(LONG, LONG, 0.9)]), THRESHOLDS, "street")
    assert "FAILED: " in gate_line(few)
    assert "proven types" in gate_line(few)
