"""Tracks and their looks as bytes: the numbers that merging goes on from, to the last bit.

``seen``: little-endian doubles in the order of ``_SEEN``, then the evidence of each type. ``looks``: one record of
``LOOK`` each, by time. They follow from the sightings: ``roadwarden defects rebuild`` makes them anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from roadwarden.defects.looks import Looks
from roadwarden.defects.passes import Tracks
from roadwarden.defects.shelf import Kept
from roadwarden.defects.things import Things

LOOK = np.dtype(
    [
        ("id", "V16"),
        ("at_us", "<i8"),
        ("frame", "<i8"),
        ("place", "<f8", (2,)),
        ("common", "<f8"),
        ("own", "<f8"),
        ("heading", "<f8"),
        ("length", "<f8"),
        ("width", "<f8"),
        ("size_variance", "<f8"),
        ("score", "<f8"),
        ("type", "<i2"),
    ]
)
_SEEN = ("east", "north", "variance", "heading", "along", "across", "extent", "common", "looks", "linear")
_NUMBERS = ("at_us", "frame", "place", "common", "own", "heading", "length", "width", "size_variance", "score", "type")


def pack(kept: Sequence[Kept]) -> list[tuple[bytes, bytes]]:
    """``seen`` and ``looks`` of each track."""
    if not kept:
        return []
    looks = Looks.joined(one.looks for one in kept)
    records = np.empty(len(looks), LOOK)
    records["id"] = np.frombuffer(bytes.fromhex("".join(looks.ids.tolist())), "V16")
    for name in _NUMBERS:
        records[name] = getattr(looks, name)
    ends = np.cumsum([len(one.looks) for one in kept])
    seen = np.array([_seen(one.track) for one in kept], "<f8")
    starts = np.concatenate([[0], ends[:-1]])
    return [
        (row.tobytes(), records[first:end].tobytes())
        for row, first, end in zip(seen, starts.tolist(), ends.tolist(), strict=True)
    ]


def unpack(seen: Sequence[bytes], looks: Sequence[bytes], drives: Sequence[int]) -> list[tuple[Looks, Tracks]]:
    """The looks and the track of each, its founder its first look and its run itself."""
    if not seen:
        return []
    rows = np.frombuffer(b"".join(seen), "<f8").reshape(len(seen), -1)
    records = np.frombuffer(b"".join(looks), LOOK)
    counts = np.array([len(one) // LOOK.itemsize for one in looks])
    every, ends = _looks(records, np.repeat(np.array(drives, np.int64), counts)), np.cumsum(counts).tolist()
    things = Things(rows[:, :2], rows[:, 2], rows[:, 3], rows[:, 4:6], rows[:, 6], rows[:, len(_SEEN) :])
    zero = np.zeros(1, np.intp)
    found, first = [], 0
    for at, end in enumerate(ends):
        own = slice(at, at + 1)
        thing = Things(
            things.place[own],
            things.variance[own],
            things.heading[own],
            things.slack[own],
            things.extent[own],
            things.evidence[own],
        )
        mine = every.take(slice(first, end))
        found.append((mine, Tracks(thing, rows[own, 7], mine.drive[:1], zero, rows[own, 8], rows[own, 9] > 0, zero)))
        first = end
    return found


def _seen(track: Tracks) -> npt.NDArray[np.float64]:
    things = track.things
    return np.concatenate(
        [
            things.place[0],
            things.variance,
            things.heading,
            things.slack[0],
            things.extent,
            track.common,
            track.looks,
            track.linear,
            things.evidence[0],
        ]
    )


def _looks(records: npt.NDArray[np.void], drive: npt.NDArray[np.int64]) -> Looks:
    digits = records["id"].tobytes().hex().encode()
    ids = np.frombuffer(digits, "S32").astype(np.str_)
    columns = {name: np.ascontiguousarray(records[name]) for name in _NUMBERS}
    looks = Looks(ids=ids, drive=drive, **columns)
    return replace(looks, type=columns["type"].astype(np.intp))
