"""How frames are chosen for people to look at; a YAML file of the same keys replaces any of it."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from roadwarden.settings import read_strict_yaml


class ReviewSettings(BaseModel):
    """The shares say what the budget is spent on; what triage cannot fill stays unspent, never the audit's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    budget: int = Field(default=200, ge=1, description="frames that people will look at")
    seed: int = Field(default=0, ge=0, description="seed of the audit: the same archive and seed give the same frames")
    audit_share: float = Field(
        default=0.4, ge=0, le=1, description="share of the budget drawn at random before any detection is looked at"
    )
    low_margin_share: float = Field(
        default=0.3, ge=0, le=1, description="share for scores near a threshold, or close rivals"
    )
    disagreement_share: float = Field(default=0.15, ge=0, le=1, description="share for places seen as different types")
    rare_share: float = Field(default=0.15, ge=0, le=1, description="share for types that are rarely seen")
    audit_unjudged_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="share of the audit drawn from frames that the quality gate kept from the detector",
    )
    audit_blind: bool = Field(
        default=True,
        description="show no boxes of the model in audited frames: who corrects a proposal agrees with it too often",
    )
    margin: float = Field(default=0.05, gt=0, le=1, description="a score this near above its type's threshold is near")
    rival_iou: float = Field(
        default=0.3, gt=0, le=1, description="two boxes of different types that overlap this much are rivals"
    )
    rival_gap: float = Field(
        default=0.10, gt=0, le=1, description="rivals whose scores differ less than this are close"
    )
    neighbour_m: float = Field(
        default=3.0, gt=0, description="frames taken this near to each other, metres, show the same place"
    )
    neighbour_heading_deg: float = Field(
        default=45.0, gt=0, le=180, description="and in headings that differ less than this, where headings are known"
    )
    rare_below: float = Field(
        default=0.10, gt=0, le=1, description="a type with less than this share of all detections is rare"
    )
    spacing_m: float = Field(
        default=10.0,
        ge=0,
        description="frames chosen for their detections keep this distance, metres; the audit does not",
    )
    spacing_s: float = Field(
        default=2.0, ge=0, description="and this one in time, seconds, where a position is not known"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        total = self.audit_share + self.low_margin_share + self.disagreement_share + self.rare_share
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the four shares add up to {total:.3f}; they have to add up to 1")
        return self


def read_review_settings(place: Path | None) -> ReviewSettings:
    """The settings of a YAML file, or the defaults; raises ConfigError that lists every fault."""
    return ReviewSettings() if place is None else read_strict_yaml(place, ReviewSettings)
