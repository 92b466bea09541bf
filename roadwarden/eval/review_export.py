"""From the tables of a batch job to a folder that people can label: pictures, tasks and the manifest."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq

import roadwarden
from roadwarden.data.archives import Archive, UnreadableEntry, archive_label, open_archive
from roadwarden.data.coco import write_coco
from roadwarden.data.label_studio import label_config, tasks
from roadwarden.data.review import Candidate, Pick, pick
from roadwarden.data.review_manifest import (
    COCO,
    MANIFEST,
    PICTURES,
    SALT,
    TASKS,
    LeftOut,
    Manifest,
    ReviewFrame,
    read_manifest,
    review_frame,
    review_id,
)
from roadwarden.data.review_settings import ReviewSettings
from roadwarden.data.voc import AnnotatedFrame
from roadwarden.errors import ConfigError, DataError
from roadwarden.inference.outcome import OutcomeKind
from roadwarden.inference.parts import result_of_row
from roadwarden.inference.results import DETECTIONS, FRAMES
from roadwarden.inference.workspace import write_json, writing
from roadwarden.models.card import ModelCard
from roadwarden.taxonomy import TAXONOMY_VERSION, Language
from roadwarden.vision.decode import UndecodableFrame, decode
from roadwarden.vision.redaction import Redactor

JPEG_QUALITY = 95
JUDGED = frozenset({OutcomeKind.DETECTED, OutcomeKind.CLEAN})


@dataclass(frozen=True, slots=True)
class Tables:
    """A batch job as candidates; ``unreadable`` frames cannot be shown to anyone."""

    candidates: tuple[Candidate, ...]
    unreadable: int

    @property
    def pool(self) -> dict[str, int]:
        """The numbers that the manifest keeps."""
        judged = sum(one.judged for one in self.candidates)
        return {"judged": judged, "unjudged": len(self.candidates) - judged, "unreadable": self.unreadable}


def read_tables(job: Path) -> Tables:
    """The output folder of a batch job; raises DataError where it is none."""
    for name in (FRAMES, DETECTIONS):
        if not (job / name).is_file():
            raise DataError(f"{job / name}: not found; wanted the output folder of 'roadwarden detect'")
    boxes: dict[str, list[dict[str, Any]]] = {}
    for row in pq.read_table(job / DETECTIONS, columns=["frame", "x1", "y1", "x2", "y2", "type", "score"]).to_pylist():
        boxes.setdefault(row["frame"], []).append(row)
    candidates, unreadable = [], 0
    for row in pq.read_table(job / FRAMES).to_pylist():
        result = result_of_row({**row, "boxes": boxes.get(row["frame"], [])})
        if result.width_px is None or result.height_px is None or not result.frame.sha256:
            unreadable += 1
            continue
        judged = result.outcome.kind in JUDGED
        size = result.width_px, result.height_px
        candidates.append(Candidate(result.frame, judged, result.detections, *size, row["model"]))
    return Tables(tuple(candidates), unreadable)


def check_model(tables: Tables, card: ModelCard, sha256: str) -> None:
    """Makes sure that margins are taken from the thresholds of the model that made the tables; raises ConfigError."""
    made_by = {one.model for one in tables.candidates}
    if made_by - {f"{card.name}@{sha256[:12]}"}:
        raise ConfigError(f"the tables were made by {', '.join(sorted(made_by))}; give that very file with --model")


@dataclass(frozen=True, slots=True)
class Request:
    """What a review is made from."""

    archive: str
    tables: Tables
    card: ModelCard
    settings: ReviewSettings
    places: Mapping[str, str]
    prefix: str  # before a picture's name in tasks.json


def export_review(
    request: Request,
    out: Path,
    redactor: Redactor,
    on_frame: Callable[[int, int], None] = lambda _done, _total: None,
) -> Manifest:
    """Writes the review and returns its manifest; the same request writes the same pictures and tasks again.

    Raises ConfigError where ``out`` holds another review, DataError for the archive, OutputError where it cannot write.
    """
    picks = pick(request.tables.candidates, request.card.thresholds, request.settings, request.places)
    if not picks:
        raise DataError("no frame is left to look at: the tables hold no frame that could be decoded")
    review = review_id(picks, request.settings)
    _refuse_another(out, review)
    archive = open_archive(request.archive)
    with writing(out):
        (out / PICTURES).mkdir(parents=True, exist_ok=True)
        written = []
        for number, one in enumerate(picks, 1):
            written.append(_write_picture(archive, one, out / PICTURES, redactor))
            on_frame(number, len(picks))
        manifest = _manifest(request, review, written)
        if not manifest.frames:
            raise DataError(f"{manifest.archive}: {manifest.left_out[0].fault}; is --archive the one of the tables?")
        _write_files(out, manifest, request.prefix)
    return manifest


def _refuse_another(out: Path, review: str) -> None:
    if (out / MANIFEST).is_file() and read_manifest(out).review != review:
        raise ConfigError(f"{out}: holds another review, which people may be working on; choose another --out")


def _write_picture(archive: Archive, one: Pick, folder: Path, redactor: Redactor) -> ReviewFrame | LeftOut:
    frame = one.candidate.frame
    try:
        data = archive.read(frame.path)
        if hashlib.sha256(data).hexdigest() != frame.sha256:
            return LeftOut(frame=frame.path, why=one.why, fault="the picture has changed since the tables were made")
        image = decode(data)
    except UnreadableEntry as exc:
        return LeftOut(frame=frame.path, why=one.why, fault=f"the archive does not give the picture: {exc.why}")
    except UndecodableFrame as exc:
        return LeftOut(frame=frame.path, why=one.why, fault=f"the picture cannot be decoded: {exc.reason}")
    shown = cv2.imencode(".jpg", redactor.redact(image), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
    name = picture_name(frame.path)
    (folder / name).write_bytes(shown)
    return review_frame(one, name, hashlib.sha256(shown).hexdigest())


def picture_name(path: str) -> str:
    """A file name that no two frames share, with the frame's own name as far as any system takes it."""
    stem = "".join(
        sign if sign.isascii() and (sign.isalnum() or sign in "-_") else "_" for sign in PurePosixPath(path).stem
    )
    return f"{hashlib.sha256(path.encode()).hexdigest()[:10]}-{stem[:60]}.jpg"


