"""Triples from the synthetic street, of exact truth: each defect mended, half mended, left, or made to look so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

import numpy as np

from roadwarden.data.synthetic.camera import Camera
from roadwarden.data.synthetic.distress import CRACKS
from roadwarden.data.synthetic.paint import paint
from roadwarden.data.synthetic.plane import PX_PER_M
from roadwarden.data.synthetic.scene import Scene
from roadwarden.data.synthetic.street import HALF_STRIP_M, PlacedDefect, Repair, Street, make_street
from roadwarden.detections import Image
from roadwarden.eval import repairs_tricks as tricks
from roadwarden.eval.repairs import Kind, Triple
from roadwarden.taxonomy import DistressType
from roadwarden.vision.surface import Box

CAMERA = Camera(width_px=1024, height_px=640, focal_px=784, lateral_m=0.9)
STREET_M = 60.0
VISITS = 4
"""Times that each street is looked at, with other kinds, hours and views: painting it takes longest."""
BACK_M = (2.6, 4.2)
"""How far before the defect the camera stands."""
LEAST_SIDE_PX = 14
HALF = 0.55
"""How much of a half mended spot is mended."""
BESIDE_M = 0.5
MARGIN_M = 0.15
"""What a repair leaves on the road around its outline is copied with it."""

ORDER = (
    Kind.MENDED, Kind.NOTHING_DONE, Kind.SHADOW, Kind.MENDED, Kind.PATCH_BESIDE, Kind.WET, Kind.HALF_MENDED,
    Kind.LEAVES, Kind.MENDED_BRIGHTER, Kind.BRIGHTNESS, Kind.PAINT, Kind.NEIGHBOUR_OPEN, Kind.CROPPED, Kind.WRONG_SPOT,
    Kind.OTHER_STREET, Kind.OLD_PHOTO, Kind.DAMP,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """Where a camera stood."""

    camera: Camera
    at_x: float


@dataclass(frozen=True, slots=True, eq=False)
class _Painted:
    """The road seen from above in four states, and the holes beside its defects."""

    open: Image
    mended: Image
    holes: Image  # beside the defects, and no defects
    patches: Image  # the same holes patched
    beside: tuple[PlacedDefect, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Scenes:
    """The street before and after, and another street."""

    was: Scene
    now: Scene
    elsewhere: Scene


def street_triples(seeds: Sequence[int], kinds: tuple[Kind, ...] = ORDER, *, skip: int = 0) -> Iterator[Triple]:
    """One triple a defect of each street, the kinds in turn from the one at ``skip`` on.

    The same arguments give the same triples.
    """
    turn = cycle(kinds[skip % len(kinds) :] + kinds[: skip % len(kinds)])
    for seed in seeds:
        yield from _of_street(seed, turn)


def _of_street(seed: int, turn: Iterator[Kind]) -> Iterator[Triple]:
    street = make_street(seed, STREET_M)
    rng = np.random.default_rng([seed, 61])
    cases = [defect for defect in street.defects if defect.type is not DistressType.PATCH]
    painted, elsewhere = _paint_all(street, cases), _scene_of_another(seed)
    for visit in range(VISITS):
        chosen = [(defect, _fitting(next(turn), defect)) for defect in cases]
        planes, hours = _planes(painted, chosen), rng.uniform(8.5, 16.5, 2)
        was, now = (Scene(street, plane, float(hour), ()) for plane, hour in zip(planes, hours, strict=True))
        for number, (defect, kind) in enumerate(chosen):
            name = f"street{seed}-{visit}-{number:02d}-{kind}"
            triple = _triple(name, defect, kind, _Scenes(was, now, elsewhere), rng)
            if triple is not None:
                yield replace(triple, group=f"street{seed}")


def _triple(name: str, defect: PlacedDefect, kind: Kind, scenes: _Scenes, rng: np.random.Generator) -> Triple | None:
    """None where one of the two views does not show the defect whole."""
    first, second = _views(defect, rng)
    box, there = _box(defect, first), _box(defect, second)
    if box is None or there is None:
        return None
    noise = int(rng.integers(2**31))
    before = tricks.photographed(scenes.was.frame(first.camera, first.at_x, noise))
    if kind is Kind.OTHER_STREET:
        after = scenes.elsewhere.frame(second.camera, 3.0, noise + 1)
    elif kind is Kind.WRONG_SPOT:
        after = scenes.now.frame(second.camera, _far_from(second.at_x), noise + 1)
    elif kind is Kind.OLD_PHOTO:
        after = tricks.reencoded(before, rng)
    else:
        after = scenes.now.frame(second.camera, second.at_x, noise + 1)
    after = tricks.photographed(tricks.tricked(after, kind, there, rng))
    return Triple(name, name, kind, defect.type, before, after, box)


def _scene_of_another(seed: int) -> Scene:
    other = make_street(seed + 100_003, 20.0)
    return Scene(other, paint(other, {}), 11.0, ())


def _fitting(kind: Kind, defect: PlacedDefect) -> Kind:
    """Paint goes over cracks and damp stays along them; other defects get leaves and a shadow in their place."""
    return kind if defect.type in CRACKS else tricks.INSTEAD.get(kind, kind)


def _paint_all(street: Street, cases: Sequence[PlacedDefect]) -> _Painted:
    mended = {defect.id: Repair.AFTER for defect in street.defects}
    beside = tuple(_beside(defect) for defect in cases)
    neighbours = replace(street, defects=beside, manholes=(), wet=())
    patched = {hole.id: Repair.AFTER for hole in beside}
    return _Painted(paint(street, {}), paint(street, mended), paint(neighbours, {}), paint(neighbours, patched), beside)


def _planes(painted: _Painted, chosen: Sequence[tuple[PlacedDefect, Kind]]) -> tuple[Image, Image]:
    """The road before and after, seen from above."""
    before = painted.open.copy()
    mended, holes, patches = painted.mended, painted.holes, painted.patches
    after = before.copy()
    for (defect, kind), hole in zip(chosen, painted.beside, strict=True):
        x1, y1, x2, y2 = defect.bounds
        if kind in (Kind.MENDED, Kind.MENDED_BRIGHTER, Kind.NEIGHBOUR_OPEN):
            _copy(mended, after, (x1, y1, x2, y2))
        elif kind is Kind.HALF_MENDED and x2 - x1 >= y2 - y1:
            _copy(mended, after, (x1, y1, x1 + HALF * (x2 - x1) - MARGIN_M, y2))
        elif kind is Kind.HALF_MENDED:
            _copy(mended, after, (x1, y1, x2, y1 + HALF * (y2 - y1) - MARGIN_M))
        elif kind is Kind.PATCH_BESIDE:
            _copy(patches, after, hole.bounds)
        if kind is Kind.NEIGHBOUR_OPEN:
            _copy(holes, before, hole.bounds)
            _copy(holes, after, hole.bounds)
    return before, after


def _beside(defect: PlacedDefect) -> PlacedDefect:
    """A hole of 0.6 m beside the defect, on the side where the road goes on."""
    x1, y1, x2, y2 = defect.bounds
    side = -1.0 if y1 + y2 > 0 else 1.0
    x, y = (x1 + x2) / 2, (y2 if side > 0 else y1) + side * (BESIDE_M + 0.3)
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    outline = np.stack([x + 0.3 * np.cos(angles), y + 0.27 * np.sin(angles)], axis=1)
    return PlacedDefect(f"beside {defect.id}", DistressType.POTHOLE, outline, defect.seed + 1)


def _copy(source: Image, target: Image, bounds: tuple[float, float, float, float]) -> None:
    x1, y1, x2, y2 = (edge + grow * MARGIN_M for edge, grow in zip(bounds, (-1, -1, 1, 1), strict=True))
    rows = slice(max(0, round((y1 + HALF_STRIP_M) * PX_PER_M)), round((y2 + HALF_STRIP_M) * PX_PER_M))
    columns = slice(max(0, round(x1 * PX_PER_M)), round(x2 * PX_PER_M))
    target[rows, columns] = source[rows, columns]


def _views(defect: PlacedDefect, rng: np.random.Generator) -> tuple[_View, _View]:
    """Two passes: some way before the defect, another line, another nod of the vehicle."""
    back = float(rng.uniform(*BACK_M))
    start = max(0.0, defect.bounds[0] - back)
    first = _View(_nodding(rng), start)
    return first, _View(_nodding(rng), max(0.0, start + float(rng.uniform(-0.7, 0.7))))


def _nodding(rng: np.random.Generator) -> Camera:
    return replace(
        CAMERA,
        lateral_m=CAMERA.lateral_m + float(rng.uniform(-0.4, 0.4)),
        yaw_deg=float(rng.uniform(-3, 3)),
        pitch_deg=CAMERA.pitch_deg + float(rng.normal(0, 0.5)),
    )


def _far_from(at_x: float) -> float:
    """Half of the street away, so that the two views share no road within reach."""
    return (at_x + STREET_M / 2) % STREET_M


def _box(defect: PlacedDefect, view: _View) -> Box | None:
    seen = view.camera.box_of(defect.outline, view.at_x)
    if seen is None or seen[1] < 0.98:
        return None
    x1, y1, x2, y2 = (float(edge) for edge in seen[0])
    return (x1, y1, x2, y2) if min(x2 - x1, y2 - y1) >= LEAST_SIDE_PX else None
