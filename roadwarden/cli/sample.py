"""``roadwarden sample``: an archive to try things on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.progress import progress
from roadwarden.data.synthetic import Camera, Drive, Repair, Visit, street_for, write_sample_archive
from roadwarden.eval.sample_street import camera_model, road_of
from roadwarden.geo.camera_file import camera_yaml
from roadwarden.inference.workspace import writing

CAMERA, ROADS = "camera.yaml", "roads.geojson"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(sample)


def sample(
    out: Annotated[Path, typer.Argument(help="folder for the archive")],
    frames: Annotated[int, typer.Option(min=1, max=1000, help="number of frames, one a metre")] = 48,
    seed: Annotated[int, typer.Option(min=0, help="another seed is another street")] = 7,
    hour: Annotated[float, typer.Option(min=7, max=18, help="solar hour: light and shadows")] = 10.0,
    lateral_m: Annotated[float, typer.Option(min=-3, max=3, help="camera's offset to the right, metres")] = 0.9,
    repair: Annotated[Repair, typer.Option(help="how far the repair of every defect has come")] = Repair.BEFORE,
    drive: Annotated[int, typer.Option(min=0, help="another drive nods and jitters otherwise")] = 7,
) -> None:
    """Render a drive along the synthetic street: frames, GNSS track and the truth, with its camera file and its road.

    Example: roadwarden sample var/street
    """
    repairs = {defect.id: repair for defect in street_for(seed, frames).defects}
    visit = Visit(Drive(Camera(lateral_m=lateral_m), seed=drive), hour, repairs)
    with progress("render") as report:
        write_sample_archive(out, seed=seed, frames=frames, visit=visit, on_frame=report)
    with writing(out):
        (out / CAMERA).write_text(
            camera_yaml(camera_model(visit.drive.camera), "the renderer's own numbers"), encoding="utf-8"
        )
        (out / ROADS).write_text(json.dumps(road_of(frames), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(out)
