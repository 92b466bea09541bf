"""``roadwarden camera``: how a camera sees the road."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.progress import progress
from roadwarden.detections import Image
from roadwarden.errors import ConfigError, DataError
from roadwarden.geo.calibrate import LaneView, lens_of, mounting_of, parse_lines
from roadwarden.geo.camera import CameraModel, Lens, Measured, Mounting
from roadwarden.geo.camera_file import camera_yaml, read_camera
from roadwarden.inference.workspace import writing
from roadwarden.vision.chessboard import Board, measure_lens
from roadwarden.vision.decode import decode

PICTURES = frozenset({".jpg", ".jpeg", ".png"})
camera_app = typer.Typer(help="Calibrate cameras.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    app.add_typer(camera_app, name="camera")


@camera_app.callback()
def _group() -> None:
    """Calibrate cameras."""


@camera_app.command()
def calibrate(
    out: Annotated[Path, typer.Argument(help="camera file to write, YAML")],
    name: Annotated[str, typer.Option(help="what the camera is called in tables")] = "front",
    camera: Annotated[
        Path | None, typer.Option(help="camera file to start from: keeps what is not measured anew")
    ] = None,
    chessboard: Annotated[
        Path | None, typer.Option(help="folder of pictures of a chessboard: measures the lens")
    ] = None,
    board: Annotated[str, typer.Option(help="inner corners of the board, columns x rows")] = "9x6",
    square_mm: Annotated[float, typer.Option(min=1, help="side of a square of the board, mm")] = 25.0,
    size: Annotated[str | None, typer.Option(help="width x height of frames, with --focal-px")] = None,
    focal_px: Annotated[float | None, typer.Option(min=1, help="focal length where it is known, pixels")] = None,
    focal_sigma_px: Annotated[float, typer.Option(min=0, help="its standard deviation")] = 20.0,
    line: Annotated[
        list[str] | None,
        typer.Option(help="u1,v1,u2,v2: a line along a straight road in a frame; the first two bound one lane"),
    ] = None,
    lane_width_m: Annotated[float, typer.Option(min=1, help="between the first two lines")] = 3.5,
    lane_width_sigma_m: Annotated[float, typer.Option(min=0, help="its standard deviation")] = 0.1,
    height_m: Annotated[float | None, typer.Option(min=0.1, help="height above the road, measured by hand")] = None,
    height_sigma_m: Annotated[float, typer.Option(min=0, help="its standard deviation")] = 0.03,
    pitch_deg: Annotated[float | None, typer.Option(help="pitch down from the horizontal, measured by hand")] = None,
    pitch_sigma_deg: Annotated[float, typer.Option(min=0, help="its standard deviation; holds the nodding")] = 0.5,
    as_json: Annotated[bool, typer.Option("--json", help="print what was measured as JSON")] = False,
) -> None:
    """Measure a camera's lens on a chessboard and its mounting on a lane, and write a camera file.

    Example: roadwarden camera calibrate front.yaml --chessboard boards --line 410,700,610,420 --line 900,700,690,420
    """
    base = _base(camera)
    lens, how_lens = _lens(
        base, chessboard, Board.parse(board, square_mm / 1000), size, focal_px, focal_sigma_px, as_json
    )
    if line:
        view = LaneView(parse_lines(line), Measured(lane_width_m, lane_width_sigma_m))
        mounting, how = mounting_of(lens, view), f"{len(line)} lines, lane of {lane_width_m} m"
    elif height_m is not None and pitch_deg is not None:
        by_hand = Mounting(Measured(height_m, height_sigma_m), Measured(pitch_deg, pitch_sigma_deg))
        mounting, how = by_hand, "by hand"
    elif base is not None:
        mounting, how = base.mounting, f"as in {camera}"
    else:
        raise ConfigError("how is the camera mounted? give --line twice, or --height-m and --pitch-deg, or --camera")
    model = (
        CameraModel(name, lens, mounting) if base is None else replace(base, name=name, lens=lens, mounting=mounting)
    )
    made = f"lens: {how_lens}; mounting: {how}"
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(camera_yaml(model, made), encoding="utf-8")
    _say(model, made, out, as_json=as_json)


def _base(camera: Path | None) -> CameraModel | None:
    if camera is None:
        return None
    base = read_camera(camera)
    if not isinstance(base, CameraModel):
        raise ConfigError(f"{camera}: a pole camera is calibrated by the points in its file")
    return base


def _lens(
    base: CameraModel | None,
    chessboard: Path | None,
    board: Board,
    size: str | None,
    focal_px: float | None,
    focal_sigma_px: float,
    quiet: bool,
) -> tuple[Lens, str]:
    if chessboard is not None:
        measured = measure_lens(_pictures(chessboard, quiet=quiet), board)
        missed = f", not found in {', '.join(measured.not_found)}" if measured.not_found else ""
        return lens_of(measured), f"chessboard in {len(measured.used)} pictures, {measured.rms_px:.3f} px rms{missed}"
    if focal_px is not None:
        width, _, height = (size or "").lower().partition("x")
        if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
            raise ConfigError("--focal-px needs the size of the frames: --size 1280x720")
        return Lens.of_focal(int(width), int(height), Measured(focal_px, focal_sigma_px)), "focal length as told"
    if base is not None:
        return base.lens, "kept"
    raise ConfigError("which lens? give --chessboard FOLDER, or --focal-px with --size, or --camera FILE")


def _pictures(folder: Path, *, quiet: bool) -> dict[str, Image]:
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in PICTURES)
    if not found:
        raise DataError(f"{folder}: holds no picture ({', '.join(sorted(PICTURES))})")
    pictures: dict[str, Image] = {}
    with progress("pictures", quiet=quiet) as tell:
        for number, path in enumerate(found, start=1):
            pictures[path.name] = decode(path.read_bytes())
            tell(number, len(found))
    return pictures


def _say(model: CameraModel, made: str, out: Path, *, as_json: bool) -> None:
    lens, mounting = model.lens, model.mounting
    known = {
        "focal_px": lens.focal_px,
        "centre_x_px": lens.centre_x_px,
        "centre_y_px": lens.centre_y_px,
        "height_m": mounting.height_m,
        "pitch_deg": mounting.pitch_deg,
        "roll_deg": mounting.roll_deg,
        "heading_deg": mounting.heading_deg,
    }
    if as_json:
        measures = {key: {"value": each.value, "sigma": each.sigma} for key, each in known.items()}
        print(json.dumps({"name": model.name, "file": str(out), "made": made, **measures}, ensure_ascii=False))
        return
    for key, each in known.items():
        print(f"{key:12} {each.value:10.3f} ± {each.sigma:.3f}")
    print(f"{made}\n{out}")
