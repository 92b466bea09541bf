"""Boxes as they lie on the road."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.float64]


class Refusal(StrEnum):
    """Why a box has no place on the road."""

    ABOVE_HORIZON = "above_horizon"  # some of it is not on the ground
    TOO_FAR = "too_far"  # beyond the reach that the camera's file allows
    DEGENERATE = "degenerate"  # no width or no height, or not a number


@dataclass(frozen=True, slots=True, eq=False)
class GroundPatches:
    """n boxes in metres on the road, seen from a ``Pose``: x forward along the heading, y to the left.

    Rows of refused boxes are NaN and carry the reason. Length is along the camera's view and width across it.
    """

    centre_m: Column  # (n, 2) x, y of the middle of the distress
    covariance_m2: Column  # (n, 2, 2) of the centre, in the same axes
    length_m: Column  # (n,)
    width_m: Column  # (n,)
    length_sigma_m: Column  # (n,)
    width_sigma_m: Column  # (n,)
    cut: npt.NDArray[np.bool_]  # (n,) the box ends at the frame's border: its size is at least this
    refused: tuple[Refusal | None, ...]

    def __post_init__(self) -> None:
        count = len(self.refused)
        shapes = [column.shape for column in (self.length_m, self.width_m, self.length_sigma_m, self.width_sigma_m)]
        if (
            self.centre_m.shape != (count, 2)
            or self.covariance_m2.shape != (count, 2, 2)
            or any(shape != (count,) for shape in [*shapes, self.cut.shape])
        ):
            raise ValueError(f"{count} patches, but columns of {self.centre_m.shape}, {shapes}")

    def __len__(self) -> int:
        """Number of boxes, the refused ones too."""
        return len(self.refused)

    @property
    def placed(self) -> npt.NDArray[np.bool_]:
        """(n,) which boxes have a place."""
        return np.array([reason is None for reason in self.refused], np.bool_)
