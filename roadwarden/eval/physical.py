"""Physical defects: the sightings of one thing on the road, joined over the frames that show it, judged by vote.

Within one place every two frames that register are compared: true boxes of one are warped into the other, and boxes of
the same type that overlap there are sightings of one defect, as are those joined by way of a third frame. Two boxes of
one frame are never joined directly: who drew them told them apart.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import DisjointSet

from roadwarden.detections import Boxes
from roadwarden.eval.counts import ABSTAINED, MISSED, Counts, tally
from roadwarden.eval.coverage import Grid
from roadwarden.eval.judged import JudgedFrame
from roadwarden.taxonomy import DistressType
from roadwarden.vision.boxes import areas, intersections
from roadwarden.vision.registration import Homography, warp_boxes

JOINED_IOU = 0.3
JOINED_SHARE_OF_SMALLER = 0.5
"""One long crack is often drawn as three boxes in one frame and as one in the next."""


class Registrar(Protocol):
    """Says how one frame lies on another, by their names."""

    def __call__(self, a: str, b: str) -> Homography | None:
        """From pixels of a to pixels of b; None where they do not show the same piece of road."""


OnPair = Callable[[int, int], None]
"""Called with (pairs of frames done, of all)."""


@dataclass(frozen=True, slots=True, order=True)
class Sighting:
    """One true box: the name of its frame and its row there."""

    frame: str
    box: int


@dataclass(frozen=True, slots=True)
class PhysicalDefect:
    """One thing on the road; its sightings are sorted, and a frame may hold several where it was drawn in pieces."""

    type: DistressType
    group: str
    place: str  # empty where none is known: then it has the one sighting
    sightings: tuple[Sighting, ...]

    @property
    def frames(self) -> int:
        """How many frames show it."""
        return len({sighting.frame for sighting in self.sightings})


def physical_defects(
    frames: Sequence[JudgedFrame], registrar: Registrar, on_pair: OnPair = lambda _done, _total: None
) -> tuple[PhysicalDefect, ...]:
    """All true boxes of the frames as defects, by first sighting; the order of the frames does not matter.

    The registrar is asked for pairs in order of their names, and only where its answer can still join something.
    """
    by_name = {frame.name: frame for frame in sorted(frames, key=lambda frame: frame.name)}
    if len(by_name) != len(frames):
        raise ValueError("a frame stands there twice")
    joined: DisjointSet = DisjointSet(
        Sighting(name, row) for name, frame in by_name.items() for row in range(len(frame.true_types))
    )
    pairs = list(_pairs_of_places(by_name.values()))
    for done, (ours, theirs) in enumerate(pairs, 1):
        _join(ours, theirs, registrar, joined)
        on_pair(done, len(pairs))
    return tuple(sorted((_defect(subset, by_name) for subset in joined.subsets()), key=lambda one: one.sightings))


def _pairs_of_places(frames: Iterable[JudgedFrame]) -> Iterator[tuple[JudgedFrame, JudgedFrame]]:
    places: dict[str, list[JudgedFrame]] = defaultdict(list)
    for frame in frames:
        if frame.place and frame.true_types:
            places[frame.place].append(frame)
    for members in places.values():
        yield from itertools.combinations(members, 2)


def _join(ours: JudgedFrame, theirs: JudgedFrame, registrar: Registrar, joined: DisjointSet) -> None:
    open_pairs = [
        (row, column)
        for row, column in itertools.product(range(len(ours.true_types)), range(len(theirs.true_types)))
        if ours.true_types[row] is theirs.true_types[column]
        and not joined.connected(Sighting(ours.name, row), Sighting(theirs.name, column))
    ]
    homography = registrar(ours.name, theirs.name) if open_pairs else None
    if homography is None:
        return
    overlapping = overlap(warp_boxes(ours.true_boxes, homography, (theirs.width, theirs.height)), theirs.true_boxes)
    for row, column in open_pairs:
        if overlapping[row, column]:
            joined.merge(Sighting(ours.name, row), Sighting(theirs.name, column))


def overlap(ours: Boxes, theirs: Boxes) -> npt.NDArray[np.bool_]:
    """(n, m) whether boxes of one frame are sightings of one thing: by IoU, or by what they share of the smaller."""
    shared = intersections(ours, theirs)
    our_areas, their_areas = areas(ours)[:, None], areas(theirs)[None, :]
    union, smaller = our_areas + their_areas - shared, np.minimum(our_areas, their_areas)
    return (shared > 0) & ((shared >= JOINED_IOU * union) | (shared >= JOINED_SHARE_OF_SMALLER * smaller))


def _defect(subset: set[Sighting], frames: Mapping[str, JudgedFrame]) -> PhysicalDefect:
    sightings = tuple(sorted(subset))
    first = frames[sightings[0].frame]
    return PhysicalDefect(first.true_types[sightings[0].box], first.group, first.place, sightings)


Said = Mapping[str, Sequence[int]]
"""For each frame by name: the class that coverage says of each true box, or ABSTAINED, or MISSED."""


def said_by_coverage(frames: Sequence[JudgedFrame], classes: Sequence[DistressType]) -> dict[str, list[int]]:
    """What the coverage protocol says of each true box with everything that was seen, as columns of ``classes``."""
    column = {one: index for index, one in enumerate(classes)}
    said = {}
    for frame in frames:
        types = np.array([len(classes) if one is None else column[one] for one in frame.seen.types], np.intp)
        said[frame.name] = Grid.over(frame.true_boxes, frame.seen.boxes_xyxy).said(types, len(classes))
    return said


def vote(defect: PhysicalDefect, said: Said, *, found_in: int = 1) -> int:
    """The class said of a defect, or ABSTAINED, or MISSED where fewer than ``found_in`` frames found it.

    Each found sighting has a vote, those that abstain have none; a tie is an abstention, which counts as wrong.
    """
    found = [one for one in defect.sightings if said[one.frame][one.box] != MISSED]
    if len({one.frame for one in found}) < found_in:
        return MISSED
    votes = Counter(said[one.frame][one.box] for one in found)
    del votes[ABSTAINED]
    (first, most), (_, second) = [*votes.most_common(2), (ABSTAINED, 0), (ABSTAINED, 0)][:2]
    return first if most > second else ABSTAINED


def defect_counts(
    defects: Sequence[PhysicalDefect], said: Said, classes: Sequence[DistressType], *, found_in: int = 1
) -> Counts:
    """A row of counts for each defect, so that sums and draws by group are those of boxes; nothing stands in ``seen``:
    a detection on clean road belongs to no defect, its precision is that of the frames.
    """
    size = len(classes)
    typed = np.zeros((len(defects), size, size + 2))
    for row, defect in enumerate(defects):
        typed[row, classes.index(defect.type), vote(defect, said, found_in=found_in)] = 1
    nothing = np.tile(tally([], size + 1), (len(defects), 1))
    return Counts(classes=tuple(classes), typed=typed, seen=nothing, right=nothing)
