"""``roadwarden survey``: from an archive of frames to defects in the database."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.cli.city_tables import clock_policies, domain_table, filing_table, permissions
from roadwarden.cli.database import Database, opened
from roadwarden.cli.progress import progress
from roadwarden.data.redact_url import redact_url
from roadwarden.data.sidecars import read_track_rows
from roadwarden.errors import ConfigError, DataError
from roadwarden.geo.camera_file import read_camera
from roadwarden.geo.coordinates import CoordinateSystem, to_wgs84
from roadwarden.geo.fixes import Fix
from roadwarden.geo.track import HeadingFrom, TrackSettings
from roadwarden.inference.batch import run_job
from roadwarden.inference.describe import find_track
from roadwarden.inference.outcome import FrameResult, OutcomeKind
from roadwarden.inference.read_results import holds_results, read_results
from roadwarden.inference.settings import JobSettings
from roadwarden.inference.workspace import writing
from roadwarden.inference.zone import read_zone
from roadwarden.models.load import model_path

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from roadwarden.service.survey import SurveyReport
    from roadwarden.service.survey_frames import SurveyFrame, Unplaced

NOT_PLACED = "not_placed.csv"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(survey)


# Long: options alone, each with its line of help.
def survey(
    archive: Annotated[
        str,
        typer.Argument(help="frames as 'roadwarden detect' takes them, or the output folder of 'roadwarden detect'"),
    ],
    camera: Annotated[Path, typer.Option(help="camera file; see 'roadwarden camera calibrate'")],
    out: Annotated[
        Path | None,
        typer.Option(help="folder for what was detected and what was not placed; not needed for a folder of detect"),
    ] = None,
    roads: Annotated[
        Path | None, typer.Option(help="road network to import first; later surveys of the database know it")
    ] = None,
    database: Database = None,
    model: Annotated[
        str | None, typer.Option(help="model file or registry:NAME@ALIAS; without it the one that comes with us")
    ] = None,
    track: Annotated[
        str, typer.Option(help="GPX, CSV or NMEA file of positions; 'auto' looks in the archive's folder, 'none'")
    ] = "auto",
    vehicle: Annotated[str | None, typer.Option(help="what the vehicle is called in passes; the camera's name")] = None,
    zone: Annotated[str | None, typer.Option(help="zone of times without one, such as Asia/Shanghai")] = None,
    clock_offset_s: Annotated[float, typer.Option(help="seconds to add to the camera's clock")] = 0.0,
    coordinates: Annotated[
        CoordinateSystem, typer.Option(help="system the positions come in; inside everything is WGS-84")
    ] = CoordinateSystem.WGS84,
    gnss_sigma_m: Annotated[
        float, typer.Option(min=0.01, help="standard deviation of a fix, east and north each, that says none")
    ] = TrackSettings().sigma_m,
    heading_from: Annotated[
        HeadingFrom, typer.Option(help="motion: for receivers whose own course is poor")
    ] = HeadingFrom.RECEIVER,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="keep positions even if they look like another coordinate system")
    ] = False,
    pictures: Annotated[
        str | None,
        typer.Option(help="where the frames lie, if ARCHIVE is a folder of detect; later surveys find them there"),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare/--no-compare", help="compare pictures where positions leave a doubt")
    ] = True,
    keep_pictures: Annotated[
        bool,
        typer.Option(
            "--keep-pictures", help="keep the frames that show defects in ROADWARDEN_BLOBS: repairs are judged by them"
        ),
    ] = False,
    file_cases: Annotated[
        bool, typer.Option("--file-cases", help="file the cases of changed defects, as 'roadwarden case file-defects'")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="worker processes; 0 for one a core")] = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="throw away what an earlier job left in --out")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the result as one JSON object")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="no progress, no summary")] = False,
) -> None:
    """Detect, place and merge: frames become defects on the map, and the drive becomes coverage.

    Kill it at any moment and run the same command again: it goes on. Run again, it changes nothing.

    Example: roadwarden survey var/street --camera var/street/camera.yaml --out var/survey
    """
    from roadwarden.bootstrap import matcher_of_archives
    from roadwarden.service.survey import survey as keep
    from roadwarden.service.survey_frames import SurveySettings

    if keep_pictures and holds_results(Path(archive)):
        raise ConfigError("--keep-pictures wants the archive itself, not the output folder of 'roadwarden detect'")
    seen_by, silent = read_camera(camera), quiet or as_json
    folder = _detected(archive, out, model, zone, clock_offset_s, coordinates, workers, fresh=fresh, quiet=silent)
    results = list(read_results(folder))
    frames = [survey_frame(result, name) for result, name in results]
    fixes, unreadable = fixes_of(archive, track, zone, coordinates, frames)
    engine = opened(database)
    if roads is not None:
        from roadwarden.cli.roads import import_file

        import_file(engine, roads, CoordinateSystem.WGS84, quiet=silent)
    settings = SurveySettings(
        vehicle or seen_by.name,
        TrackSettings(sigma_m=gnss_sigma_m, heading_from=heading_from),
        keep_anyway=anyway,
        archive=_lasting(archive if pictures is None and folder != Path(archive) else pictures),
    )
    asks = matcher_of_archives(engine) if compare else None
    with progress("merge, compare" if compare else "merge", quiet=silent) as tell:
        report = keep(engine, frames, fixes, seen_by, settings, matcher=asks, tell=tell)
    if keep_pictures:
        keep_frames(archive, frames)
    place = (out or folder) / NOT_PLACED
    with writing(place):
        write_not_placed(place, report.unplaced)
    cases = _file_cases(engine, report) if file_cases else {}
    if as_json:
        print(json.dumps(as_dict(report, unreadable, place) | {"cases": cases}, ensure_ascii=False))
    elif not quiet:
        _say(report, unreadable, place)
        if file_cases:
            print(f"{len(cases)} cases filed")
    if report.detections and not report.sightings:
        raise DataError(f"none of the {report.detections} detections has a place on the road; see {place}")


def _lasting(archive: str | None) -> str | None:
    """The archive as another run finds it from anywhere; None where it is not known, or bears a secret."""
    if archive is None or redact_url(archive) != archive:
        return None
    return archive if "://" in archive else str(Path(archive).absolute())


def keep_frames(archive: str, frames: Sequence[SurveyFrame], blobs: str | None = None) -> int:
    """Keeps the frames in which something was seen, as they are; returns how many."""
    from roadwarden.data.archives import open_archive
    from roadwarden.settings import blobs_url
    from roadwarden.storage.blobs import open_blobs

    store, source = open_blobs(blobs or blobs_url()), open_archive(archive)
    showing = [one.frame for one in frames if len(one.detections)]
    for frame in showing:
        if not store.has(frame.sha256):
            store.put(source.read(frame.path))
    return len(showing)


def _file_cases(engine: Engine, report: SurveyReport) -> dict[str, str]:
    """Case by defect, of the defects that this survey changed."""
    from roadwarden.service.cases import CaseDesk
    from roadwarden.service.filing import FilingRules, file_defects

    desk = CaseDesk(engine, clock_policies(), permissions())
    rules = FilingRules(filing=filing_table(), domains=domain_table())
    return file_defects(desk, rules, sorted(report.taken_in.defects)).filed


def _detected(
    archive: str,
    out: Path | None,
    model: str | None,
    zone: str | None,
    clock_offset_s: float,
    coordinates: CoordinateSystem,
    workers: int,
    *,
    fresh: bool,
    quiet: bool,
) -> Path:
    """The folder that holds the tables. Positions are no part of the job: a corrected track needs no new detection."""
    if holds_results(Path(archive)):
        return Path(archive)
    if out is None:
        raise ConfigError("--out is needed: the folder for what is detected, which a second run goes on from")
    settings = JobSettings(
        archive=archive,
        model=model_path(model),
        clock_offset_s=clock_offset_s,
        zone=zone,
        coordinates=coordinates,
    )
    with progress("detect", quiet=quiet) as report:
        run_job(settings, out, workers=workers, fresh=fresh, on_progress=lambda now: report(now.done, now.total))
    return out


def survey_frame(result: FrameResult, model: str) -> SurveyFrame:
    """One row of a job's tables, as a survey takes it."""
    from roadwarden.service.survey_frames import FrameState, SurveyFrame

    states = {OutcomeKind.POOR_QUALITY: FrameState.POOR, OutcomeKind.UNREADABLE: FrameState.UNREADABLE}
    state = states.get(result.outcome.kind, FrameState.USABLE)
    return SurveyFrame(result.frame, state, result.detections, model, result.width_px or 0, result.height_px or 0)


