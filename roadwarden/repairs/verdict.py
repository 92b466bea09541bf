"""The verdict and its score, from what was found. Pure: the same findings and table give the same verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from roadwarden.cases.event_types import Verdict
from roadwarden.repairs.evidence import Fault
from roadwarden.repairs.place import Place
from roadwarden.repairs.residual import Residual
from roadwarden.repairs.table import RepairTable
from roadwarden.vision.crack_lines import NO_SEAL, Seal
from roadwarden.vision.surface import Likeness, Texture


class Reason(StrEnum):
    """Why the verdict is what it is; one decides."""

    NO_EVIDENCE = "no_evidence"
    OTHER_PLACE = "other_place"
    PLACE_UNCERTAIN = "place_uncertain"
    SPOT_CUT_OFF = "spot_cut_off"
    DISTRESS_SEEN = "distress_seen"
    SURFACE_UNCHANGED = "surface_unchanged"
    FAINTER = "fainter"
    MAYBE_SEALED = "maybe_sealed"
    NOT_SEEN_BEFORE = "not_seen_before"
    SPOT_COVERED = "spot_covered"
    LIGHT_DIFFERS = "light_differs"
    PARTLY_LEFT = "partly_left"
    NOTHING_POSITIVE = "nothing_positive"
    PARTLY_PATCHED = "partly_patched"
    DAMAGE_ON_PATCH = "damage_on_patch"
    DAMAGE_AROUND = "damage_around"
    POOR_EDGE = "poor_edge"
    PATCHED = "patched"
    SEALED = "sealed"
    INTACT = "intact"


@dataclass(frozen=True, slots=True)
class Spot:
    """What the two pictures show of the spot once they lie on each other."""

    residual: Residual
    likeness: Likeness
    before: Texture
    after: Texture
    recoloured: float  # share of the spot that has a colour no light gives it
    edge_step: float
    seal: Seal = NO_SEAL  # of a crack; other distress is not mended by pouring it full


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a verdict rests on; ``spot`` is None where nobody could look."""

    faults: tuple[Fault, ...]
    place: Place | None  # None where the gate let nothing through
    spot: Spot | None


