"""Opens a model file by its ending; a user pays only for the runtime he uses."""

from __future__ import annotations

from importlib import import_module
from importlib.resources import files
from pathlib import Path

from roadwarden.errors import ModelError
from roadwarden.models.detector import Detector

ADAPTERS = {
    ".onnx": ("roadwarden.models.onnx", "OnnxDetector"),
    ".pt": ("roadwarden.models.yolo", "UltralyticsDetector"),
    ".pth": ("roadwarden.models.torchvision", "TorchvisionDetector"),
}
SHIPPED = "roadwarden-yolo26n-1.onnx"


def shipped_model() -> Path:
    """The weights that come with Roadwarden."""
    return Path(str(files("roadwarden.models") / "weights" / SHIPPED))


def load_detector(path: Path, *, threads: int = 0) -> Detector:
    """A detector on ``threads`` CPU threads, 0 for all; raises ModelError for what is not a model of ours."""
    if path.suffix not in ADAPTERS:
        raise ModelError(f"{path}: a model file ends in one of {', '.join(ADAPTERS)}")
    module, name = ADAPTERS[path.suffix]
    detector: Detector = getattr(import_module(module), name)(path, threads=threads)
    return detector
