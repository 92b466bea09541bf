"""Detectors in Ultralytics .pt files, for those who train; needs ``roadwarden[train]``.

A .pt file is a pickle: loading one runs code, so load only your own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from roadwarden.detections import Detections, Image
from roadwarden.errors import MissingExtra, ModelError
from roadwarden.models.card import METADATA_KEY, Head, ModelCard, read_card
from roadwarden.models.heads import NMS_IOU, report
from roadwarden.models.views import detect_in_views


class UltralyticsDetector:
    """Runs a checkpoint through Ultralytics' own prediction."""

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        """Loads ``path``; raises ModelError where it is no YOLO checkpoint with a model card."""
        self._model = load_yolo(path, threads=threads)
        self._card = read_card((self._model.ckpt or {}).get(METADATA_KEY), path)

    @property
    def card(self) -> ModelCard:
        """What the model says of itself."""
        return self._card

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """The distress in each frame, one at a time: a batch of mixed sizes would be padded to a square."""
        return detect_in_views(images, self._card, self._see)

    def _see(self, images: Sequence[Image], input_size: int, card: ModelCard) -> list[Detections]:
        return [self._see_one(image, input_size, card) for image in images]

    def _see_one(self, image: Image, input_size: int, card: ModelCard) -> Detections:
        end_to_end = card.head is Head.END_TO_END
        (result,) = self._model.predict(
            image,
            imgsz=input_size,
            conf=card.lowest_raw_score,
            nms=False if end_to_end else None,  # False selects the one-to-one head
            iou=NMS_IOU,
            agnostic_nms=True,
            verbose=False,
        )
        rows = result.boxes
        return report(
            boxes=rows.xyxy.cpu().numpy().astype(np.float32),
            scores=rows.conf.cpu().numpy().astype(np.float32),
            classes=rows.cls.cpu().numpy().astype(np.intp),
            card=card,
        )


def load_yolo(path: Path, *, threads: int = 0) -> Any:
    """An Ultralytics model; raises MissingExtra without Ultralytics, ModelError where the file is no checkpoint."""
    try:
        import torch
        from ultralytics import YOLO
    except ImportError as exc:
        raise MissingExtra(f"{path}: .pt files need Ultralytics and torch: pip install 'roadwarden[train]'") from exc
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    if threads:
        torch.set_num_threads(threads)
    try:
        return YOLO(str(path), task="detect")
    except Exception as exc:
        raise ModelError(f"{path}: not an Ultralytics checkpoint: {exc}") from exc