@dataclass(frozen=True, slots=True)
class Score:
    """Points, 100 in all; how good the repair is as far as it can be seen, not how sure the verdict is."""

    coverage: float
    residual: float
    edge: float
    surroundings: float

    @property
    def total(self) -> float:
        """0..100."""
        return self.coverage + self.residual + self.edge + self.surroundings


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, what decided it, its points, and the share of the spot that is left (None: not looked at)."""

    verdict: Verdict
    reason: Reason
    score: Score
    left: float | None


_NO_SCORE = Score(0.0, 0.0, 0.0, 0.0)
_PLACES = {
    Place.OTHER: (Verdict.WRONG_OBJECT, Reason.OTHER_PLACE),
    Place.UNCERTAIN: (Verdict.LOCATION_UNCERTAIN, Reason.PLACE_UNCERTAIN),
    Place.CUT_OFF: (Verdict.LOCATION_UNCERTAIN, Reason.SPOT_CUT_OFF),
}


def decide(findings: Findings, table: RepairTable) -> Decision:
    """Gate, place, spot: the first that fails decides. What nobody saw is never REPAIRED."""
    if findings.faults or findings.place is None:
        return Decision(Verdict.INSUFFICIENT_EVIDENCE, Reason.NO_EVIDENCE, _NO_SCORE, None)
    if findings.place in _PLACES:
        return Decision(*_PLACES[findings.place], _NO_SCORE, None)
    if findings.spot is None:
        raise ValueError("the place is the same, so the spot must have been looked at")
    verdict, reason = _of_spot(findings.spot, table)
    return Decision(verdict, reason, score(findings.spot, table), left(findings.spot, table))


def _of_spot(spot: Spot, table: RepairTable) -> tuple[Verdict, Reason]:
    return _still_there(spot, table) or _cannot_tell(spot, table) or _done(spot, table)


def _still_there(spot: Spot, table: RepairTable) -> tuple[Verdict, Reason] | None:
    rule = table.verdict
    if spot.seal.along >= table.look.maybe_sealed and not is_sealed(spot, table):
        return Verdict.INSUFFICIENT_EVIDENCE, Reason.MAYBE_SEALED
    if unchanged(spot, table) > rule.most_partial:
        if is_fainter(spot, table) and spot.residual.left <= rule.most_residual:
            return Verdict.INSUFFICIENT_EVIDENCE, Reason.FAINTER
        return Verdict.NOT_REPAIRED, Reason.SURFACE_UNCHANGED
    if spot.residual.left > rule.most_partial:
        if spot.residual.patched >= rule.least_coverage and unchanged(spot, table) <= rule.most_residual:
            return Verdict.REPAIRED_WITH_DEFECT, Reason.DAMAGE_ON_PATCH
        return Verdict.NOT_REPAIRED, Reason.DISTRESS_SEEN
    return None


def _cannot_tell(spot: Spot, table: RepairTable) -> tuple[Verdict, Reason] | None:
    look = table.look
    if not is_seen_before(spot, table):
        return Verdict.INSUFFICIENT_EVIDENCE, Reason.NOT_SEEN_BEFORE
    if is_covered(spot, table):
        return Verdict.INSUFFICIENT_EVIDENCE, Reason.SPOT_COVERED
    few = len(spot.likeness.spot) < look.least_cells and not is_sealed(spot, table)
    if spot.likeness.around_median < look.least_around or few:
        return Verdict.INSUFFICIENT_EVIDENCE, Reason.LIGHT_DIFFERS
    return None


def _done(spot: Spot, table: RepairTable) -> tuple[Verdict, Reason]:
    rule = table.verdict
    if left(spot, table) > rule.most_residual:
        return Verdict.PARTIAL, Reason.PARTLY_LEFT
    if spot.likeness.spot_median > table.look.most_alike and not is_sealed(spot, table):
        return Verdict.INSUFFICIENT_EVIDENCE, Reason.FAINTER  # not found again, but no other surface either
    sound = is_intact(spot, table) or is_sealed(spot, table)
    if not sound and spot.residual.patched < rule.least_coverage:
        partly = spot.residual.patched > rule.most_residual
        if partly:
            return Verdict.PARTIAL, Reason.PARTLY_PATCHED
        return Verdict.INSUFFICIENT_EVIDENCE, Reason.NOTHING_POSITIVE
    if spot.residual.new_around:
        return Verdict.REPAIRED_WITH_DEFECT, Reason.DAMAGE_AROUND
    if spot.edge_step > rule.most_edge_step:
        return Verdict.REPAIRED_WITH_DEFECT, Reason.POOR_EDGE
    if is_sealed(spot, table):
        return Verdict.REPAIRED, Reason.SEALED
    return Verdict.REPAIRED, Reason.INTACT if is_intact(spot, table) else Reason.PATCHED


def is_covered(spot: Spot, table: RepairTable) -> bool:
    """Whether something that is no road lies on the spot, and did not before."""
    return max(spot.after.foreign - spot.before.foreign, spot.recoloured) > table.look.most_foreign


def is_seen_before(spot: Spot, table: RepairTable) -> bool:
    """Whether the before picture shows the distress: to the detector, or by a rough surface full of lines."""
    look = table.look
    rough = spot.before.roughness >= look.seen_roughness and spot.before.lines >= look.seen_lines
    return spot.residual.seen_before or rough


def is_fainter(spot: Spot, table: RepairTable) -> bool:
    """Whether the old lines are there and far weaker: filled, wet or painted, which one picture cannot tell."""
    share = table.look.fainter
    return spot.after.roughness < share * spot.before.roughness and spot.after.lines < share * spot.before.lines


def is_sealed(spot: Spot, table: RepairTable) -> bool:
    """Whether a band as dark all over follows the whole of the old crack, and the detector sees no distress there.

    Damp beside an open crack leaves the crack as the darker line in its band; half a seal leaves half of the crack.
    """
    look, seal = table.look, spot.seal
    whole = seal.along >= look.sealed_along and seal.evenness >= look.sealed_evenness
    return whole and spot.residual.left <= table.verdict.most_residual and not is_covered(spot, table)


def unchanged(spot: Spot, table: RepairTable) -> float:
    """Share of the spot's remarkable cells that are found again: the same surface as before; 0 if chance may be it.

    Those of a sealed crack are, because the seal follows it: they say nothing there.
    """
    if is_sealed(spot, table):
        return 0.0
    share = spot.likeness.unchanged_share(table.look.found_again)
    return share if share > table.look.by_chance else 0.0


def left(spot: Spot, table: RepairTable) -> float:
    """Share of the former box that is still damaged: by the detector or by the unchanged surface, whichever is more."""
    return max(spot.residual.left, unchanged(spot, table))


def is_intact(spot: Spot, table: RepairTable) -> bool:
    """Whether the spot is another surface than before, and as smooth and free of lines as the road around it."""
    look = table.look
    return (
        spot.after.roughness <= look.most_roughness
        and spot.after.lines <= look.most_lines
        and not is_covered(spot, table)
        and spot.likeness.around_median >= look.least_around
    )


def score(spot: Spot, table: RepairTable) -> Score:
    """Points of each part, each from 0 to what the table gives it."""
    points, remains = table.score, left(spot, table)
    sound = is_intact(spot, table) or is_sealed(spot, table)
    cover = max(spot.residual.patched, 1 - remains if sound else 0.0)
    edge = max(0.0, 1 - spot.edge_step / (2 * table.verdict.most_edge_step))
    return Score(
        coverage=points.coverage * min(1.0, cover),
        residual=points.residual * (1 - min(1.0, remains)),
        edge=points.edge * edge,
        surroundings=points.surroundings * (0.0 if spot.residual.new_around else 1.0),
    )
