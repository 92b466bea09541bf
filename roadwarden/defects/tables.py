"""The data tables that the rules of this room read: versioned YAML, strict, each row with its source and status."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from roadwarden.taxonomy import Status


class Strict(BaseModel):
    """Part of a table: unknown keys are errors, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sourced(Strict):
    """A row that says where it comes from; UNVERIFIED rows must not be quoted as what a standard says."""

    source: str = Field(min_length=1, description="standard and clause, publication, or 'policy' for a choice of ours")
    status: Status = Field(description="verified: read in the primary text; unverified: anything less")
