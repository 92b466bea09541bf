"""``roadwarden eval places``: how well pictures alone tell whether two frames show one place."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.exits import EXIT_NOT_PASSED
from roadwarden.cli.progress import progress
from roadwarden.data.place_pairs import FramePair, among, pairs_of_groups, read_place_pairs
from roadwarden.data.splits import SplitRow, read_splits, select
from roadwarden.defects.same_place import PlaceEvidence, SamePlaceTable, read_same_place_table, shipped_same_place_table
from roadwarden.detections import Image
from roadwarden.errors import ConfigError
from roadwarden.eval.places import CERTAIN, JudgedPair, judge_pairs, score
from roadwarden.eval.places_by_eye import Compared, compare_eye, eye_csv, read_eye, score_eye
from roadwarden.eval.places_report import PlaceReport, place_report, render_places
from roadwarden.eval.registrations import CachedRegistrar
from roadwarden.eval.test_uses import TestUse, log_use
from roadwarden.inference.picture_matcher import evidence_of
from roadwarden.inference.workspace import write_json, writing
from roadwarden.vision.decode import decode
from roadwarden.vision.registration import ALGORITHM_VERSION

SEALED = "test"
USES_LOG = Path("eval/test-part-uses.md")
CACHE = Path("var/places.parquet")


def register(app: typer.Typer) -> None:
    """Adds the command to the group ``eval``."""
    app.command()(places)


def places(
    roads: Annotated[Path, typer.Option(help="folder with splits.csv, same_place_pairs.csv and the pictures")],
    source: Annotated[str, typer.Option(help="source in splits.csv")] = "china_motorbike",
    part: Annotated[str, typer.Option(help="part in splits.csv")] = "val",
    ratio: Annotated[float, typer.Option(min=0.1, help="pairs of different groups for each pair of one place")] = 10.0,
    seed: Annotated[int, typer.Option(help="draws the pairs of different groups")] = 1,
    table: Annotated[Path | None, typer.Option(help="same_place.yaml of your own")] = None,
    eye: Annotated[Path | None, typer.Option(help="CSV of pairs that a person judged")] = None,
    registrations: Annotated[Path, typer.Option(help="where what was registered is kept")] = CACHE,
    out: Annotated[Path | None, typer.Option(help="folder for places.json, places.html and eye.csv")] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="show the worst pairs in places.html; mind the licence of the pictures")
    ] = False,
    why: Annotated[str, typer.Option(help="what the test part is used for; it is sealed, each use is logged")] = "",
    uses_log: Annotated[Path, typer.Option(help="log of uses of the test part")] = USES_LOG,
    as_json: Annotated[bool, typer.Option("--json", help="print places.json instead of the lines")] = False,
) -> None:
    """Compare the pictures of known pairs and of pairs of different streets: precision, recall, the curve.

    The exit code is 3 where precision 0.98 at recall 0.6 is not reached.

    Example: roadwarden eval places --roads ../shared/roads --part val --out var/places
    """
    rules = read_same_place_table(table) if table is not None else shipped_same_place_table()
    if rules.algorithm != ALGORITHM_VERSION:
        raise ConfigError(
            f"the table of same places was made for registration {rules.algorithm}, this is {ALGORITHM_VERSION}: "
            "measure its numbers anew on val and raise its version"
        )
    rows = select(read_splits(roads), source, [part])
    now = datetime.now(UTC)
    if part == SEALED:
        _unseal(source, rules, why, uses_log, out, now)
    with CachedRegistrar({row.image: roads / row.image for row in rows}, registrations) as registrar:

        def compare(pair: FramePair) -> PlaceEvidence:
            return evidence_of(registrar.attempt(pair.a, pair.b))

        with progress("pairs", quiet=as_json) as tell:
            judged = judge_pairs(*_pairs(roads, rows, ratio, seed), _places(rows), compare, rules, tell)
        by_eye = compare_eye(read_eye(eye, part), compare, rules) if eye is not None else ()
    report = _report(source, part, now, seed, rules, judged, by_eye)
    if out is not None:
        _write(out, report, by_eye, roads if pictures else None)
    print(json.dumps(report.as_json(), ensure_ascii=False) if as_json else "\n".join(report.lines()))
    raise typer.Exit(0 if report.passed else EXIT_NOT_PASSED)


def _unseal(source: str, rules: SamePlaceTable, why: str, log: Path, out: Path | None, now: datetime) -> None:
    if not why.strip():
        raise ConfigError("the test part is sealed: say with --why what this use is for; it is written into the log")
    learnt = f"see places.json in {out}" if out is not None else "printed, not kept"
    done = f"`roadwarden eval places --source {source} --part {SEALED}`: {why.strip()}"
    model = f"registration {rules.algorithm}, same_place.yaml {rules.version}"
    with writing(log):
        log_use(log, TestUse(now.date(), model, done, learnt))


def _pairs(roads: Path, rows: list[SplitRow], ratio: float, seed: int) -> tuple[dict[FramePair, int], list[FramePair]]:
    listed = read_place_pairs(roads)
    known = {pair: listed[pair] for pair in among(listed, rows)}
    certain = sum(inliers >= CERTAIN for inliers in known.values())
    return known, pairs_of_groups(rows, round(ratio * certain), seed)


def _places(rows: list[SplitRow]) -> dict[str, str]:
    return {row.image: row.place or row.group for row in rows}


def _report(
    source: str,
    part: str,
    now: datetime,
    seed: int,
    rules: SamePlaceTable,
    judged: tuple[JudgedPair, ...],
    by_eye: tuple[Compared, ...],
) -> PlaceReport:
    eye = score_eye(by_eye) if by_eye else None
    return place_report(source, part, now, seed, rules, judged, score(judged, rules), eye)


def _write(out: Path, report: PlaceReport, by_eye: tuple[Compared, ...], pictures: Path | None) -> None:
    show = None if pictures is None else partial(_picture, pictures)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "places.json", report.as_json())
        (out / "places.html").write_text(render_places(report, show), encoding="utf-8")
        if by_eye:
            (out / "eye.csv").write_text(eye_csv(by_eye), encoding="utf-8")


def _picture(roads: Path, name: str) -> Image:
    return decode((roads / name).read_bytes())
