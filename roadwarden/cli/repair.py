"""``roadwarden repair``: whether a repair was done, judged from pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cv2
import typer

from roadwarden.cli import repair_queue, repair_rechecks, repair_review
from roadwarden.cli.database import Database, PicturesFolder
from roadwarden.cli.repair_common import (
    Model,
    Table,
    Threads,
    conditions_of,
    judge_of,
    open_queue,
    repair_table,
    told,
)
from roadwarden.data.exif import read_exif
from roadwarden.errors import ConfigError, DataError
from roadwarden.inference.workspace import writing
from roadwarden.models.load import load_detector, model_path
from roadwarden.repairs.assess import Assessor
from roadwarden.repairs.evidence import Condition, PictureFacts
from roadwarden.repairs.overlay import overlay
from roadwarden.repairs.pictures import Picture, sha256_of
from roadwarden.repairs.table import RepairTable
from roadwarden.taxonomy import parse_type
from roadwarden.vision.decode import decode
from roadwarden.vision.surface import Box

if TYPE_CHECKING:
    from roadwarden.service.assessing import Judged

repair_app = typer.Typer(help="Judge repairs from pictures before and after.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    app.add_typer(repair_app, name="repair")


@repair_app.callback()
def _group() -> None:
    """Judge repairs from pictures before and after."""


@repair_app.command()
def assess(
    what: Annotated[str, typer.Argument(metavar="CASE|BEFORE", help="name of a case, or picture of the defect")],
    after: Annotated[Path | None, typer.Argument(help="picture of the same place after the repair")] = None,
    box: Annotated[
        str | None, typer.Option(help="for pictures: the defect in the before picture, x1,y1,x2,y2 in pixels")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--type", help="for pictures: type of the distress, such as pothole")
    ] = None,
    report: Annotated[
        int | None, typer.Option(min=0, help="for a case: seq of the repair report; the newest without")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="for a case: judge, and keep nothing")] = False,
    condition: Annotated[
        list[Condition] | None, typer.Option(help="what hides the road in the after picture; again for several")
    ] = None,
    model: Model = None,
    table: Table = None,
    drawn: Annotated[
        Path | None, typer.Option("--overlay", help="for pictures: where to draw before, after and difference")
    ] = None,
    pictures: PicturesFolder = None,
    threads: Threads = 0,
    database: Database = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the whole record as one JSON object")] = False,
) -> None:
    """Say whether a defect was mended, or that it cannot be told: of a case, or of two pictures alone.

    Of a case: the pictures before come from the sightings of its defect, those after from its repair report; the
    verdict is recorded, and only REPAIRED closes the case. Of two pictures: positions and times are not asked for, and
    nothing is kept. That nothing is found afterwards is no proof: REPAIRED needs the distress seen before and a patch
    or an intact surface after, at a place that is told to be the same.

    Example: roadwarden repair assess before.jpg after.jpg --box 410,380,560,470 --type pothole --json
    """
    rules = repair_table(table)
    if after is None:
        _assess_case(
            what, report, rules, model, pictures, threads, database, conditions_of(condition), dry_run=dry_run,
            as_json=as_json,
        )  # fmt: skip
        return
    if box is None or kind is None:
        raise ConfigError("two pictures want --box x1,y1,x2,y2 and --type; for a case name the case alone")
    ours = _picture(Path(what), PictureFacts())
    theirs = _picture(after, PictureFacts(conditions=conditions_of(condition), software=_software(after))).fitted()
    assessor = Assessor(load_detector(model_path(model), threads=threads), rules)
    done = assessor.assess(ours, theirs, parse_box(box), parse_type(kind))
    if drawn is not None:
        with writing(drawn):
            drawn.parent.mkdir(parents=True, exist_ok=True)
            ok, data = cv2.imencode(drawn.suffix or ".jpg", overlay(ours, theirs, done))
            if ok:
                drawn.write_bytes(data.tobytes())
    if as_json:
        print(json.dumps(done.as_json(), ensure_ascii=False))
        return
    print(f"{done.decision.verdict}  {done.decision.score.total:.0f}/100")
    print(f"{done.words.english}\n{done.words.chinese}")


def _assess_case(
    case: str,
    report: int | None,
    rules: RepairTable,
    model: str | None,
    pictures: str | None,
    threads: int,
    database: str | None,
    conditions: frozenset[Condition],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    from roadwarden.repairs.case_pictures import CaseHints

    queue = open_queue(database, rules)
    judge = judge_of(queue.desk, rules, model, pictures, threads)()
    taken = queue.look_up(case, report)
    if dry_run:
        judged = judge.judge(taken, CaseHints(conditions))
        _say(judged, dict(judged.content), as_json=as_json)
        return
    taken = queue.claim(case, taken.job.report_seq)
    try:
        judged = judge.judge(taken, CaseHints(conditions))
    except BaseException:
        queue.release(taken.job)
        raise
    recorded = queue.keep(taken, judged)
    _say(judged, told(recorded.assessment), as_json=as_json)
    if not as_json:
        wait = "" if recorded.wait is None else f"; waits for a person: {recorded.wait}"
        print(f"recorded as {recorded.assessment.id[:12]}, case {case} is {recorded.done.row.state}{wait}")


def _say(judged: Judged, record: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(record, ensure_ascii=False))
        return
    print(f"{judged.verdict}  {judged.score:.0f}/100\n{judged.english}\n{judged.chinese}")


def parse_box(text: str) -> Box:
    """Reads ``x1,y1,x2,y2``; raises ConfigError."""
    try:
        x1, y1, x2, y2 = (float(edge) for edge in text.split(","))
    except ValueError as exc:
        raise ConfigError(f"--box {text}: wanted four numbers x1,y1,x2,y2, such as 410,380,560,470") from exc
    if not (x1 < x2 and y1 < y2):
        raise ConfigError(f"--box {text}: wanted x1 < x2 and y1 < y2")
    return x1, y1, x2, y2


def _picture(path: Path, facts: PictureFacts) -> Picture:
    data = _read(path)
    return Picture(decode(data), sha256_of(data), facts)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise DataError(f"{path}: cannot be read: {exc.strerror}") from exc


def _software(path: Path) -> str | None:
    return read_exif(_read(path)).software


for _commands in (repair_queue, repair_review, repair_rechecks):
    _commands.register(repair_app)
