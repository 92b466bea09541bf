"""The worker's books: a frame that enters gets a ticket, and hands it in at one door.

What is in flight is counted by the tickets that are out, not by subtraction, so that books that do not balance show it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from threading import Lock
from typing import Any, Self

from roadwarden.errors import StreamError
from roadwarden.inference.stream.values import Door


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the frames of one camera, or of several."""

    entered: int = 0
    in_flight: int = 0
    doors: Mapping[Door, int] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """By whatever door."""
        return sum(self.doors.values())

    @property
    def balances(self) -> bool:
        """Whether every frame that entered is either in flight or has left by one door."""
        return self.entered == self.in_flight + self.left

    def as_json(self) -> dict[str, Any]:
        """With every door, also those that nothing left by."""
        doors = {str(door): self.doors.get(door, 0) for door in Door}
        return {"entered": self.entered, "in_flight": self.in_flight, "doors": doors}

    @classmethod
    def of_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of ``as_json``."""
        doors = {Door(name): int(number) for name, number in row["doors"].items()}
        return cls(int(row["entered"]), int(row["in_flight"]), doors)

    @classmethod
    def total(cls, accounts: Iterable[Account]) -> Self:
        """All of them together."""
        listed = list(accounts)
        doors = sum((Counter(dict(one.doors)) for one in listed), Counter[Door]())
        return cls(sum(one.entered for one in listed), sum(one.in_flight for one in listed), dict(doors))


@dataclass(frozen=True, slots=True)
class Ticket:
    """One frame's; handed in once."""

    camera: str
    number: int


class Books:
    """Counts from any thread; a snapshot is of one moment."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers = count(1)
        self._entered: Counter[str] = Counter()
        self._out: defaultdict[str, set[int]] = defaultdict(set)
        self._doors: defaultdict[str, Counter[Door]] = defaultdict(Counter)

    def enter(self, camera: str) -> Ticket:
        """A frame comes in."""
        with self._lock:
            ticket = Ticket(camera, next(self._numbers))
            self._entered[camera] += 1
            self._out[camera].add(ticket.number)
        return ticket

    def leave(self, ticket: Ticket, door: Door) -> None:
        """It leaves; raises StreamError for a ticket that was handed in before: a frame leaves once."""
        with self._lock:
            out = self._out[ticket.camera]
            if ticket.number not in out:
                raise StreamError(f"{ticket.camera}: frame {ticket.number} left twice, now by {door}")
            out.remove(ticket.number)
            self._doors[ticket.camera][door] += 1

    def pass_through(self, camera: str, door: Door, frames: int = 1) -> None:
        """Frames that came in and left at once."""
        if frames < 0:
            raise ValueError(f"{frames} frames")
        with self._lock:
            self._entered[camera] += frames
            self._doors[camera][door] += frames

    def correct(self, camera: str, was: Door, door: Door) -> None:
        """A frame that left turns out to have left otherwise: what was kept on disk had to be given up.

        A frame of an earlier run that these books do not know comes in and leaves.
        """
        with self._lock:
            if self._doors[camera][was]:
                self._doors[camera][was] -= 1
            else:
                self._entered[camera] += 1
            self._doors[camera][door] += 1

    def open(self, camera: str) -> None:
        """Lets a camera appear before its first frame."""
        with self._lock:
            self._entered[camera] += 0

    def accounts(self) -> dict[str, Account]:
        """Of every camera at this moment, by name."""
        with self._lock:
            return {
                camera: Account(self._entered[camera], len(self._out[camera]), dict(self._doors[camera]))
                for camera in sorted(self._entered)
            }
