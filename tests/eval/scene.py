"""Three frames drawn by hand, whose figures can be worked out with a pencil.

All frames are 200 by 200. L longitudinal, T transverse, A alligator, P pothole, R patch (repair).
The operating threshold is 0.35 for every type: d14 falls below it.

frame 1, group north              area   what was seen
  t1 L  10  10  30 110            2000   d1 L .90 its upper half, d2 L .80 its lower half
  t2 T 100  20 200  40            2000   d3 T .70 its left 80 of 100 px
  t3 A 100 100 180 180            6400   d4 P .60 upper 50 of 80 px (4000), d5 A .50 lower 40 of 80 px (3200)
frame 2, group north
  t4 P  50  50  90  90            1600   d6 no type said, .90, the very box
  t5 R 100 100 200 150            5000   d7 R .80 its left half
                                         d8 L .40 on clean road (2000)
frame 3, group south
  t6 L  20   0  40 100            2000   d9 L .90 its upper 45 of 100 px
  t7 T  50 100 150 120            2000   d10 T .60 its left half, d11 L .50 its right half
  t8 A   0 150 100 200            5000   d14 A .30 its upper half
  t9 L 160   0 170 100            1000   d13 L .70 the very box
"""

from __future__ import annotations

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from roadwarden.eval.judged import JudgedFrame, Seen
from roadwarden.taxonomy import TRAINED_TYPES, DistressType, to_rdd

L, T, A, P, R = (
    DistressType.LONGITUDINAL_CRACK,
    DistressType.TRANSVERSE_CRACK,
    DistressType.ALLIGATOR_CRACK,
    DistressType.POTHOLE,
    DistressType.PATCH,
)
OPERATING_POINT = dict.fromkeys(TRAINED_TYPES, 0.35)


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def seen(*rows):
    """Rows of (x1, y1, x2, y2, type, score), put in order of their scores."""
    rows = sorted(rows, key=lambda row: -row[5])
    return Seen(
        boxes(*(row[:4] for row in rows)),
        tuple(row[4] for row in rows),
        np.array([row[5] for row in rows], np.float32),
    )


def frame(name, truth=(), found=(), *, group="g", place="", width=200, height=200):
    """Truth rows are (x1, y1, x2, y2, type)."""
    return JudgedFrame(
        name=name,
        group=group,
        place=place,
        width=width,
        height=height,
        true_boxes=boxes(*(row[:4] for row in truth)),
        true_types=tuple(row[4] for row in truth),
        seen=seen(*found),
    )


SCENE = (
    frame(
        "images/1.png",
        [(10, 10, 30, 110, L), (100, 20, 200, 40, T), (100, 100, 180, 180, A)],
        [
            (10, 10, 30, 60, L, 0.9),
            (10, 60, 30, 110, L, 0.8),
            (100, 20, 180, 40, T, 0.7),
            (100, 100, 180, 150, P, 0.6),
            (100, 140, 180, 180, A, 0.5),
        ],
        group="north",
        place="n1",
    ),
    frame(
        "images/2.png",
        [(50, 50, 90, 90, P), (100, 100, 200, 150, R)],
        [(50, 50, 90, 90, None, 0.9), (100, 100, 150, 150, R, 0.8), (0, 180, 100, 200, L, 0.4)],
        group="north",
        place="n2",
    ),
    frame(
        "images/3.png",
        [(20, 0, 40, 100, L), (50, 100, 150, 120, T), (0, 150, 100, 200, A), (160, 0, 170, 100, L)],
        [
            (20, 0, 40, 45, L, 0.9),
            (160, 0, 170, 100, L, 0.7),
            (50, 100, 100, 120, T, 0.6),
            (100, 100, 150, 120, L, 0.5),
            (0, 150, 100, 175, A, 0.3),
        ],
        group="south",
        place="s1",
    ),
)


def write_scene(folder):
    """The scene as a data set on disk: splits.csv, grey pictures in images/, PASCAL VOC in annotations/."""
    (folder / "images").mkdir(parents=True)
    (folder / "annotations").mkdir()
    lines = ["image,source,part,group,place"]
    for one in SCENE:
        cv2.imwrite(str(folder / one.name), np.full((one.height, one.width, 3), 128, np.uint8))
        objects = "".join(
            f"<object><name>{to_rdd(true)}</name><bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin>"
            f"<xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
            for true, box in zip(one.true_types, one.true_boxes.tolist(), strict=True)
        )
        size = f"<size><width>{one.width}</width><height>{one.height}</height></size>"
        stem = one.name.removeprefix("images/").removesuffix(".png")
        (folder / "annotations" / f"{stem}.xml").write_text(f"<annotation>{size}{objects}</annotation>")
        lines.append(f"{one.name},scene,val,{one.group},{one.place}")
    (folder / "splits.csv").write_text("\n".join(lines) + "\n")
    return folder


def write_parquet(place, seen_in):
    """A detections.parquet of frame name to Seen, with 'unknown' where no type was said."""
    rows = [
        (name, *map(float, box), str(said or "unknown"), float(score))
        for name, one in seen_in.items()
        for box, said, score in zip(one.boxes_xyxy, one.types, one.scores, strict=True)
    ]
    columns = dict(zip(("frame", "x1", "y1", "x2", "y2", "type", "score"), zip(*rows, strict=True), strict=True))
    pq.write_table(pa.table({name: list(values) for name, values in columns.items()}), place)
    return place
