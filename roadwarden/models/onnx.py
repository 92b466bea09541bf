"""Detectors in ONNX files, run by ONNX Runtime: the default, without torch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from roadwarden.detections import Detections, Image
from roadwarden.errors import ModelError
from roadwarden.models.card import METADATA_KEY, ModelCard, read_card
from roadwarden.models.cpu import has_vnni
from roadwarden.models.heads import read_output
from roadwarden.models.onnx_run import Runner
from roadwarden.models.views import detect_in_views
from roadwarden.settings import wants_tensorrt
from roadwarden.vision.letterbox import Letterbox

TENSORRT = "TensorrtExecutionProvider"
PROVIDERS = ("CUDAExecutionProvider", "OpenVINOExecutionProvider", "CPUExecutionProvider")


class OnnxDetector:
    """Runs an ONNX export whose metadata holds a model card."""

    def __init__(self, path: Path, *, threads: int = 0, floor: float | None = None) -> None:
        """Loads ``path`` on ``threads`` CPU threads, 0 for all; raises ModelError where it is not a model of ours.

        With a ``floor`` it reports from that score on, where the card's thresholds are not lower still: for evaluation.
        """
        self._session = open_session(path, threads=threads)
        self._card = read_card(self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY), path)
        self._reports = self._card if floor is None else self._card.lowered_to(floor)
        self._run = Runner(self._session)

    @property
    def card(self) -> ModelCard:
        """What the model says of itself."""
        return self._card

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """The distress in each frame; frames of one input shape share a run."""
        return detect_in_views(images, self._reports, self._see)

    def _see(self, images: Sequence[Image], input_size: int, card: ModelCard) -> list[Detections]:
        letterboxes = [Letterbox.of(image.shape[0], image.shape[1], input_size) for image in images]
        found: list[Detections] = [Detections.none()] * len(images)
        shapes = sorted({(box.input_height, box.input_width) for box in letterboxes})
        for shape in shapes:
            members = [i for i, box in enumerate(letterboxes) if (box.input_height, box.input_width) == shape]
            batch = np.stack([letterboxes[i].apply(images[i]) for i in members])
            for i, output in zip(members, self._run(batch), strict=True):
                found[i] = read_output(output, card, letterboxes[i])
        return found


def chosen_providers(offered: Sequence[str], *, tensorrt: bool = False) -> list[str]:
    """The best device that is there first. TensorRT only where it is asked for: it builds its engine for minutes."""
    wanted = (TENSORRT, *PROVIDERS) if tensorrt else PROVIDERS
    return [provider for provider in wanted if provider in offered]


def open_session(path: Path, *, threads: int = 0) -> Any:
    """An ONNX Runtime session on the best device that is there; raises ModelError where the file is no ONNX model."""
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if not has_vnni():
        # There the fast product of 8-bit numbers overflows; the exact one is right. With AMX it would cost half of the
        # speed for nothing: ONNX Runtime takes AMX for a CPU that overflows.
        options.add_session_config_entry("session.x64quantprecision", "1")
    offered = onnxruntime.get_available_providers()
    try:
        return onnxruntime.InferenceSession(
            str(path), options, providers=chosen_providers(offered, tensorrt=wants_tensorrt())
        )
    except Exception as exc:
        raise ModelError(f"{path}: not a model that ONNX Runtime can load: {_first_line(exc)}") from exc


def runs_on_gpu() -> bool:
    """Whether ``open_session`` will choose a graphics card."""
    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()


def sha256_of(path: Path) -> str:
    """Hex digest of a file; identifies the weights in every table."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _first_line(exc: Exception) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]
