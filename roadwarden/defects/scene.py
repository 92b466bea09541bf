"""What clustering starts from: things, the pairs of them that may be one, and what clusters must hold to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from roadwarden.defects.looks import Indices
from roadwarden.defects.things import Things

NO_PAIRS: Indices = np.zeros((0, 2), np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """What clusters must hold to; (k, 2) arrays are pairs of things.

    Things of one ``host`` (n,) - a frame, a pass - are not one, unless both ``may_share`` (n,) it and are not
    ``beside`` each other. Where ``Prices.again`` is given they may all the same, at that price, if not ``both_seen``.
    """

    host: npt.NDArray[np.int64]
    may_share: npt.NDArray[np.bool_]
    together: Indices = field(default_factory=lambda: NO_PAIRS)
    never: Indices = field(default_factory=lambda: NO_PAIRS)
    beside: Indices = field(default_factory=lambda: NO_PAIRS)  # one host saw the two apart, though they may share it
    both_seen: Indices = field(default_factory=lambda: NO_PAIRS)  # at once, so they are two
    favoured: Indices = field(default_factory=lambda: NO_PAIRS)  # they look alike: the gate is twice as wide
    twice_seen: bool = False  # of ``things.fold``


@dataclass(frozen=True, slots=True)
class Prices:
    """In squared sigmas, twice the log of odds."""

    gate: float  # what being by itself costs, so the most that joining may
    floor_m: float  # added to the error of each place
    again: float = np.inf  # what it costs more that one host shows one thing as two
    moves: int = 0  # times that things may move to another cluster


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """``linked``: (k, 2) pairs that may be one; ``island``: (n,) what they join."""

    things: Things
    linked: Indices
    island: Indices
    bounds: Bounds
    prices: Prices
