"""From what people drew to what they corrected, by the coverage protocol; and how far two people agree."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from roadwarden.data.corrections import Correction, Verdict
from roadwarden.data.review_manifest import Manifest, ReviewFrame
from roadwarden.eval.counts import ABSTAINED, MISSED
from roadwarden.eval.coverage import Grid
from roadwarden.eval.matching import match
from roadwarden.eval.review_check import Looked
from roadwarden.eval.review_store import chosen
from roadwarden.taxonomy import DistressType

AGREE_IOU = 0.5
AS_PROPOSED_IOU = 0.9
"""A box this near to a detection speaks of it. By coverage alone a small box that was accepted inside a larger one of
another type would be covered by both, and nobody had retyped it."""


def corrections_of(passes: Sequence[Looked], manifest: Manifest) -> list[Correction]:
    """One row a box that was drawn and one a detection that was rejected, frames in the order of the passes."""
    frames = {one.frame: one for one in manifest.frames}
    counting = chosen(passes)
    return [
        row
        for one in passes
        for row in _corrections(one, frames[one.frame], (one.frame, one.annotation) in counting)
    ]  # fmt: skip


def _corrections(one: Looked, frame: ReviewFrame, counts: bool) -> Iterable[Correction]:
    seen = frame.detections()
    truth = np.array(one.boxes, np.float32).reshape(-1, 4)
    classes = sorted(set(seen.types))
    grid = Grid.over(truth, seen.boxes_xyxy)
    columns = np.array([classes.index(distress) for distress in seen.types], np.intp)
    said = grid.said(columns, len(classes))
    left = match(truth, seen.boxes_xyxy, iou=AS_PROPOSED_IOU)
    for row, found in zip(left.truth.tolist(), left.found.tolist(), strict=True):
        said[row] = int(columns[found])
    for box, distress, column in zip(one.boxes, one.types, said, strict=True):
        predicted = None if column in {ABSTAINED, MISSED} else classes[column]
        verdict = Verdict.CONFIRMED if predicted is distress else Verdict.RETYPED
        yield _correction(one, frame, counts, Verdict.MISSED if column == MISSED else verdict, predicted, distress, box)
    for row in np.flatnonzero(~grid.lie_on_truth()).tolist():
        yield _correction(
            one, frame, counts, Verdict.REJECTED, seen.types[row], None, frame.predicted[row].box_xyxy
        )  # fmt: skip


def _correction(
    one: Looked,
    frame: ReviewFrame,
    counts: bool,
    verdict: Verdict,
    predicted: DistressType | None,
    corrected: DistressType | None,
    box: tuple[float, float, float, float],
) -> Correction:
    x1, y1, x2, y2 = (round(edge, 2) for edge in box)
    return Correction(
        frame=frame.frame,
        captured_at=frame.captured_at,
        lat=frame.lat,
        lon=frame.lon,
        model=frame.model,
        verdict=verdict,
        predicted=predicted,
        corrected=corrected,
        box_xyxy=(x1, y1, x2, y2),
        annotator=one.annotator,
        annotation=one.annotation,
        audit=frame.audit,
        chosen=counts,
        corrected_at=one.updated_at,
    )


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two people on one type, over boxes that either of them drew in frames both looked at."""

    type: DistressType
    both: int
    one_only: int  # the other drew another type there, or nothing
    neither: int  # both drew something else
    kappa: float  # Cohen's; NaN where chance alone would agree always


def agreements(passes: Sequence[Looked]) -> list[Agreement]:
    """Cohen's kappa of each type over all pairs of people; boxes are paired at an IoU of 0.5, types aside."""
    frames: dict[str, list[Looked]] = defaultdict(list)
    for one in passes:
        frames[one.frame].append(one)
    pairs = [
        pair
        for looks in frames.values()
        for ours, theirs in combinations(looks, 2)
        if ours.annotator != theirs.annotator
        for pair in _paired(ours, theirs)
    ]
    types = sorted({distress for pair in pairs for distress in pair if distress is not None})
    return [_agreement(distress, pairs) for distress in types]


Pair = tuple[DistressType | None, DistressType | None]


def _paired(ours: Looked, theirs: Looked) -> list[Pair]:
    first, second = (np.array(one.boxes, np.float32).reshape(-1, 4) for one in (ours, theirs))
    matched = match(first, second, iou=AGREE_IOU)
    pairs: list[Pair] = [
        (ours.types[a], theirs.types[b]) for a, b in zip(matched.truth.tolist(), matched.found.tolist(), strict=True)
    ]
    pairs += [(one, None) for row, one in enumerate(ours.types) if row not in matched.truth.tolist()]
    pairs += [(None, one) for row, one in enumerate(theirs.types) if row not in matched.found.tolist()]
    return pairs


def _agreement(distress: DistressType, pairs: Sequence[Pair]) -> Agreement:
    counts = Counter((first is distress, second is distress) for first, second in pairs)
    both, neither = counts[True, True], counts[False, False]
    return Agreement(distress, both, counts[True, False] + counts[False, True], neither, cohens_kappa(counts))


def cohens_kappa(counts: Counter[tuple[bool, bool]]) -> float:
    """From a two by two table of yes and no; NaN where both always say the same word."""
    total = counts.total()
    if not total:
        return math.nan
    agreed = (counts[True, True] + counts[False, False]) / total
    first, second = (
        (counts[True, True] + counts[True, False]) / total,
        (counts[True, True] + counts[False, True]) / total,
    )
    chance = first * second + (1 - first) * (1 - second)
    return math.nan if chance == 1 else (agreed - chance) / (1 - chance)
