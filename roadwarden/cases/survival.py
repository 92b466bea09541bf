"""How long repairs last: the Kaplan-Meier curve with its band, and whether two groups differ (log-rank)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Column = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The share of repairs that last at least so long; steps down at each return."""

    days: Column  # ascending: every end of a spell
    lasting: Column  # share that lasts longer than that
    low: Column  # 95 % band (exponential Greenwood), NaN where there is none yet
    high: Column
    repairs: int
    returns: int

    @property
    def median_days(self) -> float | None:
        """When half have come back; None where more than half last to the end of what is known."""
        below = np.flatnonzero(self.lasting <= 0.5)
        return float(self.days[below[0]]) if len(below) else None

    @property
    def known_to_days(self) -> float:
        """The longest spell; 0 of none."""
        return float(self.days[-1]) if len(self.days) else 0.0

    def lasting_at(self, days: float) -> tuple[float, float, float] | None:
        """Share that lasts longer, with the ends of its band; None beyond what is known."""
        if days > self.known_to_days:
            return None
        at = int(np.searchsorted(self.days, days, side="right")) - 1
        if at < 0:
            return 1.0, 1.0, 1.0
        low, high = float(self.low[at]), float(self.high[at])
        share = float(self.lasting[at])
        return share, low if np.isfinite(low) else share, high if np.isfinite(high) else share


def curve(days: Sequence[float], returned: Sequence[bool]) -> Curve:
    """Of spells by their length, those without a return being longer than that."""
    if not days:
        empty = np.zeros(0)
        return Curve(empty, empty, empty, empty, 0, 0)
    survival = stats.ecdf(_sample(days, returned)).sf
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # no band before the first return: NaN says so
        band = survival.confidence_interval(method="log-log")
    return Curve(
        days=np.asarray(survival.quantiles, np.float64),
        lasting=np.asarray(survival.probabilities, np.float64),
        low=np.asarray(band.low.probabilities, np.float64),
        high=np.asarray(band.high.probabilities, np.float64),
        repairs=len(days),
        returns=sum(returned),
    )


def differs(
    days: Sequence[float], returned: Sequence[bool], others: Sequence[float], others_returned: Sequence[bool]
) -> float:
    """P of the log-rank test that both last alike; 1 where nothing came back, or one of them is empty."""
    if not days or not others or not (any(returned) or any(others_returned)):
        return 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        p = float(stats.logrank(_sample(days, returned), _sample(others, others_returned)).pvalue)
    return p if np.isfinite(p) else 1.0


def _sample(days: Sequence[float], returned: Sequence[bool]) -> stats.CensoredData:
    return stats.CensoredData.right_censored(np.asarray(days, np.float64), ~np.asarray(returned, np.bool_))
