"""Which frames people are asked to look at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadwarden.data.review import Candidate, Why, draw_audit, pick
from roadwarden.data.review_settings import ReviewSettings, read_review_settings
from roadwarden.detections import Detections, Frame, Position
from roadwarden.errors import ConfigError
from roadwarden.taxonomy import TRAINED_TYPES, DistressType

LONG, TRANSVERSE, ALLIGATOR, HOLE, PATCH = TRAINED_TYPES
THRESHOLDS = dict.fromkeys(TRAINED_TYPES, 0.30)
NOTHING = Detections.none()
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
FAR_APART = ReviewSettings(budget=20, spacing_m=0)


def seen(
    *boxes: tuple[DistressType, float] | tuple[DistressType, float, tuple[float, float, float, float]],
) -> Detections:
    rows = [(*box, (40.0 * number, 0.0, 40.0 * number + 30, 30.0))[:3] if len(box) == 2 else box
            for number, box in enumerate(boxes)]  # fmt: skip
    rows.sort(key=lambda row: -row[1])
    return Detections(
        np.array([row[2] for row in rows], np.float32).reshape(-1, 4),
        tuple(row[0] for row in rows),
        np.array([row[1] for row in rows], np.float32),
    )


def frame(number: int, detections: Detections = NOTHING, *, judged: bool = True, metre: float | None = None,
          heading: float | None = 90.0) -> Candidate:  # fmt: skip
    where = 100.0 * number if metre is None else metre
    position = Position(30.0, 120.0 + where / (111_320.0 * np.cos(np.radians(30.0))), heading)
    one = Frame(f"frames/{number:04d}.jpg", 1, f"{number:064x}", NOON + timedelta(seconds=number), position)
    return Candidate(one, judged, detections, 640, 480, "m@1")


def paths(picks) -> list[str]:
    return [one.candidate.frame.path for one in picks]


def by_why(picks, why: Why) -> list[str]:
    return [one.candidate.frame.path for one in picks if one.why is why]


# the audit


DETECTIONS = st.lists(
    st.tuples(st.sampled_from(TRAINED_TYPES), st.floats(0.2, 1.0)), max_size=4
).map(lambda rows: seen(*rows))  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(
    before=st.lists(DETECTIONS, min_size=30, max_size=30),
    after=st.lists(DETECTIONS, min_size=30, max_size=30),
    seed=st.integers(0, 5),
)
def test_whatever_was_detected_the_audit_is_the_same(before, after, seed):
    chosen = ReviewSettings(budget=15, seed=seed)
    first, second = (
        by_why(pick([frame(n, one, judged=n % 9 != 0) for n, one in enumerate(rows)], THRESHOLDS, chosen), Why.AUDIT)
        for rows in (before, after)
    )
    assert first == second
    assert len(first) == 6


def test_every_frame_has_the_same_chance_with_or_without_distress():
    """Over 400 seeds each of 40 frames is audited about as often, cracked or clean."""
    frames = [frame(n, seen((HOLE, 0.9)) if n < 20 else Detections.none()) for n in range(40)]
    drawn = np.zeros(40)
    for seed in range(400):
        for one in draw_audit(frames, ReviewSettings(budget=25, seed=seed)):
            drawn[frames.index(one)] += 1
    assert drawn.sum() == 400 * 10
    assert drawn.min() > 60
    assert drawn.max() < 145
    assert drawn[:20].mean() == pytest.approx(drawn[20:].mean(), rel=0.12)


def test_frames_kept_from_the_detector_are_audited_too():
    frames = [frame(n, judged=n >= 30) for n in range(100)]
    audited = draw_audit(frames, ReviewSettings(budget=100, audit_share=0.4))
    assert len(audited) == 40
    assert sum(not one.judged for one in audited) == 4


def test_the_order_of_the_tables_does_not_matter():
    frames = [frame(n, seen((HOLE, 0.31))) for n in range(50)]
    assert set(paths(pick(frames, THRESHOLDS, FAR_APART))) == set(paths(pick(frames[::-1], THRESHOLDS, FAR_APART)))


def test_a_larger_budget_keeps_the_audit_and_adds_to_it():
    frames = [frame(n) for n in range(200)]
    small, large = (set(paths_of(draw_audit(frames, ReviewSettings(budget=budget)))) for budget in (50, 100))
    assert small < large


def paths_of(candidates) -> list[str]:
    return [one.frame.path for one in candidates]


def test_what_triage_cannot_fill_is_not_spent():
    """More audit frames where there is little to doubt would make the audit depend on the detections."""
    frames = [frame(n) for n in range(100)]
    assert len(pick(frames, THRESHOLDS, ReviewSettings(budget=50))) == 20


def test_no_frame_is_given_out_twice():
    """Each of these is near a threshold, rare, and seen otherwise by its neighbour."""
    rare = [frame(n, seen((TRAINED_TYPES[n % 5], 0.31)), metre=n) for n in range(15)]
    common = [frame(n, seen(*[(LONG, 0.9)] * 9)) for n in range(20, 60)]
    found = paths(pick(rare + common, THRESHOLDS, ReviewSettings(budget=30, spacing_m=0)))
    assert len(found) == len(set(found)) >= 20


# what is doubtful


ONLY = {"audit_share": 0.0, "low_margin_share": 0.0, "disagreement_share": 0.0, "rare_share": 0.0}


def only(share: str, **more: object) -> ReviewSettings:
    return ReviewSettings(**{"budget": 1, "spacing_m": 0, **ONLY, share: 1.0, **more})


def test_a_score_just_above_its_threshold_comes_first():
    frames = [frame(0, seen((HOLE, 0.90))), frame(1, seen((HOLE, 0.34))), frame(2, seen((HOLE, 0.31), (PATCH, 0.8)))]
    (one,) = pick(frames, THRESHOLDS, only("low_margin_share"))
    assert one.candidate is frames[2]
    assert [reason.text for reason in one.reasons] == ["pothole 0.31 at a threshold of 0.30"]


def test_thresholds_are_those_of_the_type():
    frames = [frame(0, seen((HOLE, 0.31))), frame(1, seen((PATCH, 0.52)))]
    (one,) = pick(frames, {**THRESHOLDS, HOLE: 0.1, PATCH: 0.5}, only("low_margin_share"))
    assert one.candidate is frames[1]


def test_two_types_on_one_spot_with_close_scores_are_doubtful():
    box, other = (0.0, 0.0, 100.0, 100.0), (20.0, 20.0, 110.0, 110.0)
    rivals = frame(0, seen((HOLE, 0.80, box), (ALLIGATOR, 0.76, other)))
    clear = frame(1, seen((HOLE, 0.80, box), (ALLIGATOR, 0.45, other)))
    same = frame(2, seen((HOLE, 0.80, box), (HOLE, 0.79, other)))
    picks = pick([rivals, clear, same], THRESHOLDS, only("low_margin_share", budget=3))
    assert paths(picks) == [rivals.frame.path]
    assert picks[0].reasons[0].text == "pothole 0.80 and alligator_crack 0.76 on one spot"


def test_looks_at_one_place_that_disagree():
    agreed = [frame(n, seen((PATCH, 0.9)), metre=n) for n in range(3)]
    split = [frame(10, seen((HOLE, 0.9)), metre=500), frame(11, seen((ALLIGATOR, 0.9)), metre=502)]
    passed = [frame(20, seen((HOLE, 0.9)), metre=900), frame(21, metre=901)]  # the hole is behind the car
    picks = pick([*agreed, *split, *passed], THRESHOLDS, only("disagreement_share", budget=9))
    assert sorted(paths(picks)) == [one.frame.path for one in split]
    assert picks[0].reasons[-1].why is Why.DISAGREEMENT
    assert "in frames/00" in picks[0].reasons[0].text


def test_the_other_lane_is_another_place():
    there, back = frame(1, seen((HOLE, 0.9)), metre=10, heading=90), frame(2, seen((PATCH, 0.9)), metre=11, heading=270)
    assert pick([there, back], THRESHOLDS, only("disagreement_share", budget=2)) == []


def test_places_that_are_known_go_before_positions():
    far = [frame(1, seen((HOLE, 0.9)), metre=0), frame(2, seen((PATCH, 0.9)), metre=4000)]
    named = {one.frame.path: "a street" for one in far}
    assert len(pick(far, THRESHOLDS, only("disagreement_share", budget=2), named)) == 2
    near = [frame(1, seen((HOLE, 0.9)), metre=0), frame(2, seen((PATCH, 0.9)), metre=1)]
    apart = {near[0].frame.path: "a", near[1].frame.path: "b"}
    assert pick(near, THRESHOLDS, only("disagreement_share", budget=2), apart) == []


def test_rare_types_come_before_common_ones():
    frames = [frame(n, seen((LONG, 0.9), (LONG, 0.8))) for n in range(20)] + [frame(30, seen((HOLE, 0.9)))]
    picks = pick(frames, THRESHOLDS, only("rare_share", budget=5))
    assert paths(picks) == ["frames/0030.jpg"]
    assert picks[0].reasons[0].text == "pothole: 1 of 41 detections"


def test_frames_of_one_spot_are_not_all_given_out():
    standing = [frame(n, seen((HOLE, 0.31)), metre=0.1 * n) for n in range(50)]
    assert len(pick(standing, THRESHOLDS, only("low_margin_share", budget=9, spacing_m=10))) == 1
    unplaced = [replace(one, frame=replace(one.frame, position=None)) for one in standing]
    picks = pick(unplaced, THRESHOLDS, only("low_margin_share", budget=9, spacing_s=10))
    times = sorted(one.candidate.frame.captured_at for one in picks)
    assert 3 <= len(times) <= 5
    assert all(later - earlier >= timedelta(seconds=10) for earlier, later in pairwise(times))


def test_a_reason_without_candidates_leaves_its_share_to_the_others():
    frames = [frame(n, seen((HOLE, 0.31 + n / 1000))) for n in range(40)]
    picks = pick(frames, THRESHOLDS, ReviewSettings(budget=20, spacing_m=0))
    assert len(by_why(picks, Why.AUDIT)) == 8
    assert len(by_why(picks, Why.LOW_MARGIN)) == 12


def test_settings_are_strict(tmp_path):
    place = tmp_path / "s.yaml"
    place.write_text("audit_share: 0.5\n")
    with pytest.raises(ConfigError, match=r"add up to 1\.100"):
        read_review_settings(place)
    place.write_text("budgett: 5\n")
    with pytest.raises(ConfigError, match="did you mean 'budget'"):
        read_review_settings(place)
    assert all(field.description for field in ReviewSettings.model_fields.values())
