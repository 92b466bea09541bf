"""The rules of a verdict: gate, place, residual, decision, table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadwarden.cases.event_types import Verdict
from roadwarden.defects.same_place import PlaceEvidence, shipped_same_place_table
from roadwarden.detections import Detections
from roadwarden.errors import ConfigError
from roadwarden.repairs.evidence import Condition, Fault, PictureFacts, Shot, Wanted, faults
from roadwarden.repairs.place import Place, PlaceFacts, judge
from roadwarden.repairs.residual import Residual, covered, residual
from roadwarden.repairs.table import read_repair_table, shipped_repair_table
from roadwarden.repairs.verdict import Decision, Findings, Reason, Score, Spot, decide
from roadwarden.repairs.words import why
from roadwarden.taxonomy import DistressType
from roadwarden.vision.crack_lines import Seal
from roadwarden.vision.quality import QualityProblem
from roadwarden.vision.surface import Likeness, Texture
from tests.repairs.repair_scenes import seen

TABLE = shipped_repair_table()
REPORTED = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
WANTED = Wanted(REPORTED, REPORTED + timedelta(hours=20), both_shots=True)
GOOD = PictureFacts(captured_at=REPORTED + timedelta(hours=19), distance_m=2.0, turned_deg=10.0)
BOTH = [GOOD, replace(GOOD, shot=Shot.CLOSE_UP)]
FIT = PlaceEvidence(1500, 120, 90, fits=True)
NO_FIT = PlaceEvidence(1500, 9, 4, fits=False)
SAME = PlaceFacts(FIT, FIT, inlier_ratio=0.75, reprojection_px=0.8, overlap=1.0)
MENDED = Spot(
    Residual(seen_before=True, left=0.0, patched=1.0, new_around=0),
    Likeness(spot=(0.2,) * 10, around=(0.9,) * 20),
    before=Texture(1.6, 1.9, 0.7, 0.2, 0.0),
    after=Texture(0.9, 1.0, 0.6, 0.05, 0.0),
    recoloured=0.0,
    edge_step=0.2,
)


def verdict_of(spot: Spot) -> Verdict:
    return decide(Findings((), Place.SAME, spot), TABLE).verdict


def reason_of(spot: Spot) -> Reason:
    return decide(Findings((), Place.SAME, spot), TABLE).reason


def test_two_good_pictures_pass_the_gate() -> None:
    assert faults(BOTH, TABLE.gate, WANTED) == ()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"captured_at": REPORTED - timedelta(seconds=1)}, Fault.TAKEN_BEFORE),
        ({"captured_at": REPORTED}, Fault.TAKEN_BEFORE),
        ({"captured_at": WANTED.received_at + timedelta(minutes=6)}, Fault.TAKEN_IN_FUTURE),
        ({"captured_at": None}, Fault.NO_TIME),
        ({"distance_m": 3.1}, Fault.TOO_FAR),
        ({"turned_deg": 61.0}, Fault.OTHER_WAY),
        ({"is_copy": True}, Fault.COPY),
        ({"software": "Adobe Photoshop 25.1"}, Fault.EDITED),
        ({"software": "美图秀秀"}, Fault.EDITED),
        ({"problems": (QualityProblem.BLURRED,)}, Fault.BLURRED),
        ({"conditions": frozenset({Condition.SNOW})}, Fault.SNOW),
    ],
    ids=lambda value: str(value) if isinstance(value, Fault) else "",
)
def test_one_thing_wrong_is_one_fault(change: dict[str, object], fault: Fault) -> None:
    assert faults([replace(GOOD, **change), BOTH[1]], TABLE.gate, WANTED) == (fault,)


def test_an_uncertain_position_and_a_camera_clock_ahead_by_minutes_are_forgiven() -> None:
    lenient = replace(
        GOOD, distance_m=11.9, distance_sigma_m=3.0, captured_at=WANTED.received_at + timedelta(minutes=5)
    )
    assert faults([lenient, BOTH[1]], TABLE.gate, WANTED) == ()


def test_a_crew_sends_a_context_picture_and_a_close_up() -> None:
    assert faults([GOOD], TABLE.gate, WANTED) == (Fault.NO_CLOSE_UP,)
    assert faults([BOTH[1]], TABLE.gate, WANTED) == (Fault.NO_CONTEXT,)


def test_every_problem_of_quality_and_every_condition_is_a_fault() -> None:
    picture = PictureFacts(problems=tuple(QualityProblem), conditions=frozenset(Condition))
    assert len(faults([picture], TABLE.gate)) == len(QualityProblem) + len(Condition)


@pytest.mark.parametrize(
    ("facts", "place"),
    [
        (SAME, Place.SAME),
        (replace(SAME, overlap=0.89), Place.CUT_OFF),
        (replace(SAME, inlier_ratio=0.3), Place.UNCERTAIN),
        (replace(SAME, reprojection_px=3.2), Place.UNCERTAIN),
        (replace(SAME, masked=NO_FIT, whole=NO_FIT), Place.OTHER),
        (replace(SAME, masked=NO_FIT, whole=replace(NO_FIT, keypoints=400)), Place.UNCERTAIN),
        (replace(SAME, masked=NO_FIT, whole=FIT), Place.UNCERTAIN),
    ],
    ids=["same", "cut off", "few of the matches", "loose", "other", "no texture", "only the spot fits"],
)
def test_place(facts: PlaceFacts, place: Place) -> None:
    assert judge(facts, TABLE.place, shipped_same_place_table()) is place


def test_a_share_of_the_box_is_left_where_a_detection_still_lies() -> None:
    box = np.array([[100, 100, 200, 200]], np.float32)
    before = seen((DistressType.POTHOLE, (105, 105, 195, 195)))
    after = seen(
        (DistressType.POTHOLE, (100, 100, 150, 200)),  # half of the box
        (DistressType.PATCH, (150, 100, 200, 200)),
        (DistressType.POTHOLE, (230, 100, 240, 110)),  # 30 px away: new
        (DistressType.POTHOLE, (270, 100, 290, 110)),  # beyond the collar
    )
    found = residual(box, before, box, after, before.boxes_xyxy, DistressType.POTHOLE, TABLE.look, collar_px=50.0)
    assert found.seen_before
    assert found.left == pytest.approx(0.5, abs=0.02)
    assert found.patched == pytest.approx(0.5, abs=0.02)
    assert found.new_around == 1


def test_what_was_open_beside_it_before_is_another_case() -> None:
    box = np.array([[100, 100, 200, 200]], np.float32)
    neighbour = (DistressType.POTHOLE, (225, 100, 260, 150))
    before = seen((DistressType.POTHOLE, (100, 100, 200, 200)), neighbour)
    found = residual(
        box, before, box, seen(neighbour), before.boxes_xyxy, DistressType.POTHOLE, TABLE.look, collar_px=50.0
    )
    assert (found.left, found.new_around) == (0.0, 0)


def test_a_patch_is_no_distress_unless_the_case_is_about_one() -> None:
    box = np.array([[100, 100, 200, 200]], np.float32)
    patch = seen((DistressType.PATCH, (100, 100, 200, 200)))
    for distress, expected in ((DistressType.POTHOLE, False), (DistressType.PATCH, True)):
        found = residual(box, patch, box, Detections.none(), patch.boxes_xyxy, distress, TABLE.look, collar_px=50.0)
        assert found.seen_before is expected


@given(st.lists(st.tuples(*[st.floats(0, 300, width=32)] * 4), max_size=6))
def test_what_boxes_cover_is_a_share_and_grows_with_every_box(corners: list[tuple[float, ...]]) -> None:
    boxes = np.array([(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners], np.float32).reshape(
        -1, 4
    )
    box = np.array([50, 50, 150, 200], np.float32)
    shares = [covered(box, boxes[:number]) for number in range(len(boxes) + 1)]
    assert shares == sorted(shares)
    assert 0 <= shares[-1] <= 1


def test_a_mended_spot_is_repaired() -> None:
    assert verdict_of(MENDED) is Verdict.REPAIRED


@pytest.mark.parametrize(
    ("left", "expected"),
    [(0.05, Verdict.REPAIRED), (0.06, Verdict.PARTIAL), (0.5, Verdict.PARTIAL), (0.51, Verdict.REPAIRED_WITH_DEFECT)],
)
def test_what_the_detector_leaves_of_a_patched_spot(left: float, expected: Verdict) -> None:
    assert verdict_of(replace(MENDED, residual=replace(MENDED.residual, left=left))) is expected


def test_distress_over_half_of_the_spot_without_a_patch_is_not_repaired() -> None:
    spot = replace(MENDED, residual=replace(MENDED.residual, left=0.6, patched=0.5))
    assert (verdict_of(spot), reason_of(spot)) == (Verdict.NOT_REPAIRED, Reason.DISTRESS_SEEN)


def test_an_unchanged_surface_is_not_repaired_whatever_the_detector_says() -> None:
    spot = replace(MENDED, likeness=Likeness((0.9,) * 10, (0.9,) * 20), after=MENDED.before)
    assert (verdict_of(spot), reason_of(spot)) == (Verdict.NOT_REPAIRED, Reason.SURFACE_UNCHANGED)


def test_the_old_lines_far_fainter_go_to_a_person() -> None:
    spot = replace(MENDED, likeness=Likeness((0.9,) * 10, (0.9,) * 20))
    assert (verdict_of(spot), reason_of(spot)) == (Verdict.INSUFFICIENT_EVIDENCE, Reason.FAINTER)


POURED = replace(
    MENDED,
    residual=replace(MENDED.residual, patched=0.0),
    likeness=Likeness((0.9,) * 10, (0.9,) * 20),  # the seal follows the crack
    after=Texture(1.9, 1.8, 0.9, 0.2, 0.0),
    seal=Seal(along=1.0, evenness=0.85),
)


def test_a_crack_poured_full_is_repaired_though_its_cells_are_found_again() -> None:
    assert (verdict_of(POURED), reason_of(POURED)) == (Verdict.REPAIRED, Reason.SEALED)
    flat_box = replace(POURED, likeness=Likeness((), (0.9,) * 20))  # a crack across the road, far away: no cell fits
    assert reason_of(flat_box) is Reason.SEALED
    assert decide(Findings((), Place.SAME, POURED), TABLE).left == 0.0


@pytest.mark.parametrize(
    "spot",
    [
        replace(POURED, seal=Seal(along=0.9, evenness=0.85)),
        replace(POURED, seal=Seal(along=1.0, evenness=0.70)),
        replace(POURED, residual=replace(POURED.residual, left=0.3)),
        replace(POURED, residual=replace(POURED.residual, left=0.9)),
    ],
    ids=["not all along", "a darker line in it", "distress seen on a part", "distress seen on it"],
)
def test_what_may_be_a_seal_or_damp_goes_to_a_person(spot: Spot) -> None:
    assert (verdict_of(spot), reason_of(spot)) == (Verdict.INSUFFICIENT_EVIDENCE, Reason.MAYBE_SEALED)


def test_damp_over_an_old_surface_that_is_not_found_again_goes_to_a_person_too() -> None:
    dull = replace(POURED, likeness=Likeness((0.2,) * 10, (0.9,) * 20), after=Texture(1.1, 1.1, 0.9, 0.2, 0.0))
    damp = replace(dull, seal=Seal(along=1.0, evenness=0.60))
    assert (verdict_of(damp), reason_of(damp)) == (Verdict.INSUFFICIENT_EVIDENCE, Reason.MAYBE_SEALED)


def test_a_surface_half_alike_is_no_new_one() -> None:
    veiled = replace(MENDED, likeness=Likeness((0.5,) * 10, (0.9,) * 20))
    assert (verdict_of(veiled), reason_of(veiled)) == (Verdict.INSUFFICIENT_EVIDENCE, Reason.FAINTER)
    assert verdict_of(replace(MENDED, likeness=Likeness((0.4,) * 10, (0.9,) * 20))) is Verdict.REPAIRED


def test_half_a_seal_is_sent_back_and_a_covered_or_unseen_crack_is_not_passed() -> None:
    assert verdict_of(replace(POURED, seal=Seal(along=0.6, evenness=0.85))) is Verdict.NOT_REPAIRED
    for spot in (
        replace(POURED, recoloured=0.3),
        replace(POURED, likeness=Likeness((0.9,) * 10, (0.5,) * 20)),
        replace(POURED, residual=replace(POURED.residual, seen_before=False), before=Texture(1.0, 1.0, 1, 0.1, 0)),
        replace(POURED, residual=replace(POURED.residual, new_around=1)),
    ):
        assert verdict_of(spot) is not Verdict.REPAIRED


@pytest.mark.parametrize(
    ("spot", "reason"),
    [
        (
            replace(MENDED, residual=replace(MENDED.residual, seen_before=False), before=Texture(1.1, 1.1, 1, 0.1, 0)),
            Reason.NOT_SEEN_BEFORE,
        ),
        (replace(MENDED, after=replace(MENDED.after, foreign=0.2)), Reason.SPOT_COVERED),
        (replace(MENDED, recoloured=0.2), Reason.SPOT_COVERED),
        (replace(MENDED, likeness=Likeness((0.2,) * 10, (0.55,) * 20)), Reason.LIGHT_DIFFERS),
        (replace(MENDED, likeness=Likeness((), (0.9,) * 20)), Reason.LIGHT_DIFFERS),
        (
            replace(MENDED, residual=replace(MENDED.residual, patched=0.0), after=replace(MENDED.after, roughness=1.5)),
            Reason.NOTHING_POSITIVE,
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, Reason) else "",
)
def test_what_cannot_be_told_is_said_so(spot: Spot, reason: Reason) -> None:
    assert (verdict_of(spot), reason_of(spot)) == (Verdict.INSUFFICIENT_EVIDENCE, reason)


@given(
    seen_before=st.booleans(),
    left=st.floats(0, 1),
    patched=st.floats(0, 1),
    spot=st.lists(st.floats(-1, 1), max_size=12),
    around=st.lists(st.floats(-1, 1), max_size=12),
    figures=st.lists(st.floats(0, 3), min_size=6, max_size=6),
)
def test_silence_is_never_repaired(
    seen_before: bool, left: float, patched: float, spot: list[float], around: list[float], figures: list[float]
) -> None:
    before, after = (Texture(a, b, 1.0, 0.1, 0.0) for a, b in (figures[:2], figures[2:4]))
    found = Spot(Residual(seen_before, left, patched, 0), Likeness(tuple(spot), tuple(around)), before, after, 0.0, 0.1)
    decision = decide(Findings((), Place.SAME, found), TABLE)
    if decision.verdict is Verdict.REPAIRED:
        assert seen_before or (before.roughness >= 1.25 and before.lines >= 1.25)
        assert patched >= 0.95 or (after.roughness <= 1.35 and after.lines <= 1.4)
        assert np.median(around) >= 0.6
        assert np.mean(np.array(spot) >= 0.7) <= 0.15
        assert left <= 0.05
    assert 0 <= decision.score.total <= 100 + 1e-9


def test_new_damage_around_and_a_poor_edge_are_repairs_with_a_defect() -> None:
    around = replace(MENDED, residual=replace(MENDED.residual, new_around=1))
    edge = replace(MENDED, edge_step=0.7)
    assert [(verdict_of(spot), reason_of(spot)) for spot in (around, edge)] == [
        (Verdict.REPAIRED_WITH_DEFECT, Reason.DAMAGE_AROUND),
        (Verdict.REPAIRED_WITH_DEFECT, Reason.POOR_EDGE),
    ]


def test_the_score_adds_up_by_hand() -> None:
    spot = replace(
        MENDED, residual=Residual(True, 0.2, 0.5, 1), after=replace(MENDED.after, roughness=2.0), edge_step=0.3
    )
    # coverage 40 x 0.5, residual 30 x 0.8, edge 15 x (1 - 0.3 / 1.2), surroundings 0
    assert decide(Findings((), Place.SAME, spot), TABLE).score == Score(
        20.0, pytest.approx(24.0), pytest.approx(11.25), 0.0
    )


def test_the_gate_says_what_to_send_in_both_languages() -> None:
    decision = decide(Findings((Fault.WET, Fault.NO_CLOSE_UP), None, None), TABLE)
    words = why(decision, (Fault.WET, Fault.NO_CLOSE_UP))
    assert words.english == (
        "Not enough evidence: the road is wet; take it again when it is dry; no close-up; send one of the spot itself."
    )
    assert words.chinese == "证据不足：路面潮湿，请待干燥后重拍；缺少近景照片，请补拍。"


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence_without_gaps(reason: Reason) -> None:
    words = why(Decision(Verdict.PARTIAL, reason, Score(0, 0, 0, 0), 0.25), ())
    assert words.english[0].isalnum()
    assert "{" not in words.english + words.chinese
    assert words.chinese.endswith("。")


def test_every_fault_has_a_sentence() -> None:
    decision = Decision(Verdict.INSUFFICIENT_EVIDENCE, Reason.NO_EVIDENCE, Score(0, 0, 0, 0), None)
    assert len(why(decision, tuple(Fault)).english.split("; ")) >= len(Fault)


def test_a_table_for_another_registration_is_refused(tmp_path: Path) -> None:
    from importlib import resources

    text = (resources.files("roadwarden") / "tables" / "repairs.yaml").read_text(encoding="utf-8")
    own = tmp_path / "repairs.yaml"
    own.write_text(text.replace('registration: "2"', 'registration: "1"'), encoding="utf-8")
    with pytest.raises(ConfigError, match="measure its numbers anew"):
        read_repair_table(own)
    own.write_text(text.replace("coverage: 40", "coverage: 50"), encoding="utf-8")
    with pytest.raises(ConfigError, match="110 points, not 100"):
        read_repair_table(own)


def test_a_crack_that_goes_on_beyond_a_patch_is_not_left_under_it() -> None:
    box = np.array([[100, 100, 200, 200]], np.float32)
    before = seen((DistressType.LONGITUDINAL_CRACK, (150, 0, 190, 200)))
    after = seen((DistressType.PATCH, (100, 100, 200, 200)), (DistressType.LONGITUDINAL_CRACK, (150, 0, 190, 110)))
    found = residual(
        box, before, box, after, before.boxes_xyxy, DistressType.LONGITUDINAL_CRACK, TABLE.look, collar_px=50.0
    )
    assert (found.left, found.patched, found.new_around) == (0.0, 1.0, 0)
