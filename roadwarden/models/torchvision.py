"""Torchvision detectors in .pth files: the path whose licences are permissive throughout (BSD-3-Clause)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from roadwarden.detections import Detections, Image
from roadwarden.errors import MissingExtra, ModelError
from roadwarden.models.card import METADATA_KEY, ModelCard, read_card
from roadwarden.models.heads import report

ARCHITECTURE_KEY = "architecture"
STATE_KEY = "state_dict"
NETWORKS = ("ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn")


class TorchvisionDetector:
    """Runs a network of ``torchvision.models.detection`` whose class 0 is the background."""

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        """Loads ``path`` without running pickled code; raises ModelError where it is no checkpoint of ours."""
        torch = _import_torch(path)
        if threads:
            torch.set_num_threads(threads)
        saved = _load_checkpoint(torch, path)
        self._card = read_card(saved.get(METADATA_KEY), path)
        if self._card.views:
            raise ModelError(f"{path}: its card asks for views, but these networks scale their input by themselves")
        self._network = build_network(saved.get(ARCHITECTURE_KEY, ""), len(self._card.classes))
        try:
            self._network.load_state_dict(saved[STATE_KEY])
        except (KeyError, RuntimeError) as exc:
            raise ModelError(f"{path}: the weights do not fit {saved.get(ARCHITECTURE_KEY)}: {exc}") from exc
        self._network.eval()

    @property
    def card(self) -> ModelCard:
        """What the model says of itself."""
        return self._card

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """The distress in each frame."""
        import torch

        if not images:
            return []
        tensors = [torch.from_numpy(np.ascontiguousarray(image[..., ::-1])).permute(2, 0, 1) / 255 for image in images]
        with torch.inference_mode():
            return [self._read(answer) for answer in self._network(tensors)]

    def _read(self, answer: dict[str, Any]) -> Detections:
        return report(
            boxes=answer["boxes"].numpy().astype(np.float32),
            scores=answer["scores"].numpy().astype(np.float32),
            classes=answer["labels"].numpy().astype(np.intp) - 1,
            card=self._card,
        )


def build_network(architecture: str, classes: int) -> Any:
    """An untrained network for that many types; raises ModelError for one that is not on our list."""
    if architecture not in NETWORKS:
        raise ModelError(f"unknown architecture '{architecture}'; one of {', '.join(NETWORKS)}")
    from torchvision.models import detection

    return getattr(detection, architecture)(weights=None, weights_backbone=None, num_classes=classes + 1)


def save_checkpoint(network: Any, architecture: str, card: ModelCard, path: Path) -> None:
    """Writes what ``TorchvisionDetector`` loads."""
    import torch

    torch.save(
        {STATE_KEY: network.state_dict(), ARCHITECTURE_KEY: architecture, METADATA_KEY: card.model_dump_json()}, path
    )


def _import_torch(path: Path) -> Any:
    try:
        import torch
        import torchvision  # noqa: F401 -- named here so that its absence is told before the weights are read
    except ImportError as exc:
        raise MissingExtra(f"{path}: .pth files need torch and torchvision: pip install 'roadwarden[train]'") from exc
    return torch


def _load_checkpoint(torch: Any, path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as exc:
        raise ModelError(f"{path}: not a torch checkpoint: {exc}") from exc
    if not isinstance(saved, dict):
        raise ModelError(f"{path}: holds {type(saved).__name__}, wanted {json.dumps([STATE_KEY, METADATA_KEY])}")
    return saved
