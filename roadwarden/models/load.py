"""Opens a model by its ending or its name in the registry; a user pays only for the runtime he uses."""

from __future__ import annotations

import logging
from importlib import import_module
from importlib.resources import files
from pathlib import Path

from roadwarden.errors import ConfigError, ModelError
from roadwarden.models.card import NumberFormat
from roadwarden.models.detector import Detector
from roadwarden.settings import registry_cache, registry_uri

logger = logging.getLogger(__name__)

ADAPTERS = {
    ".onnx": ("roadwarden.models.onnx", "OnnxDetector"),
    ".pt": ("roadwarden.models.yolo", "UltralyticsDetector"),
    ".pth": ("roadwarden.models.torchvision", "TorchvisionDetector"),
}
REGISTRY_PREFIX = "registry:"
SHIPPED_PREFIX = "shipped:"
SHIPPED = {NumberFormat.FP32: "roadwarden-yolo26n-4.onnx", NumberFormat.INT8: "roadwarden-yolo26n-4-int8.onnx"}


def shipped_model(precision: NumberFormat = NumberFormat.FP32) -> Path:
    """The weights that come with Roadwarden. Raises ConfigError for a precision that does not."""
    if precision not in SHIPPED:
        raise ConfigError(f"no {precision} weights come with Roadwarden: there are {', '.join(SHIPPED)}")
    return Path(str(files("roadwarden.models") / "weights" / SHIPPED[precision]))


def model_path(text: str | None, *, registry: str | None = None) -> Path:
    """The file that a setting means: a path, ``registry:roadwarden@champion``, ``registry:roadwarden/3``, or ours.

    ``shipped:int8`` means our weights for CPUs, ``shipped:fp32`` or None those that run where nothing is asked.
    A registry that is away, or whose file is not the one that was promoted, is told as a warning and replaced by the
    shipped weights: a street is better inspected by those than not at all. Raises ConfigError for a version or alias
    that the registry does not know, MissingExtra without MLflow.
    """
    if text is None:
        return shipped_model()
    if text.startswith(SHIPPED_PREFIX):
        return shipped_model(_precision(text.removeprefix(SHIPPED_PREFIX)))
    if not text.startswith(REGISTRY_PREFIX):
        return Path(text)
    # Here, so that who does not ask the registry pays neither for it nor for a second runtime.
    from roadwarden.models.mlflow_store import MlflowStore
    from roadwarden.models.registry import Reference, fetch

    reference = Reference.read(text)
    try:
        return fetch(MlflowStore.existing(registry or registry_uri()), reference, registry_cache())
    except ModelError as exc:
        ours = shipped_model()
        logger.warning("%s is not to be had: %s; the shipped weights %s are used instead", reference, exc, ours.name)
        return ours


def _precision(text: str) -> NumberFormat:
    try:
        return NumberFormat(text)
    except ValueError as exc:
        raise ConfigError(f"{SHIPPED_PREFIX}{text}: a precision is one of {', '.join(SHIPPED)}") from exc


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
