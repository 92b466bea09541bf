"""Frames near each other: do they agree on what is there, and are they far enough apart to be two looks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from roadwarden.data.review_settings import ReviewSettings
from roadwarden.data.track import METRES_PER_DEGREE
from roadwarden.detections import Frame
from roadwarden.taxonomy import DistressType

NEIGHBOURS = 8
"""Nearest ones that are compared: a car that waits at a light takes hundreds of frames of one place."""

Seen = tuple[Frame, frozenset[DistressType]]


def disagreements(
    frames: Sequence[Seen], settings: ReviewSettings, places: Mapping[str, str]
) -> dict[str, tuple[float, str]]:
    """Frames whose types differ from those of other looks at the same place: mean Jaccard distance and a sentence.

    Only looks that saw something are compared: what a frame does not show because the car has passed is no doubt.
    """
    seen = [(frame, types) for frame, types in frames if types]
    found: dict[str, tuple[float, str]] = {}
    for row, others in _looks(seen, settings, places):
        frame, types = seen[row]
        distances = {other: 1 - len(types & seen[other][1]) / len(types | seen[other][1]) for other in others}
        mean = sum(distances.values()) / len(distances)
        if mean > 0:
            worst = max(distances, key=lambda other: (distances[other], -other))
            ours, theirs = (", ".join(sorted(one)) for one in (types, seen[worst][1]))
            found[frame.path] = mean, f"{ours} here, {theirs} in {seen[worst][0].path}"
    return found


def _looks(
    seen: Sequence[Seen], settings: ReviewSettings, places: Mapping[str, str]
) -> Iterator[tuple[int, list[int]]]:
    """Row of a frame and those of the other looks at its place: the known place, or else positions."""
    by_place: dict[str, list[int]] = defaultdict(list)
    for row, (frame, _) in enumerate(seen):
        if places.get(frame.path):
            by_place[places[frame.path]].append(row)
    for rows in by_place.values():
        yield from ((row, [other for other in rows if other != row]) for row in rows if len(rows) > 1)
    loose = [row for row, (frame, _) in enumerate(seen) if not places.get(frame.path) and frame.position is not None]
    yield from _near(seen, loose, settings)


def _near(seen: Sequence[Seen], rows: Sequence[int], settings: ReviewSettings) -> Iterator[tuple[int, list[int]]]:
    if len(rows) < 2:
        return
    metres = local_metres([seen[row][0] for row in rows])
    _, found = KDTree(metres).query(metres, k=NEIGHBOURS + 1, distance_upper_bound=settings.neighbour_m)
    for own, near in enumerate(found.tolist()):
        others = [rows[other] for other in near if other < len(rows) and other != own]
        facing = [other for other in others if _same_way(seen[rows[own]][0], seen[other][0], settings)]
        if facing:
            yield rows[own], facing


def local_metres(frames: Iterable[Frame]) -> npt.NDArray[np.float64]:
    """(n, 2) metres east and north of the first frame; right to a millimetre over neighbours. All have positions."""
    degrees = np.array([(one.position.lat, one.position.lon) for one in frames if one.position], np.float64)
    north = (degrees[:, 0] - degrees[0, 0]) * METRES_PER_DEGREE
    east = (degrees[:, 1] - degrees[0, 1]) * METRES_PER_DEGREE * np.cos(np.radians(degrees[0, 0]))
    return np.stack([east, north], axis=1)


def _same_way(ours: Frame, theirs: Frame, settings: ReviewSettings) -> bool:
    headings = [one.position.heading_deg for one in (ours, theirs) if one.position]
    if len(headings) < 2 or headings[0] is None or headings[1] is None:
        return True
    turn = abs(headings[0] - headings[1]) % 360
    return min(turn, 360 - turn) < settings.neighbour_heading_deg


@dataclass(slots=True)
class Spacing:
    """Takes frames one by one, and none that is too near to one it took; frames without place or time are all taken."""

    metres: float
    seconds: float
    _taken: list[Frame] = field(default_factory=list)

    def takes(self, frame: Frame) -> bool:
        """Whether the frame is far enough from all before it; if so it counts for those after it."""
        if any(self._near(frame, other) for other in self._taken):
            return False
        self._taken.append(frame)
        return True

    def _near(self, ours: Frame, theirs: Frame) -> bool:
        if ours.position and theirs.position:
            return bool(np.linalg.norm(local_metres([ours, theirs])[1]) < self.metres)
        if ours.captured_at and theirs.captured_at:
            return abs((ours.captured_at - theirs.captured_at).total_seconds()) < self.seconds
        return False
