"""Fine-tunes a YOLO detector with Ultralytics: resumable, on CPU or GPU."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadwarden.errors import DataError, MissingExtra
from roadwarden.training.dataset import write_dataset
from roadwarden.training.recipe import Recipe

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EpochDone:
    """Progress of a run after one epoch; metrics as Ultralytics names them."""

    epoch: int
    epochs: int
    map50: float
    map50_95: float


def train(
    recipe: Recipe, *, roads: Path, weights: Path, run_dir: Path, on_epoch: Callable[[EpochDone], None] = lambda _: None
) -> Path:
    """Trains, or goes on where an interrupted run stopped; returns the weights best on val.

    Raises DataError when the pictures or start weights are missing, MissingExtra without ``roadwarden[train]``.
    """
    best, last, done = run_dir / "best.pt", run_dir / "last.pt", run_dir / "done"
    if done.is_file():
        return best
    if not last.is_file() and not weights.is_file():
        raise DataError(f"{weights}: no such start weights; name them with --weights")
    yolo = _import_yolo(recipe.threads)
    model = yolo(str(last if last.is_file() else weights))
    model.add_callback("on_fit_epoch_end", lambda trainer: _tell(trainer, on_epoch))
    model.add_callback("on_model_save", lambda trainer: _keep_whole(Path(trainer.wdir), run_dir))
    if last.is_file():
        logger.info("resuming %s", last)
        _copy_whole(best, run_dir / "run/weights/best.pt")
        model.train(resume=True)
    else:
        dataset = write_dataset(recipe, roads, run_dir / "dataset")
        model.train(**_arguments(recipe, dataset, run_dir))
    _keep_whole(run_dir / "run/weights", run_dir)
    done.touch()
    return best


def _keep_whole(written: Path, run_dir: Path) -> None:
    """Copies of the checkpoints that are whole or absent: Ultralytics writes in place, and a kill tears its files."""
    for name in ("best.pt", "last.pt"):
        if (written / name).is_file():
            _copy_whole(written / name, run_dir / name)


def _copy_whole(source: Path, target: Path) -> None:
    draft = target.with_suffix(".tmp")
    shutil.copyfile(source, draft)
    draft.replace(target)


def _arguments(recipe: Recipe, dataset: Path, run_dir: Path) -> dict[str, Any]:
    shutil.rmtree(run_dir / "run", ignore_errors=True)
    return {
        "data": str(dataset),
        "imgsz": recipe.image_size,
        "batch": recipe.batch,
        "epochs": recipe.epochs,
        "close_mosaic": recipe.close_mosaic,
        "seed": recipe.seed,
        "device": None if recipe.device == "auto" else recipe.device,
        "project": str(run_dir.resolve()),
        "name": "run",
        "exist_ok": True,
        "cos_lr": True,
        "workers": 1,
        "cache": "ram",
        "plots": False,
        "amp": recipe.device != "cpu",
    }


def _tell(trainer: Any, on_epoch: Callable[[EpochDone], None]) -> None:
    if trainer.epoch >= trainer.epochs:
        return  # the last look at the best weights, which Ultralytics calls an epoch too
    metrics = trainer.metrics or {}
    on_epoch(
        EpochDone(
            epoch=int(trainer.epoch) + 1,
            epochs=int(trainer.epochs),
            map50=float(metrics.get("metrics/mAP50(B)", 0.0)),
            map50_95=float(metrics.get("metrics/mAP50-95(B)", 0.0)),
        )
    )


def _import_yolo(threads: int) -> Any:
    """Ultralytics trains on cpu_count - 1 threads: on 2 cores that is one, half the speed."""
    try:
        import ultralytics.utils
        import ultralytics.utils.torch_utils
    except ImportError as exc:
        raise MissingExtra("training needs Ultralytics and torch: pip install 'roadwarden[train]'") from exc
    ultralytics.utils.NUM_THREADS = threads
    ultralytics.utils.torch_utils.NUM_THREADS = threads
    from ultralytics import YOLO

    return YOLO
