"""Writes Mapbox vector tiles (version 2.1): three nested Protocol Buffers messages, a few lines each.

Our own because the library for it (mapbox-vector-tile) wants an older protobuf than the rest of us, and clips with
pyclipper what is clipped here already.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from roadwarden.geo.web_tiles import EXTENT

Value = str | int | float | bool
Coordinates = npt.NDArray[np.float64] | npt.NDArray[np.int64]
_VERSION, _MOVE, _LINE, _CLOSE = 2, 1, 2, 15


class Shape(IntEnum):
    """Of a feature."""

    POINT = 1
    LINE = 2
    POLYGON = 3


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing on the map; ``parts``: (n, 2) units of the tile each. A polygon's rings are not closed again."""

    shape: Shape
    parts: Sequence[Coordinates]
    properties: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layer:
    """A named list of features."""

    name: str
    features: Sequence[Feature]


def encode_tile(layers: Iterable[Layer]) -> bytes:
    """The tile; layers without features are left out, so that an empty tile is no bytes at all."""
    return b"".join(_field(3, _layer(layer)) for layer in layers if layer.features)


def _layer(layer: Layer) -> bytes:
    keys: dict[str, int] = {}
    values: dict[tuple[type, Value], int] = {}
    features = [body for one in layer.features if (body := _feature(one, keys, values))]
    return b"".join(
        [
            b"\x78",
            _varint(_VERSION),
            _field(1, layer.name.encode()),
            *(_field(2, body) for body in features),
            *(_field(3, key.encode()) for key in keys),
            *(_field(4, _value(value)) for _, value in values),
            b"\x28",
            _varint(EXTENT),
        ]
    )


def _feature(one: Feature, keys: dict[str, int], values: dict[tuple[type, Value], int]) -> bytes:
    geometry = _geometry(one)
    if not geometry:
        return b""
    tags: list[int] = []
    for key, value in one.properties.items():
        tags += (keys.setdefault(key, len(keys)), values.setdefault((type(value), value), len(values)))
    return b"".join([_field(2, _packed(tags)), b"\x18", _varint(int(one.shape)), _field(4, _packed(geometry))])


def _geometry(one: Feature) -> list[int]:
    """Commands and zigzag steps; parts that shrink to less than they have to be are left out."""
    commands: list[int] = []
    cursor = np.zeros(2, np.int64)
    for part in one.parts:
        places = _distinct(np.rint(part).astype(np.int64), one.shape)
        if len(places) < one.shape:
            continue
        steps = np.diff(places, axis=0, prepend=cursor[None])
        zigzag = ((steps << 1) ^ (steps >> 63)).ravel().tolist()
        cursor = places[-1]
        if one.shape is Shape.POINT:
            commands += [_MOVE | len(places) << 3, *zigzag]
            continue
        commands += [_MOVE | 1 << 3, *zigzag[:2], _LINE | (len(places) - 1) << 3, *zigzag[2:]]
        commands += [_CLOSE] if one.shape is Shape.POLYGON else []
    return commands


def _distinct(places: npt.NDArray[np.int64], shape: Shape) -> npt.NDArray[np.int64]:
    """Without steps of nothing; rings clockwise on the screen, as outer ones have to be."""
    if shape is Shape.POINT:
        return places
    places = places[np.any(np.diff(places, axis=0, prepend=places[:1] - 1) != 0, axis=1)]
    if shape is Shape.POLYGON and len(places) > 2:
        x, y = places.T
        if (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() < 0:
            return places[::-1]
    return places


def _value(value: Value) -> bytes:
    if isinstance(value, bool):
        return b"\x38" + _varint(int(value))
    if isinstance(value, int):
        return b"\x30" + _varint((value << 1) ^ (value >> 63))
    if isinstance(value, float):
        return b"\x19" + struct.pack("<d", value)
    return _field(1, value.encode())


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _packed(numbers: Iterable[int]) -> bytes:
    return b"".join(map(_varint, numbers))


_SMALL = [bytes([number]) for number in range(128)]


def _varint(number: int) -> bytes:
    if number < 128:
        return _SMALL[number]
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)
