"""Seeded noise: what makes a painted surface look like a material."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]


def fine(generator: np.random.Generator, shape: tuple[int, int]) -> Field:
    """White noise of unit variance."""
    return generator.standard_normal(shape, dtype=np.float32)


def smooth(generator: np.random.Generator, shape: tuple[int, int], grain_px: float) -> Field:
    """Noise of about unit variance whose features are ``grain_px`` large."""
    coarse = (max(2, round(shape[0] / grain_px) + 3), max(2, round(shape[1] / grain_px) + 3))
    grown = cv2.resize(fine(generator, coarse), (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown * 1.3, np.float32)


def surface(generator: np.random.Generator, shape: tuple[int, int], grains: dict[float, float]) -> Field:
    """Sum of noises: grain in pixels to strength; a grain of 1 is white noise."""
    total = np.zeros(shape, np.float32)
    for grain, strength in grains.items():
        layer = fine(generator, shape) if grain <= 1 else smooth(generator, shape, grain)
        total += strength * layer
    return total
