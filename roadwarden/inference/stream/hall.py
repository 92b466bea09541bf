"""Where frames wait for a detector: a bounded buffer a camera, and batches that take turns among those with frames.

A batch is never waited for longer than its deadline, and never for a camera that sends nothing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Condition, Event

from roadwarden.inference.stream.books import Ticket
from roadwarden.inference.stream.policy import Policy, WhenBehind
from roadwarden.inference.stream.protocols import Arrival
from roadwarden.inference.stream.values import NOTHING, Door
from roadwarden.inference.stream.worktime import WorkTime

LOOK_S = 0.25
"""Waiting threads look so often whether they should stop."""


@dataclass(eq=False, slots=True)
class Entrant:
    """A frame inside the worker."""

    arrival: Arrival
    ticket: Ticket
    policy: Policy
    tries: int = 0
    taken_s: float = 0.0  # monotonic clock, when its turn came
    gone: bool = False  # handed on by its lane

    def forget_content(self) -> None:
        """Nobody looks at its picture any more, and its memory is wanted for another: a result may wait for hours."""
        self.arrival = replace(self.arrival, content=NOTHING)


Dismiss = Callable[[Entrant, Door], None]
"""What is done with a frame that leaves without having been looked at."""


@dataclass(slots=True)
class _Buffer:
    policy: Policy
    waiting: deque[Entrant] = field(default_factory=deque)


class Hall:
    """Buffers of all cameras. ``dismiss`` is called without the lock."""

    def __init__(self, dismiss: Dismiss, clock: Callable[[], float] = time.monotonic) -> None:
        self._dismiss, self._clock = dismiss, clock
        self._changed = Condition()
        self._buffers: dict[str, _Buffer] = {}
        self._turns: deque[str] = deque()
        self._full = False  # memory is short: nothing more is let in
        self._work = WorkTime()

    def __len__(self) -> int:
        with self._changed:
            return sum(len(one.waiting) for one in self._buffers.values())

    def depths(self) -> dict[str, int]:
        """Frames that wait, by camera."""
        with self._changed:
            return {camera: len(one.waiting) for camera, one in self._buffers.items()}

    def ages(self) -> dict[str, float]:
        """Seconds that the oldest frame of each camera has been here; 0 where none waits."""
        with self._changed:
            now_s = self._clock()
            return {
                camera: now_s - one.waiting[0].arrival.frame.arrived_s if one.waiting else 0.0
                for camera, one in self._buffers.items()
            }

    def took(self, seconds: float) -> None:
        """From a live frame's turn until it was kept: what is taken next has to leave so much of its budget."""
        with self._changed:
            self._work = self._work.after(seconds)

    def oldest_s(self, policy: Policy) -> float:
        """The age up to which a frame gets its turn now."""
        return policy.oldest_s(self._work.likely_s)

    def press(self, *, full: bool) -> None:
        """Closes or opens the door while memory is short: archives wait, live frames are dropped."""
        with self._changed:
            self._full = full
            self._changed.notify_all()

    def put(self, entrant: Entrant, stop: Event) -> bool:
        """Lets a frame wait for its turn; False where it was dismissed at once. Blocks where its policy is to wait."""
        camera = entrant.ticket.camera
        with self._changed:
            buffer = self._buffer(camera, entrant.policy)
            if entrant.policy.when_behind is WhenBehind.WAIT:
                while self._full or len(buffer.waiting) >= entrant.policy.buffer_frames:
                    if stop.is_set():
                        break
                    self._changed.wait(LOOK_S)
            refused = stop.is_set() or self._full
            out = [] if refused else self._oldest(buffer, entrant.policy)
            if refused:
                entrant.arrival.freed()
            else:
                buffer.waiting.append(entrant)
                self._changed.notify()
        if refused:
            self._dismiss(entrant, Door.SHUTDOWN if stop.is_set() else Door.DROPPED_QUEUE_FULL)
        for one in out:
            self._dismiss(one, Door.DROPPED_QUEUE_FULL)
        return not refused

    def take(self, most: int, deadline_s: float, stop: Event) -> list[Entrant]:
        """The next batch: full, or what is there at the deadline after its first frame. Empty only when stopped."""
        while True:
            with self._changed:
                while not any(one.waiting for one in self._buffers.values()):
                    if stop.is_set():
                        return []
                    self._changed.wait(LOOK_S)
                end = self._clock() + deadline_s
                while self._count() < most and (left := end - self._clock()) > 0 and not stop.is_set():
                    self._changed.wait(min(left, LOOK_S))
                batch, stale = self._next(most)
                self._changed.notify_all()
            for one in stale:
                self._dismiss(one, Door.DROPPED_STALE)
            if batch:
                return batch

    def empty(self) -> list[Entrant]:
        """Everything that waits, for whoever ends the worker."""
        with self._changed:
            left = [one for buffer in self._buffers.values() for one in buffer.waiting]
            for one in left:
                one.arrival.freed()
            for buffer in self._buffers.values():
                buffer.waiting.clear()
            self._changed.notify_all()
        return left

    def _count(self) -> int:
        return sum(len(one.waiting) for one in self._buffers.values())

    def _buffer(self, camera: str, policy: Policy) -> _Buffer:
        if camera not in self._buffers:
            self._buffers[camera] = _Buffer(policy)
            self._turns.append(camera)
        return self._buffers[camera]

    def _oldest(self, buffer: _Buffer, policy: Policy) -> list[Entrant]:
        out = []
        while len(buffer.waiting) >= policy.buffer_frames:
            out.append(self._out_of(buffer.waiting))
        return out

    def _out_of(self, waiting: deque[Entrant]) -> Entrant:
        one = waiting.popleft()
        one.arrival.freed()
        return one

    def _next(self, most: int) -> tuple[list[Entrant], list[Entrant]]:
        """One frame of each camera in turn, from the camera after the last one on."""
        batch: list[Entrant] = []
        stale: list[Entrant] = []
        now_s, idle = self._clock(), 0
        while len(batch) < most and idle < len(self._turns):
            camera = self._turns[0]
            self._turns.rotate(-1)
            waiting = self._buffers[camera].waiting
            work_s = self._work.likely_s
            while waiting and waiting[0].policy.is_stale(waiting[0].arrival.frame.arrived_s, now_s, work_s):
                stale.append(self._out_of(waiting))
            if waiting:
                one = self._out_of(waiting)
                one.taken_s = now_s
                batch.append(one)
                idle = 0
            else:
                idle += 1
        return batch, stale
