"""Detections of a run as defects along its road: by chainage, and by the distance to the vehicle's line.

With a camera model boxes become metres on the road, and looks of frame after frame at one thing become one
(``passes``). Without, every box stands by itself at the chainage of its frame, and across the road it has its place in
the picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from roadwarden.defects.confusion import INDEX, TYPES
from roadwarden.defects.looks import Indices, Looks, Numbers
from roadwarden.defects.passes import Tracks, track
from roadwarden.defects.policy import MergingPolicy
from roadwarden.defects.strip import Direction, Run, StripFrame
from roadwarden.defects.votes import chances
from roadwarden.detections import Detections
from roadwarden.errors import ConfigError
from roadwarden.geo.camera import CameraModel
from roadwarden.geo.ground import GroundPatches
from roadwarden.taxonomy import DistressType

CHAINAGE_SIGMA_M = 0.3
"""Of a chainage given in whole metres: 1 / sqrt(12), and a little for the wheel."""


OTHER_SHAPE = "other_shape"
"""Frames of another shape than the camera was calibrated on."""


class Across(StrEnum):
    """What a place across the road is measured in, from the vehicle's line, positive to the left of the chainage."""

    METRES = "metres"
    PICTURE = "picture"  # -1 to 1 over the width of the frame; not a place on the road


@dataclass(frozen=True, slots=True)
class StripDefect:
    """One thing along a road; ``frames`` by chainage."""

    type: DistressType
    from_m: float  # chainage
    to_m: float
    right_at: float  # ``Across``: its edge to the right of the chainage
    left_at: float
    score: float  # the best of its looks
    frames: tuple[str, ...]

    @property
    def looks(self) -> int:
        """Frames that saw it."""
        return len(self.frames)


