"""Whether the cameras of killed workers move: seen from outside, in the table of leases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from roadwarden.eval.finding import Finding

MOVED_WITHIN_S = 30.0
Leases = Mapping[str, tuple[str | None, int]]
"""Worker and token by camera."""


@dataclass(slots=True)
class Moves:
    """``note`` is told the table about once a second; times are of one monotonic clock."""

    waiting: dict[str, tuple[int, float]] = field(default_factory=dict)  # camera to the dead one's token and time
    took_s: list[float] = field(default_factory=list)
    away_until_s: float = 0.0

    def killed(self, worker: str, leases: Leases, now_s: float) -> None:
        """That worker's cameras have to move from now on."""
        for camera, (holder, token) in leases.items():
            if holder == worker:
                self.waiting.setdefault(camera, (token, max(now_s, self.away_until_s)))

    def excuse(self, seconds: float, now_s: float) -> None:
        """The database is away for so long: nobody can take anything, and the time begins anew when it is back."""
        self.away_until_s = now_s + seconds
        self.waiting = {camera: (token, self.away_until_s) for camera, (token, _) in self.waiting.items()}

    def note(self, leases: Leases, now_s: float) -> None:
        """The table as it is now."""
        for camera, (token, since_s) in list(self.waiting.items()):
            holder, newest = leases.get(camera, (None, 0))
            if holder is not None and newest > token:
                self.took_s.append(max(0.0, now_s - since_s))
                del self.waiting[camera]

    def finding(self) -> Finding:
        """Does not hold where a camera is still without a reader, or where there was none to move."""
        longest_s = max(self.took_s, default=0.0)
        told = f"{len(self.took_s)} moved, longest after {longest_s:.0f} s; {len(self.waiting)} have not"
        holds = bool(self.took_s) and not self.waiting and longest_s <= MOVED_WITHIN_S
        return Finding("a killed worker's cameras move within 30 s", holds, told)
