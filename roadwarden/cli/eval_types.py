"""``roadwarden eval types``: how much is found, and how often its type is right."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.progress import Report, progress
from roadwarden.errors import ConfigError
from roadwarden.eval.coarse import NOTE as MERGED_NOTE
from roadwarden.eval.coarse import with_cracks_merged
from roadwarden.eval.judged import JudgedFrame
from roadwarden.eval.operating_point import read_operating_point
from roadwarden.eval.physical import physical_defects
from roadwarden.eval.physical_report import PhysicalReport, physical_report
from roadwarden.eval.predictions import join, look, models_of, read_jobs
from roadwarden.eval.registrations import CACHE, CachedRegistrar
from roadwarden.eval.test_uses import TestUse, log_use
from roadwarden.eval.truth import TrueFrame, TruthFormat, read_truth
from roadwarden.eval.type_page import render_types
from roadwarden.eval.type_report import Subject, TypeReport, type_report
from roadwarden.inference.workspace import write_json, writing
from roadwarden.models.onnx import sha256_of
from roadwarden.taxonomy import DistressType

SEALED = "test"
USES_LOG = Path("eval/test-part-uses.md")
AS_HANDED_IN = (
    "no operating point was given: every detection of the table counts, and average precision and the sweep see "
    "nothing below the thresholds it was made with"
)


@dataclass(frozen=True, slots=True)
class Handed:
    """What is to be judged: tables or a model file, and the point for tables that hold more than it reports."""

    detections: tuple[Path, ...]
    model: Path | None
    point: Path | None

    def __post_init__(self) -> None:
        if bool(self.detections) == (self.model is not None):
            raise ConfigError("judge what? give either --detections TABLE or --model FILE")
        if self.model is not None and self.point is not None:
            raise ConfigError("--point goes with --detections; a model's own card holds its operating point")

    @property
    def name(self) -> str:
        """The model's name and the first 12 digits of its sha256, as far as known."""
        if self.model is not None:
            return f"{self.model.stem} {sha256_of(self.model)[:12] if self.model.is_file() else ''}".strip()
        models = dict.fromkeys(model for table in self.detections for model in models_of(table))
        return ", ".join(models) or ", ".join(table.stem for table in self.detections)


def register(app: typer.Typer) -> None:
    """Adds the command to the group ``eval``."""
    app.command()(types)


def types(
    truth: Annotated[Path, typer.Option(help="folder (or COCO file) of frames with their true boxes")],
    detections: Annotated[
        list[Path] | None, typer.Option(help="detections.parquet of 'roadwarden detect'; several for folds")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="ONNX file to run on the frames instead")] = None,
    point: Annotated[
        Path | None, typer.Option(help="operating point of 'roadwarden eval choose', for --detections made below it")
    ] = None,
    form: Annotated[TruthFormat, typer.Option("--format", help="form of the truth")] = TruthFormat.ROADS,
    source: Annotated[str, typer.Option(help="source in splits.csv (roads)")] = "china_motorbike",
    part: Annotated[
        list[str] | None, typer.Option(help="part in splits.csv (roads), val unless told; repeatable")
    ] = None,
    groups: Annotated[Path | None, typer.Option(help="CSV of image, group, place, where the truth has none")] = None,
    physical: Annotated[
        bool, typer.Option("--physical", help="judge per physical defect too: registers the frames of each place")
    ] = False,
    merge_cracks: Annotated[
        bool, typer.Option("--merge-cracks", help="one type for all cracks, where the truth does not tell them apart")
    ] = False,
    registrations: Annotated[Path, typer.Option(help="where --physical keeps what it registered")] = CACHE,
    out: Annotated[Path | None, typer.Option(help="folder for types.json and types.html")] = None,
    why: Annotated[str, typer.Option(help="what the test part is used for; it is sealed, each use is logged")] = "",
    uses_log: Annotated[Path, typer.Option(help="log of uses of the test part")] = USES_LOG,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads for --model; 0 for all")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print the report as JSON instead of the line")] = False,
) -> None:
    """Report how much is found and how often its type is right, by coverage and by IoU, with intervals by street.

    Example: roadwarden eval types --model models/new.onnx --truth ../shared/roads --part val --out var/report
    """
    handed = Handed(tuple(detections or ()), model, point)
    parts = tuple(part or ("val",))
    now = datetime.now(UTC)
    if form is TruthFormat.ROADS and SEALED in parts:
        _unseal(handed, source, why, uses_log, out, now)
    known = read_truth(truth, form, source=source, part=parts, groups=groups)
    with progress("frames", quiet=as_json) as tell:
        frames, thresholds, notes = _see(handed, known.frames, threads or os.cpu_count() or 1, tell)
    if merge_cracks:
        frames, thresholds, notes = with_cracks_merged(_at(frames, thresholds)), None, (*notes, MERGED_NOTE)
    label = f"{source}, {' + '.join(parts)}" if form is TruthFormat.ROADS else f"{truth.name} ({form})"
    subject = Subject(handed.name, label, now, (*known.notes, *notes))
    section = None
    if physical:
        with progress("pairs of frames", quiet=as_json) as tell:
            section = _physical(_at(frames, thresholds), known.frames, registrations, tell)
    report = type_report(frames, thresholds, subject, physical=section)
    if out is not None:
        _write(out, report)
    _say(report, out, as_json=as_json)


def _at(frames: list[JudgedFrame], thresholds: dict[DistressType, float] | None) -> list[JudgedFrame]:
    return frames if thresholds is None else [frame.at(thresholds) for frame in frames]


def _unseal(handed: Handed, source: str, why: str, log: Path, out: Path | None, now: datetime) -> None:
    if not why.strip():
        raise ConfigError("the test part is sealed: say with --why what this use is for; it is written into the log")
    learnt = f"see types.json in {out.name}" if out is not None else "printed, not kept"
    done = f"`roadwarden eval types --source {source} --part test`: {why.strip()}"
    with writing(log):
        log_use(log, TestUse(now.date(), handed.name, done, learnt))


def _see(
    handed: Handed, truth: Sequence[TrueFrame], threads: int, tell: Report
) -> tuple[list[JudgedFrame], dict[DistressType, float] | None, tuple[str, ...]]:
    """The frames, the thresholds they are judged at (None for everything handed in), and notes."""
    if handed.model is not None:
        return *look(handed.model, truth, threads=threads, tell=tell), ()
    job = read_jobs(handed.detections)
    frames = join(truth, job.seen, complete=job.complete)
    if handed.point is None:
        return frames, None, (*job.notes, AS_HANDED_IN)
    frozen = read_operating_point(handed.point)
    return frozen.calibrated(frames), frozen.thresholds, job.notes


def _physical(frames: Sequence[JudgedFrame], truth: Sequence[TrueFrame], cache: Path, tell: Report) -> PhysicalReport:
    if not any(frame.place for frame in frames):
        raise ConfigError("--physical joins sightings of one place, and no place is known; --groups can name them")
    with CachedRegistrar({frame.name: frame.annotated.path for frame in truth}, cache) as registrar:
        return physical_report(frames, physical_defects(frames, registrar, tell))


def _write(out: Path, report: TypeReport) -> None:
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "types.json", report.as_json())
        draft = out / "types.html.tmp"
        draft.write_text(render_types(report), encoding="utf-8")
        draft.replace(out / "types.html")


def _say(report: TypeReport, out: Path | None, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
        return
    for note in report.subject.notes:
        print(f"note: {note}", file=sys.stderr)
    print(report.line())
    if out is not None:
        print(f"report: {out / 'types.html'}")
