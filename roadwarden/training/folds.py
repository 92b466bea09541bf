"""Five folds over groups of streets: each trained without its streets, then looking at just those."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from roadwarden.data.voc import AnnotatedFrame
from roadwarden.detections import Detections
from roadwarden.inference.tables import BOX, FRAME, MODEL, schema_of
from roadwarden.models.card import Head, ModelCard
from roadwarden.models.detector import Detector
from roadwarden.models.onnx import OnnxDetector, sha256_of
from roadwarden.taxonomy import TAXONOMY_VERSION
from roadwarden.training.dataset import groups_of_fold, held_out_frames
from roadwarden.training.export import describe_data, to_onnx
from roadwarden.training.recipe import Recipe
from roadwarden.training.train import EpochDone, Tracking, train
from roadwarden.vision.decode import decode

logger = logging.getLogger(__name__)

LOWEST_SCORE = 0.02
"""Predictions are kept down to this score, so that thresholds can be chosen and mAP be computed from the table."""
PREDICTIONS = "predictions.parquet"
COLUMNS = (FRAME, *BOX, MODEL)


def run_fold(
    recipe: Recipe,
    fold: int,
    *,
    roads: Path,
    weights: Path,
    run_dir: Path,
    tracking: Tracking,
    on_epoch: Callable[[EpochDone], None] = lambda _: None,
) -> Path:
    """Trains one fold, or goes on with it, and writes what it sees on the groups held out; returns that table."""
    table = run_dir / PREDICTIONS
    if table.is_file():
        return table
    checkpoint = train(
        recipe, roads=roads, weights=weights, run_dir=run_dir, fold=fold, on_epoch=on_epoch, tracking=tracking
    )
    card = low_card(recipe, f"{recipe.name}-fold-{fold}", tracking.git_commit)
    onnx = to_onnx(checkpoint, card, run_dir / f"{card.name}.onnx")
    frames = held_out_frames(roads, groups_of_fold(fold))
    return write_predictions(OnnxDetector(onnx), f"{card.name} {sha256_of(onnx)[:12]}", frames, roads, table)


def low_card(recipe: Recipe, name: str, git_commit: str) -> ModelCard:
    """A card that reports nearly everything: thresholds are chosen afterwards."""
    return ModelCard(
        name=name,
        classes=recipe.classes,
        input_size=recipe.image_size,
        head=Head.ONE_TO_MANY,
        taxonomy_version=TAXONOMY_VERSION,
        thresholds=dict.fromkeys(recipe.classes, LOWEST_SCORE),
        training_data=describe_data(recipe),
        git_commit=git_commit,
        views=recipe.views,
    )


def write_predictions(detector: Detector, model: str, frames: list[AnnotatedFrame], roads: Path, place: Path) -> Path:
    """One row a detection, frames named as in ``splits.csv``; whole or absent."""
    rows = [row for frame in frames for row in _rows(detector, model, frame, roads)]
    draft = place.with_suffix(".tmp")
    pq.write_table(pa.Table.from_pylist(rows, schema=schema_of(COLUMNS)), draft, compression="zstd")
    draft.replace(place)
    logger.info("%s: %d detections in %d frames", place.name, len(rows), len(frames))
    return place


def _rows(detector: Detector, model: str, frame: AnnotatedFrame, roads: Path) -> Iterator[dict[str, object]]:
    seen: Detections = detector.detect([decode(frame.path.read_bytes())])[0]
    name = frame.path.relative_to(roads).as_posix()
    for box, distress, score in zip(seen.boxes_xyxy.tolist(), seen.types, seen.scores.tolist(), strict=True):
        edges = dict(zip(("x1", "y1", "x2", "y2"), box, strict=True))
        yield {"frame": name, **edges, "type": str(distress), "score": score, "model": model}
