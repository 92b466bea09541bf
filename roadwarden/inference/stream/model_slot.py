"""The model that looks now, changed between batches: a batch that began with the old one ends with the old."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from roadwarden.models.detector import Detector
from roadwarden.models.load import load_detector
from roadwarden.models.onnx import sha256_of
from roadwarden.models.tiling import TiledDetector


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A file's detectors, one a lane, and what they are called in tables: name@hash."""

    label: str
    sha256: str
    detectors: tuple[Detector, ...]


def load_model(path: Path, lanes: int, threads: int) -> LoadedModel:
    """Raises ModelError for what is no model of ours."""
    detectors = tuple(TiledDetector(load_detector(path, threads=threads)) for _ in range(lanes))
    sha256 = sha256_of(path)
    return LoadedModel(f"{detectors[0].card.name}@{sha256[:12]}", sha256, detectors)


class ModelSlot:
    """What the lanes take their detectors from, batch by batch."""

    def __init__(self, model: LoadedModel) -> None:
        self._lock = Lock()
        self._model = model
        self._before: LoadedModel | None = None

    @property
    def current(self) -> LoadedModel:
        """For one batch."""
        with self._lock:
            return self._model

    @property
    def previous(self) -> LoadedModel | None:
        """What a rollback goes back to."""
        with self._lock:
            return self._before

    def switch(self, model: LoadedModel) -> None:
        """From the next batch on."""
        with self._lock:
            self._before, self._model = self._model, model
