"""One line of an audit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that has to hold, and whether it does."""

    name: str
    holds: bool
    told: str
