"""Everything that decides what a batch job writes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from roadwarden.data.track import DEFAULT_TOLERANCE_S
from roadwarden.geo.coordinates import CoordinateSystem

BATCH_FRAMES = 16
"""Frames a part; fixed, because parts of another size would make other files after an interruption."""


class Shard(BaseModel):
    """Every n-th batch, so that n machines share an archive without talking to each other."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    index: int = Field(default=1, ge=1, description="which of the shards, from 1")
    of: int = Field(default=1, ge=1, description="number of shards")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.index > self.of:
            raise ValueError(f"shard {self.index}/{self.of}: the first number goes from 1 to the second")
        return self

    def takes(self, batch: int) -> bool:
        """Whether this shard works on that batch."""
        return batch % self.of == self.index - 1


class JobSettings(BaseModel):
    """What decides the content of the tables; two runs that share it may share a folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    archive: str = Field(description="folder, zip, tar, video, glob, fsspec URL, or .txt list of paths")
    model: Path = Field(description="model file")
    track: Path | None = Field(default=None, description="GPX, CSV or NMEA file with positions by time")
    tolerance_s: float = Field(default=DEFAULT_TOLERANCE_S, gt=0, description="longest wait to the nearest position, s")
    clock_offset_s: float = Field(default=0.0, description="seconds to add to the camera's clock")
    zone: str | None = Field(default=None, description="IANA zone of camera times that carry none")
    coordinates: CoordinateSystem = Field(
        default=CoordinateSystem.WGS84, description="system the positions come in; tables are WGS-84"
    )
    annotate: bool = Field(default=False, description="write drawn frames")

    def fingerprint(self, *, listing: str, model: str, version: str) -> str:
        """Changes when anything that decides the tables changes; ``model`` and ``listing`` are sha256 digests."""
        track = hashlib.sha256(self.track.read_bytes()).hexdigest() if self.track else ""
        chosen = self.model_dump_json(exclude={"archive", "model", "track"})
        text = "\n".join([version, listing, model, track, str(BATCH_FRAMES), chosen])
        return hashlib.sha256(text.encode()).hexdigest()
