"""``roadwarden eval choose`` and ``roadwarden eval gate``: the operating point, and what may be promoted."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from roadwarden.cli.exits import EXIT_NOT_PASSED
from roadwarden.data.splits import FOLDED_SOURCE, read_folds
from roadwarden.eval.gate import Champion, Gate, file_gate, recipe_gate
from roadwarden.eval.gate_report import gate_line, gate_markdown
from roadwarden.eval.operating_point import Asked, choose, nested, read_operating_point
from roadwarden.eval.out_of_fold import read_out_of_fold
from roadwarden.eval.predictions import look
from roadwarden.eval.truth import TruthFormat, read_truth
from roadwarden.models.onnx import OnnxDetector, sha256_of
from roadwarden.taxonomy import TRAINED_TYPES
from roadwarden.vision.decode import decode

TIMED_FRAMES = 40

Roads = Annotated[Path, typer.Option(help="folder with splits.csv and the pictures it names")]
Predictions = Annotated[
    list[Path], typer.Argument(help="tables of out-of-fold predictions, one a fold, as 'roadwarden folds' writes them")
]

gate_app = typer.Typer(help="Judge a recipe by its folds, or a model file on val.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the commands to the group ``eval``."""
    app.command(name="choose")(choose_point)
    app.add_typer(gate_app, name="gate")


def choose_point(
    predictions: Predictions,
    roads: Roads,
    out: Annotated[Path, typer.Option(help="file for the operating point, JSON")],
    precision: Annotated[float, typer.Option(help="coverage precision to reach")] = 0.80,
    found: Annotated[float, typer.Option(help="share of boxes to find")] = 0.70,
    bound: Annotated[float, typer.Option(help="what the bound of type accuracy should be above")] = 0.90,
) -> None:
    """Choose thresholds and calibration on out-of-fold predictions, and say what a nested choice would give.

    Example: roadwarden eval choose var/training/street/fold-*/predictions.parquet --roads ../shared/roads
    --out eval/folds/street/operating-point.json
    """
    read = read_out_of_fold(roads, predictions)
    if read.missing:
        print(f"folds that are not at hand, and whose frames are left out: {list(read.missing)}")
    frames = read.frames
    chosen_on = f"out-of-fold predictions of {len(frames)} frames of {FOLDED_SOURCE}, train + val"
    asked = Asked(precision, found, bound)
    folds = read_folds()
    val = frozenset(group for group, fold in folds.items() if fold == 0)  # what the file gate judges
    point = choose(frames, TRAINED_TYPES, asked, chosen_on=chosen_on, hold_on=val)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(point.model_dump_json(indent=2) + "\n", encoding="utf-8")
    print(f"thresholds: {', '.join(f'{one} {value:g}' for one, value in point.thresholds.items())}")
    whole = nested(frames, {frame.group: folds[frame.group] for frame in frames}, TRAINED_TYPES, asked)
    print(
        f"each fold at a point chosen without it: found {float(whole.recall):.3f}, precision "
        f"{float(whole.precision):.3f}, type accuracy {float(whole.type_accuracy):.3f}"
    )


@gate_app.command()
def recipe(
    predictions: Predictions,
    roads: Roads,
    point: Annotated[Path, typer.Option(help="the frozen operating point, from 'roadwarden eval choose'")],
    name: Annotated[str, typer.Option(help="name of the recipe")] = "street",
    out: Annotated[Path | None, typer.Option(help="folder for gate-recipe.json and gate-recipe.md")] = None,
) -> None:
    """Judge a recipe by pooled out-of-fold predictions; exit code 3 where it does not pass.

    Example: roadwarden eval gate recipe eval/folds/street/*.parquet --roads ../shared/roads
    --point eval/folds/street/operating-point.json
    """
    frozen = read_operating_point(point)
    frames = read_out_of_fold(roads, predictions).whole()
    _finish(recipe_gate(frozen.calibrated(frames), frozen.thresholds, name), out)


@gate_app.command()
def file(
    model: Annotated[Path, typer.Argument(help="ONNX file; its card holds the thresholds")],
    roads: Roads,
    champion: Annotated[Path | None, typer.Option(help="ONNX file of the model in use")] = None,
    out: Annotated[Path | None, typer.Option(help="folder for gate-file.json and gate-file.md")] = None,
) -> None:
    """Judge one very ONNX file on val; exit code 3 where it does not pass.

    Example: roadwarden eval gate file models/new.onnx --roads ../shared/roads --out var/gate
    """
    truth = read_truth(roads, TruthFormat.ROADS, source=FOLDED_SOURCE, part="val").frames
    frames, thresholds = look(model, truth)
    rival = None
    if champion is not None:
        seen, limits = look(champion, truth)
        rival = Champion(f"{champion.stem} {sha256_of(champion)[:12]}", seen, limits)
    gate = file_gate(
        frames,
        thresholds,
        model=model.stem,
        model_sha256=sha256_of(model),
        latency_ms=latency_ms(model, [frame.annotated.path for frame in truth[:TIMED_FRAMES]]),
        champion=rival,
    )
    _finish(gate, out)


def latency_ms(model: Path, pictures: list[Path]) -> float:
    """Median time of a frame on one thread, decoding aside, after a warm-up."""
    detector = OnnxDetector(model, threads=1)
    images = [decode(place.read_bytes()) for place in pictures]
    detector.detect(images[:1])
    seconds = []
    for image in images:
        began = time.perf_counter()
        detector.detect([image])
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds)) * 1000


def _finish(gate: Gate, out: Path | None) -> None:
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(gate.as_json(), indent=2, ensure_ascii=False) + "\n"
        (out / f"gate-{gate.kind}.json").write_text(text, encoding="utf-8")
        (out / f"gate-{gate.kind}.md").write_text(gate_markdown(gate), encoding="utf-8")
    print(gate_markdown(gate))
    print(gate_line(gate))
    if not gate.passed:
        raise typer.Exit(EXIT_NOT_PASSED)
