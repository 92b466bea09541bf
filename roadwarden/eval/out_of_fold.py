"""Out-of-fold predictions: every frame of train and val with what the model that was not shown its streets saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roadwarden.data.splits import FOLDED_PARTS, FOLDED_SOURCE, annotated, read_folds, read_splits, select
from roadwarden.errors import DataError
from roadwarden.eval.judged import JudgedFrame
from roadwarden.eval.predictions import join, read_jobs
from roadwarden.eval.truth import TrueFrame


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """The frames of the folds at hand; frames of the ``missing`` ones are left out."""

    frames: list[JudgedFrame]
    missing: tuple[int, ...] = ()

    def whole(self) -> list[JudgedFrame]:
        """The frames, where no fold is missing; raises DataError where one is."""
        if self.missing:
            raise DataError(
                f"a recipe is judged by all its folds: no predictions of {list(self.missing)}; train them, or name them"
            )
        return self.frames


def read_out_of_fold(roads: Path, predictions: Sequence[Path]) -> OutOfFold:
    """Reads tables, or folders of them, one table a fold; a fold without a single prediction is missing."""
    tables = [
        place for given in predictions for place in ([given] if given.is_file() else sorted(given.glob("*.parquet")))
    ]
    seen = read_jobs(tables).seen
    rows = select(read_splits(roads), FOLDED_SOURCE, FOLDED_PARTS)
    truth = [TrueFrame(row.image, row.group, row.place, annotated(roads, row)) for row in rows]
    folds = read_folds()
    at_hand = {folds[frame.group] for frame in truth if frame.name in seen}
    missing = sorted({folds[frame.group] for frame in truth} - at_hand)
    return OutOfFold(join([frame for frame in truth if folds[frame.group] in at_hand], seen), tuple(missing))
