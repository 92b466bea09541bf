"""Counts that add up over frames, groups and bootstrap draws; every rate of both protocols is read from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

from roadwarden.eval.judged import JudgedFrame
from roadwarden.taxonomy import TRAINED_TYPES, DistressType

Numbers = npt.NDArray[np.float64]
ABSTAINED, MISSED = -2, -1
"""The last two columns of ``Counts.typed``."""


@dataclass(frozen=True, slots=True)
class Counts:
    """True boxes and detections of one protocol. Leading axes are free: none for a sum, (frames,), (draws,).

    ``k`` is the number of classes; a share whose denominator is 0 is NaN.
    """

    classes: tuple[DistressType, ...]
    typed: Numbers  # (..., k, k + 2): true boxes by true type, and by said type, abstained, missed
    seen: Numbers  # (..., k + 1): detections by type, the abstaining ones last
    right: Numbers  # (..., k + 1): those of them that lie on a true box of whatever type

    @property
    def true_of(self) -> Numbers:
        """(..., k) true boxes of each type."""
        return _sum(self.typed)

    @property
    def found_of(self) -> Numbers:
        """(..., k) found boxes of each true type, whatever they were called."""
        return _sum(self.typed[..., :MISSED])

    @property
    def correct_of(self) -> Numbers:
        """(..., k) found boxes that were called what they are."""
        return np.diagonal(self.typed, axis1=-2, axis2=-1)

    @property
    def true(self) -> Numbers:
        """All true boxes."""
        return _sum(self.true_of)

    @property
    def found(self) -> Numbers:
        """Found boxes."""
        return _sum(self.found_of)

    @property
    def correct(self) -> Numbers:
        """Boxes found and called what they are."""
        return _sum(self.correct_of)

    @property
    def abstained(self) -> Numbers:
        """Found boxes that no type was said of: they count as wrong."""
        return _sum(self.typed[..., ABSTAINED])

    @property
    def recall(self) -> Numbers:
        """Share of the true boxes that were found, whatever they were called."""
        return _share(self.found, self.true)

    @property
    def precision(self) -> Numbers:
        """Share of the detections that lie on a true box, whatever they call it."""
        return _share(_sum(self.right), _sum(self.seen))

    @property
    def f1(self) -> Numbers:
        """Harmonic mean of recall and precision, types aside."""
        return harmonic(self.recall, self.precision)

    @property
    def type_accuracy(self) -> Numbers:
        """Share of the found boxes that are called what they are (micro)."""
        return _share(self.correct, self.found)

    @property
    def type_accuracy_of(self) -> Numbers:
        """(..., k) the same for each true type."""
        return _share(self.correct_of, self.found_of)

    @property
    def recall_of(self) -> Numbers:
        """(..., k) share of the true boxes of each type that were found."""
        return _share(self.found_of, self.true_of)

    @property
    def end_to_end(self) -> Numbers:
        """Share of all true boxes that were found and called what they are: recall times type accuracy."""
        return _share(self.correct, self.true)

    def macro_type_accuracy(self, types: Sequence[DistressType] | None = None) -> Numbers:
        """Mean type accuracy over types (those given, else all); a type of which none was found is left out."""
        chosen = range(len(self.classes)) if types is None else [self.classes.index(one) for one in types]
        accuracy = self.type_accuracy_of[..., list(chosen)]
        known = ~np.isnan(accuracy)
        return _share(_sum(np.where(known, accuracy, 0.0)), _sum(known.astype(np.float64)))

    def total(self) -> Self:
        """The sum over the first axis."""
        return self._each(lambda array: array.sum(axis=0))

    def take(self, rows: Sequence[int] | npt.NDArray[np.intp]) -> Self:
        """Those rows of the first axis."""
        return self._each(lambda array: array[np.asarray(rows, dtype=np.intp)])

    def weighted(self, weights: Numbers) -> Self:
        """Sums over the first axis with (draws, rows) weights: one sum a draw."""
        return self._each(lambda array: np.tensordot(weights, array, axes=1))

    def _each(self, change: Callable[[Numbers], Numbers]) -> Self:
        rest = {one.name: change(getattr(self, one.name)) for one in fields(self) if one.name != "classes"}
        return type(self)(classes=self.classes, **rest)


C = TypeVar("C", bound=Counts)
FrameJudge = Callable[[JudgedFrame, Sequence[DistressType]], C]
"""Counts of one frame, without leading axes."""


class Judge(Generic[C]):
    """Judges the same frames at many thresholds: a frame whose kept detections are as before is not judged again.

    Most steps of a search change a few frames only, so only those are looked at; one thread at a time.
    """

    def __init__(
        self, frames: Sequence[JudgedFrame], judge_frame: FrameJudge[C], classes: Sequence[DistressType] | None = None
    ) -> None:
        """Looks at the frames once; nothing is judged yet."""
        self._frames = tuple(frames)
        self._judge_frame = judge_frame
        self.classes = classes_of(frames) if classes is None else tuple(classes)
        self._columns = np.array([self._column(one) for frame in frames for one in frame.seen.types], dtype=np.intp)
        self._scores = np.concatenate([np.zeros(0, np.float32), *(frame.seen.scores for frame in frames)])
        self._starts = np.cumsum([0, *(len(frame.seen) for frame in frames)]).tolist()
        self._frame_of = np.repeat(np.arange(len(self._frames)), np.diff(self._starts))
        self._places: list[dict[bytes, int]] = [{} for _ in frames]  # by what is kept of a frame, its row in the pool
        self._pool: _Pool[C] = _Pool(self.classes)
        self._kept: npt.NDArray[np.bool_] | None = None  # of all detections, when last asked
        self._rows = np.zeros(len(self._frames), np.intp)  # in the pool, when last asked

    def at(self, thresholds: Mapping[DistressType, float]) -> C:
        """Counts of every frame, in order, at these thresholds; what they mean is said by ``Seen.at``."""
        lowest = min(thresholds.values(), default=0.0)
        limits = np.array([*(thresholds.get(one, np.inf) for one in self.classes), lowest], np.float32)
        return self._counts(self._scores >= limits[self._columns])

    def all(self) -> C:
        """Counts of every frame with every detection kept."""
        return self._counts(np.ones(len(self._scores), dtype=bool))

    def _counts(self, kept: npt.NDArray[np.bool_]) -> C:
        for row in self._changed(kept):
            self._rows[row] = self._place(row, kept[self._starts[row] : self._starts[row + 1]])
        self._kept = kept
        return self._pool.take(self._rows)

    def _changed(self, kept: npt.NDArray[np.bool_]) -> Sequence[int]:
        if self._kept is None:
            return range(len(self._frames))
        changed: list[int] = np.unique(self._frame_of[kept != self._kept]).tolist()
        return changed

    def _column(self, distress: DistressType | None) -> int:
        return len(self.classes) if distress is None else self.classes.index(distress)

    def _place(self, row: int, kept: npt.NDArray[np.bool_]) -> int:
        known, key = self._places[row], kept.tobytes()
        if key not in known:
            frame = with_seen(self._frames[row], np.flatnonzero(kept))
            known[key] = self._pool.add(self._judge_frame(frame, self.classes))
        return known[key]


class _Pool(Generic[C]):
    """Counts of single frames as arrays that grow, so that those of many frames are taken at once."""

    def __init__(self, classes: tuple[DistressType, ...]) -> None:
        self._classes = classes
        self._made: type[C] | None = None
        self._arrays: dict[str, Numbers] = {}
        self._used = 0

    def add(self, counts: C) -> int:
        """The row that it is kept in."""
        own = {one.name: getattr(counts, one.name) for one in fields(counts) if one.name != "classes"}
        if self._made is None:
            self._made = type(counts)
            self._arrays = {name: np.empty((1, *np.shape(value))) for name, value in own.items()}
        if self._used == len(next(iter(self._arrays.values()))):
            self._arrays = {name: np.concatenate([value, np.empty_like(value)]) for name, value in self._arrays.items()}
        for name, value in own.items():
            self._arrays[name][self._used] = value
        self._used += 1
        return self._used - 1

    def take(self, rows: npt.NDArray[np.intp]) -> C:
        """One value with a row for each; raises ValueError where there is none."""
        if self._made is None or not len(rows):
            raise ValueError("there is no frame to count")
        return self._made(classes=self._classes, **{name: value[rows] for name, value in self._arrays.items()})


def with_seen(frame: JudgedFrame, rows: npt.NDArray[np.intp]) -> JudgedFrame:
    """The frame with only those of its detections."""
    return replace(frame, seen=frame.seen.take(rows))


def classes_of(frames: Sequence[JudgedFrame]) -> tuple[DistressType, ...]:
    """The trained types, always, and after them every other type that is there or was seen."""
    present = {one for frame in frames for one in (*frame.true_types, *frame.seen.types) if one is not None}
    return (*TRAINED_TYPES, *(one for one in DistressType if one in present and one not in TRAINED_TYPES))


def tally(rows: Sequence[int] | npt.NDArray[np.intp], size: int) -> Numbers:
    """(size,) how often each index stands there."""
    return np.bincount(np.asarray(rows, dtype=np.intp), minlength=size).astype(np.float64)


def confusion(truth: Sequence[int], said: Sequence[int], classes: int) -> Numbers:
    """(classes, classes + 2) from the true class and the column said of each true box."""
    table = np.zeros((classes, classes + 2))
    np.add.at(table, (np.asarray(truth, np.intp), np.asarray(said, np.intp)), 1.0)
    return table


def harmonic(ours: Numbers, theirs: Numbers) -> Numbers:
    """Harmonic mean; 0 where both are 0."""
    with np.errstate(invalid="ignore"):
        both = ours + theirs
        return np.where(both == 0, 0.0, _share(2 * ours * theirs, both))


def _sum(array: Numbers) -> Numbers:
    return np.asarray(array.sum(axis=-1))


def _share(part: Numbers, whole: Numbers) -> Numbers:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan))