def fixes_of(
    archive: str, track: str, zone: str | None, coordinates: CoordinateSystem, frames: Sequence[SurveyFrame]
) -> tuple[list[Fix], tuple[str, ...]]:
    """The receiver's rows as they came; without a track the positions that the frames bear."""
    place = find_track(archive, track)
    if place is None:
        bearing = sorted((one.frame for one in frames if one.frame.captured_at), key=lambda one: str(one.captured_at))
        return [Fix.of(one.captured_at, one.position) for one in bearing if one.captured_at], ()
    read = read_track_rows(place, read_zone(zone))
    fixes = []
    for row in read.rows:
        lat, lon = row.lat, row.lon
        if coordinates is not CoordinateSystem.WGS84 and abs(lat) <= 90 and abs(lon) <= 180:
            lat, lon = to_wgs84(lat, lon, coordinates)
        fixes.append(Fix(row.time, lat, lon, row.heading_deg, row.speed_mps))
    return fixes, read.unreadable


def write_not_placed(place: Path, unplaced: Sequence[Unplaced]) -> None:
    """A row for each detection without a place, also where there is none."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["frame", "row", "type", "score", "why"])
        writer.writerows([one.frame, one.row, one.type, round(one.score, 4), one.why] for one in unplaced)


def as_dict(report: SurveyReport, unreadable: Sequence[str], not_placed: Path) -> dict[str, object]:
    """The report for machines."""
    return {
        "frames": report.frames,
        "frames_by_state": {str(state): count for state, count in report.frames_of_state.items()},
        "duplicate_frames": report.duplicates,
        "located_frames": report.located,
        "passes": list(report.passes),
        "detections": report.detections,
        "sightings": report.sightings,
        "sightings_new": report.taken_in.new,
        "sightings_known": report.taken_in.known,
        "defects_new_or_changed": len(report.taken_in.defects),
        "defects_joined_to_others": len(report.taken_in.gone),
        "pictures_compared": {str(answer): count for answer, count in report.asked.answers.items()},
        "not_placed": report.unplaced_by_reason,
        "not_placed_file": str(not_placed),
        "track_findings": list(report.findings),
        "track_rows_unreadable": list(unreadable),
        "warnings": list(report.warnings),
        "looked_at_usable_m": round(report.usable_m, 1),
        "looked_at_unusable_m": round(report.unusable_m, 1),
    }


def _say(report: SurveyReport, unreadable: Sequence[str], not_placed: Path) -> None:
    taken = report.taken_in
    print(f"{report.frames} frames in {len(report.passes)} passes, {report.located} with a place:")
    for state, count in report.frames_of_state.items():
        print(f"  {state:13} {count}")
    if report.duplicates:
        print(f"  {report.duplicates} are in the archive more than once; each is counted once")
    print(f"{report.detections} detections, {report.sightings} placed on the road ({taken.known} were kept already)")
    print(f"{len(taken.defects)} defects new or changed" + (f", {len(taken.gone)} joined" if taken.gone else ""))
    if any(report.asked.answers.values()):
        told = ", ".join(f"{count} {str(answer).replace('_', ' ')}" for answer, count in report.asked.answers.items())
        print(f"pictures compared where positions left a doubt: {told}")
    print(f"looked at {report.usable_m:.0f} m of road in usable quality, {report.unusable_m:.0f} m in vain")
    for why, count in report.unplaced_by_reason.items():
        print(f"not placed: {count} {why.replace('_', ' ')}; see {not_placed}")
    for finding in report.findings:
        print(f"track: {finding}")
    if unreadable:
        print(f"track: {len(unreadable)} rows cannot be read (left out; first: {unreadable[0]})")
    for warning in report.warnings:
        print(f"warning: {warning}")
