"""Polygons, cut by half planes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


def clip_polygon(polygon: Points, inside: Points) -> Points:
    """The part of a convex polygon, (n, d), where ``inside``, a linear function given at its corners, is not negative.

    Sutherland and Hodgman, Reentrant polygon clipping, 1974.
    """
    kept = []
    for point, following, here, there in zip(
        polygon, np.roll(polygon, -1, axis=0), inside, np.roll(inside, -1), strict=True
    ):
        if here >= 0:
            kept.append(point)
        if here * there < 0:
            kept.append(point + (following - point) * here / (here - there))
    return np.array(kept, np.float64).reshape(-1, polygon.shape[1])
