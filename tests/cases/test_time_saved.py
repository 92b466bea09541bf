""" "More than 50 % of the time saved" is computed against a recorded baseline, or refused with the reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from roadwarden.cases.stages import ProcessStage
from roadwarden.cases.time_saved import Claim, Refusal, read_baseline, saving, savings
from roadwarden.errors import ConfigError

WHOLE = ProcessStage.WHOLE


def skewed(mean_h: float, cases: int, seed: int) -> list[float]:
    return (np.random.default_rng(seed).exponential(mean_h, cases)).tolist()


def test_a_saving_is_proven_when_the_whole_interval_lies_above_half():
    saved = saving(WHOLE, skewed(100, 400, 1), skewed(30, 400, 2), unfinished=0.02)
    assert saved.claim is Claim.PROVEN
    assert saved.refusal is None
    assert 0.5 < saved.low < saved.saved < saved.high
    assert saved.saved == pytest.approx(1 - saved.mean_now_h / saved.mean_before_h)


def test_it_is_disproven_when_the_whole_interval_lies_below_half():
    saved = saving(WHOLE, skewed(100, 400, 1), skewed(80, 400, 2), unfinished=0.02)
    assert saved.claim is Claim.DISPROVEN
    assert saved.high < 0.5


@pytest.mark.parametrize(
    ("before", "now", "unfinished", "recorded", "refusal", "told"),
    [
        ([], skewed(30, 400, 2), 0.0, False, Refusal.NO_BASELINE, "no baseline is recorded"),
        (skewed(100, 29, 1), skewed(30, 400, 2), 0.0, True, Refusal.TOO_FEW, "29 cases before and 400 now"),
        (skewed(100, 400, 1), skewed(30, 29, 2), 0.0, True, Refusal.TOO_FEW, "400 cases before and 29 now"),
        (skewed(100, 400, 1), skewed(30, 400, 2), 0.11, True, Refusal.UNFINISHED, "11% of the filed cases"),
        (skewed(100, 60, 1), skewed(46, 60, 2), 0.0, True, Refusal.SPANS, "spans 50%"),
        ([0.0] * 40, skewed(30, 40, 2), 0.0, True, Refusal.NO_TIME_BEFORE, "took no time before"),
    ],
    ids=["no baseline", "few before", "few now", "many still open", "the interval spans half", "no time before"],
)
def test_it_is_refused_with_the_reason(before, now, unfinished, recorded, refusal, told):
    saved = saving(WHOLE, before, now, unfinished, recorded=recorded)
    assert (saved.claim, saved.refusal) == (Claim.REFUSED, refusal)
    assert told in saved.because.english
    assert saved.because.chinese


def test_the_interval_is_that_of_means_of_cases_drawn_again():
    """By hand: before always 10 h; now half of the cases 2 h and half 6 h, so the mean of 100 has a sigma of 0.2 h."""
    saved = saving(WHOLE, [10.0] * 100, [2.0, 6.0] * 50, unfinished=0.0)
    assert saved.saved == pytest.approx(0.6)
    assert saved.low == pytest.approx(0.6 - 1.96 * 0.02, abs=0.003)
    assert saved.high == pytest.approx(0.6 + 1.96 * 0.02, abs=0.003)
    assert saved.claim is Claim.PROVEN


def test_the_interval_covers_what_it_says_it_covers():
    """Of 200 pairs of samples with a true saving of 0.6, the 95 % interval holds it about 190 times."""
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        before, now = rng.gamma(2.0, 50.0, 80), rng.gamma(2.0, 20.0, 80)
        saved = saving(WHOLE, before.tolist(), now.tolist(), 0.0)
        held += saved.low <= 0.6 <= saved.high
    assert 178 <= held <= 199


def test_the_same_cases_give_the_same_interval():
    before, now = skewed(100, 50, 1), skewed(40, 50, 2)
    assert saving(WHOLE, before, now, 0.0) == saving(WHOLE, before, now, 0.0)


def baseline(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "baseline.yaml"
    file.write_text(text, encoding="utf-8")
    return file


RECORDED = """
recorded_on: 2026-01-15
source: the road chief's ledger of 2025, typed in by the district desk
from: 2025-10-01
to: 2026-01-01
hours:
  dispatch: [30.0, 50.5, 12.0]
  whole: [120.0, 300.5, 96]
"""


def test_every_stage_is_told_and_those_without_a_record_are_refused(tmp_path: Path):
    recorded = read_baseline(baseline(tmp_path, RECORDED))
    told = savings({ProcessStage.WHOLE: [10.0, 20.0], ProcessStage.REPAIR: [3.0]}, recorded, 0.0)
    assert [one.stage for one in told] == list(ProcessStage)
    whole, repair = told[-1], told[3]
    assert (whole.n_before, whole.n_now, whole.mean_now_h) == (3, 2, 15.0)
    assert whole.saved == pytest.approx(1 - 15 / 172.1666666)
    assert repair.mean_before_h is None
    assert {one.refusal for one in told} == {Refusal.TOO_FEW}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("dispatch:", "dispatched:", "hours.dispatched"),
        ("to: 2026-01-01", "to: 2025-10-01", "'to' is not after 'from'"),
        ("96]", "-96]", "hours.whole.2"),
        ("96]", ".inf]", "hours.whole.2"),
        ("source: the", "sources: the", "unknown key 'sources'; did you mean 'source'?"),
    ],
)
def test_a_baseline_is_read_strictly(tmp_path: Path, old, new, told):
    with pytest.raises(ConfigError) as caught:
        read_baseline(baseline(tmp_path, RECORDED.replace(old, new)))
    assert told in str(caught.value)
