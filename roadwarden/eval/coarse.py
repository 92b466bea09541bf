"""For truth that says crack and not which kind: a coarser figure, which is not type accuracy and never called so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from roadwarden.eval.judged import JudgedFrame
from roadwarden.taxonomy import DistressType

CRACKS = frozenset(
    {
        DistressType.LONGITUDINAL_CRACK,
        DistressType.TRANSVERSE_CRACK,
        DistressType.ALLIGATOR_CRACK,
        DistressType.BLOCK_CRACK,
        DistressType.LINEAR_CRACK,
    }
)
NOTE = (
    "cracks of every kind count as one type, because the truth does not tell them apart: "
    "the accuracy is of crack against pothole, not type accuracy"
)


def with_cracks_merged(frames: Sequence[JudgedFrame]) -> list[JudgedFrame]:
    """The frames, at their operating point already, with one type for all cracks, said and true."""
    return [
        replace(
            frame,
            true_types=tuple(_merged(one) for one in frame.true_types),
            seen=replace(frame.seen, types=tuple(None if one is None else _merged(one) for one in frame.seen.types)),
        )
        for frame in frames
    ]


def _merged(distress: DistressType) -> DistressType:
    return DistressType.LINEAR_CRACK if distress in CRACKS else distress