@dataclass(frozen=True, slots=True)
class StripDefects:
    """By chainage; ``refused`` counts boxes that have no place on the road, by ``Refusal`` or ``OTHER_SHAPE``."""

    across: Across
    defects: tuple[StripDefect, ...]
    refused: dict[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class FrameDetections:
    """What was seen in a frame of that size, pixels."""

    width: int
    height: int
    detections: Detections


Seen = Mapping[str, FrameDetections]
"""By the name of the frame; frames without detections may be missing."""


def by_picture(run: Run, seen: Seen) -> StripDefects:
    """Every box by itself."""
    defects = [
        StripDefect(
            type=distress,
            from_m=frame.chainage_m,
            to_m=frame.chainage_m,
            right_at=min(ends),
            left_at=max(ends),
            score=float(value),
            frames=(frame.name,),
        )
        for frame in run.frames
        if frame.name in seen
        for distress, value, ends in _in_picture(seen[frame.name], run.direction)
    ]
    return StripDefects(Across.PICTURE, tuple(sorted(defects, key=_along)), {})


def _in_picture(seen: FrameDetections, direction: Direction) -> list[tuple[DistressType, float, tuple[float, float]]]:
    ends = (1 - 2 * seen.detections.boxes_xyxy[:, [0, 2]].astype(np.float64) / seen.width) * direction.sign
    rows = zip(seen.detections.types, seen.detections.scores.tolist(), ends.tolist(), strict=True)
    return [(distress, score, (float(a), float(b))) for distress, score, (a, b) in rows]


def on_road(run: Run, seen: Seen, camera: CameraModel, policy: MergingPolicy | None = None) -> StripDefects:
    """Boxes laid onto the road, and what is one thing seen from several frames joined."""
    rules, refused = policy or MergingPolicy(), Counter[str]()
    driven = sorted(run.frames, key=lambda one: one.order)
    parts = [
        (frame.name, looks)
        for number, frame in enumerate(driven)
        if frame.name in seen
        for looks in _of_frame(frame, number, seen[frame.name], camera, run.direction, refused)
    ]
    if not parts:
        return StripDefects(Across.METRES, (), dict(refused))
    looks = Looks.joined(part for _, part in parts)
    owners = np.repeat([name for name, _ in parts], [len(part) for _, part in parts])
    order = np.lexsort((looks.ids, looks.at_us))
    looks, owners = looks.take(order), owners[order]
    tracks, member = track(looks, rules)
    defects = [
        _defect(looks, owners, tracks, at, np.flatnonzero(member == at), rules, run) for at in range(len(tracks))
    ]
    return StripDefects(Across.METRES, tuple(sorted(defects, key=_along)), dict(refused))


def _of_frame(
    frame: StripFrame,
    number: int,
    seen: FrameDetections,
    camera: CameraModel,
    direction: Direction,
    refused: Counter[str],
) -> Iterator[Looks]:
    """Its looks, none where no box of it has a place; what has none is counted in ``refused``."""
    try:
        scaled = camera.scaled_to(seen.width, seen.height)
    except ConfigError:
        refused[OTHER_SHAPE] += len(seen.detections)
        return
    patches = scaled.project(seen.detections.boxes_xyxy)
    refused.update(str(reason) for reason in patches.refused if reason is not None)
    if patches.placed.any():
        yield _looks(frame, number, seen.detections, patches, direction)


def _looks(
    frame: StripFrame, number: int, detections: Detections, patches: GroundPatches, direction: Direction
) -> Looks:
    """The road unrolled: north is the chainage, east is to its right."""
    rows = np.flatnonzero(patches.placed)
    ahead, left = patches.centre_m[rows].T
    north, east = frame.chainage_m + direction.sign * ahead, -direction.sign * left
    own = np.trace(patches.covariance_m2[rows], axis1=1, axis2=2) / 2 + CHAINAGE_SIGMA_M**2
    count = len(rows)
    return Looks(
        ids=np.array([f"{number:09d}-{row:05d}" for row in rows], dtype=np.str_),
        at_us=np.full(count, number, np.int64),  # only the order counts
        frame=np.full(count, number, np.int64),
        drive=np.zeros(count, np.int64),
        place=np.stack([east, north], axis=1),
        common=np.zeros(count),
        own=own,
        heading=np.full(count, 0.0 if direction is Direction.UP else np.pi),
        length=patches.length_m[rows],
        width=patches.width_m[rows],
        size_variance=(patches.length_sigma_m[rows] ** 2 + patches.width_sigma_m[rows] ** 2) / 2,
        type=np.array([INDEX[detections.types[row]] for row in rows], np.intp),
        score=detections.scores[rows].astype(np.float64),
    )


def _defect(
    looks: Looks, owners: npt.NDArray[np.str_], tracks: Tracks, at: int, rows: Indices, policy: MergingPolicy, run: Run
) -> StripDefect:
    middle, size = looks.place[rows], np.stack([looks.width[rows], looks.length[rows]], axis=1)
    low, high = _extent(middle, size, 1 / looks.own[rows], long=bool(size[:, 1].max() > policy.whole_m))
    names = set(owners[rows].tolist())
    return StripDefect(
        type=TYPES[int(np.argmax(chances(tracks.things.evidence[at : at + 1])[0]))],
        from_m=float(low[1]),
        to_m=float(high[1]),
        right_at=float(-high[0]),
        left_at=float(-low[0]),
        score=float(looks.score[rows].max()),
        frames=tuple(frame.name for frame in run.frames if frame.name in names),
    )


def _extent(middle: Numbers, size: Numbers, weight: Numbers, *, long: bool) -> tuple[Numbers, Numbers]:
    """(east, north) of two corners: means of what was seen whole, from end to end along what was seen in pieces."""
    share = weight / weight.sum()
    centre, whole = share @ middle, share @ size
    low, high = centre - whole / 2, centre + whole / 2
    if long:
        low[1], high[1] = (middle - size / 2)[:, 1].min(), (middle + size / 2)[:, 1].max()
    return low, high


def _along(defect: StripDefect) -> tuple[float, float, str, tuple[str, ...]]:
    return defect.from_m, defect.right_at, defect.type, defect.frames


def kinds(defects: Sequence[StripDefect]) -> dict[DistressType, int]:
    """How many of each type, the commonest first."""
    return dict(Counter(one.type for one in defects).most_common())
