"""From an export of a labelling tool to corrections and truth. Importing the same again changes no byte."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from roadwarden.data.corrections import Correction, write_corrections
from roadwarden.data.label_studio import read_export
from roadwarden.data.review_coco import read_coco_passes
from roadwarden.data.review_manifest import SALT, Manifest, read_manifest
from roadwarden.data.review_pass import Export, read_json, write_refused
from roadwarden.errors import DataError
from roadwarden.eval.review_check import Checked, Looked, check
from roadwarden.eval.review_corrections import Agreement, agreements, corrections_of
from roadwarden.eval.review_store import merge, read_passes, write_passes
from roadwarden.eval.review_truth import write_truth
from roadwarden.inference.workspace import write_json, writing

CORRECTIONS, REFUSED, REPORT, TRUTH = "corrections.jsonl", "refused.jsonl", "import.json", "truth"


class Annotators(StrEnum):
    """What an annotator is called in everything that is written."""

    HASHED = "hashed"  # a keyed hash of the tool's id; the key stays in the review folder
    AS_GIVEN = "as-given"  # the tool's id


class ExportForm(StrEnum):
    """The form of the file that comes back."""

    AUTO = "auto"
    LABEL_STUDIO = "label-studio"
    COCO = "coco"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did and what there is now; the content of import.json."""

    review: str
    passes: int  # now, over all imports
    frames: int
    audited: int  # frames of the audit that have been looked at
    audit_size: int
    taken: int  # passes of this export
    cancelled: int
    untouched: int
    refused: int
    clipped: int
    turned: int
    verdicts: dict[str, int]  # of audited frames, passes that count
    agreements: tuple[Agreement, ...]

    def as_json(self) -> dict[str, Any]:
        """NaN is null."""
        rows = [
            {"type": str(one.type), "both": one.both, "one_only": one.one_only, "neither": one.neither,
             "kappa": None if math.isnan(one.kappa) else round(one.kappa, 4)}
            for one in self.agreements
        ]  # fmt: skip
        names = [name for name in self.__slots__ if name != "agreements"]
        return {name: getattr(self, name) for name in names} | {"agreements": rows}


def read_any(place: Path, form: ExportForm, *, annotator: str, empty_is_reviewed: bool) -> Export:
    """An export in the form given, or told by its shape; raises DataError."""
    if form is ExportForm.AUTO:
        form = ExportForm.COCO if isinstance(read_json(place), dict) else ExportForm.LABEL_STUDIO
    if form is ExportForm.COCO:
        return read_coco_passes(place, annotator=annotator, empty_is_reviewed=empty_is_reviewed)
    return read_export(place)


def import_review(export: Export, review: Path, out: Path, annotators: Annotators = Annotators.HASHED) -> Imported:
    """Checks, merges with earlier imports and writes corrections, truth, refused rows and a report below ``out``.

    Raises DataError for a folder that is no review, for unknown labels, and where ``out`` holds another review.
    """
    manifest = read_manifest(review)
    _refuse_another(out, manifest)
    checked = check(export, manifest, review, namer(review, annotators))
    passes = merge(read_passes(out), checked.looked, checked.cancelled, [one.frame for one in manifest.frames])
    corrections = corrections_of(passes, manifest)
    imported = _summary(manifest, checked, passes, corrections)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        write_passes(out, passes)
        write_corrections(out / CORRECTIONS, corrections)
        write_refused(out / REFUSED, checked.refused)
        write_truth(out / TRUTH, passes, manifest, review)
        write_json(out / REPORT, imported.as_json())
    return imported


def namer(review: Path, annotators: Annotators) -> Callable[[str], str]:
    """How annotators are called; raises DataError where the key is gone."""
    if annotators is Annotators.AS_GIVEN:
        return lambda name: name
    place = review / SALT
    if not place.is_file():
        raise DataError(
            f"{place}: gone, so annotators cannot be called what they were; --annotators as-given does without"
        )
    key = place.read_text(encoding="utf-8").strip().encode()
    return lambda name: hmac.new(key, name.encode(), hashlib.sha256).hexdigest()[:12] if name else ""


def _refuse_another(out: Path, manifest: Manifest) -> None:
    if (out / REPORT).is_file() and read_json(out / REPORT).get("review") != manifest.review:
        raise DataError(f"{out}: holds what was imported of another review; choose another --out")


def _summary(
    manifest: Manifest, checked: Checked, passes: Sequence[Looked], corrections: Sequence[Correction]
) -> Imported:
    audit = {one.frame for one in manifest.frames if one.audit}
    frames = {one.frame for one in passes}
    verdicts = Counter(str(one.verdict) for one in corrections if one.audit and one.chosen)
    return Imported(
        review=manifest.review,
        passes=len(passes),
        frames=len(frames),
        audited=len(frames & audit),
        audit_size=len(audit),
        taken=len(checked.looked),
        cancelled=len(checked.cancelled),
        untouched=len(checked.untouched),
        refused=len(checked.refused),
        clipped=checked.clipped,
        turned=checked.turned,
        verdicts=dict(sorted(verdicts.items())),
        agreements=tuple(agreements(passes)),
    )
