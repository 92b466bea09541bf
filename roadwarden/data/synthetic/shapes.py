"""Lines and nets of distress, in metres on the road plane; each touches the outline it belongs to."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from roadwarden.data.synthetic.street import PlacedDefect, Polygon

CELL_M = 0.2
"""Fragments of alligator cracking: under 0.5 m, DOMAIN section 2."""


def crack_line(defect: PlacedDefect) -> Polygon:
    """(n, 2) points of a crack that runs along the longer side of the outline and touches all its sides."""
    generator = np.random.default_rng([defect.seed, 1])
    x1, y1, x2, y2 = defect.bounds
    along = np.linspace(0, 1, max(12, round(max(x2 - x1, y2 - y1) / 0.05)))
    across = _wander(generator, len(along))
    if x2 - x1 >= y2 - y1:
        return np.stack([x1 + along * (x2 - x1), y1 + across * (y2 - y1)], axis=1)
    return np.stack([x1 + across * (x2 - x1), y1 + along * (y2 - y1)], axis=1)


def _wander(generator: np.random.Generator, points: int) -> npt.NDArray[np.float64]:
    """A path between 0 and 1 that reaches both: slow drift and small kinks."""
    steps = np.cumsum(generator.normal(0, 1, points) * (generator.random(points) < 0.5))
    steps += 0.6 * generator.normal(0, 1, points) - np.linspace(0, steps[-1], points)
    return np.asarray((steps - steps.min()) / (np.ptp(steps) or 1.0), np.float64)


def branches(line: Polygon, generator: np.random.Generator) -> list[Polygon]:
    """A few short side cracks that stay close to the line."""
    found = []
    for start in generator.choice(len(line) - 6, size=max(1, len(line) // 40), replace=False):
        along = line[start : start + 6] - line[start]
        turn = math.radians(float(generator.choice([-1, 1]) * generator.uniform(15, 35)))
        turned = along @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        low, high = line.min(axis=0), line.max(axis=0)
        found.append(np.clip(line[start] + turned, low, high))
    return found


def fragments(defect: PlacedDefect, points: Polygon) -> npt.NDArray[np.intp]:
    """Which fragment of the crack net each of (n, 2) points lies in."""
    generator = np.random.default_rng([defect.seed, 2])
    x1, y1, x2, y2 = defect.bounds
    centres = np.stack(np.meshgrid(np.arange(x1, x2, CELL_M), np.arange(y1, y2, CELL_M)), axis=-1).reshape(-1, 2)
    centres += generator.uniform(-0.45, 0.45, centres.shape) * CELL_M
    bends = 0.035 * np.stack([np.sin(31 * points[:, 1] + 9 * points[:, 0]), np.sin(27 * points[:, 0])], axis=1)
    return np.asarray(cKDTree(centres).query(points + bends)[1], np.intp)
