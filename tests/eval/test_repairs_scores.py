"""How the assessor of repairs is scored, by hand; and that the generators make what they say."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from xml.etree import ElementTree

import numpy as np
import pytest

from roadwarden.cases.event_types import Verdict
from roadwarden.eval import repairs_tricks as tricks
from roadwarden.eval.repairs import ACCEPTED, Kind, Outcome, macro_f1, score, score_bins
from roadwarden.eval.repairs_plots import COLOURS, plots, reliability_svg, verdicts_svg
from roadwarden.eval.repairs_report import Run
from roadwarden.taxonomy import DistressType

SVG = "{http://www.w3.org/2000/svg}"


def outcome(kind: Kind, verdict: Verdict, group: str = "g", points: float = 50.0, seconds: float = 1.0) -> Outcome:
    name = f"{kind} {verdict} {group}"
    return Outcome(
        name,
        group,
        kind,
        DistressType.POTHOLE,
        verdict,
        "r",
        points,
        aligned=True,
        seconds=seconds,
        cpu_seconds=2 * seconds,
    )


TEN = (
    outcome(Kind.MENDED, Verdict.REPAIRED, points=100),
    outcome(Kind.MENDED, Verdict.REPAIRED, points=100),
    outcome(Kind.MENDED, Verdict.NOT_REPAIRED, points=30),
    outcome(Kind.MENDED, Verdict.INSUFFICIENT_EVIDENCE, points=30),
    outcome(Kind.NOTHING_DONE, Verdict.NOT_REPAIRED, points=10),
    outcome(Kind.NOTHING_DONE, Verdict.NOT_REPAIRED, points=10),
    outcome(Kind.SHADOW, Verdict.REPAIRED, "h", points=100),
    outcome(Kind.LEAVES, Verdict.INSUFFICIENT_EVIDENCE, points=0),
    outcome(Kind.OTHER_STREET, Verdict.LOCATION_UNCERTAIN, points=0),
    outcome(Kind.OLD_PHOTO, Verdict.NOT_REPAIRED, points=10, seconds=3.0),
)


def test_the_rates_by_hand() -> None:
    found = score(TEN)
    assert (found.false_pass.part, found.false_pass.whole) == (1, 6)  # the shadow
    assert (found.false_pass_open.part, found.false_pass_open.whole) == (1, 3)
    assert (found.groups_with_false_pass.part, found.groups_with_false_pass.whole) == (1, 2)
    assert (found.false_fail.part, found.false_fail.whole) == (1, 4)
    assert (found.uncertain.part, found.uncertain.whole) == (1, 7)
    assert (found.right_of_decided.part, found.right_of_decided.whole) == (4, 6)
    assert (found.right_of_decidable.part, found.right_of_decidable.whole) == (4, 7)
    assert found.kinds[Kind.MENDED].passed.value == 0.5
    assert (found.seconds_p50, found.cpu_seconds_p50) == (1.0, 2.0)


def test_the_bound_of_no_false_pass_in_a_hundred() -> None:
    found = score([outcome(Kind.NOTHING_DONE, Verdict.NOT_REPAIRED)] * 100)
    assert found.false_pass.value == 0
    assert found.false_pass.high == pytest.approx(1.959964**2 / (100 + 1.959964**2))  # Wilson of 0 of n


def test_macro_f1_counts_the_verdicts_that_are_true_of_something() -> None:
    done, left = Verdict.REPAIRED, Verdict.NOT_REPAIRED
    # REPAIRED: 1 hit, 1 missed, 0 wrong: 2/3. NOT_REPAIRED: 1 hit, 1 wrong: 2/3.
    assert macro_f1([(done, done), (done, left), (left, left)]) == pytest.approx(2 / 3)
    assert math.isnan(macro_f1([]))


def test_calibration_error_by_hand() -> None:
    # bins 1: 3 x 0.1, none repaired: 0.3; 3: 0.6 for 2 repaired: 1.4; 9: 3 x 1.0, 2 repaired: 1.0; of 8 with a score
    assert score(TEN).calibration_error == pytest.approx((0.3 + 1.4 + 1.0) / 8)


def test_another_accepted_answer_counts_as_the_truth() -> None:
    one = outcome(Kind.OTHER_STREET, Verdict.LOCATION_UNCERTAIN)
    assert (one.right, one.truth, one.said) == (True, Verdict.WRONG_OBJECT, Verdict.WRONG_OBJECT)


def test_no_kind_that_is_not_mended_accepts_repaired() -> None:
    wrong = [kind for kind, right in ACCEPTED.items() if Verdict.REPAIRED in right and right[0] is not Verdict.REPAIRED]
    assert set(ACCEPTED) == set(Kind)
    assert wrong == []


def test_the_page_names_missed_targets_and_each_kind() -> None:
    run = Run("street", "1", datetime(2026, 1, 1, tzinfo=UTC), {"repairs": "1"}, score(TEN), TEN, "a desk", 400.0)
    page = run.markdown()
    assert "| false pass | 16.7% (1 of 6;" in page
    assert "**no**" in page
    assert "| shadow | 1 | 0 | 0 | 1 |" in page
    assert len(run.as_json()["outcomes"]) == 10


def drawn(text: str) -> tuple[ElementTree.Element, list[str]]:
    """An SVG's root and what is written in it."""
    root = ElementTree.fromstring(text)
    return root, [one.text or "" for one in root.iter(f"{SVG}text")]


