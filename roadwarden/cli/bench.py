"""``roadwarden bench``: how fast, beside the bound and the peers."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.errors import DataError
from roadwarden.eval.bench_detect import bench
from roadwarden.models.load import model_path

bench_app = typer.Typer(help="Measure speed beside its bound and its peers.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    app.add_typer(bench_app, name="bench")


@bench_app.command()
def detect(
    folder: Annotated[Path, typer.Argument(help="folder of JPEG frames")],
    model: Annotated[
        str | None,
        typer.Option(help="ONNX file, or registry:roadwarden@champion, or shipped:int8; without it shipped:fp32"),
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="the same weights as .pt, for the second peer")] = None,
    frames: Annotated[int, typer.Option(min=1, help="frames to run; the folder is repeated when it has fewer")] = 1000,
    cores: Annotated[int, typer.Option(min=0, help="cores to use; 0 for all")] = 0,
) -> None:
    """Bare session, our whole job, and Ultralytics, on the same frames and weights.

    Example: roadwarden bench detect var/street/frames --checkpoint models/roadwarden-yolo26n-4.pt
    """
    found = jpegs_below(folder)
    chosen = list(islice((path for _ in range(frames) for path in found), frames))
    result = bench(
        chosen,
        onnx=model_path(model),
        checkpoint=checkpoint,
        cores=cores or os.cpu_count() or 1,
        tell=lambda title: print(f"... {title}", flush=True),
    )
    print(result.markdown())


def jpegs_below(folder: Path) -> list[Path]:
    """The JPEG frames to measure on, by name; raises DataError where there are none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg"})
    if not found:
        raise DataError(f"{folder}: holds no JPEG; 'roadwarden sample var/street' makes some")
    return found
