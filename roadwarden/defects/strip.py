"""An archive with a linear reference: runs of frames along a road, and what is wrong with their chainages.

A run goes up or down the chainage. Nothing is dropped: two frames at one metre are both kept, a frame out of order is
put where its chainage says, and each is reported, as is every stretch without a frame.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median

GAP_STEPS = 1.5
"""A step of more than so many usual ones is a gap."""


class Sight(StrEnum):
    """What became of a frame."""

    DETECTED = "detected"
    CLEAN = "clean"
    POOR_QUALITY = "poor_quality"
    UNREADABLE = "unreadable"


class Direction(StrEnum):
    """How a run went."""

    UP = "up"  # with the chainage
    DOWN = "down"

    @property
    def sign(self) -> int:
        """Of a step."""
        return 1 if self is Direction.UP else -1


class Fault(StrEnum):
    """What is worth telling of the chainages of a run."""

    GAP = "gap"  # no frame between two metres
    SAME_METRE = "same_metre"  # two frames or more
    AGAINST = "against"  # a frame came after one further on
    NO_METRES = "no_metres"  # the name does not say where


@dataclass(frozen=True, slots=True)
class StripFrame:
    """One frame of a run; ``order`` is its place in the archive."""

    name: str
    chainage_m: float
    order: int
    sight: Sight


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault between two metres, with the frames that it concerns."""

    fault: Fault
    from_m: float
    to_m: float
    frames: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Frames by chainage, those at one metre in the order of the archive."""

    name: str
    direction: Direction
    step_m: float  # the usual distance between frames; 0 where there is only one metre
    frames: tuple[StripFrame, ...]
    findings: tuple[Finding, ...]  # by chainage

    @property
    def from_m(self) -> float:
        """Of the first frame."""
        return self.frames[0].chainage_m

    @property
    def to_m(self) -> float:
        """Of the last frame."""
        return self.frames[-1].chainage_m

    @property
    def gaps(self) -> tuple[Finding, ...]:
        """Where no frame was."""
        return tuple(one for one in self.findings if one.fault is Fault.GAP)

    @property
    def gap_m(self) -> float:
        """Length of all gaps, beyond the usual step."""
        return sum(one.to_m - one.from_m - self.step_m for one in self.gaps)


def run_of(name: str, frames: Iterable[StripFrame]) -> Run:
    """A run of one frame or more; the order in which they are given does not matter."""
    driven = sorted(frames, key=lambda frame: frame.order)
    along = sorted(driven, key=lambda frame: (frame.chainage_m, frame.order))
    direction = _direction(driven)
    steps = [two.chainage_m - one.chainage_m for one, two in pairwise(along) if two.chainage_m > one.chainage_m]
    usual = median(steps) if steps else 0.0
    findings = [*_gaps(along, usual), *_same_metre(along), *_against(driven, direction)]
    return Run(name, direction, usual, tuple(along), tuple(sorted(findings, key=lambda one: (one.from_m, one.fault))))


def _direction(driven: Sequence[StripFrame]) -> Direction:
    steps = [two.chainage_m - one.chainage_m for one, two in pairwise(driven)]
    up, down = sum(step > 0 for step in steps), sum(step < 0 for step in steps)
    return Direction.DOWN if down > up else Direction.UP


def _gaps(along: Sequence[StripFrame], usual: float) -> Iterable[Finding]:
    for one, two in pairwise(along):
        if usual and two.chainage_m - one.chainage_m > GAP_STEPS * usual:
            yield Finding(Fault.GAP, one.chainage_m, two.chainage_m, (one.name, two.name))


def _same_metre(along: Sequence[StripFrame]) -> Iterable[Finding]:
    at: dict[float, list[str]] = defaultdict(list)
    for frame in along:
        at[frame.chainage_m].append(frame.name)
    for metre, names in at.items():
        if len(names) > 1:
            yield Finding(Fault.SAME_METRE, metre, metre, tuple(names))


def _against(driven: Sequence[StripFrame], direction: Direction) -> Iterable[Finding]:
    for one, two in pairwise(driven):
        if (two.chainage_m - one.chainage_m) * direction.sign < 0:
            low, high = sorted((one.chainage_m, two.chainage_m))
            yield Finding(Fault.AGAINST, low, high, (one.name, two.name))
