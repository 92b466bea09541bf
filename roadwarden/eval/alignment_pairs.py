"""Pairs of pictures that no matcher chose: of the drawn street, neighbours of a ride, and pairs judged by eye."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np

from roadwarden.data.chainage import place_in_name
from roadwarden.data.place_pairs import FramePair
from roadwarden.data.splits import SplitRow, annotated
from roadwarden.data.synthetic.camera import Camera
from roadwarden.data.synthetic.paint import paint
from roadwarden.data.synthetic.scene import FAR_M, Scene
from roadwarden.data.synthetic.street import Repair, Street, make_street
from roadwarden.errors import DataError
from roadwarden.eval import repairs_tricks as tricks
from roadwarden.eval.alignment import WANTED_SHARE, Shared, Source, ViewPair
from roadwarden.eval.repairs_street import CAMERA, LEAST_SIDE_PX, STREET_M
from roadwarden.vision.decode import decode
from roadwarden.vision.registration import Homography
from roadwarden.vision.surface import Box

A_STREET = 24
MOST_APART_M = 3.0
"""How far apart the two cameras of a drawn pair stand, along the street."""
APART_LATERAL_M, APART_YAW_DEG = 1.0, 5.0
LEAST_SHARED = 0.10
"""Drawn pairs that share less are left out: nobody asks that of a matcher."""
HORIZON_ROW, HEIGHT_TIMES_FOCAL = -94.0, 3213.0
"""Of the Brazilian vehicle's pictures of 640 rows: a point d metres ahead lies in HORIZON_ROW + HEIGHT_TIMES_FOCAL / d.
Measured by hand on one pair (29855 and 29860 of RS_386: where the lane's edges meet, and a corner of a patch that comes
5 m nearer); the vehicle is the same for the whole ride. Good for a few per cent, which is what a band needs."""
RIDE_ROWS, RIDE_MOST_M = 640, 4.0
"""Frames 5 m apart, which most are, share 39 % of the first one: just short of what is asked."""
EYE_WORDS = {
    "most": Shared.MOST,
    "about": Shared.ABOUT_BY_EYE,
    "less": Shared.LESS,
    "none": Shared.NONE,
    "cannot_tell": Shared.CANNOT_TELL,
}
EYE_COLUMNS = ("no", "drawn_from", "image_a", "image_b", "shared")


def street_pairs(seeds: Sequence[int]) -> Iterator[ViewPair]:
    """A_STREET pairs a street, before as it was, after at another hour with every defect mended.

    The same seeds give the same pairs; what they share is reckoned from the two cameras.
    """
    for seed in seeds:
        yield from _of_street(seed)


def _of_street(seed: int) -> Iterator[ViewPair]:
    street, rng = make_street(seed, STREET_M), np.random.default_rng([seed, 63])
    mended = {defect.id: Repair.AFTER for defect in street.defects}
    hours = rng.uniform(8.5, 16.5, 2)
    was, now = (
        Scene(street, paint(street, {}), float(hours[0]), ()),
        Scene(street, paint(street, mended), float(hours[1]), ()),
    )
    made = 0
    while made < A_STREET:
        first, at = _standing(rng), float(rng.uniform(0, STREET_M - 20))
        second, there = _standing(rng), max(0.0, at + float(rng.uniform(-MOST_APART_M, MOST_APART_M)))
        share = shared_view(first, at, second, there)
        if share < LEAST_SHARED:
            continue
        made += 1
        noise = int(rng.integers(2**31))
        truth = second.plane_to_image(there) @ np.linalg.inv(first.plane_to_image(at))
        yield ViewPair(
            name=f"street{seed}-{made:02d}",
            source=Source.STREET,
            group=f"street{seed}",
            shared=band_of(share),
            before=tricks.photographed(was.frame(first, at, noise)),
            after=tricks.photographed(now.frame(second, there, noise + 1)),
            box=_largest_in(street, first, at),
            truth=truth / truth[2, 2],
        )


def _standing(rng: np.random.Generator) -> Camera:
    return replace(
        CAMERA,
        lateral_m=CAMERA.lateral_m + float(rng.uniform(-APART_LATERAL_M, APART_LATERAL_M)),
        yaw_deg=float(rng.uniform(-APART_YAW_DEG, APART_YAW_DEG)),
        pitch_deg=CAMERA.pitch_deg + float(rng.normal(0, 0.5)),
    )


def shared_view(first: Camera, at_x: float, second: Camera, there_x: float) -> float:
    """The lesser of two shares: how much of the road in each picture, up to FAR_M ahead, the other shows too."""
    one = first.plane_to_image(at_x)
    other = second.plane_to_image(there_x)
    return min(_seen_by(first, one, second, other), _seen_by(second, other, first, one))


def _seen_by(ours: Camera, to_ours: Homography, theirs: Camera, to_theirs: Homography) -> float:
    steps = (np.arange(64) + 0.5) / 64
    x, y = np.meshgrid(steps * ours.width_px, steps * ours.height_px)
    ground = np.linalg.inv(to_ours) @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    ground = ground / ground[2]
    ahead = (to_ours @ ground)[2]
    road = (ahead > 0) & (ahead < FAR_M)
    seen = to_theirs @ ground
    pixels = seen[:2] / np.where(seen[2] > 1e-9, seen[2], 1.0)
    size = np.array([[theirs.width_px], [theirs.height_px]])
    inside = (seen[2] > 1e-9) & (seen[2] < FAR_M) & (pixels >= 0).all(axis=0) & (pixels <= size).all(axis=0)
    return float(inside[road].mean()) if road.any() else 0.0


def band_of(share: float) -> Shared:
    """Of a share that is known as a number."""
    bands = ((0.5, Shared.MOST), (WANTED_SHARE, Shared.ABOUT), (0.3, Shared.NEARLY))
    return next((band for least, band in bands if share >= least), Shared.LESS)


def _largest_in(street: Street, camera: Camera, at_x: float) -> Box | None:
    """The largest defect that the picture shows whole."""
    boxes = []
    for defect in street.defects:
        seen = camera.box_of(defect.outline, at_x)
        if seen is not None and seen[1] >= 0.98:
            boxes.append(_box(seen[0]))
    fit = [box for box in boxes if min(box[2] - box[0], box[3] - box[1]) >= LEAST_SIDE_PX]
    return max(fit, key=_area, default=None)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Two frames of one ride, the earlier first."""

    first: SplitRow
    second: SplitRow
    metres: float


