"""What one protocol says of a detector, and how surely: overall, type by type, and which type is taken for which."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from roadwarden.eval.counts import Counts, Numbers
from roadwarden.eval.intervals import interval, resampled
from roadwarden.eval.judged import JudgedFrame
from roadwarden.taxonomy import DistressType
from roadwarden.wilson import wilson_lower

C = TypeVar("C", bound=Counts)
Rate = Callable[[Counts], Numbers]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate and its 95 % interval, bootstrapped by group; NaN where it has no value."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Share:
    """``part`` of ``whole``, with Wilson's one-sided 95 % lower bound and the 95 % interval bootstrapped by group."""

    part: int
    whole: int
    value: float
    bound: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TypeRow:
    """One type, never averaged away: how much of it there is, in how many streets, and what became of it."""

    type: DistressType
    true: int
    groups: int  # that have it
    places: int  # that have it; frames without a known place count one each
    proven: bool  # found often enough, in enough groups, by the coverage protocol
    found: Share  # of the true
    typed: Share  # called what they are, of the found
    precision: Share  # on a true box of whatever type, of the detections that say this type


@dataclass(frozen=True, slots=True)
class ProtocolReport:
    """All rates of one protocol at one operating point."""

    true: int
    detections: int
    abstained: int  # found boxes that no type was said of; they count as wrong
    found: Share
    precision: Share
    f1: Estimate  # types aside
    type_accuracy: Share  # micro
    macro: Estimate  # mean type accuracy over the types of which any was found
    macro_proven: Estimate  # over the proven types only
    end_to_end: Share  # found and called what they are, of all true
    types: tuple[TypeRow, ...]
    said: tuple[str, ...]  # columns of the confusion: the types, abstained, missed
    confusion: tuple[tuple[int, ...], ...]  # a row a true type, in the order of ``types``
    on_clean_road: tuple[int, ...]  # detections that are not right, by said type, the abstaining ones last


def protocol_report(
    counts: C, frames: Sequence[JudgedFrame], proven: Collection[DistressType]
) -> tuple[ProtocolReport, C]:
    """The report from counts of each frame, and the bootstrap draws for rates of a protocol's own."""
    whole, draws = counts.total(), resampled(counts, [frame.group for frame in frames])
    shown = [one for one in counts.classes if one in proven]

    def share(part: Rate, of: Rate) -> Share:
        return _share(part(whole), of(whole), part(draws) / _above_zero(of(draws)))

    report = ProtocolReport(
        true=int(whole.true),
        detections=int(whole.seen.sum()),
        abstained=int(whole.abstained),
        found=share(lambda c: c.found, lambda c: c.true),
        precision=share(lambda c: c.right.sum(axis=-1), lambda c: c.seen.sum(axis=-1)),
        f1=estimate(whole, draws, lambda c: c.f1),
        type_accuracy=share(lambda c: c.correct, lambda c: c.found),
        macro=estimate(whole, draws, lambda c: c.macro_type_accuracy()),
        macro_proven=estimate(whole, draws, lambda c: c.macro_type_accuracy(shown)),
        end_to_end=share(lambda c: c.correct, lambda c: c.true),
        types=tuple(_row(column, counts, whole, draws, frames, proven) for column in range(len(counts.classes))),
        said=(*map(str, counts.classes), "abstained", "missed"),
        confusion=tuple(tuple(map(int, row)) for row in whole.typed),
        on_clean_road=tuple(map(int, whole.seen - whole.right)),
    )
    return report, draws


def estimate(whole: C, draws: C, rate: Callable[[C], Numbers]) -> Estimate:
    """A rate over all frames, with its interval over the draws."""
    spread = interval(np.asarray(rate(draws)))
    return Estimate(float(rate(whole)), spread.low, spread.high)


def _row(
    column: int,
    counts: Counts,
    whole: Counts,
    draws: Counts,
    frames: Sequence[JudgedFrame],
    proven: Collection[DistressType],
) -> TypeRow:
    there = np.flatnonzero(counts.true_of[:, column]).tolist()

    def share(part: Rate, of: Rate) -> Share:
        ours, theirs = (part(whole)[column], of(whole)[column])
        return _share(ours, theirs, part(draws)[:, column] / _above_zero(of(draws)[:, column]))

    return TypeRow(
        type=counts.classes[column],
        true=int(whole.true_of[column]),
        groups=len({frames[row].group for row in there}),
        places=len({frames[row].place or frames[row].name for row in there}),
        proven=counts.classes[column] in proven,
        found=share(lambda c: c.found_of, lambda c: c.true_of),
        typed=share(lambda c: c.correct_of, lambda c: c.found_of),
        precision=share(lambda c: c.right, lambda c: c.seen),
    )


def _share(part: Numbers, whole: Numbers, draws: Numbers) -> Share:
    spread = interval(draws)
    value = float(part) / float(whole) if whole else float("nan")
    return Share(int(part), int(whole), value, wilson_lower(float(part), float(whole)), spread.low, spread.high)


def _above_zero(counts: Numbers) -> Numbers:
    return np.where(counts > 0, counts, np.nan)
