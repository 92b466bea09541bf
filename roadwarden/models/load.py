"""Opens a model by its ending or its name in the registry; a user pays only for the runtime he uses."""

from __future__ import annotations

import logging
from importlib import import_module
from importlib.resources import files
from pathlib import Path

from roadwarden.errors import ModelError
from roadwarden.models.detector import Detector
from roadwarden.settings import registry_cache, registry_uri

logger = logging.getLogger(__name__)

ADAPTERS = {
    ".onnx": ("roadwarden.models.onnx", "OnnxDetector"),
    ".pt": ("roadwarden.models.yolo", "UltralyticsDetector"),
    ".pth": ("roadwarden.models.torchvision", "TorchvisionDetector"),
}
REGISTRY_PREFIX = "registry:"
SHIPPED = "roadwarden-yolo26n-2.onnx"


def shipped_model() -> Path:
    """The weights that come with Roadwarden."""
    return Path(str(files("roadwarden.models") / "weights" / SHIPPED))


def model_path(text: str | None, *, registry: str | None = None) -> Path:
    """The file that a setting means: a path, ``registry:roadwarden@champion``, ``registry:roadwarden/3``, or ours.

    A registry that is away, or whose file is not the one that was promoted, is told as a warning and replaced by the
    shipped weights: a street is better inspected by those than not at all. Raises ConfigError for a version or alias
    that the registry does not know, MissingExtra without MLflow.
    """
    if text is None:
        return shipped_model()
    if not text.startswith(REGISTRY_PREFIX):
        return Path(text)
    # Here, so that who does not ask the registry pays neither for it nor for a second runtime.
    from roadwarden.models.mlflow_store import MlflowStore
    from roadwarden.models.registry import Reference, fetch

    reference = Reference.read(text)
    try:
        return fetch(MlflowStore.existing(registry or registry_uri()), reference, registry_cache())
    except ModelError as exc:
        logger.warning("%s is not to be had: %s; the shipped weights %s are used instead", reference, exc, SHIPPED)
        return shipped_model()


def load_detector(path: Path | str, *, threads: int = 0) -> Detector:
    """A detector on ``threads`` CPU threads, 0 for all; a string may name a model in the registry (``model_path``).

    Raises ModelError for what is not a model of ours.
    """
    path = model_path(path) if isinstance(path, str) else path
    if path.suffix not in ADAPTERS:
        raise ModelError(f"{path}: a model file ends in one of {', '.join(ADAPTERS)}")
    module, name = ADAPTERS[path.suffix]
    detector: Detector = getattr(import_module(module), name)(path, threads=threads)
    return detector
