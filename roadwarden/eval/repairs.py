"""How often an assessor of repairs is right: labelled triples in, rates with bounds out.

A triple is a picture before, one after, and what is true. Where the truth is a thing that a picture cannot show (leaves
lie on the spot), several answers are right; the first is the one that its F1 counts under.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from roadwarden.cases.event_types import Verdict
from roadwarden.detections import Image
from roadwarden.eval.intervals import wilson
from roadwarden.taxonomy import DistressType
from roadwarden.vision.surface import Box

UNCERTAIN = frozenset({Verdict.LOCATION_UNCERTAIN, Verdict.INSUFFICIENT_EVIDENCE})
_ELSEWHERE = (Verdict.WRONG_OBJECT, Verdict.LOCATION_UNCERTAIN)
_OPEN = (Verdict.NOT_REPAIRED,)
_HIDDEN = (Verdict.INSUFFICIENT_EVIDENCE, Verdict.NOT_REPAIRED, Verdict.LOCATION_UNCERTAIN)
_CUT = (Verdict.LOCATION_UNCERTAIN, Verdict.INSUFFICIENT_EVIDENCE)


class Kind(StrEnum):
    """What was done between the two pictures."""

    MENDED = "mended"
    HALF_MENDED = "half_mended"
    NOTHING_DONE = "nothing_done"
    NEIGHBOUR_OPEN = "neighbour_open"  # mended, another hole beside it is not; it was there before
    MENDED_BRIGHTER = "mended_brighter"
    PATCH_BESIDE = "patch_beside"
    BRIGHTNESS = "brightness"
    SHADOW = "shadow"
    WET = "wet"
    DAMP = "damp"  # along the open crack, the road beside it dry again
    LEAVES = "leaves"
    PAINT = "paint"  # over a crack
    CROPPED = "cropped"
    WRONG_SPOT = "wrong_spot"  # the right road
    OTHER_STREET = "other_street"
    OLD_PHOTO = "old_photo"


ACCEPTED: dict[Kind, tuple[Verdict, ...]] = {
    Kind.MENDED: (Verdict.REPAIRED,),
    Kind.HALF_MENDED: (Verdict.PARTIAL, Verdict.NOT_REPAIRED),
    Kind.NOTHING_DONE: _OPEN,
    Kind.NEIGHBOUR_OPEN: (Verdict.REPAIRED,),
    Kind.MENDED_BRIGHTER: (Verdict.REPAIRED,),
    Kind.PATCH_BESIDE: _OPEN,
    Kind.BRIGHTNESS: _OPEN,
    Kind.SHADOW: _OPEN,
    Kind.WET: _OPEN,
    Kind.DAMP: _OPEN,
    Kind.LEAVES: _HIDDEN,
    Kind.PAINT: _HIDDEN,
    Kind.CROPPED: _CUT,
    Kind.WRONG_SPOT: _ELSEWHERE,
    Kind.OTHER_STREET: _ELSEWHERE,
    Kind.OLD_PHOTO: (Verdict.INSUFFICIENT_EVIDENCE, Verdict.NOT_REPAIRED),
}
"""The right answers, the truth first. Half a patch that leaves half of a hole open may be sent back as either."""
REPAIRED_KINDS = frozenset(kind for kind, right in ACCEPTED.items() if right[0] is Verdict.REPAIRED)
UNDECIDABLE = frozenset({Kind.LEAVES, Kind.PAINT, Kind.CROPPED, Kind.WRONG_SPOT, Kind.OTHER_STREET, Kind.OLD_PHOTO})
"""Kinds of which no picture like this can tell the state of the defect."""


@dataclass(frozen=True, slots=True, eq=False)
class Triple:
    """Two pictures and what is true."""

    name: str  # unique in a run; the same name is the same triple in every run
    group: str  # street or group of streets: triples of one are not independent
    kind: Kind
    distress: DistressType
    before: Image
    after: Image
    box: Box  # of the defect in the before picture


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an assessor said of a triple."""

    name: str
    group: str
    kind: Kind
    distress: DistressType
    verdict: Verdict
    reason: str
    score: float  # 0..100
    aligned: bool
    seconds: float  # on the clock, from the two pictures to the verdict
    cpu_seconds: float

    @property
    def right(self) -> bool:
        """Whether the verdict is among the accepted ones."""
        return self.verdict in ACCEPTED[self.kind]

    @property
    def truth(self) -> Verdict:
        """The verdict that F1 counts it under."""
        return ACCEPTED[self.kind][0]

    @property
    def said(self) -> Verdict:
        """The verdict as F1 counts it: another accepted one counts as the truth."""
        return self.truth if self.right else self.verdict


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its two-sided 95 % Wilson bounds, as if triples were independent; NaN of nothing."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """0..1."""
        return self.part / self.whole if self.whole else math.nan

    @property
    def low(self) -> float:
        """Lower bound."""
        return wilson(self.part, self.whole).low

    @property
    def high(self) -> float:
        """Upper bound."""
        return wilson(self.part, self.whole).high


@dataclass(frozen=True, slots=True)
class ScoreBin:
    """Outcomes of similar score where the spot was looked at."""

    score: float  # mean, 0..1
    repaired: Rate  # those that truly were


@dataclass(frozen=True, slots=True)
class KindScore:
    """One kind on its own."""

    right: Rate
    uncertain: Rate
    passed: Rate  # said REPAIRED


@dataclass(frozen=True, slots=True)
class RepairScore:
    """All figures of one run."""

    triples: int
    groups: int
    false_pass: Rate  # REPAIRED of all that were not (wholly) repaired, hard negatives included
    false_pass_open: Rate  # the same, of the open ones that the picture shows
    groups_with_false_pass: Rate
    false_fail: Rate  # a verdict that sends back, of those that were repaired
    passed: Rate  # REPAIRED, of those that were repaired
    uncertain: Rate  # of the decidable
    right_of_decided: Rate  # of the decidable that were decided
    right_of_decidable: Rate
    alignment: Rate  # of the pairs that show one place
    macro_f1: float
    calibration_error: float  # of score / 100 as the chance of being repaired, where the spot was looked at
    seconds_p50: float
    seconds_p95: float
    cpu_seconds_p50: float
    cpu_seconds_p95: float
    kinds: dict[Kind, KindScore]
    reasons: dict[str, int]


Judge = Callable[[Triple], Outcome]


def score(outcomes: Sequence[Outcome]) -> RepairScore:
    """All figures; rates of nothing are NaN."""
    repaired = [one for one in outcomes if one.kind in REPAIRED_KINDS]
    others = [one for one in outcomes if one.kind not in REPAIRED_KINDS]
    decidable = [one for one in outcomes if one.kind not in UNDECIDABLE]
    decided = [one for one in decidable if one.verdict not in UNCERTAIN]
    together = [one for one in decidable if one.kind is not Kind.OLD_PHOTO]
    spent = [one.seconds for one in outcomes] or [math.nan]
    worked = [one.cpu_seconds for one in outcomes] or [math.nan]
    passes = [one for one in others if one.verdict is Verdict.REPAIRED]
    return RepairScore(
        triples=len(outcomes),
        groups=len({one.group for one in outcomes}),
        false_pass=Rate(len(passes), len(others)),
        false_pass_open=_rate(_is_passed, [one for one in others if one.kind not in UNDECIDABLE]),
        groups_with_false_pass=Rate(len({one.group for one in passes}), len({one.group for one in others})),
        false_fail=_rate(_sends_back, repaired),
        passed=_rate(_is_passed, repaired),
        uncertain=_rate(_is_uncertain, decidable),
        right_of_decided=_rate(_is_right, decided),
        right_of_decidable=_rate(_is_right, decidable),
        alignment=_rate(lambda one: one.aligned, together),
        macro_f1=macro_f1([(one.truth, one.said) for one in outcomes]),
        calibration_error=_calibration_error(outcomes),
        seconds_p50=float(np.quantile(spent, 0.5)),
        seconds_p95=float(np.quantile(spent, 0.95)),
        cpu_seconds_p50=float(np.quantile(worked, 0.5)),
        cpu_seconds_p95=float(np.quantile(worked, 0.95)),
        kinds=_by_kind(outcomes),
        reasons=_counted(f"{one.kind}: {one.verdict}, {one.reason}" for one in outcomes),
    )


def macro_f1(pairs: Sequence[tuple[Verdict, Verdict]]) -> float:
    """Mean F1 of the verdicts that are true of any of (truth, said); NaN of nothing."""
    scores = []
    for verdict in sorted({truth for truth, _ in pairs}):
        hits = sum(truth is verdict and said is verdict for truth, said in pairs)
        wrong = sum((truth is verdict) != (said is verdict) for truth, said in pairs)
        scores.append(2 * hits / (2 * hits + wrong))
    return float(np.mean(scores)) if scores else math.nan


def score_bins(outcomes: Sequence[Outcome], bins: int = 10) -> tuple[ScoreBin, ...]:
    """Equal bins of the score from low to high, empty ones left out; a score of 0 means that the spot was not seen."""
    members: dict[int, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        if one.score > 0:
            members[min(int(one.score / 100 * bins), bins - 1)].append(one)
    return tuple(
        ScoreBin(
            float(np.mean([one.score / 100 for one in members[at]])),
            _rate(lambda one: one.kind in REPAIRED_KINDS, members[at]),
        )
        for at in sorted(members)
    )


def _calibration_error(outcomes: Sequence[Outcome]) -> float:
    """Expected calibration error over ten equal bins of the score; NaN of nothing."""
    found = score_bins(outcomes)
    looked = sum(one.repaired.whole for one in found)
    gaps = [abs(one.repaired.whole * one.score - one.repaired.part) for one in found]
    return sum(gaps) / looked if looked else math.nan


def _by_kind(outcomes: Sequence[Outcome]) -> dict[Kind, KindScore]:
    by_kind: dict[Kind, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        by_kind[one.kind].append(one)
    return {
        kind: KindScore(_rate(_is_right, of), _rate(_is_uncertain, of), _rate(_is_passed, of))
        for kind in Kind
        if (of := by_kind.get(kind))
    }


def _counted(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for name in names:
        counts[name] += 1
    return dict(sorted(counts.items()))


def _rate(holds: Callable[[Outcome], bool], outcomes: Sequence[Outcome]) -> Rate:
    return Rate(sum(map(holds, outcomes)), len(outcomes))


def _is_right(one: Outcome) -> bool:
    return one.right


def _is_passed(one: Outcome) -> bool:
    return one.verdict is Verdict.REPAIRED


def _is_uncertain(one: Outcome) -> bool:
    return one.verdict in UNCERTAIN


def _sends_back(one: Outcome) -> bool:
    return one.verdict in (Verdict.NOT_REPAIRED, Verdict.PARTIAL, Verdict.WRONG_OBJECT)
