"""When drift is told: every limit with its reason. A YAML file of the same keys replaces any of them."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from roadwarden.settings import read_strict_yaml


class Limits(BaseModel):
    """How large an effect must be to be worth a look, and to take the number's ground away."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    watch: float = Field(gt=0, description="effect from which a week is WATCH")
    alarm: float = Field(gt=0, description="effect from which a week is NOT_TRUSTED")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.alarm < self.watch:
            raise ValueError(f"alarm {self.alarm} is below watch {self.watch}; it has to be the larger one")
        return self


class DriftSettings(BaseModel):
    """An effect counts only where it is both significant and large: with many frames everything is significant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    promise: float = Field(
        default=0.90, gt=0, lt=1, description="type accuracy that is promised; the recipe gate's limit (DOMAIN 3.2)"
    )
    significance: float = Field(
        default=0.05,
        gt=0,
        lt=0.5,
        description="chance that a week without any change is called changed, over all signals together (Holm 1979)",
    )
    usual_chance: float = Field(
        default=0.05,
        gt=0,
        lt=0.5,
        description="chance that a week which differs as the reference weeks do among themselves exceeds what is "
        "usual, over all signals of one kind (Student's t, Bonferroni; from four reference weeks on): other routes "
        "make other counts",
    )
    rearrangements: int = Field(
        default=1999,
        ge=199,
        description="random rearrangements of blocks a test draws; its smallest p is 1 / (rearrangements + 1)",
    )
    seed: int = Field(default=0, ge=0, description="seed of the rearrangements: the same tables give the same report")
    counts: Limits = Field(
        default=Limits(watch=1.25, alarm=1.5),
        description="factor between the rates of a type per 1,000 usable frames, in either direction; 1.5 halves or "
        "doubles are twice that far: a type found half as often is always an alarm",
    )
    scores: Limits = Field(
        default=Limits(watch=0.10, alarm=0.20),
        description="Kolmogorov-Smirnov distance of the scores of a type, 0..1; two normal distributions whose means "
        "lie d standard deviations apart are 2 * Phi(d / 2) - 1 apart, so 0.10 is d = 0.25 and 0.20 is d = 0.5, "
        "Cohen's small and medium effect (Cohen 1988)",
    )
    quality: Limits = Field(
        default=Limits(watch=0.20, alarm=0.50),
        description="Cohen's h between the shares of frames with one outcome, 2 * |asin(sqrt(a)) - asin(sqrt(b))|: 0.2 "
        "is small, 0.5 medium (Cohen 1988); from a share of 0.02 that is 0.057 and 0.145",
    )
    accuracy: Limits = Field(
        default=Limits(watch=0.03, alarm=0.05),
        description="fall of the audited type accuracy below the reference's, as a share of boxes; 0.05 takes a model "
        "that held 0.95 to the promise",
    )
    min_frames: int = Field(default=200, ge=1, description="usable frames below which a week is TOO_LITTLE_DATA")
    min_blocks: int = Field(
        default=10,
        ge=4,
        description="blocks below which a week is TOO_LITTLE_DATA: rearranging fewer says nothing",
    )
    min_detections: int = Field(
        default=20,
        ge=1,
        description="detections of a type, expected or seen, below which neither its count nor its scores are tested; "
        "20 is also what makes a type proven in the recipe gate",
    )
    min_audit: int = Field(
        default=30,
        ge=1,
        description="audited boxes below which an accuracy is shown but decides nothing: with all 30 right the bound "
        "is 0.917, so fewer than 25 cannot hold 0.90 at all",
    )
    pool_weeks: int = Field(
        default=8,
        ge=1,
        description="weeks back, this one included, whose audits of the same model are pooled: one week of 200 boxes "
        "proves 0.90 only at 93.5 % (DOMAIN 3.2), eight of 50 at 92.5 %",
    )
    max_weeks_unaudited: int = Field(
        default=4,
        ge=0,
        description="weeks without any audit after which a quiet week is WATCH: inputs that look the same are no proof",
    )
    block_m: float = Field(
        default=100.0,
        gt=0,
        description="side of a block, metres: frames of one block show the same road and count as one draw "
        "(DOMAIN 3.2, blocks of at least 100 m)",
    )
    block_s: float = Field(
        default=10.0, gt=0, description="length of a block of frames without a position, seconds: 100 m at 36 km/h"
    )


def read_drift_settings(place: Path | None) -> DriftSettings:
    """The settings of a YAML file, or the defaults; raises ConfigError that lists every fault."""
    return DriftSettings() if place is None else read_strict_yaml(place, DriftSettings)
