"""``roadwarden eval merging``: how well sightings become defects, on streets whose truth is known."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import cv2
import typer

from roadwarden.cli.progress import progress
from roadwarden.data.street_passes import StreetSettings
from roadwarden.errors import ConfigError
from roadwarden.eval.merging_report import TARGETS, MergingReport, judge_merging
from roadwarden.inference.workspace import write_json, writing

EXIT_MISSED = 3


def register(app: typer.Typer) -> None:
    """Adds the command to the group ``eval``."""
    app.command()(merging)


def merging(
    streets: Annotated[int, typer.Option(help="number of synthetic streets")] = 4,
    seed: Annotated[int, typer.Option(help="seed of the first street; the others follow")] = 1,
    passes: Annotated[int, typer.Option(help="passes along each street")] = 30,
    length_m: Annotated[float, typer.Option(help="length of each street, metres")] = 600.0,
    out: Annotated[Path | None, typer.Option(help="folder for merging.json, merging.md and map.png")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print merging.json instead of the lines for people")] = False,
) -> None:
    """Merge the sightings of synthetic streets and compare with their truth: places, pairs, over-merging.

    The exit code is 3 where a target is missed.

    Example: roadwarden eval merging --streets 4 --passes 30 --out var/merging
    """
    if streets < 1 or passes < 1 or not 50 <= length_m <= 20_000:
        raise ConfigError("give at least one street and one pass, and a length of 50 to 20000 m")
    chosen = StreetSettings(length_m=length_m, passes=passes)
    with progress("streets", quiet=as_json) as tell:
        report, picture = judge_merging(range(seed, seed + streets), chosen, on_street=tell)
    if out is not None:
        command = f"roadwarden eval merging --streets {streets} --seed {seed} --passes {passes} --length-m {length_m:g}"
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
            write_json(out / "merging.json", report.as_json())
            (out / "merging.md").write_text(report.as_markdown(command, datetime.now(UTC).date()), encoding="utf-8")
            (out / "map.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    _say(report, as_json=as_json)
    raise typer.Exit(0 if all(report.holds(name) for name in TARGETS) else EXIT_MISSED)


def _say(report: MergingReport, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
        return
    for name, (limit, sense) in TARGETS.items():
        verdict = "holds" if report.holds(name) else "MISSED"
        print(f"{name}: {report.as_json()['mean'][name]} ({sense} {limit}) {verdict}")
