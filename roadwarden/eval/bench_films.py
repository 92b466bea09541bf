"""Frames and films to measure streams on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np

from roadwarden.errors import MissingExtra


def numbered_copies(frames: Sequence[Path], folder: Path, count: int) -> Path:
    """So many files, each with its number after the picture's end: one that is looked at twice would be known again."""
    folder.mkdir(parents=True)
    for number, path in enumerate(islice(cycle(frames), count)):
        (folder / f"{number:06d}{path.suffix}").write_bytes(path.read_bytes() + b"%08d" % number)
    return folder


def write_film(frames: Sequence[Path], place: Path, fps: float, seconds: float) -> Path:
    """H.264 at that rate, a key frame a second, the frames again and again."""
    try:
        import av
    except ImportError as exc:
        raise MissingExtra("films need PyAV: pip install 'roadwarden[stream]'") from exc
    pictures = [np.asarray(cv2.imread(str(path))) for path in islice(frames, 64)]
    height, width = pictures[0].shape[:2]
    rate = Fraction(fps).limit_denominator(1000)
    options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "scenecut=0", "crf": "23"}
    with av.open(str(place), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size = max(1, round(fps))
        for picture in islice(cycle(pictures), max(2, math.ceil(fps * seconds))):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    return place
