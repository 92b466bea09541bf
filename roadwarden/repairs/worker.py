"""The worker that keeps the 24 hours: takes the report whose deadline is nearest, judges it, keeps the verdict.

Nothing is held in memory between two reports, so it may be killed at any moment; what was taken is free again once its
lease has run out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from roadwarden.cases.assessments import JobState, Wait
from roadwarden.errors import ConfigError, MissingExtra, ModelError, PictureAway, StaleCase, StorageAway
from roadwarden.repairs.case_pictures import NO_HINTS, CaseHints
from roadwarden.service.assessing import Assessing, Judged, Recorded
from roadwarden.service.case_looks import Taken

logger = logging.getLogger(__name__)

LONGEST_WAIT_S = 30.0


class Judge(Protocol):
    """What judges one report."""

    def judge(self, taken: Taken, hints: CaseHints = ...) -> Judged:
        """Raises PictureAway where a picture is not here yet."""


class Watch(Protocol):
    """What counts the work for people who watch."""

    def judged(self, recorded: Recorded, seconds: float) -> None:
        """A verdict was kept."""

    def failed(self, why: Wait) -> None:
        """A report could not be judged."""


@dataclass(slots=True)
class Tally:
    """What came of some work."""

    verdicts: Counter[str] = field(default_factory=Counter)
    to_people: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    lost: int = 0  # judged, and somebody else was faster

    @property
    def done(self) -> int:
        """Verdicts kept."""
        return sum(self.verdicts.values())


@dataclass(slots=True)
class Worker:
    """One process's part of the queue; ``open_judge`` raises ModelError where there is no model."""

    queue: Assessing
    open_judge: Callable[[], Judge]
    watch: Watch | None = None
    hints: CaseHints = NO_HINTS
    _judge: Judge | None = None

    def once(self, stopped: Callable[[], bool] = lambda: False) -> Tally:
        """Everything that is due now. Raises StorageAway where the database is away."""
        tally = Tally()
        self.queue.sync()
        while not stopped() and (taken := self.queue.take()) is not None:
            self._one(taken, tally)
        return tally

    def run(self, stop: threading.Event, every_s: float, tell: Callable[[Tally], None] = lambda _tally: None) -> None:
        """Until ``stop``; the report at hand is finished first. A database that is away is waited for."""
        wait_s = every_s
        while not stop.is_set():
            try:
                tell(self.once(stop.is_set))
                wait_s = every_s
            except StorageAway as exc:
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
                logger.warning("%s; trying again in %.0f s", exc, wait_s)
            stop.wait(wait_s)

    def _one(self, taken: Taken, tally: Tally) -> None:
        begun = time.monotonic()
        try:
            recorded = self.queue.keep(taken, self._ready().judge(taken, self.hints))
        except StaleCase as exc:
            logger.warning("%s", exc)
            tally.lost += 1
        except StorageAway:
            self.queue.release(taken.job)
            raise
        except PictureAway as exc:
            self._failed(taken, Wait.NO_PICTURES, str(exc), tally)
        except (ModelError, ConfigError, MissingExtra) as exc:
            self._failed(taken, Wait.NO_MODEL, str(exc), tally)
        except Exception as exc:
            logger.exception("case %s: report %s cannot be judged", taken.job.case, taken.job.report_seq)
            self._failed(taken, Wait.FAILED, f"{type(exc).__name__}: {exc}", tally)
        else:
            tally.verdicts[recorded.assessment.verdict.value] += 1
            if recorded.wait is not None:
                tally.to_people[recorded.wait.value] += 1
            if self.watch is not None:
                self.watch.judged(recorded, time.monotonic() - begun)

    def _ready(self) -> Judge:
        """The judge, made when it is first wanted: a model that comes back is found by the next report."""
        if self._judge is None:
            self._judge = self.open_judge()
        return self._judge

    def _failed(self, taken: Taken, why: Wait, error: str, tally: Tally) -> None:
        state = self.queue.fail(taken.job, why, error)
        tally.failed[why.value] += 1
        if state is not JobState.WAITING:
            tally.to_people[why.value] += 1
        if self.watch is not None:
            self.watch.failed(why)
