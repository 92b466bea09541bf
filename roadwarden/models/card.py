"""What a model file must say of itself before we run it."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from roadwarden.errors import ModelError
from roadwarden.models.score_map import ScoreMap
from roadwarden.taxonomy import TAXONOMY_VERSION, DistressType

METADATA_KEY = "roadwarden"
"""Where the card lies in a file's own metadata: ONNX metadata_props, or a key of a torch checkpoint."""


class Head(StrEnum):
    """What the network puts out."""

    END_TO_END = "end_to_end"  # (batch, n, 6): x1 y1 x2 y2 score class; also what an export with NMS inside gives
    ONE_TO_MANY = "one_to_many"  # (batch, 4 + classes, anchors): centre x, y, width, height, scores; needs NMS


class NumberFormat(StrEnum):
    """What the weights are stored in and computed with; input and output are 32-bit floats in every file."""

    FP32 = "fp32"
    INT8 = "int8"  # for CPUs: 8-bit convolutions, the head's decoding in float
    FP16 = "fp16"  # for GPUs


class View(BaseModel):
    """One look at a frame."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(description="longer side of the network's input, pixels", ge=32, multiple_of=32)
    mirrored: bool = Field(default=False, description="left and right exchanged")


class ModelCard(BaseModel):
    """The metadata stored inside a model file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="name and version, such as roadwarden-yolo26n-4", min_length=1)
    classes: tuple[DistressType, ...] = Field(description="types in the order of the class index", min_length=1)
    input_size: int = Field(description="longer side of the network's input, pixels", ge=32, multiple_of=32)
    head: Head = Field(description="what the network puts out")
    taxonomy_version: str = Field(description="version of the taxonomy the classes are taken from")
    thresholds: dict[DistressType, float] = Field(description="lowest score that is reported, for each class")
    score_map: ScoreMap = Field(default=ScoreMap(), description="calibration: applied to the network's scores")
    training_data: str = Field(description="data, split and licence")
    git_commit: str = Field(description="commit of the code that trained it", min_length=1)
    precision: NumberFormat = Field(default=NumberFormat.FP32, description="what the weights are computed with")
    views: tuple[View, ...] = Field(default=(), description="looks at a frame whose mean counts; none: one, as it is")

    @model_validator(mode="after")
    def _check(self) -> Self:
        missing = [str(distress) for distress in self.classes if distress not in self.thresholds]
        if missing:
            raise ValueError(f"thresholds: none for {', '.join(missing)}")
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes: a type stands twice")
        if self.taxonomy_version != TAXONOMY_VERSION:
            raise ValueError(f"taxonomy_version: {self.taxonomy_version}, this Roadwarden speaks {TAXONOMY_VERSION}")
        return self

    def lowered_to(self, floor: float) -> Self:
        """The card with no threshold above ``floor``; those below it stay: what runs must not report more."""
        return self.model_copy(update={"thresholds": {one: min(floor, at) for one, at in self.thresholds.items()}})

    @property
    def sizes(self) -> tuple[int, ...]:
        """The longer side of the network's input in each look at a frame, pixels."""
        return tuple(view.size for view in self.views) or (self.input_size,)

    @property
    def lowest_threshold(self) -> float:
        """Below this nothing is ever reported."""
        return min(self.thresholds.values())

    @property
    def lowest_raw_score(self) -> float:
        """The same as the network puts it out, before calibration."""
        return self.score_map.inverse(self.lowest_threshold)


def read_card(text: str | None, path: Path) -> ModelCard:
    """Parses the card found in ``path``; raises ModelError that says what is missing or wrong."""
    if not text:
        wanted = ", ".join(ModelCard.model_fields)
        raise ModelError(
            f"{path}: the model carries no '{METADATA_KEY}' metadata ({wanted}); "
            "export it with 'roadwarden export', or add the metadata to the file"
        )
    try:
        return ModelCard.model_validate(json.loads(text))
    except ValidationError as exc:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'card'}: {e['msg']}" for e in exc.errors())
        raise ModelError(f"{path}: the model's metadata is not usable: {faults}") from exc
    except json.JSONDecodeError as exc:
        raise ModelError(f"{path}: the model's '{METADATA_KEY}' metadata is not JSON: {exc}") from exc
