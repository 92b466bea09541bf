"""From a checkpoint to an ONNX file that Roadwarden runs: thresholds chosen on val, the model card inside."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from roadwarden.data.splits import read_splits
from roadwarden.data.voc import of_types
from roadwarden.errors import DataError, MissingExtra
from roadwarden.eval.coverage import coverage_counts
from roadwarden.eval.judged import JudgedFrame
from roadwarden.eval.operating_point import CANDIDATES, Asked, OperatingPoint, choose
from roadwarden.eval.predictions import look
from roadwarden.eval.truth import TrueFrame
from roadwarden.models.card import METADATA_KEY, Head, ModelCard
from roadwarden.models.onnx import sha256_of
from roadwarden.models.yolo import load_yolo
from roadwarden.taxonomy import TAXONOMY_VERSION, DistressType
from roadwarden.training.dataset import choose_frames
from roadwarden.training.recipe import Recipe

FIGURES = ("true", "found", "called_right", "seen", "right")
"""Of each type: true boxes, those found, those of them called right; detections, those of them on a true box."""


class Exported(BaseModel):
    """What an export leaves behind, beside the files themselves."""

    model_config = ConfigDict(frozen=True)

    onnx: Path
    checkpoint: Path
    sha256: str
    card: ModelCard
    val: dict[str, Any]


def export(
    recipe: Recipe,
    *,
    checkpoint: Path,
    roads: Path,
    out: Path,
    name: str,
    git_commit: str,
    head: Head,
    point: OperatingPoint | None = None,
) -> Exported:
    """Writes ``out/name.onnx``, the stamped ``out/name.pt`` and ``out/name.json`` with the figures on val.

    Without an operating point one is chosen on val, where the figures are then flattered.
    """
    out.mkdir(parents=True, exist_ok=True)
    low = ModelCard(
        name=name,
        classes=recipe.classes,
        input_size=recipe.image_size,
        head=head,
        taxonomy_version=TAXONOMY_VERSION,
        thresholds=dict.fromkeys(recipe.classes, CANDIDATES[0]),
        training_data=describe_data(recipe),
        git_commit=git_commit,
        views=recipe.views,
    )
    onnx_path = to_onnx(checkpoint, low, out / f"{name}.onnx")
    seen, _ = look(onnx_path, validation_frames(recipe, roads))
    chosen = point or choose(seen, recipe.classes, Asked(), chosen_on="val")
    card = low.model_copy(update={"thresholds": chosen.thresholds, "score_map": chosen.score_map})
    stamp_onnx(onnx_path, card)
    stamped = stamp_checkpoint(checkpoint, card, out / f"{name}.pt")
    exported = Exported(
        onnx=onnx_path,
        checkpoint=stamped,
        sha256=sha256_of(onnx_path),
        card=card,
        val=figures(chosen.calibrated(seen), card.thresholds),
    )
    summary = exported.model_dump(mode="json", exclude={"onnx", "checkpoint"})
    (out / f"{name}.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return exported


def validation_frames(recipe: Recipe, roads: Path) -> list[TrueFrame]:
    """The recipe's validation frames, with their streets; boxes of types that the recipe knows."""
    rows = {row.image: row for row in read_splits(roads)}
    frames = [frame for choice in recipe.validation for frame in choose_frames(roads, choice)]
    named = [(frame, rows[frame.path.relative_to(roads).as_posix()]) for frame in frames]
    return [TrueFrame(row.image, row.group, row.place, of_types(frame, recipe.classes)) for frame, row in named]


def figures(frames: Sequence[JudgedFrame], thresholds: Mapping[DistressType, float]) -> dict[str, Any]:
    """The table of a model card, coverage protocol: each type, and all."""
    whole = coverage_counts(frames, thresholds).total()
    rows = zip(whole.classes, whole.true_of, whole.found_of, whole.correct_of, whole.seen, whole.right, strict=False)
    return {
        "frames": len(frames),
        "types": {
            str(distress): {name: int(value) for name, value in zip(FIGURES, numbers, strict=True)}
            for distress, *numbers in rows
        },
        "found": round(float(whole.recall), 4),
        "precision": round(float(whole.precision), 4),
        "type_accuracy": round(float(whole.type_accuracy), 4),
    }


def to_onnx(checkpoint: Path, card: ModelCard, place: Path) -> Path:
    """Exports with dynamic batch, height and width, so that a wide frame costs no square."""
    model = load_yolo(checkpoint)
    if tuple(model.names.values()) != tuple(str(distress) for distress in card.classes):
        raise DataError(f"{checkpoint}: its classes {list(model.names.values())} are not those of the recipe")
    if card.head is Head.END_TO_END and getattr(model.model.model[-1], "one2one_cv2", None) is None:
        raise DataError(f"{checkpoint}: was trained without its end-to-end head ('heads: one_to_many' in the recipe)")
    nms = False if card.head is Head.END_TO_END else None  # False selects the one-to-one head, None leaves NMS to us
    exported = model.export(format="onnx", imgsz=card.input_size, dynamic=True, simplify=True, nms=nms)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(exported, place)
    stamp_onnx(place, card)
    return place


def stamp_onnx(place: Path, card: ModelCard) -> None:
    """Puts the card into the file's metadata; the date and the description, which names a path, are left out."""
    try:
        import onnx
    except ImportError as exc:
        raise MissingExtra("writing ONNX metadata needs onnx: pip install 'roadwarden[train]'") from exc
    model = onnx.load(str(place))
    kept = [prop for prop in model.metadata_props if prop.key not in {METADATA_KEY, "date", "description"}]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    model.metadata_props.add(key=METADATA_KEY, value=card.model_dump_json())
    onnx.save(model, str(place))


def stamp_checkpoint(checkpoint: Path, card: ModelCard, place: Path) -> Path:
    """A copy of the checkpoint with the card inside, without the optimiser's state and the machine's paths."""
    import torch

    saved = torch.load(checkpoint, map_location="cpu", weights_only=False)
    saved[METADATA_KEY] = card.model_dump_json()
    saved.update({"optimizer": None, "git": None, "train_args": _without_paths(saved.get("train_args", {}))})
    network = saved["model"]
    network.args, network.pt_path = _without_paths(network.args), None
    torch.save(saved, place)
    return place


def _without_paths(arguments: dict[str, Any]) -> dict[str, Any]:
    """Ultralytics notes where it was run; that is nobody's business."""
    return {key: value for key, value in arguments.items() if not (isinstance(value, str) and "/" in value)}


def describe_data(recipe: Recipe) -> str:
    """Sources, split and licence, for a model card."""
    parts = ", ".join(f"{choice.source}/{choice.part}" for choice in recipe.sources)
    return f"{parts}; split by place; RDD2022 (Arya et al.), CC BY 4.0 / CC BY-SA 4.0: attribute and share alike"
