"""What is really wrong with the streets at a time: damage that has come, less what was mended, and what came back."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from scipy.spatial import cKDTree

from roadwarden.cases.events import CaseEvent
from roadwarden.service.city.damage import TrueDefect
from roadwarden.service.city.streets import MIDDLE
from roadwarden.service.city.work import HASTY_CREW, Office, crew_of

_COMES_BACK, _COMES_BACK_HASTY, _BACK_AFTER_DAYS = 0.06, 0.3, 18.0
_SAME_M = 3.0
"""A case is about the nearest thing, at most this far from where it was placed."""


@dataclass(slots=True)
class Streets:
    """The true state of all streets; a repair of a time counts for later times only."""

    things: Sequence[TrueDefect]
    seed: int
    _mends: dict[int, list[tuple[datetime, str]]] = field(default_factory=lambda: defaultdict(list))
    _by_segment: dict[str, list[TrueDefect]] = field(default_factory=lambda: defaultdict(list))
    _places: cKDTree = field(init=False)

    def __post_init__(self) -> None:
        for one in self.things:
            self._by_segment[one.place.segment].append(one)
        metres = MIDDLE.to_metres([(one.position.lat, one.position.lon) for one in self.things])
        self._places = cKDTree(metres)

    def present(self, segments: Iterable[str], at: datetime) -> list[TrueDefect]:
        """What is to be seen on these segments then, by number."""
        found = [one for name in segments for one in self._by_segment.get(name, ()) if self.is_there(one, at)]
        return sorted(found, key=lambda one: one.number)

    def is_there(self, one: TrueDefect, at: datetime) -> bool:
        """Whether it has come, and was not mended since, or came back."""
        mends = self._mends.get(one.number, [])
        number = bisect.bisect_right([moment for moment, _ in mends], at)
        since = self._back_at(one, number, *mends[number - 1]) if number else one.since
        return since is not None and since <= at

    def at_place(self, lat: float | None, lon: float | None) -> TrueDefect | None:
        """The nearest thing that ever was or will be there."""
        if lat is None or lon is None:
            return None
        away, row = self._places.query(MIDDLE.to_metres([(lat, lon)])[0])
        return self.things[int(row)] if away <= _SAME_M else None

    def mend(self, one: TrueDefect, at: datetime, crew: str) -> bool:
        """The hole is gone; False where it was not there, or this is known already. What only looks so, stays."""
        if not one.is_damage or not self.is_there(one, at):
            return False
        bisect.insort(self._mends[one.number], (at, crew))
        return True

    def replay(self, histories: Iterable[Sequence[CaseEvent]], office: Office) -> None:
        """Mends what the reports of all cases say and is true; in order of time."""
        done = sorted(
            (event.received_at, event.case, event, one)
            for events in histories
            if (one := self._of(events)) is not None
            for event in events
            if office.is_mended(event, events)
        )
        for at, _, event, one in done:
            self.mend(one, at, crew_of(event))

    @property
    def mended(self) -> int:
        """Repairs that were really done."""
        return sum(map(len, self._mends.values()))

    def _of(self, events: Sequence[CaseEvent]) -> TrueDefect | None:
        filed = events[0].data
        return self.at_place(getattr(filed, "latitude", None), getattr(filed, "longitude", None))

    def _back_at(self, one: TrueDefect, times: int, at: datetime, crew: str) -> datetime | None:
        """When what was mended so many times breaks again; the hasty crew's work more often."""
        chance = np.random.default_rng([self.seed, one.number, times])
        if chance.random() >= (_COMES_BACK_HASTY if crew == HASTY_CREW else _COMES_BACK):
            return None
        return at + timedelta(days=float(chance.exponential(_BACK_AFTER_DAYS)))
