"""The quality gate: which frames are fit to be judged at all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from roadwarden.detections import Image

LONG_SIDE_PX = 384
GRID = 6


class QualityProblem(StrEnum):
    """Why a frame cannot be judged; the word after ``poor_quality:``."""

    DARK = "dark"
    OVEREXPOSED = "overexposed"
    OBSTRUCTED = "obstructed"
    BLURRED = "blurred"


@dataclass(frozen=True, slots=True)
class QualityThresholds:
    """Limits of a usable frame, on a copy whose longer side is 384 px so that no camera is preferred."""

    dark_mean: float = 28.0  # mean grey level, 0..255, below which a frame is dark
    overexposed_share: float = 0.45  # share of pixels at 250 or more
    flat_share: float = 0.50  # share of grid cells without any texture: something covers the lens
    flat_deviation: float = 1.6  # grey levels; a cell with less is without texture
    blur: float = 22.0  # variance of the Laplacian over the sharpest half of the grid


DEFAULT_THRESHOLDS = QualityThresholds()


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured, and the problems it means, the gravest first."""

    brightness_mean: float
    overexposed_share: float
    flat_share: float
    sharpness: float
    problems: tuple[QualityProblem, ...]

    @property
    def usable(self) -> bool:
        """Whether the detector may see it."""
        return not self.problems


def judge(image: Image, thresholds: QualityThresholds = DEFAULT_THRESHOLDS) -> Quality:
    """Measures one frame."""
    grey = _small_grey(image)
    mean, over = float(grey.mean()), float((grey >= 250).mean())
    flat, sharpness = _texture(grey, thresholds.flat_deviation)
    found = {
        QualityProblem.DARK: mean < thresholds.dark_mean,
        QualityProblem.OVEREXPOSED: over > thresholds.overexposed_share,
        QualityProblem.OBSTRUCTED: flat > thresholds.flat_share,
        QualityProblem.BLURRED: sharpness < thresholds.blur,
    }
    return Quality(mean, over, flat, sharpness, tuple(problem for problem, there in found.items() if there))


def _small_grey(image: Image) -> npt.NDArray[np.uint8]:
    scale = LONG_SIDE_PX / max(image.shape[:2])
    size = (max(GRID, round(image.shape[1] * scale)), max(GRID, round(image.shape[0] * scale)))
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)  # first grey, then small: a third of the work
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def _texture(grey: npt.NDArray[np.uint8], flat_deviation: float) -> tuple[float, float]:
    """(share of flat grid cells, variance of the Laplacian in the sharpest half of the cells)."""
    deviations = np.sqrt(_cell_variances(grey.astype(np.float32)))
    variances = np.sort(_cell_variances(cv2.Laplacian(grey, cv2.CV_32F)), axis=None)
    return float((deviations < flat_deviation).mean()), float(variances[variances.size // 2 :].mean())


def _cell_variances(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Variance inside each of GRID x GRID cells, from the sums of values and squares: one pass over the picture."""
    starts = [np.linspace(0, side, GRID, endpoint=False).astype(np.intp) for side in values.shape]
    sizes = [np.diff([*start, side]) for start, side in zip(starts, values.shape, strict=True)]
    count = np.outer(*sizes)

    def mean(field: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        rows = np.add.reduceat(field, starts[0], axis=0, dtype=np.float64)
        return np.asarray(np.add.reduceat(rows, starts[1], axis=1) / count, np.float64)

    return np.asarray(np.maximum(mean(values * values) - mean(values) ** 2, 0), np.float64)
