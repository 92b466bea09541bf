"""Boxes as they lie on the road."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Column: TypeAlias = npt.NDArray[np.float64]
Points: TypeAlias = npt.NDArray[np.float64]
"""(n, 2): pixels u, v, or metres x, y."""


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

    def part(self, rows: slice) -> GroundPatches:
        """Those of some boxes."""
        return GroundPatches(
            self.centre_m[rows],
            self.covariance_m2[rows],
            self.length_m[rows],
            self.width_m[rows],
            self.length_sigma_m[rows],
            self.width_sigma_m[rows],
            self.cut[rows],
            self.refused[rows],
        )

    @property
    def placed(self) -> npt.NDArray[np.bool_]:
        """(n,) which boxes have a place."""
        return np.array([reason is None for reason in self.refused], np.bool_)


BORDER_PX = 1.5
"""A box that comes this near to the frame's border may go on beyond it."""
_STEP = 0.1
"""Of a sigma: the derivative is taken there and not over the whole bend of the far road."""


class GroundCamera(Protocol):
    """What looks at the road: pixels to metres and back; NaN where there is no answer."""

    def ground(self, pixels: Points) -> Points:
        """Metres x, y on the road under (n, 2) pixels; NaN above the horizon."""

    def pixels(self, metres: Points) -> Points:
        """Pixels of (n, 2) metres on the road."""


def measure(camera: GroundCamera, boxes: Column) -> Column:
    """(n, 4) x and y of the middle, length and width of what lies in (n, 4) boxes; NaN where some is not on the ground.

    Length from the middles of the lower and the upper edge; the middle of those two, seen again in the picture, gives
    the row where left and right edge are measured. So a round thing comes out with its own middle and size: its middle
    lies above the middle of the box's lower edge, and below the middle of the box. Off to the side, at slope s from the
    line of view, some of the length shows as width: sqrt(width^2 + (s length)^2) for round things.
    """
    left, top, right, bottom = boxes.T
    middle = (left + right) / 2
    near, far = camera.ground(np.stack([middle, bottom], 1)), camera.ground(np.stack([middle, top], 1))
    row = camera.pixels((near + far) / 2)[:, 1]
    west, east = camera.ground(np.stack([left, row], 1)), camera.ground(np.stack([right, row], 1))
    centre = (west + east) / 2
    return np.column_stack([centre, np.linalg.norm(far - near, axis=1), np.linalg.norm(east - west, axis=1)])


def spread(look: Callable[[Column], Column], values: Column, sigmas: Column) -> Column:
    """(n, k, k) covariance of ``look``'s (n, k) answer where independent ``values`` are unsure, by its derivatives."""
    total = None
    for index in np.flatnonzero(sigmas):
        step = np.zeros_like(values)
        step[index] = _STEP * sigmas[index]
        share = (look(values + step) - look(values - step)) / (2 * _STEP)
        outer = share[:, :, None] * share[:, None, :]
        total = outer if total is None else total + outer
    if total is None:
        answer = look(values)
        return np.zeros((*answer.shape, answer.shape[1]))
    return np.asarray(total)


def at_border(boxes: Column, width_px: int, height_px: int) -> npt.NDArray[np.bool_]:
    """(n,) which boxes may be cut off by the frame."""
    low, high = boxes[:, :2] <= BORDER_PX, boxes[:, 2:] >= np.array([width_px, height_px]) - BORDER_PX
    return np.asarray((low | high).any(axis=1))


def patches(
    measured: Column, covariance: Column, cut: npt.NDArray[np.bool_], refused: Sequence[Refusal | None]
) -> GroundPatches:
    """Puts (n, 4) measures and their (n, 4, 4) covariance together; refused rows become NaN."""
    gone = np.array([reason is not None for reason in refused], np.bool_)
    values, spreads = np.where(gone[:, None], np.nan, measured), np.where(gone[:, None, None], np.nan, covariance)
    return GroundPatches(
        centre_m=values[:, :2],
        covariance_m2=spreads[:, :2, :2],
        length_m=values[:, 2],
        width_m=values[:, 3],
        length_sigma_m=np.sqrt(spreads[:, 2, 2]),
        width_sigma_m=np.sqrt(spreads[:, 3, 3]),
        cut=cut,
        refused=tuple(refused),
    )


def refusals(boxes: Column, measured: Column, far: npt.NDArray[np.bool_]) -> tuple[Refusal | None, ...]:
    """The reason for each box, None where there is none to refuse it."""
    sound = np.asarray(np.isfinite(boxes).all(axis=1) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
    seen = np.asarray(np.isfinite(measured).all(axis=1))
    return tuple(
        Refusal.DEGENERATE if not ok else Refusal.ABOVE_HORIZON if not ground else Refusal.TOO_FAR if away else None
        for ok, ground, away in zip(sound, seen, far, strict=True)
    )
