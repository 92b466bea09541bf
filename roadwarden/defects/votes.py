"""The type of a defect: a vote of its sightings, each with the weight that the detector's confusion gives it.

Each look is turned into chances of the true type: its calibrated score for what was said, and the rest by the confusion
of the detector. Looks of different passes are taken as independent and multiplied (Bayes); looks of one pass share the
light, the angle and the model's habits, so n of them count as n ** ``POWER`` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from roadwarden.defects.confusion import INDEX, TYPES, Confusion, Shares, shipped_confusion
from roadwarden.taxonomy import DistressType

POWER = 0.5
LEAST, MOST = 0.02, 0.98
"""No score is taken as certainty."""
SHOWN = 0.005
MOST_DOUBT = 6.0
_POSSIBLE = 0.25


@dataclass(frozen=True, slots=True)
class Vote:
    """``shares``: chances of the true type, the likeliest first, those of at least half a per cent; ``margin``: how far
    the first is ahead of the second, 0..1.
    """

    type: DistressType
    shares: tuple[tuple[DistressType, float], ...]
    margin: float


def evidence(types: npt.NDArray[np.intp], scores: Shares, confusion: Confusion | None = None) -> Shares:
    """(n, T) log of how much likelier each true type became by each look, beside how common it is."""
    known = confusion or shipped_confusion()
    looks = np.arange(len(types))
    likely = known.said_given_true.T[types] * known.prior
    likely[looks, types] = 0.0
    sure = np.clip(scores, LEAST, MOST)
    chances = likely / likely.sum(axis=1, keepdims=True) * (1 - sure)[:, None]
    chances[looks, types] = sure
    return np.asarray(np.log(chances) - np.log(known.prior))


def in_one_pass(sums: Shares, looks: npt.NDArray[np.float64]) -> Shares:
    """Evidence of passes, (m, T): the sums over each pass's looks, tempered for what those have in common."""
    return np.asarray(sums * (looks ** (POWER - 1))[:, None])


def chances(total: Shares, confusion: Confusion | None = None) -> Shares:
    """(m, T) chances of the true types from (m, T) sums of evidence; rows sum to 1."""
    logs = total + np.log((confusion or shipped_confusion()).prior)
    odds = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def doubt(one: Shares, other: Shares, confusion: Confusion | None = None) -> Shares:
    """(k,) how much speaks against one type of two things with these (k, T) chances: twice the log of the odds.

    0 where the types speak for it, ``MOST_DOUBT`` at most where the detector takes the one for the other - it errs
    alike in pass after pass, so its votes do not add up without end - and infinite where it never does.
    """
    known = confusion or shipped_confusion()
    odds = ((one * other) / known.prior).sum(axis=1)
    possible = ((one @ known.confusable) * other).sum(axis=1) >= _POSSIBLE
    return np.where(possible, np.clip(-2 * np.log(odds), 0.0, MOST_DOUBT), np.inf)


def vote(
    types: Sequence[DistressType], scores: Sequence[float], passes: Sequence[str], confusion: Confusion | None = None
) -> Vote:
    """The vote of sightings; raises ValueError where there are none."""
    if not types:
        raise ValueError("a vote needs at least one sighting")
    drives, member = np.unique(np.asarray(passes, dtype=str), return_inverse=True)
    said = evidence(np.array([INDEX[distress] for distress in types]), np.asarray(scores, np.float64), confusion)
    sums = np.zeros((len(drives), len(TYPES)))
    np.add.at(sums, member, said)
    total = in_one_pass(sums, np.bincount(member).astype(np.float64)).sum(axis=0, keepdims=True)
    return vote_of(chances(total, confusion)[0])


def vote_of(shares: Shares) -> Vote:
    """The vote that (T,) chances stand for; of equals the first of the taxonomy."""
    order = np.argsort(-shares, kind="stable")
    named = tuple((TYPES[index], float(shares[index])) for index in order if shares[index] >= SHOWN)
    return Vote(TYPES[order[0]], named, float(shares[order[0]] - shares[order[1]]))
