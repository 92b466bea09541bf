"""What a run of ``roadwarden eval alignment`` leaves: one JSON object, and a page of tables. Numbers and names only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from roadwarden.eval.alignment import AlignmentScore, BandScore, Laid, Source, laid_json
from roadwarden.eval.repairs_report import LEAST_ALIGNED, plain, shown

REAL = (Source.RIDE, Source.EYE)
"""The sources that the target speaks of."""
KNOWN_BY = {
    Source.STREET: "drawn; reckoned from the two cameras",
    Source.RIDE: "neighbours of one ride; from the metres in their names and where the camera's horizon lies",
    Source.EYE: "drawn blindly within one street; judged by eye before any matcher was asked",
}


@dataclass(frozen=True, slots=True)
class AlignmentRun:
    """What was laid on each other, by what."""

    at: datetime
    versions: dict[str, str]
    score: AlignmentScore
    laid: tuple[Laid, ...]

    def reached(self) -> bool:
        """Whether every real source holds what is asked; False where none was measured."""
        real = [self.score.counted[source] for source in REAL if source in self.score.counted]
        return bool(real) and all(one.usable.value >= LEAST_ALIGNED for one in real)

    def as_json(self) -> dict[str, Any]:
        """Every figure and every pair."""
        return {
            "at": self.at.isoformat(timespec="seconds"),
            "versions": self.versions,
            "reached": self.reached(),
            "counted": {str(source): _json(one) for source, one in self.score.counted.items()},
            "bands": [
                {"source": str(source), "shared": str(shared), **_json(one)}
                for (source, shared), one in self.score.bands.items()
            ],
            "pairs": [laid_json(one) for one in self.laid],
        }

    def markdown(self) -> str:
        """The page."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        yield "# Alignment of before and after, on pairs that no matcher chose"
        yield ""
        yield f"{len(self.laid)} pairs; {versions}. Brackets are Wilson's 95 % bounds, as if pairs were independent."
        yield "*Registered*: some homography was trusted. *Usable*: one spot may be looked at through it, which an"
        yield "assessment asks and the target counts. *Wrong*: it lies elsewhere than the cameras say (street only)."
        yield "*Misled*: wrong, and the road around the spot is taken for the same all the same, so that a verdict"
        yield "could rest on it; where that road is not found again, no verdict but a person says REPAIRED."
        yield ""
        yield f"Pairs that share 40 % of their view and more; wanted of real ones: usable ≥ {LEAST_ALIGNED:.0%}."
        yield ""
        yield "| source, and how it is known what they share | registered | usable | wrong | misled |"
        yield "| --- | --- | --- | --- | --- |"
        for source, one in self.score.counted.items():
            yield f"| {source}: {KNOWN_BY[source]} | {_cells(one)} |"
        yield ""
        yield "| source | shared view | registered | usable | wrong | misled |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for (source, shared), one in self.score.bands.items():
            yield f"| {source} | {shared} | {_cells(one)} |"


def _cells(one: BandScore) -> str:
    return " | ".join(shown(getattr(one, name)) for name in one.__slots__)


def _json(one: BandScore) -> dict[str, Any]:
    return {name: plain(getattr(one, name)) for name in one.__slots__}
