"""The thresholds of a verdict: ``tables/repairs.yaml``."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from roadwarden.defects.tables import Sourced, Strict
from roadwarden.settings import read_shipped_table, read_strict_yaml
from roadwarden.vision.registration import ALGORITHM_VERSION
from roadwarden.vision.surface import SURFACE_VERSION


class GateRule(Sourced):
    """What a picture must be to count as evidence."""

    radius_m: float = Field(ge=0, description="metres from the defect, beside three sigma of the position")
    position_sigma_m: float = Field(ge=0, description="metres, of a picture that does not tell its own")
    heading_deg: float = Field(gt=0, le=180, description="degrees the camera may look away from the before picture's")
    clock_ahead_s: float = Field(ge=0, description="seconds a device clock may be ahead of the time of arrival")
    copy_hash_bits: int = Field(ge=0, le=32, description="bits of 64 up to which two pictures may be one")
    copy_most_rms: float = Field(gt=0, description="grey levels up to which the worst part still agrees: a copy")
    editors: tuple[str, ...] = Field(description="programs that edit pictures, in lower case, as EXIF names them")


class PlaceRule(Sourced):
    """What a registration must be, beyond same_place.yaml, to look at the spot through it."""

    least_inlier_ratio: float = Field(ge=0, le=1, description="of the matches")
    most_reprojection_px: float = Field(gt=0, description="median over the inliers, pixels")
    least_overlap: float = Field(gt=0, le=1, description="share of the defect's box that the after picture shows")


class LookRule(Sourced):
    """How the spot is looked at."""

    seen_share: float = Field(gt=0, le=1, description="overlap from which a detection before is the case's distress")
    seen_roughness: float = Field(gt=0, description="of the spot before, from which distress is seen without detection")
    seen_lines: float = Field(gt=0, description="of the spot before, likewise; both are needed")
    fainter: float = Field(gt=0, lt=1, description="roughness and lines after, by before, of a line that may be filled")
    maybe_sealed: float = Field(gt=0, le=1, description="share of a crack under a broader band, that may be a seal")
    sealed_along: float = Field(gt=0, le=1, description="share of a crack under a broader band, for a seal")
    sealed_evenness: float = Field(gt=0, le=1, description="darkness of the band beside the old line by that on it")
    dilation: float = Field(ge=0, le=1, description="of the box's sides, on each side")
    collar_m: float = Field(gt=0, description="width of the collar, metres, where the camera is calibrated")
    collar_share: float = Field(gt=0, description="width of the collar where it is not, of the box's mean side")
    found_again: float = Field(gt=0, lt=1, description="correlation from which a cell is the same surface")
    most_alike: float = Field(ge=0, lt=1, description="median correlation of the spot, for another surface")
    by_chance: float = Field(ge=0, lt=1, description="share of cells that are found again where nothing is the same")
    least_around: float = Field(ge=0, lt=1, description="median correlation of the road around the spot")
    least_cells: int = Field(ge=1, description="cells of the spot that can be recognised by anything")
    most_foreign: float = Field(ge=0, le=1, description="share of the spot covered by what is no road")
    most_roughness: float = Field(gt=0, description="of the spot, against the road around it")
    most_lines: float = Field(gt=0, description="of the spot, against the road around it")


class VerdictRule(Sourced):
    """Where one verdict ends and the next begins."""

    most_residual: float = Field(ge=0, lt=1, description="share of the spot left, for REPAIRED")
    most_partial: float = Field(gt=0, le=1, description="share of the spot left, for PARTIAL")
    least_coverage: float = Field(gt=0, le=1, description="share of the spot patched or intact, for REPAIRED")
    most_edge_step: float = Field(gt=0, description="step of brightness at the edge, by that of the road")


class ScoreRule(Sourced):
    """Points of each part; 100 in all."""

    coverage: float = Field(ge=0)
    residual: float = Field(ge=0)
    edge: float = Field(ge=0)
    surroundings: float = Field(ge=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        total = self.coverage + self.residual + self.edge + self.surroundings
        if abs(total - 100) > 1e-9:
            raise ValueError(f"the parts of the score are {total:g} points, not 100")
        return self


class AuditRule(Sourced):
    """What a person looks at although the machine is content."""

    share: float = Field(ge=0, le=1, description="of REPAIRED")


class RepairTable(Strict):
    """All thresholds, and the versions of the algorithms they were chosen for."""

    version: str = Field(min_length=1, description="changes when any number does")
    registration: str = Field(description="version of vision/registration.py that the numbers were chosen for")
    surface: str = Field(description="version of vision/surface.py that the numbers were chosen for")
    gate: GateRule
    place: PlaceRule
    look: LookRule
    verdict: VerdictRule
    score: ScoreRule
    audit: AuditRule

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, wanted, ours in (
            ("registration", self.registration, ALGORITHM_VERSION),
            ("surface", self.surface, SURFACE_VERSION),
        ):
            if wanted != ours:
                raise ValueError(f"made for {name} {wanted}, this is {ours}: measure its numbers anew")
        if self.verdict.most_residual >= self.verdict.most_partial:
            raise ValueError("verdict.most_residual must be less than verdict.most_partial")
        if self.look.maybe_sealed > self.look.sealed_along:
            raise ValueError("look.maybe_sealed must not be more than look.sealed_along")
        return self

    def thresholds(self) -> dict[str, Any]:
        """Every number, for records; where they come from is left out."""
        parts = ("gate", "place", "look", "verdict", "score", "audit")
        left_out = {"source", "status"}
        return {name: getattr(self, name).model_dump(mode="json", exclude=left_out) for name in parts}


def read_repair_table(path: Path) -> RepairTable:
    """A city's own table; raises ConfigError that lists every fault."""
    return read_strict_yaml(path, RepairTable)


@cache
def shipped_repair_table() -> RepairTable:
    """The table that comes with us."""
    return read_shipped_table("repairs.yaml", RepairTable)
