"""What a training run is made from: a strict YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from roadwarden.settings import read_strict_yaml
from roadwarden.taxonomy import DistressType


class SourceChoice(BaseModel):
    """Frames of one source and part, as ``splits.csv`` names them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(description="source column of splits.csv, such as china_motorbike")
    part: Literal["train", "val"] = Field(description="part column of splits.csv; test and survey are never trained on")
    only_with: tuple[DistressType, ...] = Field(default=(), description="keep only frames that show one of these types")
    every: int = Field(default=1, ge=1, description="keep every n-th of those frames")


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
    device: str = Field(default="auto", description="auto, cpu, or a CUDA device such as 0")


def read_recipe(path: Path) -> Recipe:
    """Reads a recipe; a typo is a ConfigError that names the nearest key."""
    return read_strict_yaml(path, Recipe)
