"""Fine-tunes a YOLO detector with Ultralytics: resumable, on CPU or GPU."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadwarden.errors import ConfigError, DataError, MissingExtra
from roadwarden.training.dataset import draw_sheet, groups_of_fold, manifest_sha256, write_dataset
from roadwarden.training.recipe import Arithmetic, Heads, Keep, Recipe
from roadwarden.training.tracking import RunFacts, environment_versions, tracked_run
from roadwarden.training.weather import road_weather

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EpochDone:
    """Progress of a run after one epoch; ``metrics`` as Ultralytics names them, empty where val is not judged."""

    epoch: int
    epochs: int
    loss: float
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class Tracking:
    """Where runs are logged, if anywhere, and the commit of the code that runs."""

    uri: str | None = None
    git_commit: str = "unknown"


def train(
    recipe: Recipe,
    *,
    roads: Path,
    weights: Path,
    run_dir: Path,
    fold: int | None = None,
    on_epoch: Callable[[EpochDone], None] = lambda _: None,
    tracking: Tracking = Tracking(),
) -> Path:
    """Trains, or goes on where an interrupted run stopped; returns the weights that the recipe keeps.

    With ``fold`` the groups of that fold are held out, and weights are those of the last epoch: what is held out must
    choose nothing. Raises DataError when the pictures or start weights are missing, ConfigError for a fold whose recipe
    keeps the best, MissingExtra without ``roadwarden[train]``.
    """
    if fold is not None and recipe.keep is not Keep.LAST:
        raise ConfigError(f"recipe '{recipe.name}': folds need 'keep: last', for the best would be chosen by the fold")
    kept, last, done = run_dir / f"{recipe.keep}.pt", run_dir / "last.pt", run_dir / "done"
    if done.is_file():
        return kept
    if not last.is_file() and not weights.is_file():
        raise DataError(f"{weights}: no such start weights; name them with --weights")
    yolo = _import_yolo(recipe.threads)
    trainer = _one_headed_trainer() if recipe.heads is Heads.ONE_TO_MANY else None
    model = yolo(str(last if last.is_file() else weights))
    if last.is_file():
        logger.info("resuming %s", last)
        if (run_dir / "best.pt").is_file():
            _copy_whole(run_dir / "best.pt", run_dir / "run/weights/best.pt")
        arguments: dict[str, Any] = {"resume": True}
    else:
        held_out = None if fold is None else groups_of_fold(fold)
        arguments = _arguments(recipe, write_dataset(recipe, roads, run_dir / "dataset", held_out), run_dir)
    with tracked_run(_facts(recipe, run_dir, tracking), uri=tracking.uri, run_dir=run_dir) as log:
        log.log_picture(draw_sheet(run_dir / "dataset", recipe.classes))

        def epoch_done(epoch: EpochDone) -> None:
            log.log_epoch({"loss": epoch.loss, **epoch.metrics}, epoch.epoch)
            on_epoch(epoch)

        model.add_callback("on_train_start", lambda trainer: lower_precision(trainer.model, recipe.precision))
        model.add_callback("on_fit_epoch_end", lambda trainer: _tell(trainer, epoch_done))
        model.add_callback("on_model_save", lambda trainer: _keep_whole(Path(trainer.wdir), run_dir))
        model.train(**arguments, trainer=trainer)
        _keep_whole(run_dir / "run/weights", run_dir)
        log.log_artifact(kept)
    done.touch()
    return kept


def _facts(recipe: Recipe, run_dir: Path, tracking: Tracking) -> RunFacts:
    return RunFacts(
        name=f"{recipe.name}/{run_dir.name}",
        parameters=recipe.model_dump(mode="json"),
        data_manifest_sha256=manifest_sha256(run_dir / "dataset"),
        git_commit=tracking.git_commit,
        environment=environment_versions(),
    )


def lower_precision(network: Any, precision: Arithmetic) -> None:
    """Runs the network's forward pass in bfloat16, its outputs float32 again for the loss.

    Ultralytics offers bfloat16 on CUDA only. Measured on a CPU with AMX, 2 threads, YOLO26n at 416 px: 75 ms an image
    in float32, 65 with channels last, 37 with both.
    """
    if precision is Arithmetic.FLOAT32:
        return
    import torch

    network.to(memory_format=torch.channels_last)
    forward = network._predict_once
    device = next(network.parameters()).device.type

    def low(*arguments: Any, **named: Any) -> Any:
        with torch.autocast(device, dtype=torch.bfloat16):
            return _as_float32(forward(*arguments, **named))

    network._predict_once = low


def _one_headed_trainer() -> Any:
    """Ultralytics' trainer without YOLO26's end-to-end head, whose loss would take over (0.2 to 0.9 of the sum)."""
    from ultralytics.models.yolo.detect import DetectionTrainer

    class OneHeadedTrainer(DetectionTrainer):  # type: ignore[misc]  # Ultralytics has no types
        def get_model(self, *arguments: Any, **named: Any) -> Any:
            """The network with the one head that is used."""
            network = super().get_model(*arguments, **named)
            head = network.model[-1]
            head.end2end, head.one2one_cv2, head.one2one_cv3 = False, None, None
            return network

    return OneHeadedTrainer


def _as_float32(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_float32(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_as_float32(one) for one in value)
    return value.float() if hasattr(value, "float") else value


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
        "amp": recipe.precision is Arithmetic.FLOAT32 and recipe.device != "cpu",
        "val": recipe.keep is Keep.BEST,
        "warmup_epochs": recipe.warmup_epochs,
        # Said even where it is nothing: without it Ultralytics adds its own wherever albumentations is installed.
        "augmentations": road_weather(recipe.road_weather) if recipe.road_weather else [],
    }


def _tell(trainer: Any, on_epoch: Callable[[EpochDone], None]) -> None:
    if trainer.epoch >= trainer.epochs:
        return  # the last look at the best weights, which Ultralytics calls an epoch too
    losses = trainer.tloss if isinstance(trainer.tloss, dict) else {}
    judged = {name: float(value) for name, value in (trainer.metrics or {}).items() if name.startswith("metrics/")}
    on_epoch(
        EpochDone(
            epoch=int(trainer.epoch) + 1,
            epochs=int(trainer.epochs),
            loss=float(sum(float(value) for value in losses.values())),
            metrics=judged if trainer.args.val else {},
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
    import ultralytics.utils.callbacks.mlflow
    from ultralytics import YOLO

    ultralytics.utils.callbacks.mlflow.callbacks = {}  # runs are logged by us, where the user asked for it
    return YOLO
