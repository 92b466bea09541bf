"""``roadwarden strip``: the map of an archive whose frames carry metres in their names."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.defects.strip_defects import by_picture, kinds, on_road
from roadwarden.errors import ConfigError
from roadwarden.geo.camera import CameraModel
from roadwarden.geo.camera_file import read_camera
from roadwarden.inference.strip_page import StripReport, render_strip, strip_report
from roadwarden.inference.strip_read import read_strip_job
from roadwarden.inference.workspace import write_json, writing
from roadwarden.taxonomy import describe


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(strip)


def strip(
    done: Annotated[Path, typer.Argument(help="the --out folder of a finished 'roadwarden detect'")],
    out: Annotated[Path, typer.Option(help="folder for strip.html, strip.csv and strip.json")],
    camera: Annotated[
        Path | None, typer.Option(help="camera file: lays boxes onto the road and joins looks at one thing")
    ] = None,
    lane_width_m: Annotated[float, typer.Option(min=1, help="lane drawn around the vehicle's line")] = 3.5,
    pattern: Annotated[
        str | None, typer.Option(help="form of the names: a regular expression with the groups run, km and m")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print strip.json instead of the lines")] = False,
) -> None:
    """Draw what was found along the road, for archives whose frames carry their position in metres in their names.

    Names end in metres (1014583_RS_386_386RS124739_29840.jpg) or hold a stake (G2_K29+840.jpg).

    Example: roadwarden strip var/survey --out var/strip --camera front.yaml
    """
    model = _camera(camera)
    job = read_strip_job(done, pattern)
    runs = [(run, on_road(run, job.seen, model) if model else by_picture(run, job.seen)) for run in job.runs]
    name = model.name if model else ""
    report = strip_report(done.resolve().name, name, lane_width_m, runs, job.without)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "strip.json", report.as_json())
        (out / "strip.csv").write_text(report.as_csv(), encoding="utf-8")
        (out / "strip.html").write_text(render_strip(report), encoding="utf-8")
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        _say(report, out)


def _camera(path: Path | None) -> CameraModel | None:
    if path is None:
        return None
    camera = read_camera(path)
    if not isinstance(camera, CameraModel):
        raise ConfigError(f"{path}: a strip map is drawn along a drive; give the file of a vehicle's camera")
    return camera


def _say(report: StripReport, out: Path) -> None:
    for drawn in report.runs:
        run = drawn.run
        print(
            f"{run.name}: {run.from_m:g} to {run.to_m:g} m, {len(run.frames)} frames, usually every {run.step_m:g} m, "
            f"{run.gap_m:g} m without a frame"
        )
        faults = Counter(finding.fault for finding in run.findings)
        for fault, count in sorted(faults.items()):
            print(f"  {fault.replace('_', ' ')}: {count}")
        for distress, count in kinds(drawn.found.defects).items():
            info = describe(distress)
            print(f"  {info.english} {info.chinese}: {count}")
        for reason, count in sorted(drawn.found.refused.items()):
            print(f"  boxes without a place on the road, {reason.replace('_', ' ')}: {count}")
    if report.without:
        print(f"{len(report.without)} frames without metres in their names, such as {report.without[0]}")
    print(f"map: {out / 'strip.html'}")
