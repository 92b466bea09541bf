"""What a said type tells about the true one: the detector's confusion, as data (``tables/confusion.yaml``)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from roadwarden.defects.tables import Sourced
from roadwarden.settings import read_shipped_table
from roadwarden.taxonomy import DistressType

TYPES = tuple(DistressType)
"""The order of every axis of types in this room."""
INDEX = {distress: index for index, distress in enumerate(TYPES)}
_EPSILON = 1e-3

Shares = npt.NDArray[np.float64]


class ConfusionTable(Sourced):
    """Counts of the detector's answers, and what to think where there are none."""

    version: str
    types: tuple[DistressType, ...] = Field(min_length=1, description="order of rows and columns")
    counts: tuple[tuple[int, ...], ...] = Field(description="rows: true; columns: said")
    row_weight: float = Field(gt=0, description="most looks that a row counts as")
    prior_weight: float = Field(gt=0, description="imagined looks added to each row")
    prior_right: float = Field(gt=0, lt=1, description="share of them that are right")
    rest_right: float = Field(gt=0, lt=1, description="how often a type outside 'types' is said rightly")
    families: dict[DistressType, tuple[DistressType, ...]] = Field(description="coarse type to its finer ones")

    @model_validator(mode="after")
    def _square(self) -> ConfusionTable:
        if len(self.counts) != len(self.types) or any(len(row) != len(self.types) for row in self.counts):
            raise ValueError(f"counts: give {len(self.types)} rows of {len(self.types)}, one for each of 'types'")
        return self


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """``said_given_true``: (T, T), rows sum to 1; ``prior``: (T,) how common each type is; both over ``TYPES``."""

    said_given_true: Shares
    prior: Shares
    confusable: npt.NDArray[np.bool_]  # (T, T) whether looks at one thing may say both
    version: str


@cache
def shipped_confusion() -> Confusion:
    """That of the shipped detector."""
    return confusion_of(read_shipped_table("confusion.yaml", ConfusionTable))


def confusion_of(table: ConfusionTable) -> Confusion:
    """The table as probabilities over all types; no cell is zero: nothing is impossible, much is unlikely."""
    matrix = np.eye(len(TYPES)) * table.rest_right
    rows = [INDEX[distress] for distress in table.types]
    counts = np.array(table.counts, np.float64)
    spread = (1 - table.prior_right) / max(1, len(rows) - 1)
    imagined = np.full(counts.shape, spread) + np.eye(len(rows)) * (table.prior_right - spread)
    held = np.minimum(1.0, table.row_weight / np.maximum(1, counts.sum(axis=1, keepdims=True)))
    matrix[np.ix_(rows, rows)] = counts * held + table.prior_weight * imagined
    for coarse, finer in table.families.items():
        members = [INDEX[distress] for distress in finer]
        matrix[INDEX[coarse], members] += matrix[INDEX[coarse]].sum() / len(members)
        matrix[members, INDEX[coarse]] += matrix[members].sum(axis=1) / (1 + len(members))
    matrix /= matrix.sum(axis=1, keepdims=True)
    confusable = (matrix @ matrix.T) > 0
    matrix = (1 - _EPSILON) * matrix + _EPSILON / len(TYPES)
    prior = np.ones(len(TYPES))
    prior[rows] += (counts * held).sum(axis=1) + table.prior_weight
    return Confusion(matrix, prior / prior.sum(), confusable, table.version)
