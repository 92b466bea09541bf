"""The data tables that the rules of this room read: versioned YAML, strict, each row with its source and status."""

from __future__ import annotations

from importlib import resources
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from roadwarden.settings import read_strict_yaml
from roadwarden.taxonomy import Status

Table = TypeVar("Table", bound=BaseModel)


class Strict(BaseModel):
    """Part of a table: unknown keys are errors, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sourced(Strict):
    """A row that says where it comes from; UNVERIFIED rows must not be quoted as what a standard says."""

    source: str = Field(min_length=1, description="standard and clause, publication, or 'policy' for a choice of ours")
    status: Status = Field(description="verified: read in the primary text; unverified: anything less")


def shipped(name: str, schema: type[Table]) -> Table:
    """A table that comes with the package; raises ConfigError that lists every fault."""
    with resources.as_file(resources.files("roadwarden") / "tables" / name) as path:
        return read_strict_yaml(path, schema)
