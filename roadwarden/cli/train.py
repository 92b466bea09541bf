"""``roadwarden train`` and ``roadwarden export``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.exits import EXIT_NOT_PASSED
from roadwarden.data.splits import FOLDS
from roadwarden.eval.operating_point import read_operating_point
from roadwarden.models.card import Head, NumberFormat
from roadwarden.training.export import export as export_checkpoint
from roadwarden.training.folds import run_fold
from roadwarden.training.recipe import read_recipe
from roadwarden.training.small import SmallFile, write_small
from roadwarden.training.train import EpochDone, Tracking
from roadwarden.training.train import train as run_training

RecipeFile = Annotated[Path, typer.Argument(help="recipe, such as training/first.yaml")]
Track = Annotated[str | None, typer.Option(help="MLflow to log the run to, such as sqlite:///var/mlflow.db")]
Commit = Annotated[str, typer.Option(help="commit of the code that trains; it goes into the log and the card")]
Roads = Annotated[Path, typer.Option(help="folder with splits.csv and the pictures it names")]


class Files(StrEnum):
    """Which files an export writes; the fp32 one is always there, for the others are held against it."""

    FP32 = "fp32"
    INT8 = "int8"
    FP16 = "fp16"
    ALL = "all"

    @property
    def precisions(self) -> tuple[NumberFormat, ...]:
        """Those beside fp32."""
        return (NumberFormat.INT8, NumberFormat.FP16) if self is Files.ALL else (NumberFormat(self.value),)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(train)
    app.command()(folds)
    app.command()(export)


def train(
    recipe: RecipeFile,
    roads: Roads,
    weights: Annotated[Path, typer.Option(help="weights to start from, an Ultralytics .pt file")],
    out: Annotated[Path, typer.Option(help="folder for runs")] = Path("var/training"),
    fold: Annotated[int | None, typer.Option(help="hold out the groups of this fold, train on all others")] = None,
    track: Track = None,
    git_commit: Commit = "unknown",
) -> None:
    """Fine-tune a detector; run again after an interruption it goes on with the last whole epoch.

    Example: roadwarden train training/first.yaml --roads ../shared/roads --weights start.pt
    """
    chosen = read_recipe(recipe)
    run_dir = out / chosen.name / ("run" if fold is None else f"fold-{fold}")
    kept = run_training(
        chosen, roads=roads, weights=weights, run_dir=run_dir, fold=fold, on_epoch=_tell,
        tracking=Tracking(track, git_commit),
    )  # fmt: skip
    print(f"weights: {kept}")


def folds(
    recipe: RecipeFile,
    roads: Roads,
    weights: Annotated[Path, typer.Option(help="weights to start from, an Ultralytics .pt file")],
    out: Annotated[Path, typer.Option(help="folder for runs")] = Path("var/training"),
    track: Track = None,
    git_commit: Commit = "unknown",
    only: Annotated[list[int] | None, typer.Option(help="these folds only; again for each")] = None,
) -> None:
    """Train five folds over groups of streets, each looking at the streets it was not shown; resumable.

    The tables of predictions are what 'roadwarden eval gate recipe' judges.

    Example: roadwarden folds training/street.yaml --roads ../shared/roads --weights start.pt --git-commit abc1234
    """
    chosen = read_recipe(recipe)
    for fold in only or range(FOLDS):
        table = run_fold(
            chosen, fold, roads=roads, weights=weights, run_dir=out / chosen.name / f"fold-{fold}",
            tracking=Tracking(track, git_commit), on_epoch=_tell,
        )  # fmt: skip
        print(f"fold {fold}: {table}", flush=True)


def _tell(done: EpochDone) -> None:
    judged = ", ".join(f"{name.removeprefix('metrics/')} {value:.3f}" for name, value in done.metrics.items())
    print(f"epoch {done.epoch}/{done.epochs}: loss {done.loss:.3f}" + (f"; val {judged}" if judged else ""), flush=True)


def export(
    recipe: RecipeFile,
    roads: Roads,
    checkpoint: Annotated[Path, typer.Option(help="trained weights, an Ultralytics .pt file")],
    out: Annotated[Path, typer.Option(help="folder for the ONNX file, the stamped checkpoint and the figures")],
    name: Annotated[str, typer.Option(help="name and version of the model, such as roadwarden-yolo26n-4")],
    git_commit: Annotated[str, typer.Option(help="commit that the weights were trained with")],
    head: Annotated[Head, typer.Option(help="which head to export; compare both on val")] = Head.ONE_TO_MANY,
    point: Annotated[Path | None, typer.Option(help="operating point, from 'roadwarden eval choose'; else val")] = None,
    precision: Annotated[
        Files, typer.Option(help="files to write: fp32 always, int8 for CPUs, fp16 for GPUs, or all")
    ] = Files.FP32,
) -> None:
    """Export a checkpoint to ONNX with its model card: its operating point and figures on val beside it.

    Small files are held against the fp32 one on val; exit code 3 where one loses too much.

    Example: roadwarden export training/first.yaml --roads ../shared/roads --checkpoint best.pt --out models
    --name roadwarden-yolo26n-4 --git-commit abc1234 --precision all
    """
    chosen = read_recipe(recipe)
    done = export_checkpoint(
        chosen,
        checkpoint=checkpoint,
        roads=roads,
        out=out,
        name=name,
        git_commit=git_commit,
        head=head,
        point=read_operating_point(point) if point else None,
    )
    print(f"{done.onnx}  sha256 {done.sha256}")
    print(
        "val: "
        + ", ".join(f"{one.replace('_', ' ')} {done.val[one]}" for one in ("found", "precision", "type_accuracy"))
    )
    small = write_small(
        done.onnx, chosen, roads, precision.precisions, tell=lambda text: print(f"... {text}", flush=True)
    )
    for one in small:
        _tell_small(one)
    if not all(one.parity.passed for one in small):
        raise typer.Exit(EXIT_NOT_PASSED)


def _tell_small(small: SmallFile) -> None:
    megabytes = small.place.stat().st_size / 1e6
    print(f"{small.place}  {megabytes:.1f} MB  sha256 {small.sha256}")
    for line in small.parity.lines():
        print(f"  {line}")
