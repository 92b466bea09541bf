"""The values that evaluation speaks: what is there, what was seen, and which street it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from roadwarden.detections import Boxes, Detections
from roadwarden.taxonomy import DistressType


@dataclass(frozen=True, slots=True)
class Seen:
    """Detections under test, best score first; a type of ``None`` abstains: something is there, no type said."""

    boxes_xyxy: Boxes
    types: tuple[DistressType | None, ...]
    scores: npt.NDArray[np.float32]  # (n,), 0..1

    def __post_init__(self) -> None:
        if self.boxes_xyxy.shape != (len(self.types), 4) or self.scores.shape != (len(self.types),):
            raise ValueError(
                f"{self.boxes_xyxy.shape} boxes, {len(self.types)} types, {self.scores.shape} scores do not agree"
            )

    def __len__(self) -> int:
        return len(self.types)

    @classmethod
    def of(cls, detections: Detections) -> Seen:
        """What a detector of ours saw."""
        return cls(detections.boxes_xyxy, detections.types, detections.scores)

    def take(self, indices: Sequence[int] | npt.NDArray[np.intp]) -> Seen:
        """Those rows, in that order."""
        chosen = np.asarray(indices, dtype=np.intp)
        return Seen(self.boxes_xyxy[chosen], tuple(self.types[index] for index in chosen), self.scores[chosen])

    def at(self, thresholds: Mapping[DistressType, float]) -> Seen:
        """What reaches the threshold of its type; abstentions need the lowest of them."""
        lowest = min(thresholds.values(), default=0.0)
        limits = [lowest if one is None else thresholds.get(one, np.inf) for one in self.types]
        return self.take(np.flatnonzero(self.scores >= np.array(limits, np.float32)))


@dataclass(frozen=True, slots=True)
class JudgedFrame:
    """One frame: its true boxes, and what was seen at a threshold low enough to choose from."""

    name: str  # path relative to the data set
    group: str  # frames of different groups show different streets: the unit of folds and of the bootstrap
    place: str  # frames of one place show the same piece of road; empty where none is known
    width: int
    height: int
    true_boxes: Boxes
    true_types: tuple[DistressType, ...]
    seen: Seen

    def at(self, thresholds: Mapping[DistressType, float]) -> JudgedFrame:
        """The same frame at an operating point."""
        return replace(self, seen=self.seen.at(thresholds))
