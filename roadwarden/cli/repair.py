"""``roadwarden repair``: whether a repair was done, judged from pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import cv2
import typer

from roadwarden.data.exif import read_exif
from roadwarden.errors import ConfigError, DataError
from roadwarden.inference.workspace import writing
from roadwarden.models.load import load_detector, model_path
from roadwarden.repairs.assess import Assessor
from roadwarden.repairs.evidence import Condition, PictureFacts
from roadwarden.repairs.overlay import overlay
from roadwarden.repairs.pictures import Picture, sha256_of
from roadwarden.repairs.table import read_repair_table, shipped_repair_table
from roadwarden.taxonomy import parse_type
from roadwarden.vision.decode import decode
from roadwarden.vision.surface import Box

repair_app = typer.Typer(help="Judge repairs from pictures before and after.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    app.add_typer(repair_app, name="repair")


@repair_app.callback()
def _group() -> None:
    """Judge repairs from pictures before and after."""


@repair_app.command()
def assess(
    before: Annotated[Path, typer.Argument(help="picture of the defect")],
    after: Annotated[Path, typer.Argument(help="picture of the same place after the repair")],
    box: Annotated[str, typer.Option(help="the defect in the before picture: x1,y1,x2,y2 in pixels")],
    kind: Annotated[str, typer.Option("--type", help="type of the distress, such as pothole; see docs/taxonomy.md")],
    condition: Annotated[
        list[Condition] | None, typer.Option(help="what hides the road in the after picture; again for several")
    ] = None,
    model: Annotated[str | None, typer.Option(help="model file, registry:roadwarden@champion or shipped:int8")] = None,
    table: Annotated[Path | None, typer.Option(help="repairs.yaml of your own")] = None,
    drawn: Annotated[Path | None, typer.Option("--overlay", help="where to draw before, after and difference")] = None,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads of the model; 0 for all")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print the whole record as one JSON object")] = False,
) -> None:
    """Say from two pictures alone whether the defect was mended, or that it cannot be told.

    Positions and times are not asked for here. That nothing is found afterwards is no proof: REPAIRED needs the
    distress seen before and a patch or an intact surface after, at a place that is told to be the same.

    Example: roadwarden repair assess before.jpg after.jpg --box 410,380,560,470 --type pothole --json
    """
    place, distress = parse_box(box), parse_type(kind)
    rules = read_repair_table(table) if table is not None else shipped_repair_table()
    ours = _picture(before, PictureFacts())
    theirs = _picture(after, PictureFacts(conditions=frozenset(condition or ()), software=_software(after)))
    assessor = Assessor(load_detector(model_path(model), threads=threads), rules)
    done = assessor.assess(ours, theirs, place, distress)
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
