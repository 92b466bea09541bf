"""What became of a frame: every frame of an archive gets exactly one outcome."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from roadwarden.detections import Detections, Frame


class OutcomeKind(StrEnum):
    """How a frame left the job."""

    DETECTED = "detected"
    CLEAN = "clean"
    POOR_QUALITY = "poor_quality"  # judged unusable; not shown to the detector
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Kind and reason; its text is the ``outcome`` column."""

    kind: OutcomeKind
    why: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.why}" if self.why else str(self.kind)

    @classmethod
    def of(cls, text: str) -> Outcome:
        """Reads the ``outcome`` column back."""
        kind, _, why = text.partition(":")
        return cls(OutcomeKind(kind), why)


@dataclass(frozen=True, slots=True)
class FrameResult:
    """One frame after the job: what the manifest knows, what became of it, what was seen."""

    frame: Frame
    outcome: Outcome
    detections: Detections
    width_px: int | None = None
    height_px: int | None = None
