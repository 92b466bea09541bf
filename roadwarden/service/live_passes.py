"""Names of passes of a drive that is still going on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from roadwarden.defects.drives import PassCounter
from roadwarden.geo.plane import LocalPlane
from roadwarden.geo.pose import Pose
from roadwarden.service.sightings import name_of_pass


class LivePasses:
    """Of one camera; ``service.sightings.located`` asks it for each handful of frames."""

    def __init__(self, vehicle: str) -> None:
        self._vehicle = vehicle
        self._counter = PassCounter()
        self._plane: LocalPlane | None = None
        self._names: dict[int, str] = {}  # of the newest pass only

    def __call__(self, poses: Sequence[Pose | None]) -> tuple[str, ...]:
        """Each pose's pass, worked out in order of time."""
        names = [""] * len(poses)
        for moment, at in sorted((pose.at, at) for at, pose in enumerate(poses) if pose is not None):
            pose = poses[at]
            if pose is not None:
                names[at] = self._name(pose, moment)
        return tuple(names)

    def _name(self, pose: Pose, moment: datetime) -> str:
        self._plane = self._plane or LocalPlane(pose.position.lat, pose.position.lon)
        east_m, north_m = self._plane.metres_of(pose.position)
        number = self._counter.step(moment.timestamp(), float(east_m), float(north_m))
        if number not in self._names:
            self._names = {number: name_of_pass(self._vehicle, moment)}
        return self._names[number]
