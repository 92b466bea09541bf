"""What other people's label names mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from roadwarden.errors import DataError
from roadwarden.taxonomy import KNOWN_RDD_CODES, DistressType, from_rdd, parse_type

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""


def type_of_label(name: str) -> DistressType | None:
    """The type of a taxonomy id or an RDD2022 label; None for an RDD2022 label that is no distress.

    Raises DataError for a name that is neither: left out silently, it would make the truth smaller.
    """
    name = name.strip()
    if name in KNOWN_RDD_CODES:
        return from_rdd(name)
    try:
        return parse_type(name)
    except DataError as exc:
        raise DataError(f"{exc}; RDD2022 labels ({', '.join(sorted(KNOWN_RDD_CODES))}) are understood too") from exc


def known_boxes(
    rows: Sequence[tuple[Box, DistressType | None]],
) -> tuple[npt.NDArray[np.float32], tuple[DistressType, ...]]:
    """(n, 4) boxes and their types, without those of no type and those without an area."""
    kept = [(box, one) for box, one in rows if one is not None and box[2] > box[0] and box[3] > box[1]]
    return np.array([box for box, _ in kept], np.float32).reshape(-1, 4), tuple(one for _, one in kept)
