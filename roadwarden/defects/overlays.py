"""The greatest of many values laid over ranges of one axis, in n log n and without a loop over the ranges."""

from __future__ import annotations

import numpy as np

from roadwarden.defects.roadways import Ints


def greatest_over(count: int, first: Ints, last: Ints, values: Ints, nothing: int) -> Ints:
    """(count,) for each place the greatest value of the ranges ``[first, last)`` that hold it, else ``nothing``.

    A sparse table filled from the top: a range is two overlapping blocks whose length is a power of two; blocks hand
    their value down to their halves, level by level. Time (count + ranges) x log count.
    """
    lengths = last - first
    kept = lengths > 0
    first, last, values, lengths = first[kept], last[kept], values[kept], lengths[kept]
    held = np.full(count, nothing, np.int64)
    if not len(first):
        return held
    level = np.frexp(lengths.astype(np.float64))[1] - 1  # floor of the binary logarithm, exact below 2**53
    for power in range(int(level.max()), -1, -1):
        here, block = level == power, 1 << power
        np.maximum.at(held, first[here], values[here])
        np.maximum.at(held, last[here] - block, values[here])
        if power:
            half = block >> 1
            handed = held.copy()
            np.maximum(handed[half:], held[:-half], out=handed[half:])
            held = handed
    return held
