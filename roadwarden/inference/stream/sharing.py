"""Which worker reads which camera: the rule of the leases. Pure; what it knows of time is its own clock.

Each worker's row bears a beat that rises while it lives. Nobody compares times of two clocks: a worker is dead for us
when we have looked often enough, for long enough, and its beat has stood still. A lease bears a token that rises with
each new holder; the database refuses what comes with an older one, so a worker that was taken for dead by mistake
(it stood still, or the network was cut) can do no harm.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

MOST_MISSING_ROUNDS = 2
"""A pause of ours longer than so many rounds tells nothing of others: they could not get at the database either."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who reads a camera; ``worker`` None: nobody. ``token`` 0: nobody ever did."""

    worker: str | None = None
    token: int = 0


@dataclass(frozen=True, slots=True)
class Pulse:
    """A worker's row: the cameras that it shares, as one word, and its beat."""

    fleet: str
    beat: int


@dataclass(frozen=True, slots=True)
class Table:
    """What the database holds at one moment."""

    workers: Mapping[str, Pulse] = field(default_factory=dict)
    leases: Mapping[str, Lease] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Patience:
    """``lease_s``: after so long without a beat a worker is dead; ``round_s``: between two looks at the table."""

    lease_s: float
    round_s: float

    def __post_init__(self) -> None:
        if not 0 < self.round_s <= self.lease_s / 2:
            raise ValueError(f"{self}: a worker looks twice before it takes another for dead")


@dataclass(frozen=True, slots=True)
class Watch:
    """What one worker has seen of the others, by its own monotonic clock; ``step`` gives the next."""

    patience: Patience
    looked_s: float | None = None
    pulses: Mapping[str, Pulse] = field(default_factory=dict)
    quiet_s: Mapping[str, float] = field(default_factory=dict)  # since the beat of each was seen to rise
    free_s: Mapping[str, float] = field(default_factory=dict)  # since each camera was first seen with nobody

    def step(self, table: Table, now_s: float) -> Watch:
        """A look at the table; ``now_s`` never goes back."""
        gap_s = 0.0 if self.looked_s is None else now_s - self.looked_s
        counted_s = min(gap_s, MOST_MISSING_ROUNDS * self.patience.round_s)
        quiet_s = {
            name: self.quiet_s.get(name, 0.0) + counted_s if self.pulses.get(name) == pulse else 0.0
            for name, pulse in table.workers.items()
        }
        seen = replace(self, looked_s=now_s, pulses=dict(table.workers), quiet_s=quiet_s)
        free_s = {camera: self.free_s.get(camera, -counted_s) + counted_s
                  for camera, lease in table.leases.items() if not seen.is_living(lease.worker)}  # fmt: skip
        return replace(seen, free_s=free_s)

    def is_living(self, worker: str | None) -> bool:
        """Whether it has a row and was not quiet for too long."""
        if worker is None or worker not in self.pulses:
            return False
        return self.quiet_s.get(worker, 0.0) < self.patience.lease_s

    def has_waited(self, camera: str) -> bool:
        """Whether those whose turn it was have had theirs."""
        return self.free_s.get(camera, 0.0) >= MOST_MISSING_ROUNDS * self.patience.round_s

    @property
    def dead(self) -> frozenset[str]:
        """Those that have a row and no pulse."""
        return frozenset(one for one in self.pulses if not self.is_living(one))


@dataclass(frozen=True, slots=True)
class Moves:
    """What a worker does now: cameras that it takes, each with its new token, and those that it lets go."""

    take: Mapping[str, int] = field(default_factory=dict)
    let_go: tuple[str, ...] = ()


def decide(me: str, cameras: Iterable[str], table: Table, watch: Watch) -> Moves:
    """``cameras``: those that I share. ``table`` holds my own row.

    Of what nobody holds each takes its share, and what is left over goes to whoever has least; what others leave lying
    in their turn anybody takes. Who has two more than another lets go what is above the share. The moves hold for the
    table as it stands, so they are made in the transaction that read it.
    """
    listed = sorted(set(cameras))
    fleet = table.workers[me].fleet
    peers = {one for one, pulse in table.workers.items() if pulse.fleet == fleet and watch.is_living(one)} | {me}
    held = {one: [camera for camera in listed if table.leases.get(camera, Lease()).worker == one] for one in peers}
    free = [camera for camera in listed if not watch.is_living(table.leases.get(camera, Lease()).worker)]
    free = [camera for camera in free if table.leases.get(camera, Lease()).worker != me]
    if free:
        share = len(listed) // len(peers)
        others = min((len(ones) for one, ones in held.items() if one != me), default=len(listed))
        mine, taken = len(held[me]), dict[str, int]()
        for camera in free:
            if mine < share or mine <= others or watch.has_waited(camera):
                taken[camera] = table.leases.get(camera, Lease()).token + 1
                mine += 1
        return Moves(taken)
    return Moves(let_go=_let_go(me, held, len(listed)))


def _let_go(me: str, held: Mapping[str, Sequence[str]], cameras: int) -> tuple[str, ...]:
    mine = held[me]
    least = min(len(ones) for ones in held.values())
    if len(mine) < least + 2:
        return ()
    above = len(mine) - math.ceil(cameras / len(held))
    return tuple(mine[-max(1, above) :])
