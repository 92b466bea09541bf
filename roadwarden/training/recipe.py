"""What a training run is made from: a strict YAML file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from roadwarden.data.splits import FOLDED_SOURCE
from roadwarden.models.card import View
from roadwarden.settings import read_strict_yaml
from roadwarden.taxonomy import DistressType


class Arithmetic(StrEnum):
    """Arithmetic of the forward and backward pass; the loss and the weights are float32 always."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class Keep(StrEnum):
    """Which weights a run ends with: those best on val, or those of the last epoch, chosen by nothing."""

    BEST = "best"
    LAST = "last"


class Heads(StrEnum):
    """Which heads of YOLO26 are trained: both, or only the one whose boxes go through non-maximum suppression."""

    BOTH = "both"
    ONE_TO_MANY = "one_to_many"


class SourceChoice(BaseModel):
    """Frames of one source and part, as ``splits.csv`` names them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(description="source column of splits.csv, such as china_motorbike")
    part: Literal["train", "val"] = Field(description="part column of splits.csv; test and survey are never trained on")
    only_with: tuple[DistressType, ...] = Field(default=(), description="keep only frames that show one of these types")
    every: int = Field(default=1, ge=1, description="keep every n-th of those frames")
    repeat: int = Field(default=1, ge=1, description="times each of them stands in an epoch")


class Recipe(BaseModel):
    """One training run; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="name of the run and of its folder below var/training", pattern=r"^[a-z0-9_-]+$")
    seed: int = Field(description="seed of shuffling, augmentation and initial weights")
    sources: tuple[SourceChoice, ...] = Field(description="what to train on", min_length=1)
    validation: tuple[SourceChoice, ...] = Field(description="what to choose by; never the test part", min_length=1)
    classes: tuple[DistressType, ...] = Field(description="types in the order of the class index", min_length=1)
    image_size: int = Field(default=416, ge=32, multiple_of=32, description="side of the square input, pixels")
    batch: int = Field(default=16, ge=1, description="frames a step")
    epochs: int = Field(default=20, ge=1, description="passes over the training frames")
    close_mosaic: int = Field(default=5, ge=0, description="last epochs without mosaic augmentation")
    threads: int = Field(default=2, ge=1, description="CPU threads; Ultralytics alone would leave one core idle")
    warmup_epochs: float = Field(default=3.0, ge=0, description="epochs in which the learning rate rises to its start")
    transverse_from_aspect: float = Field(
        default=0,
        ge=0,
        description="in training, a longitudinal crack whose box is so many times wider than high is a transverse one",
    )
    road_weather: float = Field(default=0, ge=0, le=1, description="share of frames under shadow, sun, rain or blur")
    pasted_frames: int = Field(default=0, ge=0, description="frames more, with rare distress pasted into our streets")
    precision: Arithmetic = Field(default=Arithmetic.FLOAT32, description="bfloat16 is twice as fast on a CPU with AMX")
    heads: Heads = Field(default=Heads.BOTH, description="one_to_many alone is faster and keeps its loss whole")
    keep: Keep = Field(default=Keep.BEST, description="weights to end with; folds need last, for best looks at val")
    views: tuple[View, ...] = Field(default=(), description="how the trained network looks at a frame; none: once")
    device: str = Field(default="auto", description="auto, cpu, or a CUDA device such as 0")

    @model_validator(mode="after")
    def _pasting_has_its_streets(self) -> Self:
        if self.pasted_frames and not any(choice.source == FOLDED_SOURCE for choice in self.sources):
            raise ValueError(f"pasted_frames needs {FOLDED_SOURCE} among the sources: it pastes into its frames")
        return self


def read_recipe(path: Path) -> Recipe:
    """Reads a recipe; a typo is a ConfigError that names the nearest key."""
    return read_strict_yaml(path, Recipe)
