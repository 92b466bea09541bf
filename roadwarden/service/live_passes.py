"""Names of passes of a drive that is still going on, also beyond the life of the worker that it began with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from roadwarden.defects.drives import PassCounter, Way
from roadwarden.geo.plane import LocalPlane
from roadwarden.geo.pose import Pose
from roadwarden.service.sightings import name_of_pass

SAVE_EVERY = timedelta(seconds=5)
"""Of a drive. A worker that is killed forgets so much of where the pass was, not that it was one."""
MOST_CELLS = 2000
"""Some 30 km of road; a place further back in one pass is not known again after a restart."""
EARLIER = timedelta(seconds=30)
"""Frames that begin so long before the end of the pass that was kept are not what goes on with it, but read again."""


@dataclass(frozen=True, slots=True)
class PassSoFar:
    """What is kept of a camera's pass; ``origin`` is what its metres are counted from, degrees."""

    name: str
    at: datetime
    origin: tuple[float, float]
    way: Way

    def as_text(self) -> str:
        """The column ``way``: origin and way as JSON."""
        return json.dumps({"origin": self.origin, **asdict(self.way)}, separators=(",", ":"))

    @classmethod
    def of_text(cls, name: str, at: datetime, text: str) -> Self:
        """The inverse of ``as_text``."""
        row = json.loads(text)
        visits = tuple((one[0], one[1], one[2]) for one in row["visits"])
        return cls(name, at, (row["origin"][0], row["origin"][1]), Way(tuple(row["last"]), row["driven_m"], visits))


class LivePasses:
    """Of one camera; ``service.sightings.located`` asks it for each handful of frames."""

    def __init__(self, vehicle: str, before: PassSoFar | None = None) -> None:
        """``before``: a pass that goes on here if it is the same drive."""
        self._vehicle, self._before = vehicle, before
        self._counter = PassCounter()
        self._plane: LocalPlane | None = None
        self._origin = (0.0, 0.0)
        self._names: dict[int, str] = {}  # of the newest pass only
        self._saved: tuple[str, datetime] | None = None
        self._at: datetime | None = None
        self.has_continued = False

    def __call__(self, poses: Sequence[Pose | None]) -> tuple[str, ...]:
        """Each pose's pass, worked out in order of time."""
        names = [""] * len(poses)
        for moment, at in sorted((pose.at, at) for at, pose in enumerate(poses) if pose is not None):
            pose = poses[at]
            if pose is not None:
                names[at] = self._name(pose, moment)
        return tuple(names)

    def to_save(self, *, at_once: bool = False) -> PassSoFar | None:
        """The pass as it is now, where there is something new to keep; ``saved`` says that it is kept."""
        name = self._names.get(self._counter.number)
        if name is None or self._at is None or (self._saved and self._saved == (name, self._at)):
            return None
        due = self._saved is None or self._saved[0] != name or self._at - self._saved[1] >= SAVE_EVERY
        way = self._counter.way(MOST_CELLS) if due or at_once else None
        return None if way is None else PassSoFar(name, self._at, self._origin, way)

    def saved(self, kept: PassSoFar) -> None:
        """It is in the database."""
        self._saved = kept.name, kept.at

    def _name(self, pose: Pose, moment: datetime) -> str:
        if self._plane is None:
            self._plane = self._begun(pose, moment)
        east_m, north_m = self._plane.metres_of(pose.position)
        number = self._counter.step(moment.timestamp(), float(east_m), float(north_m))
        if number not in self._names:
            self._names = {number: name_of_pass(self._vehicle, moment)}
        elif self._before is not None and number == 0:
            self.has_continued = True  # neither a long pause nor a place where it was before has ended it
        self._at = datetime.fromtimestamp(moment.timestamp(), UTC)
        return self._names[number]

    def _begun(self, pose: Pose, moment: datetime) -> LocalPlane:
        """At the first pose: goes on with what was kept, or begins anew."""
        before = self._before
        if before is not None and moment < before.at - EARLIER:
            before = self._before = None
        if before is not None:
            self._counter, self._origin, self._names = PassCounter(before.way), before.origin, {0: before.name}
        else:
            self._origin = pose.position.lat, pose.position.lon
        return LocalPlane(*self._origin)
