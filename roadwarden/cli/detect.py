"""``roadwarden detect``: from an archive of frames to tables and a report."""

from __future__ import annotations

import json
import logging
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.progress import progress
from roadwarden.data.track import DEFAULT_TOLERANCE_S
from roadwarden.errors import ConfigError, DataError
from roadwarden.geo.coordinates import CoordinateSystem
from roadwarden.inference.batch import JobDone, run_job
from roadwarden.inference.cluster import RayHosts
from roadwarden.inference.describe import find_track
from roadwarden.inference.outcome import OutcomeKind
from roadwarden.inference.settings import JobSettings, Shard
from roadwarden.models.load import model_path
from roadwarden.taxonomy import DistressType, describe


class Engine(StrEnum):
    """Where batches are worked on."""

    LOCAL = "local"
    RAY = "ray"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(detect)


# Long: options alone, each with its line of help.
def detect(
    archive: Annotated[
        str, typer.Argument(help="folder, .zip, .tar, video file, 'glob', fsspec URL (s3://...), or .txt list of paths")
    ],
    out: Annotated[Path, typer.Option(help="folder for tables and report; run again with the same one to go on")],
    model: Annotated[
        str | None,
        typer.Option(help="model file, or registry:roadwarden@champion, or shipped:int8; without it shipped:fp32"),
    ] = None,
    track: Annotated[
        str, typer.Option(help="GPX, CSV or NMEA file of positions; 'auto' looks in the archive's folder, 'none'")
    ] = "auto",
    tolerance_s: Annotated[
        float, typer.Option(min=0.01, help="seconds a frame may be away from the nearest position")
    ] = DEFAULT_TOLERANCE_S,
    clock_offset_s: Annotated[float, typer.Option(help="seconds to add to the camera's clock")] = 0.0,
    zone: Annotated[str | None, typer.Option(help="zone of camera times without one, such as Asia/Shanghai")] = None,
    coordinates: Annotated[
        CoordinateSystem, typer.Option(help="system the positions come in; tables are always WGS-84")
    ] = CoordinateSystem.WGS84,
    shard: Annotated[
        str, typer.Option(help="i/n: work on every n-th batch only; join with 'roadwarden merge'")
    ] = "1/1",
    workers: Annotated[int, typer.Option(min=0, help="worker processes; 0 for one a core")] = 0,
    engine: Annotated[
        Engine, typer.Option(help="local: this host; ray: a cluster (RAY_ADDRESS), whose hosts all reach the archive")
    ] = Engine.LOCAL,
    annotate: Annotated[bool, typer.Option("--annotate", help="write drawn frames, faces and plates blurred")] = False,
    geojson: Annotated[bool, typer.Option("--geojson", help="also write detections.geojson")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="throw away what an earlier job left in --out")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the result as one JSON object")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="no progress, no summary")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="log what is going on")] = False,
) -> None:
    """Find pavement distress in every frame of an archive.

    Kill it at any moment and run the same command again: it goes on, and the tables are the same bytes.

    Example: roadwarden detect survey/ --out var/survey --geojson
    """
    if verbose:
        logging.getLogger("roadwarden").setLevel(logging.INFO)
    settings = JobSettings(
        archive=archive,
        model=model_path(model),
        track=find_track(archive, track),
        tolerance_s=tolerance_s,
        clock_offset_s=clock_offset_s,
        zone=zone,
        coordinates=coordinates,
        annotate=annotate,
    )
    with progress("detect", quiet=quiet or as_json) as report:
        done = run_job(
            settings,
            out,
            shard=parse_shard(shard),
            workers=workers,
            geojson=geojson,
            fresh=fresh,
            hosts=RayHosts if engine is Engine.RAY else None,
            on_progress=lambda now: report(now.done, now.total),
        )
    tell(done, as_json=as_json, quiet=quiet)
    if done.tally.kind(OutcomeKind.UNREADABLE) == done.tally.frames:
        raise DataError(f"none of the {done.tally.frames} frames could be read; see {done.out / 'frames.parquet'}")


def parse_shard(text: str) -> Shard:
    """Reads ``i/n``."""
    index, _, of = text.partition("/")
    try:
        return Shard(index=int(index), of=int(of))
    except ValueError as exc:
        raise ConfigError(f"--shard {text}: wanted i/n with i from 1 to n, such as 2/4") from exc


def tell(done: JobDone, *, as_json: bool = False, quiet: bool = False) -> None:
    """Prints what came out."""
    if as_json:
        print(json.dumps({**done.tally.as_json(), "out": str(done.out), "run": done.run.as_json()}, ensure_ascii=False))
    elif not quiet:
        tally = done.tally
        print(f"{tally.frames} frames, {done.run.frames_per_second:.1f} frames/s:")
        for kind in OutcomeKind:
            print(f"  {kind.replace('_', ' '):13} {tally.kind(kind)}")
        print(f"{tally.detections.total()} detections:")
        for name, number in tally.detections.most_common():
            info = describe(DistressType(name))
            print(f"  {info.english} {info.chinese}: {number} in {tally.frames_with[name]} frames")
        print(f"report: {done.out / 'report.html'}")
