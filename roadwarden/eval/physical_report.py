"""Per physical defect: what is found at least once, or twice, and how often the vote of its sightings is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadwarden.eval.counts import Counts, Numbers, classes_of
from roadwarden.eval.intervals import interval, resampled
from roadwarden.eval.judged import JudgedFrame
from roadwarden.eval.physical import PhysicalDefect, Said, defect_counts, said_by_coverage
from roadwarden.eval.plain import plain
from roadwarden.eval.protocol_report import Share
from roadwarden.taxonomy import DistressType, describe
from roadwarden.wilson import wilson_lower

OFTEN = 3
"""Frames that show a defect: from here on its sightings are said to be many."""
CUTS = ((1, 1), (2, 2), (OFTEN, 1), (OFTEN, 2))
"""(least frames that show it, frames that must find it) of each part of the report."""

Rate = Callable[[Counts], Numbers]


@dataclass(frozen=True, slots=True)
class DefectRow:
    """One type: how many defects of it, in how many groups, and what became of them."""

    type: DistressType
    defects: int
    groups: int
    found: Share
    typed: Share  # of the found


@dataclass(frozen=True, slots=True)
class DefectPart:
    """Defects that ``least_frames`` frames or more show; found where ``found_in`` of those frames found them."""

    least_frames: int
    found_in: int
    defects: int
    sightings: int  # true boxes
    groups: int
    places: int  # frames without a known place count one each
    abstained: int  # ties of the vote, and where all that found it abstain; they count as wrong
    found: Share
    type_accuracy: Share
    end_to_end: Share
    types: tuple[DefectRow, ...]  # those that occur
    said: tuple[str, ...]  # columns of the confusion: the classes, abstained, missed
    confusion: tuple[tuple[int, ...], ...]  # a row a type, in the order of ``types``


@dataclass(frozen=True, slots=True)
class PhysicalReport:
    """The section of a type report; the part of all defects comes first."""

    parts: tuple[DefectPart, ...]

    def as_json(self) -> dict[str, Any]:
        """For the JSON file; null where a share has no value."""
        return {"protocol": "coverage", "bootstrap": {"by": "group", "level": 0.95}, **plain(self)}

    def part(self, least_frames: int, found_in: int) -> DefectPart:
        """One of CUTS."""
        return next(one for one in self.parts if (one.least_frames, one.found_in) == (least_frames, found_in))

    def rows(self) -> list[tuple[str, str, str]]:
        """For the page."""
        return [row for part in self.parts for row in _rows(part)]

    def line(self) -> str:
        """For the line: all, and those with many sightings."""
        told = [f"{_title(part)[0].lower()}: {_figures(part)}" for part in self.parts if part.found_in == 1]
        return "; ".join(told)


def physical_report(frames: Sequence[JudgedFrame], defects: Sequence[PhysicalDefect]) -> PhysicalReport:
    """Judges defects by what was seen in the frames of their sightings; the frames are at their operating point."""
    classes = classes_of(frames)
    said = said_by_coverage(frames, classes)
    return PhysicalReport(tuple(_part(defects, said, classes, *cut) for cut in CUTS))


def _part(
    defects: Sequence[PhysicalDefect], said: Said, classes: Sequence[DistressType], least_frames: int, found_in: int
) -> DefectPart:
    chosen = [one for one in defects if one.frames >= least_frames]
    counts = defect_counts(chosen, said, classes, found_in=found_in)
    whole = counts.total()
    draws = resampled(counts, [one.group for one in chosen]) if chosen else counts
    present = [column for column, number in enumerate(whole.true_of) if number]

    def share(part: Rate, of: Rate) -> Share:
        return _share(part(whole), of(whole), part(draws), of(draws))

    return DefectPart(
        least_frames=least_frames,
        found_in=found_in,
        defects=len(chosen),
        sightings=sum(len(one.sightings) for one in chosen),
        groups=len({one.group for one in chosen}),
        places=len({one.place or one.sightings[0].frame for one in chosen}),
        abstained=int(whole.abstained),
        found=share(lambda c: c.found, lambda c: c.true),
        type_accuracy=share(lambda c: c.correct, lambda c: c.found),
        end_to_end=share(lambda c: c.correct, lambda c: c.true),
        types=tuple(_row(column, chosen, whole, draws) for column in present),
        said=(*map(str, classes), "abstained", "missed"),
        confusion=tuple(tuple(map(int, whole.typed[column])) for column in present),
    )


def _row(column: int, defects: Sequence[PhysicalDefect], whole: Counts, draws: Counts) -> DefectRow:
    distress = whole.classes[column]

    def share(part: Rate, of: Rate) -> Share:
        return _share(part(whole)[column], of(whole)[column], part(draws)[:, column], of(draws)[:, column])

    return DefectRow(
        type=distress,
        defects=int(whole.true_of[column]),
        groups=len({one.group for one in defects if one.type is distress}),
        found=share(lambda c: c.found_of, lambda c: c.true_of),
        typed=share(lambda c: c.correct_of, lambda c: c.found_of),
    )


def _share(part: Numbers, whole: Numbers, part_draws: Numbers, whole_draws: Numbers) -> Share:
    spread = interval(part_draws / np.where(whole_draws > 0, whole_draws, np.nan))
    value = float(part) / float(whole) if whole else float("nan")
    return Share(int(part), int(whole), value, wilson_lower(float(part), float(whole)), spread.low, spread.high)


def _rows(part: DefectPart) -> list[tuple[str, str, str]]:
    english, chinese = _title(part)
    rows = [(english, chinese, _figures(part))]
    for one in part.types if part.found_in == 1 else ():
        info = describe(one.type)
        rows.append((f"· {info.english}", f"· {info.chinese}", _found_and_typed(one.found, one.typed)))
    return rows


TITLES: Mapping[tuple[int, int], tuple[str, str]] = {
    (1, 1): ("Physical defects", "实体病害"),
    (2, 2): ("Physical defects in 2 frames or more, found in 2", "至少 2 帧可见, 且至少在 2 帧中发现的实体病害"),
    (OFTEN, 1): ("Physical defects in 3 frames or more", "至少 3 帧可见的实体病害"),
    (OFTEN, 2): ("Physical defects in 3 frames or more, found in 2", "至少 3 帧可见, 且至少在 2 帧中发现的实体病害"),
}


def _title(part: DefectPart) -> tuple[str, str]:
    return TITLES[part.least_frames, part.found_in]


def _figures(part: DefectPart) -> str:
    return f"{_found_and_typed(part.found, part.type_accuracy)}, bound {part.type_accuracy.bound:.3f}"


def _found_and_typed(found: Share, typed: Share) -> str:
    return f"found {_of(found)}, type accuracy {_of(typed)}"


def _of(share: Share) -> str:
    return f"{share.value:.3f} ({share.part}/{share.whole})" if share.whole else "– (0/0)"
