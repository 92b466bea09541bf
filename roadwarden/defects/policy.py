"""The numbers that merging goes by. Another set of numbers is another result, so a store keeps one set."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MergingPolicy:
    """Lengths in metres, standard deviations of one axis; measured on the synthetic street (docs/merging.md)."""

    own_share: float = 0.03
    """Of the variance that a place has along every axis: what is the look's own, not its pass's. Looks of one pass at
    one thing lie 0.15 m (one axis) about their mean where fixes err by 1 m."""
    gate: float = 9.21
    """Squared sigmas apart, with the doubt about type and size, within which two are one: 99 % of chi² (2)."""
    reach_m: float = 2.5
    """No two looks at a thing lie further apart than this once passes are aligned, whatever their covariance says."""
    pass_floor_m: float = 0.15
    """What the place of a thing in one pass errs by, however many looks there were."""
    map_floor_m: float = 0.15
    """The same between passes."""
    again: float = 4.0
    """What it costs, in the gate's units, that one pass saw a thing as two, never both in one frame."""
    moves: int = 6
    """Times that tracks may move from one defect to another that they fit better."""
    twice_m: float = 0.5
    """Boxes of one frame count as at least so long and wide when it is asked whether one thing was drawn twice."""
    whole_m: float = 3.0
    """A thing up to this long is seen whole; of a longer one a look may show any part."""
    aside_m: float = 0.8
    """Pieces of one crack that a pass saw apart lie no further than this beside each other's line."""
    drift_reach_m: float = 4.0
    """Passes are aligned by pairs of looks no further apart than this."""
    tile_m: float = 32.0
    """Passes are aligned tile by tile, from what lies in the tile and half a tile around it."""
    sharpen_m: tuple[float, ...] = (1.5, 1.0, 0.7, 0.5, 0.35)
    """How far pairs may disagree, round after round of the alignment."""
    passes_compared: int = 16
    """Each pass is compared with so many before it and, beyond, with every 2nd, 4th, 8th power of two."""

    def __post_init__(self) -> None:
        if min(self.gate, self.reach_m, self.whole_m, self.drift_reach_m, *self.sharpen_m, self.passes_compared) <= 0:
            raise ValueError(f"{self}: gates, reaches and rounds are positive")
        if self.tile_m < 4 * max(self.reach_m, self.drift_reach_m):
            raise ValueError(f"tile_m {self.tile_m}: a tile is at least four times as wide as a reach")
