"""Triples from real roads: two sightings of one place with nothing done, pairs of different streets, pasted patches.

What is real is the road, the two looks at it and the patches; that a patch lies on this defect is not. Truth of the
pasted ones needs to know where the defect lies in the second picture: that is taken from registering the whole
pictures, with the spot, which the assessor does not do.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from roadwarden.data.place_pairs import FramePair, among, pairs_of_groups, read_place_pairs
from roadwarden.data.splits import SplitRow, annotated, read_splits, select
from roadwarden.detections import Image
from roadwarden.errors import DataError
from roadwarden.eval import repairs_tricks as tricks
from roadwarden.eval.repairs import Kind, Triple
from roadwarden.taxonomy import DistressType
from roadwarden.vision.decode import decode
from roadwarden.vision.registration import attempt, features, warp_boxes
from roadwarden.vision.surface import Box

SOURCE = "china_motorbike"
CERTAIN = 30
"""Inliers from which a pair of the data set is practically certain."""
LEAST_SIDE_PX, MOST_SHARE, MOST_ASPECT = 32, 0.25, 5.0
"""Boxes that a patch is pasted on: a patch 20 times as long as wide is none."""
WHOLE_PX = 3.0
LEAST_PATCH_PX = 24
PASTED = frozenset({Kind.MENDED, Kind.MENDED_BRIGHTER, Kind.HALF_MENDED, Kind.PATCH_BESIDE})
HALF = 0.55
"""How much of a half mended spot a patch covers."""
ORDER = (
    Kind.NOTHING_DONE, Kind.MENDED, Kind.NOTHING_DONE, Kind.HALF_MENDED, Kind.MENDED, Kind.PATCH_BESIDE,
    Kind.BRIGHTNESS, Kind.MENDED, Kind.SHADOW, Kind.WET, Kind.LEAVES, Kind.MENDED_BRIGHTER, Kind.PAINT, Kind.CROPPED,
    Kind.OTHER_STREET, Kind.OLD_PHOTO, Kind.DAMP,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """A labelled defect that a second picture shows whole."""

    pair: FramePair
    group: str
    distress: DistressType
    before: Image
    after: Image
    box: Box
    there: Box


def road_triples(roads: Path, part: str, number: int, seed: int, kinds: Sequence[Kind] = ORDER) -> Iterator[Triple]:
    """At most ``number`` triples, the kinds in turn, groups in turn so that the most-ridden street does not outvote.

    The same arguments give the same triples. Raises DataError where the part has no patches or no pairs.
    """
    rows = select(read_splits(roads), SOURCE, [part])
    by_name = {row.image: row for row in rows}
    patches = _patches(roads, rows)
    others = iter(pairs_of_groups(rows, number, seed))
    dice, rng = random.Random(seed), np.random.default_rng([seed, 62])
    turn, made = cycle(kinds), 0
    for pair in _in_turn(roads, rows, dice):
        if made >= number:
            return
        case = _case(roads, by_name, pair, dice)
        if case is None:
            continue
        kind = _fitting(next(turn), case)
        after: Image | None
        if kind is Kind.OTHER_STREET:
            after = _other(roads, by_name, next(others), case.group)
        else:
            after = _after(case, kind, patches, rng)
        if after is None:
            continue
        made += 1
        name = f"{part}-{seed}-{made:04d}-{kind}"
        yield Triple(name, case.group, kind, case.distress, case.before, tricks.photographed(after, 92), case.box)


def _in_turn(roads: Path, rows: Sequence[SplitRow], dice: random.Random) -> Iterator[FramePair]:
    """Certain pairs, one of each group in turn, shuffled within; each pair up to eight times, in both directions."""
    group_of = {row.image: row.group for row in rows}
    listed = read_place_pairs(roads)
    by_group: dict[str, list[FramePair]] = defaultdict(list)
    for pair in among(listed, rows):
        if listed[pair] >= CERTAIN:
            by_group[group_of[pair.a]].append(pair)
    if not by_group:
        raise DataError(f"{roads}: no pair of {CERTAIN} inliers and more in this part")
    for pairs in by_group.values():
        dice.shuffle(pairs)
    for turn in range(8 * max(map(len, by_group.values()))):
        for group in sorted(by_group):
            pairs = by_group[group]
            if turn < 8 * len(pairs):
                yield pairs[turn % len(pairs)]


def _case(roads: Path, by_name: dict[str, SplitRow], pair: FramePair, dice: random.Random) -> _Case | None:
    first, second = (pair.a, pair.b) if dice.random() < 0.5 else (pair.b, pair.a)
    was = annotated(roads, by_name[first])
    fit = [row for row, kind in enumerate(was.types) if kind is not DistressType.PATCH and _fits(was.boxes_xyxy[row])]
    if not fit:
        return None
    row = dice.choice(fit)
    before, after = _picture(roads, first), _picture(roads, second)
    found = attempt(features(before), features(after)).registration
    if found is None:
        return None
    size = (after.shape[1], after.shape[0])
    there = warp_boxes(was.boxes_xyxy[row : row + 1], found.homography, size)[0]
    if not _fits(there) or not _whole(there, size):
        return None
    group = by_name[first].group
    return _Case(pair, group, was.types[row], before, after, _box(was.boxes_xyxy[row]), _box(there))


def _after(case: _Case, kind: Kind, patches: Sequence[Image], rng: np.random.Generator) -> Image | None:
    """None where the kind has no room in the picture."""
    if kind is Kind.OLD_PHOTO:
        return tricks.reencoded(case.before, rng)
    after = case.after
    if kind in PASTED:
        where = _where(case, kind)
        if where is None:
            return None
        after = tricks.paste_patch(after, _alike(patches, case.there, rng), where)
    return tricks.tricked(after, kind, case.there, rng)


def _where(case: _Case, kind: Kind) -> Box | None:
    """What the patch covers; None where there is no room for it."""
    x1, y1, x2, y2 = case.there
    if kind is Kind.PATCH_BESIDE:
        return _beside(case)
    if kind is Kind.HALF_MENDED and x2 - x1 >= y2 - y1:
        return x1, y1, x1 + HALF * (x2 - x1), y2
    return (x1, y1, x2, y1 + HALF * (y2 - y1)) if kind is Kind.HALF_MENDED else case.there


def _fitting(kind: Kind, case: _Case) -> Kind:
    cracks = (DistressType.LONGITUDINAL_CRACK, DistressType.TRANSVERSE_CRACK)
    return kind if case.distress in cracks else tricks.INSTEAD.get(kind, kind)


def _beside(case: _Case) -> Box | None:
    """A box of the same size a quarter of it away, to either side, where the picture still shows it whole."""
    x1, y1, x2, y2 = case.there
    step = 1.25 * (x2 - x1)
    for shift in (step, -step):
        if x1 + shift >= 0 and x2 + shift <= case.after.shape[1]:
            return (x1 + shift, y1, x2 + shift, y2)
    return None


def _other(roads: Path, by_name: dict[str, SplitRow], pair: FramePair, group: str) -> Image:
    return _picture(roads, pair.a if by_name[pair.a].group != group else pair.b)


def _patches(roads: Path, rows: Sequence[SplitRow]) -> list[Image]:
    """Labelled patches of the part, each with a fifth of its sides of road on each side."""
    found = []
    for row in rows:
        frame = annotated(roads, row)
        boxes = [frame.boxes_xyxy[at] for at, kind in enumerate(frame.types) if kind is DistressType.PATCH]
        for x1, y1, x2, y2 in (box.tolist() for box in boxes):
            left, top = x1 - 0.2 * (x2 - x1), y1 - 0.2 * (y2 - y1)
            right, bottom = x2 + 0.2 * (x2 - x1), y2 + 0.2 * (y2 - y1)
            if min(x2 - x1, y2 - y1) < LEAST_PATCH_PX or min(left, top) < 0:
                continue
            if right <= frame.width and bottom <= frame.height:
                found.append(_picture(roads, row.image)[round(top) : round(bottom), round(left) : round(right)])
    if not found:
        raise DataError(f"{roads}: no patch in this part that lies whole in its picture with some road around it")
    return found


def _alike(patches: Sequence[Image], box: Box, rng: np.random.Generator) -> Image:
    """One of the five patches whose shape is nearest to the box's."""
    wanted = np.log((box[2] - box[0]) / (box[3] - box[1]))
    shapes = np.array([np.log(patch.shape[1] / patch.shape[0]) for patch in patches])
    return patches[int(rng.choice(np.argsort(np.abs(shapes - wanted))[:5]))]


def _fits(box: np.ndarray) -> bool:
    wide, high = float(box[2] - box[0]), float(box[3] - box[1])
    if min(wide, high) < LEAST_SIDE_PX or wide * high > MOST_SHARE * 512 * 512:
        return False
    return max(wide, high) <= MOST_ASPECT * min(wide, high)


def _whole(box: np.ndarray, size: tuple[int, int]) -> bool:
    return bool(min(box[0], box[1], size[0] - box[2], size[1] - box[3]) >= WHOLE_PX)


def _box(box: np.ndarray) -> Box:
    x1, y1, x2, y2 = (float(edge) for edge in box)
    return x1, y1, x2, y2


def _picture(roads: Path, name: str) -> Image:
    return decode((roads / name).read_bytes())
