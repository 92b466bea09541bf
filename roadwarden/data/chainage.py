"""Where a frame was along its road, from its name: archives of road inspection vehicles have a linear reference.

Two forms are known: metres at the end behind the run, ``1014583_RS_386_386RS124739_29840.jpg`` (a counter, the run,
metres; DNIT, Brazil), and the stake of Chinese highways, ``G2_K29+840.jpg``. Others are told as a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from statistics import median

from roadwarden.errors import ConfigError, DataError

STAKE = r"(?P<run>.*?)[_\- ]?[Kk](?P<km>\d{1,4})\+(?P<m>\d{3}(?:\.\d+)?)(?:[_\- ].*)?"
METRES = r"(?:\d+_)?(?P<run>(?=.*[A-Za-z]).+)_(?P<m>\d{1,7}(?:\.\d+)?)"
_LEAST_STEP_M = 1.5
"""Numbers that rise by one are counted frames, not metres."""


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """The run of a vehicle along one road, and metres from the road's beginning."""

    run: str
    chainage_m: float


@dataclass(frozen=True, slots=True)
class NamedPlaces:
    """The frames whose names say where they were, in the order given, and those whose names do not."""

    places: dict[str, NamedPlace]
    without: tuple[str, ...]


def place_in_name(frame: str, pattern: re.Pattern[str] | None = None) -> NamedPlace | None:
    """From the path of a frame; a folder belongs to the run, so that two drives along one road stay two."""
    path = PurePosixPath(frame)
    forms = (pattern,) if pattern is not None else (re.compile(STAKE), re.compile(METRES))
    found = next((match for form in forms if (match := form.fullmatch(path.stem))), None)
    if found is None:
        return None
    parts = found.groupdict()
    folder = "" if str(path.parent) == "." else str(path.parent)
    run = "/".join(part for part in (folder, (parts.get("run") or "").strip("_- ")) if part)
    return NamedPlace(run, 1000.0 * float(parts.get("km") or 0) + float(parts["m"]))


def places_in_names(frames: Iterable[str], pattern: str | None = None) -> NamedPlaces:
    """Of an archive, in its order; raises ConfigError for a pattern, DataError where the numbers are no metres."""
    form = _compiled(pattern) if pattern is not None else None
    places: dict[str, NamedPlace] = {}
    without = []
    for frame in frames:
        place = place_in_name(frame, form)
        if place is None:
            without.append(frame)
        else:
            places[frame] = place
    if not places:
        raise DataError(
            "no frame's name ends in metres (..._29840.jpg) or holds a stake (K29+840); "
            "tell the form with --pattern, a regular expression with the groups run, km and m"
        )
    _check_steps(places.values())
    return NamedPlaces(places, tuple(without))


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        form = re.compile(pattern)
    except re.error as exc:
        raise ConfigError(f"--pattern {pattern}: no regular expression: {exc}") from exc
    if "m" not in form.groupindex:
        raise ConfigError(f"--pattern {pattern}: has no group (?P<m>...) for the metres")
    return form


def _check_steps(places: Iterable[NamedPlace]) -> None:
    runs: dict[str, list[float]] = {}
    for place in places:
        runs.setdefault(place.run, []).append(place.chainage_m)
    steps = [abs(b - a) for along in runs.values() for a, b in pairwise(along) if a != b]
    if len(steps) >= 3 and median(steps) < _LEAST_STEP_M:
        raise DataError(
            f"the numbers in the names rise by {median(steps):g}: counted frames, not metres; "
            "tell the form of the metres with --pattern"
        )
