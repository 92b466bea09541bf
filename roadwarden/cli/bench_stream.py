"""``roadwarden bench stream``: the worker beside the batch job, and under load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.bench import bench_app, jpegs_below


def register(_: typer.Typer) -> None:
    """Adds the command to the group ``bench``."""
    bench_app.command("stream")(stream)


def stream(
    folder: Annotated[Path, typer.Argument(help="folder of JPEG frames, with its camera.yaml")],
    model: Annotated[str | None, typer.Option(help="ONNX file, or shipped:int8; without it shipped:fp32")] = None,
    frames: Annotated[int, typer.Option(min=16, help="frames for throughput")] = 600,
    cameras: Annotated[int, typer.Option(min=1, help="cameras of the live runs")] = 8,
    seconds: Annotated[float, typer.Option(min=5, help="length of the runs under load")] = 60.0,
    minutes: Annotated[float, typer.Option(min=0, help="length of the run at 1 fps a camera; 0 leaves it out")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Throughput against the batch job; latency at 60 % load; 3 x overload; memory over ten minutes.

    Example: roadwarden bench stream var/street --minutes 10
    """
    from roadwarden.eval.bench_stream import bench_stream
    from roadwarden.models.load import model_path

    result = bench_stream(
        jpegs_below(folder),
        folder / "camera.yaml",
        model=model_path(model),
        count=frames,
        cameras=cameras,
        seconds=seconds,
        soak_s=minutes * 60,
        tell=lambda what: typer.echo(f"... {what}", err=True),
    )
    print(json.dumps(result.as_json(), indent=2) if as_json else result.markdown())
