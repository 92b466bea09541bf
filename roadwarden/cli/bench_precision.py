"""``roadwarden bench precision``: how much faster a small file is than the large one, here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.bench import bench_app, jpegs_below
from roadwarden.eval.bench_precision import ROUNDS, compare_speed
from roadwarden.vision.decode import decode

FRAMES = 16


def register(_: typer.Typer) -> None:
    """Adds the command to the group ``bench``."""
    bench_app.command()(precision)


def precision(
    reference: Annotated[Path, typer.Argument(help="ONNX file to compare with, such as the fp32 one")],
    candidate: Annotated[Path, typer.Argument(help="ONNX file of the same model, such as the int8 one")],
    images: Annotated[Path, typer.Option(help="folder of JPEG frames; the first 16 are used")],
    threads: Annotated[
        list[int] | None, typer.Option(min=1, help="CPU threads; again for more; 1 and 2 if none")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="frames a run; the batch job runs 16 at once")] = 1,
    rounds: Annotated[int, typer.Option(min=1, help="times that each file runs")] = ROUNDS,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Time two files of one model by turns in one process, inference alone.

    Example: roadwarden bench precision models/new.onnx models/new-int8.onnx --images var/street/frames
    """
    frames = [decode(path.read_bytes()) for path in jpegs_below(images)[:FRAMES]]
    measured = [
        compare_speed(reference, candidate, frames, threads=count, batch=batch, rounds=rounds)
        for count in threads or (1, 2)
    ]
    if as_json:
        print(json.dumps([one.as_json() for one in measured], indent=2))
        return
    print(f"{reference.name} → {candidate.name}; the CPU has {'' if measured[0].vnni else 'no '}VNNI")
    for one in measured:
        print(one.line())
