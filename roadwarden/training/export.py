"""From a checkpoint to an ONNX file that Roadwarden runs: thresholds chosen on val, the model card inside."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from roadwarden.data.voc import AnnotatedFrame
from roadwarden.errors import DataError, MissingExtra
from roadwarden.eval.operating_point import CANDIDATES, Judged, choose_thresholds, figures
from roadwarden.models.card import METADATA_KEY, Head, ModelCard
from roadwarden.models.onnx import OnnxDetector, sha256_of
from roadwarden.models.yolo import load_yolo
from roadwarden.taxonomy import TAXONOMY_VERSION
from roadwarden.training.dataset import choose_frames
from roadwarden.training.recipe import Recipe
from roadwarden.vision.decode import decode


class Exported(BaseModel):
    """What an export leaves behind, beside the files themselves."""

    model_config = ConfigDict(frozen=True)

    onnx: Path
    checkpoint: Path
    sha256: str
    card: ModelCard
    val: dict[str, Any]


def export(
    recipe: Recipe, *, checkpoint: Path, roads: Path, out: Path, name: str, git_commit: str, head: Head
) -> Exported:
    """Writes ``out/name.onnx``, the stamped ``out/name.pt`` and ``out/name.json`` with the figures on val."""
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
    )
    onnx_path = to_onnx(checkpoint, low, out / f"{name}.onnx")
    judged = judge(
        OnnxDetector(onnx_path), [frame for choice in recipe.validation for frame in choose_frames(roads, choice)]
    )
    card = low.model_copy(update={"thresholds": choose_thresholds(judged, recipe.classes)})
    stamp_onnx(onnx_path, card)
    stamped = stamp_checkpoint(checkpoint, card, out / f"{name}.pt")
    exported = Exported(
        onnx=onnx_path, checkpoint=stamped, sha256=sha256_of(onnx_path), card=card, val=figures(judged, card.thresholds)
    )
    summary = exported.model_dump(mode="json", exclude={"onnx", "checkpoint"})
    (out / f"{name}.json").write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return exported


def judge(detector: OnnxDetector, frames: Sequence[AnnotatedFrame]) -> list[Judged]:
    """What the detector sees beside what is there of the types it was trained on."""
    judged = []
    for frame in frames:
        try:
            image = decode(frame.path.read_bytes())
        except OSError as exc:
            raise DataError(f"{frame.path}: cannot be read: {exc.strerror}") from exc
        trained = [index for index, distress in enumerate(frame.types) if distress in detector.card.classes]
        boxes, types = frame.boxes_xyxy[trained].astype(np.float32), tuple(frame.types[index] for index in trained)
        judged.append(Judged(boxes, types, detector.detect([image])[0]))
    return judged


def to_onnx(checkpoint: Path, card: ModelCard, place: Path) -> Path:
    """Exports with dynamic batch, height and width, so that a wide frame costs no square."""
    model = load_yolo(checkpoint)
    if tuple(model.names.values()) != tuple(str(distress) for distress in card.classes):
        raise DataError(f"{checkpoint}: its classes {list(model.names.values())} are not those of the recipe")
    nms = False if card.head is Head.END_TO_END else None  # False selects the one-to-one head, None leaves NMS to us
    exported = model.export(format="onnx", imgsz=card.input_size, dynamic=True, simplify=True, nms=nms)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(exported, place)
    stamp_onnx(place, card)
    return place


def stamp_onnx(place: Path, card: ModelCard) -> None:
    """Puts the card into the file's metadata."""
    try:
        import onnx
    except ImportError as exc:
        raise MissingExtra("writing ONNX metadata needs onnx: pip install 'roadwarden[train]'") from exc
    model = onnx.load(str(place))
    kept = [prop for prop in model.metadata_props if prop.key not in {METADATA_KEY, "date"}]
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