def test_the_reliability_diagram_has_a_dot_a_bin_with_its_triples() -> None:
    found = [(round(one.score, 3), one.repaired.part, one.repaired.whole) for one in score_bins(TEN)]
    assert found == [(0.1, 0, 3), (0.3, 2, 2), (1.0, 2, 3)]
    root, words = drawn(reliability_svg(TEN, "street, seed 1"))
    assert [dot[0].text for dot in root.iter(f"{SVG}circle")] == [
        "score 0.10: 0 of 3 repaired", "score 0.30: 2 of 2 repaired", "score 1.00: 2 of 3 repaired",
    ]  # fmt: skip
    assert "triples by ten scores: 8 of 10 looked at; lines: 95 % bounds" in words


def test_the_bars_hold_every_verdict_of_every_kind_and_mark_the_wrong_ones() -> None:
    root, words = drawn(verdicts_svg(TEN, "a <street> & more"))
    assert set(COLOURS) == set(Verdict)  # each in the legend
    parts = [one[0].text for one in root.iter(f"{SVG}rect") if len(one)]
    assert parts[:3] == [
        "mended: 2 of 4 REPAIRED", "mended: 1 of 4 NOT_REPAIRED", "mended: 1 of 4 INSUFFICIENT_EVIDENCE",
    ]  # fmt: skip
    assert len(parts) == 8
    edged = [one for one in root.iter(f"{SVG}rect") if one.get("stroke")]
    assert len(edged) == 1 + 3  # the legend's, two of mended, and the shadow that passed
    assert words[0] == "Verdicts by kind: a <street> & more, 10 triples"


def test_the_same_outcomes_give_the_same_bytes_and_none_give_no_plot() -> None:
    assert plots(TEN, "street") == plots(tuple(TEN), "street")
    assert plots((), "street") == {}


def test_the_page_shows_plots_only_where_they_lie_beside_it() -> None:
    run = Run("street", "1", datetime(2026, 1, 1, tzinfo=UTC), {"repairs": "1"}, score(TEN), TEN, "a desk", 400.0)
    assert ".svg" not in run.markdown()
    assert "![verdicts by kind](street-1-verdicts.svg)\n" in run.markdown({"street-1-verdicts.svg": "verdicts by kind"})


def road() -> np.ndarray:
    return np.random.default_rng(0).normal(110, 12, (120, 160, 3)).clip(0, 255).astype(np.uint8)


BOX = (60.0, 40.0, 110.0, 80.0)


@pytest.mark.parametrize("kind", [Kind.SHADOW, Kind.LEAVES, Kind.PAINT])
def test_a_trick_changes_the_spot(kind: Kind) -> None:
    changed = tricks.tricked(road(), kind, BOX, np.random.default_rng(1)).astype(float) - road()
    assert np.abs(changed[45:75, 65:105]).mean() > 15


def test_cropping_cuts_the_spot_in_two() -> None:
    cut = tricks.cropped(road(), BOX, np.random.default_rng(1))
    assert cut.shape[1] == 160 - 85 or cut.shape[1] == 85


def test_a_pasted_patch_covers_the_box_and_leaves_the_rest() -> None:
    patch = np.full((56, 70, 3), 110, np.uint8)
    patch[9:-9, 11:-11] = 40
    pasted = tricks.paste_patch(road(), patch, BOX)
    assert pasted[45:75, 65:105].mean() < 60
    assert (pasted[:30] == road()[:30]).all()
    assert (pasted[:, :50] == road()[:, :50]).all()
