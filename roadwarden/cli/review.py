"""``roadwarden review``: frames out to people, what they say back in."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from roadwarden.cli.progress import progress
from roadwarden.data.label_studio import LOCAL_FILES
from roadwarden.data.review_manifest import PICTURES, TASKS, Manifest
from roadwarden.data.review_settings import read_review_settings
from roadwarden.eval.review_export import Request, check_model, export_review, read_tables
from roadwarden.eval.review_import import (
    CORRECTIONS,
    REFUSED,
    TRUTH,
    Annotators,
    ExportForm,
    Imported,
    import_review,
    read_any,
)
from roadwarden.eval.truth import read_groups
from roadwarden.models.load import load_detector, shipped_model
from roadwarden.models.onnx import sha256_of
from roadwarden.vision.redaction import default_redactor

review_app = typer.Typer(help="Give frames to people to label, and take their corrections back.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    app.add_typer(review_app, name="review")


@review_app.command()
def export(
    job: Annotated[Path, typer.Argument(help="output folder of 'roadwarden detect'")],
    archive: Annotated[str, typer.Option(help="the archive it was run on; its pictures are copied, blurred")],
    out: Annotated[Path, typer.Option(help="folder for pictures, tasks and the manifest")],
    model: Annotated[Path | None, typer.Option(help="model file of the job; without it the one we ship")] = None,
    budget: Annotated[
        int | None, typer.Option(min=1, help="frames to look at, instead of the settings' budget")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="seed of the audit, instead of the settings' seed")] = None,
    settings: Annotated[Path | None, typer.Option(help="YAML file of shares and limits; see docs/review.md")] = None,
    places: Annotated[
        Path | None, typer.Option(help="CSV with image, group, place: frames that show the same piece of road")
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(help="what comes before a picture's name in tasks.json; without it Label Studio's local files"),
    ] = None,
) -> None:
    """Choose the frames worth labelling, and draw the audit before any detection is looked at.

    Example: roadwarden review export var/survey --archive survey/ --out var/review --budget 200
    """
    changes = {name: value for name, value in (("budget", budget), ("seed", seed)) if value is not None}
    chosen = read_review_settings(settings).model_copy(update=changes)
    tables = read_tables(job)
    place = model or shipped_model()
    card = load_detector(place, threads=1).card
    check_model(tables, card, sha256_of(place))
    request = Request(
        archive=archive,
        tables=tables,
        card=card,
        settings=chosen,
        places={image: named for image, (_, named) in read_groups(places).items()} if places else {},
        prefix=f"{LOCAL_FILES}{quote(out.resolve().name)}/{PICTURES}/" if prefix is None else prefix,
    )
    with progress("pictures") as report:
        manifest = export_review(request, out, default_redactor(), on_frame=report)
    _tell_export(manifest, out)


def _tell_export(manifest: Manifest, out: Path) -> None:
    counts = Counter(str(one.why) for one in manifest.frames)
    print(f"{len(manifest.frames)} frames: {', '.join(f'{name} {number}' for name, number in counts.items())}")
    for one in manifest.left_out[:5]:
        print(f"left out: {one.frame}: {one.fault}")
    if len(manifest.left_out) > 5:
        print(f"... and {len(manifest.left_out) - 5} more, see the manifest")
    print(f"tasks: {out / TASKS}; labelling page: {out / 'label_config.en.xml'}, {out / 'label_config.zh.xml'}")


@review_app.command(name="import")
def import_(
    labelled: Annotated[Path, typer.Argument(help="JSON export of Label Studio (not JSON-MIN), or a COCO file")],
    review: Annotated[Path, typer.Option(help="folder that 'roadwarden review export' wrote")],
    out: Annotated[Path | None, typer.Option(help="folder for the results; without it REVIEW/imported")] = None,
    form: Annotated[ExportForm, typer.Option(help="form of the file; told by its shape")] = ExportForm.AUTO,
    annotators: Annotated[
        Annotators, typer.Option(help="what people are called in the results: a keyed hash of their id, or the id")
    ] = Annotators.HASHED,
    annotator: Annotated[str, typer.Option(help="who made a COCO file: COCO does not say")] = "coco",
    empty_is_reviewed: Annotated[
        bool,
        typer.Option("--empty-is-reviewed", help="COCO: an image without boxes was looked at and shows no distress"),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the report as one JSON object")] = False,
) -> None:
    """Take corrections back: for 'roadwarden eval drift', for training and for 'roadwarden eval types'.

    Importing the same file again changes nothing; a later export of the same project adds to it.

    Example: roadwarden review import project-1.json --review var/review
    """
    place = out or review / "imported"
    export_ = read_any(labelled, form, annotator=annotator, empty_is_reviewed=empty_is_reviewed)
    done = import_review(export_, review, place, annotators)
    if as_json:
        print(json.dumps(done.as_json(), ensure_ascii=False))
    else:
        _tell_import(done, place)


def _tell_import(done: Imported, out: Path) -> None:
    print(f"{done.taken} passes taken, {done.cancelled} skipped by people, {done.untouched} tasks untouched, "
          f"{done.refused} rows refused; {done.clipped} boxes clipped, {done.turned} made upright")  # fmt: skip
    print(f"audit: {done.audited} of {done.audit_size} frames looked at; "
          + (", ".join(f"{name} {number}" for name, number in done.verdicts.items()) or "no box yet"))  # fmt: skip
    for one in done.agreements:
        kappa = "-" if math.isnan(one.kappa) else f"{one.kappa:.2f}"
        print(f"two people on {one.type}: both {one.both}, one only {one.one_only}, kappa {kappa}")
    if done.refused:
        print(f"refused: {out / REFUSED}")
    print(f"corrections: {out / CORRECTIONS}; truth: {out / TRUTH}")