def neighbours(rows: Iterable[SplitRow]) -> list[Neighbours]:
    """Frames that follow each other in a ride, up to RIDE_MOST_M apart by the metres in their names.

    Every such pair, whatever it shows. Raises DataError for a name that tells no metres.
    """
    rides: dict[str, list[tuple[float, SplitRow]]] = defaultdict(list)
    for row in rows:
        place = place_in_name(row.image)
        if place is None:
            raise DataError(f"{row.image}: its name does not say how many metres along the road it was taken")
        rides[place.run].append((place.chainage_m, row))
    return [
        Neighbours(first, second, there - at)
        for run in sorted(rides)
        for (at, first), (there, second) in pairwise(sorted(rides[run], key=lambda entry: (entry[0], entry[1].image)))
        if 0 < there - at <= RIDE_MOST_M
    ]


def ride_pairs(roads: Path, pairs: Iterable[Neighbours]) -> Iterator[ViewPair]:
    """Their pictures; the largest labelled defect of the earlier one is left out of the matching."""
    for pair in pairs:
        boxes = [_box(box) for box in annotated(roads, pair.first).boxes_xyxy]
        yield ViewPair(
            name=f"{Path(pair.first.image).stem}+{pair.metres:g}m",
            source=Source.RIDE,
            group=pair.first.group,
            shared=band_of(share_of_ride(pair.metres)),
            before=_picture(roads, pair.first.image),
            after=_picture(roads, pair.second.image),
            box=max(boxes, key=_area, default=None),
        )


def share_of_ride(metres: float) -> float:
    """Of the rows of a frame, those that the camera still sees ``metres`` further on: the lesser of the two shares."""
    nearest = 1 / (RIDE_ROWS - HORIZON_ROW)
    return (1 / (nearest + metres / HEIGHT_TIMES_FOCAL) + HORIZON_ROW) / RIDE_ROWS


@dataclass(frozen=True, slots=True)
class Judged:
    """Two frames of one group, and what they share by eye."""

    name: str
    group: str
    first: str
    second: str
    shared: Shared


def read_judged(file: Path, groups: Mapping[str, str]) -> list[Judged]:
    """A CSV of EYE_COLUMNS; ``groups`` by image. Raises DataError for what cannot be read or is not known."""
    try:
        with file.open(newline="", encoding="utf-8") as handle:
            return [
                Judged(
                    f"eye{row['no']}-{row['drawn_from']}",
                    groups[row["image_a"]],
                    row["image_a"],
                    row["image_b"],
                    EYE_WORDS[row["shared"]],
                )
                for row in csv.DictReader(handle)
            ]
    except OSError as exc:
        raise DataError(f"{file}: cannot be read: {exc.strerror}") from exc
    except KeyError as exc:
        wanted = (
            f"columns {', '.join(EYE_COLUMNS)}; shared is one of {', '.join(EYE_WORDS)}; images stand in splits.csv"
        )
        raise DataError(f"{file}: {exc} is not known; wanted {wanted}") from exc


def eye_pairs(roads: Path, judged: Iterable[Judged]) -> Iterator[ViewPair]:
    """Their pictures; nothing is left out of the matching, since nobody said where a defect lies in them."""
    for one in judged:
        before, after = _picture(roads, one.first), _picture(roads, one.second)
        yield ViewPair(one.name, Source.EYE, one.group, one.shared, before, after)


def drawn_blindly(
    rows: Sequence[SplitRow], within: Callable[[SplitRow], str], number: int, seed: int
) -> list[FramePair]:
    """Pairs of frames of one ``within`` of one group, groups in turn; whether a matcher knows a pair plays no part."""
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.image):
        members[row.group, within(row)].append(row.image)
    pools: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for (group, _), names in members.items():
        pools[group] += combinations(names, 2)
    dice = random.Random(seed)
    for pairs in pools.values():
        dice.shuffle(pairs)
    drawn: list[FramePair] = []
    for turn in range(max((len(pairs) for pairs in pools.values()), default=0)):
        for group in sorted(pools):
            if turn < len(pools[group]) and len(drawn) < number:
                drawn.append(FramePair(*pools[group][turn]))
    return drawn


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _box(edges: np.ndarray) -> Box:
    x1, y1, x2, y2 = (float(edge) for edge in edges)
    return x1, y1, x2, y2


def _picture(roads: Path, name: str) -> np.ndarray:
    return decode((roads / name).read_bytes())
