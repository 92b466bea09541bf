"""A monotone mapping of scores, so that a confidence of 0.7 is right in seven of ten cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
CLOSEST = 1e-6
"""Scores are kept this far from 0 and 1, where the logit is infinite."""


@dataclass(frozen=True, slots=True)
class ScoreMap:
    """New score = sigmoid(slope * logit(score) + offset): rises with the score, since slope is positive.

    Platt 1999; with an offset of 0 it is the temperature scaling of Guo et al. 2017.
    """

    slope: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not self.slope > 0:
            raise ValueError(f"slope {self.slope}: a mapping must keep the order of scores")

    @property
    def temperature(self) -> float:
        """What the logits are divided by."""
        return 1 / self.slope

    def apply(self, scores: Scores) -> Scores:
        """The scores mapped, same shape and order; the identity changes no bit."""
        if self == ScoreMap():
            return scores
        return np.asarray(sigmoid(self.slope * logit(scores) + self.offset), np.float32)

    def inverse(self, score: float) -> float:
        """The score that is mapped to this one."""
        if self == ScoreMap():
            return score
        return float(sigmoid((logit(np.array([score])) - self.offset) / self.slope)[0])


def logit(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Log odds."""
    inside = np.clip(scores.astype(np.float64), CLOSEST, 1 - CLOSEST)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def sigmoid(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The inverse of ``logit``; no overflow at either end."""
    return np.asarray(0.5 * (1 + np.tanh(values / 2)))
