"""What is played and what goes wrong, when: a pure function of a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Spoil(StrEnum):
    """What is wrong with a frame itself."""

    NONE = "none"
    CORRUPT = "corrupt"  # its file ends in the middle, or is no picture
    WRONG_CLOCK = "wrong_clock"  # of a clock that was never set


class Arrives(StrEnum):
    """How it comes."""

    IN_TIME = "in_time"
    LATE = "late"  # seconds behind later ones: late and out of order
    AGAIN = "again"  # a second time


class Trouble(StrEnum):
    """What goes wrong around the frames."""

    KILL_WORKER = "kill_worker"  # SIGKILL; started again at once
    DATABASE_AWAY = "database_away"
    BROKER_RESTART = "broker_restart"  # SIGKILL; started again a few seconds later
    MODEL_SWAP = "model_swap"


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame: the number within its camera tells pass and place."""

    camera: str
    number: int
    spoil: Spoil = Spoil.NONE


@dataclass(frozen=True, slots=True)
class Play:
    """A frame is handed over."""

    at_s: float
    shot: Shot
    arrives: Arrives = Arrives.IN_TIME


@dataclass(frozen=True, slots=True)
class Strike:
    """Something goes wrong; ``which`` picks a worker, ``for_s`` how long it lasts."""

    at_s: float
    trouble: Trouble
    which: int = 0
    for_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Odds:
    """Shares of the frames, 0..1."""

    late: float = 0.12
    again: float = 0.10
    corrupt: float = 0.05
    wrong_clock: float = 0.03


@dataclass(frozen=True, slots=True)
class Score:
    """A whole evening."""

    plays: tuple[Play, ...]  # by time
    strikes: tuple[Strike, ...]  # by time

    @property
    def shots(self) -> frozenset[Shot]:
        """Every frame that is played, once."""
        return frozenset(one.shot for one in self.plays)


def compose(
    seed: int, seconds: float, rates: dict[str, float], workers: int, *, broker: bool, odds: Odds | None = None
) -> Score:
    """``rates``: frames a second of each camera."""
    chance = Random(seed)
    odds = odds or Odds()
    plays = [play for camera, rate in sorted(rates.items()) for play in _plays(camera, rate, seconds, odds, chance)]
    strikes = _strikes(seconds, workers, chance, broker=broker)
    return Score(tuple(sorted(plays, key=_when)), tuple(sorted(strikes, key=lambda one: one.at_s)))


def _plays(camera: str, rate: float, seconds: float, odds: Odds, chance: Random) -> list[Play]:
    found = []
    for number in range(max(1, int(seconds * rate))):
        at_s = number / rate
        late = chance.random() < odds.late
        found.append(
            Play(at_s + late * chance.uniform(2, 8), Shot(camera, number), Arrives.LATE if late else Arrives.IN_TIME)
        )
        if chance.random() < odds.again:
            found.append(Play(at_s + chance.uniform(0.5, 10), Shot(camera, number), Arrives.AGAIN))
        for spoil, share in ((Spoil.CORRUPT, odds.corrupt), (Spoil.WRONG_CLOCK, odds.wrong_clock)):
            if chance.random() < share:
                found.append(Play(at_s, Shot(camera, number, spoil)))
    return found


def _strikes(seconds: float, workers: int, chance: Random, *, broker: bool) -> list[Strike]:
    """Each kind at least once; over a long evening again and again, never two at the very same moment."""
    kinds = [(Trouble.KILL_WORKER, 45.0), (Trouble.DATABASE_AWAY, 100.0), (Trouble.MODEL_SWAP, 120.0)]
    if broker:
        kinds.append((Trouble.BROKER_RESTART, 90.0))
    found = []
    for place, (trouble, every_s) in enumerate(kinds):
        count = max(1, int(seconds / every_s))
        for number in range(count):
            at_s = seconds * (number + (place + 1) / (len(kinds) + 1) + chance.uniform(-0.08, 0.08)) / count
            longest_s = min(20.0, seconds / 5)
            found.append(
                Strike(max(0.0, at_s), trouble, chance.randrange(workers), chance.uniform(longest_s / 4, longest_s))
            )
    return found


def _when(play: Play) -> tuple[float, str, int, Sequence[str]]:
    return play.at_s, play.shot.camera, play.shot.number, (play.shot.spoil, play.arrives)
