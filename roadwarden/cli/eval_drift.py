"""``roadwarden eval drift``: whether the type accuracy can still be quoted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.progress import progress
from roadwarden.data.corrections import read_corrections
from roadwarden.data.weeks import parse_weeks
from roadwarden.errors import ConfigError, DataError
from roadwarden.eval.drift import judge_drift
from roadwarden.eval.drift_blocks import Reference, read_windows
from roadwarden.eval.drift_page import render_drift, summary_of
from roadwarden.eval.drift_report import DriftReport
from roadwarden.eval.drift_settings import read_drift_settings
from roadwarden.eval.drift_signals import Trust
from roadwarden.inference.workspace import write_json, writing

EXIT_OF = {Trust.TRUSTED: 0, Trust.NOT_TRUSTED: 3, Trust.WATCH: 4, Trust.TOO_LITTLE_DATA: 5}
"""3 is also what a gate that does not pass exits with; 1 and 2 are failures of the command itself."""


def register(app: typer.Typer) -> None:
    """Adds the command to the group ``eval``."""
    app.command()(drift)


def drift(
    jobs: Annotated[list[Path], typer.Argument(help="output folders of 'roadwarden detect', of any number of weeks")],
    reference: Annotated[
        list[str] | None, typer.Option(help="ISO week or first..last among the jobs, such as 2026-W09..2026-W12")
    ] = None,
    reference_job: Annotated[
        list[Path] | None, typer.Option(help="output folder that the number was proven on; as often as needed")
    ] = None,
    corrections: Annotated[
        list[Path] | None,
        typer.Option(help="corrections.jsonl of 'roadwarden review import', or a .csv of its columns"),
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="YAML file of limits; see docs/drift.md")] = None,
    out: Annotated[Path | None, typer.Option(help="folder for drift.json and drift.html")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print drift.json instead of the lines for people")] = False,
) -> None:
    """Say which weeks the proven type accuracy still holds for, and why not.

    The exit code is that of the latest week: 0 TRUSTED, 3 NOT_TRUSTED, 4 WATCH, 5 TOO_LITTLE_DATA.

    Example: roadwarden eval drift var/week-* --reference 2026-W09..2026-W12 --corrections var/review/corrections.jsonl
    --out var/drift
    """
    chosen = read_drift_settings(settings)
    base = Reference(tuple(week for text in reference or () for week in parse_weeks(text)), tuple(reference_job or ()))
    if not base.weeks and not base.folders:
        raise ConfigError("drift from what? give --reference 2026-W09..2026-W12 or --reference-job FOLDER")
    windows = read_windows(jobs, base, chosen)
    if not windows.models:
        raise DataError("every week belongs to the reference: nothing is left to judge; give later weeks too")
    said = [row for place in corrections or () for row in read_corrections(place)]
    with progress("weeks", quiet=as_json) as tell:
        report = judge_drift(windows, said, chosen, on_week=tell)
    if out is not None:
        _write(out, report)
    _say(report, out, as_json=as_json)
    raise typer.Exit(EXIT_OF[report.latest.trust])


def _write(out: Path, report: DriftReport) -> None:
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "drift.json", report.as_json())
        draft = out / "drift.html.tmp"
        draft.write_text(render_drift(report), encoding="utf-8")
        draft.replace(out / "drift.html")


def _say(report: DriftReport, out: Path | None, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
        return
    for week in report.weeks:
        print(summary_of(week))
    print(report.line())
    if out is not None:
        print(f"report: {out / 'drift.html'}")
