"""What is asked for: how large, how long, how much goes wrong; and who drives where when. Pure, of a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from roadwarden.errors import ConfigError
from roadwarden.geo.network import RoadNetwork
from roadwarden.geo.places import RoadGrade

MIDNIGHT_UTC_H = 16
"""Hour of UTC at which a day begins in Hangzhou."""
SETS_OUT_H = (9.0, 14.0)
POLE_HOURS = (10.0, 15.0)
DEFECTS_A_ROAD, DEFECTS_A_ROAD_DAY = 6.0, 0.25
"""Of the weeks before, and of the days to come."""
_EVERY_DAYS = {RoadGrade.I: 4, RoadGrade.II: 6, RoadGrade.III: 9}
_BETWEEN_ROADS = timedelta(minutes=6)


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares, 0..1, and numbers of what goes wrong."""

    doubled: float = 0.05  # of messages: delivered again, some at once and some later
    late: float = 0.05  # of drives along a road: kept on board, and delivered hours later
    disorder: float = 0.3  # of handfuls: not in the order in which they were taken
    unset_clock: float = 0.01  # of messages: of a clock that was never set, or is a day ahead
    wrong_phone: float = 0.05  # of what crews record: of a phone whose clock is wrong by up to two hours
    broken_commits: float = 0.002  # of transactions: the connection is lost before they are kept
    lost_answers: float = 0.002  # of calls: kept, but the answer is lost, and they are repeated
    restarts: int = 6  # of all services, in the middle of a transaction

    def scaled(self, factor: float) -> Faults:
        """So many times as much; shares stay below a half."""
        shares = {name: min(0.5, factor * value) for name, value in asdict(self).items() if name != "restarts"}
        return Faults(**shares, restarts=round(factor * self.restarts))


@dataclass(frozen=True, slots=True)
class CityPlan:
    """A city and its weeks. ``until`` is a midnight in Hangzhou."""

    until: datetime
    roads: int = 200
    vehicles: int = 20
    poles: int = 30
    days: int = 90
    seed: int = 7
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        if min(self.roads, self.vehicles, self.days) < 1 or self.roads < 4 or self.poles < 0:
            raise ConfigError("a city wants 4 roads, a vehicle and a day or more, and no fewer poles than none")
        if self.until.tzinfo is None or self.until.astimezone(UTC).hour != MIDNIGHT_UTC_H:
            raise ConfigError(f"a city's last day ends at {MIDNIGHT_UTC_H}:00 UTC, midnight in Hangzhou")

    @property
    def begin(self) -> datetime:
        """Of the first day."""
        return self.until - timedelta(days=self.days)

    @property
    def defects(self) -> int:
        """Things that are or will be wrong with the roads, those of the weeks before included."""
        return round(self.roads * (DEFECTS_A_ROAD + DEFECTS_A_ROAD_DAY * self.days))

    def day(self, number: int) -> datetime:
        """When a day begins, from 0."""
        return self.begin + timedelta(days=number)

    def restart_days(self) -> frozenset[int]:
        """Days on which all services are killed; never the first."""
        count = min(self.faults.restarts, self.days - 1)
        return frozenset(1 + round((self.days - 2) * (number + 1) / (count + 1)) for number in range(count))

    def as_json(self) -> dict[str, Any]:
        """For the report, and to know the plan again."""
        return asdict(self) | {"until": self.until.isoformat(), "begin": self.begin.isoformat()}


@dataclass(frozen=True, slots=True)
class Trip:
    """One vehicle along one road."""

    vehicle: int
    segment: str
    at: datetime  # when it enters it


def last_midnight(now: datetime) -> datetime:
    """The newest midnight in Hangzhou."""
    today = now.astimezone(UTC).replace(hour=MIDNIGHT_UTC_H, minute=0, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def trips(plan: CityPlan, network: RoadNetwork, day: int) -> Iterator[Trip]:
    """Roads that are due on a day, dealt out to the vehicles; in order of time."""
    for turn, hour in enumerate(SETS_OUT_H):
        due = [
            one.id
            for row, one in enumerate(network.segments)
            if row % len(SETS_OUT_H) == turn and _is_due(plan, row, one.grade, day)
        ]
        for number, segment in enumerate(due):
            start = plan.day(day) + timedelta(hours=hour) + number // plan.vehicles * _BETWEEN_ROADS
            yield Trip(number % plan.vehicles, segment, start + timedelta(seconds=2 * (number % plan.vehicles)))


def _is_due(plan: CityPlan, row: int, grade: RoadGrade, day: int) -> bool:
    """As the patrol table wants it; in a short city every road at least three times."""
    every = min(_EVERY_DAYS[grade], max(1, plan.days // 3))
    return (day + row // len(SETS_OUT_H)) % every == 0


def poles_at(plan: CityPlan, network: RoadNetwork) -> Sequence[tuple[str, float]]:
    """Road and chainage of each pole, spread over the city."""
    rows = np.linspace(0, len(network) - 1, plan.poles).round().astype(int)
    return [
        (network.segments[row].id, 0.3 * network.length_m(network.segments[row].id) + 7.0 * (number % 3))
        for number, row in enumerate(rows.tolist())
    ]