def _manifest(request: Request, review: str, written: Sequence[ReviewFrame | LeftOut]) -> Manifest:
    return Manifest(
        review=review,
        roadwarden=roadwarden.__version__,
        taxonomy=TAXONOMY_VERSION,
        archive=archive_label(request.archive),
        settings=request.settings,
        thresholds=request.card.thresholds,
        labels=request.card.classes,
        pool=request.tables.pool,
        frames=tuple(one for one in written if isinstance(one, ReviewFrame)),
        left_out=tuple(one for one in written if isinstance(one, LeftOut)),
    )


def _write_files(out: Path, manifest: Manifest, prefix: str) -> None:
    """The manifest comes last: a folder that has one is whole."""
    for language in Language:
        place = out / f"label_config.{language}.xml"
        place.write_text(label_config(manifest.labels, language), encoding="utf-8")
    text = json.dumps(tasks(manifest, prefix), ensure_ascii=False, indent=1)
    (out / TASKS).write_text(text + "\n", encoding="utf-8")
    write_coco(out / COCO, [_annotated(one, manifest, out) for one in manifest.frames], out / PICTURES)
    salt = out / SALT
    if not salt.exists():
        salt.touch(mode=0o600)
        salt.write_text(secrets.token_hex(32) + "\n", encoding="utf-8")
    write_json(out / MANIFEST, manifest.model_dump(mode="json"))


def _annotated(frame: ReviewFrame, manifest: Manifest, out: Path) -> AnnotatedFrame:
    """What the COCO file proposes: nothing in a blind audit."""
    shown = () if frame.audit and manifest.settings.audit_blind else frame.predicted
    return AnnotatedFrame(
        path=out / PICTURES / frame.picture,
        width=frame.width,
        height=frame.height,
        boxes_xyxy=np.array([one.box_xyxy for one in shown], np.float32).reshape(-1, 4),
        types=tuple(one.type for one in shown),
    )
