"""The evidence gate: what a picture must be before anybody looks for the repair in it. Pure; facts come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from roadwarden.repairs.table import GateRule
from roadwarden.vision.quality import QualityProblem


class Shot(StrEnum):
    """How near a picture was taken."""

    CONTEXT = "context"
    CLOSE_UP = "close_up"


class Condition(StrEnum):
    """What hides a road, as the crew, the weather service or a person says."""

    WET = "wet"
    SNOW = "snow"
    OCCLUDED = "occluded"


class Fault(StrEnum):
    """Why a picture is no evidence, in the order in which they are told."""

    NO_BEFORE = "no_before"
    NO_AFTER = "no_after"
    UNREADABLE = "unreadable"
    COPY = "copy"
    SCREEN = "screen"
    EDITED = "edited"
    TAKEN_BEFORE = "taken_before"
    TAKEN_IN_FUTURE = "taken_in_future"
    NO_TIME = "no_time"
    TOO_FAR = "too_far"
    OTHER_WAY = "other_way"
    DARK = "dark"
    OVEREXPOSED = "overexposed"
    OBSTRUCTED = "obstructed"
    BLURRED = "blurred"
    WET = "wet"
    SNOW = "snow"
    OCCLUDED = "occluded"
    NO_CONTEXT = "no_context"
    NO_CLOSE_UP = "no_close_up"


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What is known of one after picture; None where it is not."""

    problems: tuple[QualityProblem, ...] = ()
    conditions: frozenset[Condition] = frozenset()
    is_copy: bool = False  # of any earlier evidence, the before picture included
    software: str | None = None  # as EXIF names it
    captured_at: datetime | None = None
    distance_m: float | None = None  # from the defect
    distance_sigma_m: float = 0.0
    turned_deg: float | None = None  # between the headings of the two cameras, 0..180
    shot: Shot | None = Shot.CONTEXT
    is_screen: bool = False  # a photograph of a screen


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a case asks of its evidence; pictures alone ask nothing of it."""

    not_before: datetime  # when the defect was reported
    received_at: datetime
    both_shots: bool = False  # a crew uploads a context picture and a close-up


def faults(pictures: Sequence[PictureFacts], rule: GateRule, wanted: Wanted | None = None) -> tuple[Fault, ...]:
    """Each fault once, in the order of ``Fault``; empty where every picture may be looked at."""
    found: set[Fault] = set()
    for picture in pictures:
        found |= _of_picture(picture, rule)
        if wanted is not None:
            found |= _of_time(picture, rule, wanted)
    if wanted is not None and wanted.both_shots:
        found |= _missing_shots([picture.shot for picture in pictures])
    return _in_order(found)


GRAVE = frozenset({Fault.COPY, Fault.SCREEN, Fault.EDITED, Fault.TAKEN_BEFORE, Fault.TAKEN_IN_FUTURE})
"""One such picture spoils a whole report: who sends it once is asked for all of it anew."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """Rows of pictures that may be looked at, and what is to be told where there are none."""

    usable: tuple[int, ...]
    faults: tuple[Fault, ...]  # empty where there is something to look at


def sort_out(pictures: Sequence[PictureFacts], rule: GateRule, wanted: Wanted) -> Sorted:
    """The pictures of one report: poor ones are left aside where others do, grave faults spoil all of it."""
    if not pictures:
        return Sorted((), (Fault.NO_AFTER,))
    each = [_of_picture(picture, rule) | _of_time(picture, rule, wanted) for picture in pictures]
    everything = set[Fault]().union(*each)
    if everything & GRAVE:
        return Sorted((), _in_order(everything & GRAVE))
    usable = tuple(row for row, found in enumerate(each) if not found)
    missing = _missing_shots([pictures[row].shot for row in usable]) if wanted.both_shots else set[Fault]()
    if not usable or missing:
        return Sorted((), _in_order(everything | (missing if usable else set())))
    return Sorted(usable, ())


def _in_order(found: set[Fault]) -> tuple[Fault, ...]:
    return tuple(fault for fault in Fault if fault in found)


def _missing_shots(shots: Sequence[Shot | None]) -> set[Fault]:
    """A picture of which nobody said how near it was taken may be either, but only one of the two."""
    missing = [fault for shot, fault in _SHOTS.items() if shot not in shots]
    return set(missing[: max(0, len(missing) - sum(shot is None for shot in shots))])


_SHOTS = {Shot.CLOSE_UP: Fault.NO_CLOSE_UP, Shot.CONTEXT: Fault.NO_CONTEXT}


def _of_picture(picture: PictureFacts, rule: GateRule) -> set[Fault]:
    found = {Fault(problem.value) for problem in picture.problems}
    found |= {Fault(condition.value) for condition in picture.conditions}
    if picture.is_copy:
        found.add(Fault.COPY)
    if picture.is_screen:
        found.add(Fault.SCREEN)
    if picture.software is not None and any(name in picture.software.lower() for name in rule.editors):
        found.add(Fault.EDITED)
    if picture.distance_m is not None and picture.distance_m > rule.radius_m + 3 * picture.distance_sigma_m:
        found.add(Fault.TOO_FAR)
    turned = picture.turned_deg if picture.shot is not Shot.CLOSE_UP else None  # a close-up looks down
    if turned is not None and turned > rule.heading_deg:
        found.add(Fault.OTHER_WAY)
    return found


def _of_time(picture: PictureFacts, rule: GateRule, wanted: Wanted) -> set[Fault]:
    if picture.captured_at is None:
        return {Fault.NO_TIME}
    if picture.captured_at <= wanted.not_before:
        return {Fault.TAKEN_BEFORE}
    ahead = picture.captured_at - wanted.received_at
    return {Fault.TAKEN_IN_FUTURE} if ahead > timedelta(seconds=rule.clock_ahead_s) else set()
