"""From two pictures to an assessment: gate, place, spot, verdict. One model on both pictures, nothing kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from roadwarden.defects.same_place import SamePlaceTable, shipped_same_place_table
from roadwarden.detections import Boxes, Detections, Image
from roadwarden.errors import DataError
from roadwarden.models.detector import Detector
from roadwarden.repairs.alignment import Alignment, align
from roadwarden.repairs.evidence import Fault, PictureFacts, Wanted, faults
from roadwarden.repairs.pictures import Earlier, Picture, is_copy
from roadwarden.repairs.place import Place, judge
from roadwarden.repairs.residual import residual
from roadwarden.repairs.table import LookRule, RepairTable, shipped_repair_table
from roadwarden.repairs.verdict import Decision, Findings, Spot, decide
from roadwarden.repairs.words import Words, why
from roadwarden.taxonomy import DistressType
from roadwarden.vision.boxes import areas
from roadwarden.vision.crack_lines import NO_SEAL, seal_of
from roadwarden.vision.quality import judge as judge_quality
from roadwarden.vision.registration import ALGORITHM_VERSION, warp_boxes
from roadwarden.vision.surface import (
    SURFACE_VERSION,
    Box,
    aligned,
    edge_step,
    likeness,
    recoloured,
    texture,
)

_CRACKS = frozenset({DistressType.LINEAR_CRACK, DistressType.LONGITUDINAL_CRACK, DistressType.TRANSVERSE_CRACK})
"""What is mended by pouring it full; a net of cracks gets a patch."""


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """The verdict and everything it rests on."""

    box: Box
    distress: DistressType
    before_sha256: str
    after_sha256: str
    decision: Decision
    findings: Findings
    alignment: Alignment | None  # None where the gate let nothing through
    before: Detections
    after: Detections
    words: Words
    versions: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """Numbers and words for records and machines; no pictures."""
        told = _said(self.decision, self.findings, self.words, self.alignment)
        return told | {
            "defect": {"type": str(self.distress), "box_xyxy": [round(edge, 2) for edge in self.box]},
            "inputs": {"before": self.before_sha256, "after": self.after_sha256},
            "versions": dict(self.versions),
        }


class Assessor:
    """Assesses pairs of pictures with one detector and one table."""

    def __init__(
        self, detector: Detector, table: RepairTable | None = None, same_place: SamePlaceTable | None = None
    ) -> None:
        """The tables are those that come with us unless told."""
        self._detector = detector
        self.table = table or shipped_repair_table()
        self._same = same_place or shipped_same_place_table()

    def assess(
        self,
        before: Picture,
        after: Picture,
        box: Box,
        distress: DistressType,
        *,
        earlier: Sequence[Earlier] = (),
        wanted: Wanted | None = None,
        others: Sequence[PictureFacts] = (),
        collar_px: float | None = None,
    ) -> Assessment:
        """``box`` is the defect's in the before picture, pixels; ``earlier`` is all evidence but the before picture.

        ``others`` are further after pictures that the gate is to see; ``collar_px`` is the collar's width in the after
        picture where it is calibrated. Raises DataError for a box that does not lie in the before picture.
        """
        box = _inside(box, before.image)
        known = [Earlier.of(before), *earlier]
        facts = self._facts(after, known)
        missing = faults([facts, *others], self.table.gate, wanted)
        if missing:
            return self._done(before, after, box, distress, Findings(missing, None, None), None)
        alignment = align(before.features, after.features, box)
        place = judge(alignment.facts, self.table.place, self._same)
        if place is not Place.SAME or alignment.homography is None:
            return self._done(before, after, box, distress, Findings((), place, None), alignment)
        seen_before, seen_after = self._detector.detect([before.image, after.image])
        spot = self._look(before, after, box, distress, alignment, seen_before, seen_after, collar_px)
        found = Findings((), place, spot)
        return self._done(before, after, box, distress, found, alignment, seen_before, seen_after)

    def detect(self, image: Image) -> Detections:
        """What the assessor's model sees in one picture."""
        return self._detector.detect([image])[0]

    def not_looked(self, missing: tuple[Fault, ...], distress: str) -> dict[str, Any]:
        """The record of a report that no picture could be compared for, in the form of ``Assessment.as_json``."""
        findings = Findings(missing, None, None)
        decision = decide(findings, self.table)
        return _said(decision, findings, why(decision, missing), None) | {
            "defect": {"type": distress, "box_xyxy": None},
            "inputs": {"before": None, "after": None},
            "versions": dict(self._versions()),
        }

    def _facts(self, after: Picture, earlier: Sequence[Earlier]) -> PictureFacts:
        copied = is_copy(after, earlier, self.table.gate)
        problems = judge_quality(after.image).problems
        return replace(after.facts, problems=problems, is_copy=copied)

    def _look(
        self,
        before: Picture,
        after: Picture,
        box: Box,
        distress: DistressType,
        alignment: Alignment,
        seen_before: Detections,
        seen_after: Detections,
        collar_px: float | None,
    ) -> Spot:
        if alignment.homography is None:
            raise ValueError("the pictures do not lie on each other")
        ours, theirs = before.image, after.image
        size, rule = _size(theirs), self.table.look
        laid, reached = aligned(theirs, alignment.homography, _size(ours))
        projected, back = alignment.projected, np.linalg.inv(alignment.homography).astype(np.float64)

        def was_there(row: int) -> bool:
            """What the detector overlooked before, or shade, is nothing new where the surface is the same."""
            x1, y1, x2, y2 = (float(edge) for edge in warp_boxes(seen_after.boxes_xyxy[[row]], back, _size(ours))[0])
            found = likeness(laid, ours, reached, (x1, y1, x2, y2))
            return found.unchanged_share(rule.found_again) > self.table.verdict.most_partial

        return Spot(
            residual=residual(
                np.array([box], np.float32),
                seen_before,
                projected,
                seen_after,
                warp_boxes(seen_before.boxes_xyxy, alignment.homography, size),
                distress,
                rule,
                collar_px=_collar(projected, rule) if collar_px is None else collar_px,
                was_there=was_there,
            ),
            likeness=likeness(ours, laid, reached, box),
            before=texture(ours, box),
            after=texture(laid, box, reached),
            recoloured=recoloured(ours, laid, box, reached),
            edge_step=edge_step(laid, box),
            seal=seal_of(ours, laid, reached, box) if distress in _CRACKS else NO_SEAL,
        )

    def _done(
        self,
        before: Picture,
        after: Picture,
        box: Box,
        distress: DistressType,
        findings: Findings,
        alignment: Alignment | None,
        seen_before: Detections | None = None,
        seen_after: Detections | None = None,
    ) -> Assessment:
        decision = decide(findings, self.table)
        return Assessment(
            box,
            distress,
            before.sha256,
            after.sha256,
            decision,
            findings,
            alignment,
            seen_before or Detections.none(),
            seen_after or Detections.none(),
            why(decision, findings.faults),
            self._versions(),
        )

    def _versions(self) -> tuple[tuple[str, str], ...]:
        return (
            ("repairs", self.table.version),
            ("same_place", self._same.version),
            ("registration", ALGORITHM_VERSION),
            ("surface", SURFACE_VERSION),
            ("model", self._detector.card.name),
        )


def _said(decision: Decision, findings: Findings, words: Words, alignment: Alignment | None) -> dict[str, Any]:
    parts = decision.score
    empty = {"ok": False, "inliers": 0, "inlier_ratio": 0.0, "reprojection_px": 0.0, "overlap": 0.0}
    return {
        "verdict": str(decision.verdict),
        "score": round(parts.total, 1),
        "score_parts": {name: round(getattr(parts, name), 1) for name in parts.__slots__},
        "reasons": {
            "code": str(decision.reason),
            "faults": [str(fault) for fault in findings.faults],
            "zh": words.chinese,
            "en": words.english,
        },
        "alignment": alignment.as_json() if alignment is not None else empty,
        "residual": None if decision.left is None else round(decision.left, 4),
        "place": None if findings.place is None else str(findings.place),
        "spot": None if findings.spot is None else _spot_json(findings.spot),
    }


def _size(image: Image) -> tuple[int, int]:
    return image.shape[1], image.shape[0]


def _collar(projected: Boxes, rule: LookRule) -> float:
    return rule.collar_share * float(np.sqrt(areas(projected)[0]))


def _inside(box: Box, image: Image) -> Box:
    height, width = image.shape[:2]
    x1, y1, x2, y2 = max(0.0, box[0]), max(0.0, box[1]), min(float(width), box[2]), min(float(height), box[3])
    if not (x2 - x1 >= 4 and y2 - y1 >= 4):
        raise DataError(
            f"box {', '.join(f'{edge:g}' for edge in box)}: wanted x1,y1,x2,y2 with 4 pixels a side and more inside "
            f"the before picture of {width} x {height}"
        )
    return x1, y1, x2, y2


def _spot_json(spot: Spot) -> dict[str, Any]:
    def figures(one: Any) -> dict[str, float]:
        return {name: round(getattr(one, name), 4) for name in one.__slots__}

    return {
        "seen_before": spot.residual.seen_before,
        "left_by_detector": round(spot.residual.left, 4),
        "patched": round(spot.residual.patched, 4),
        "new_around": spot.residual.new_around,
        "cells": len(spot.likeness.spot),
        "likeness": round(spot.likeness.spot_median, 4),
        "likeness_around": round(spot.likeness.around_median, 4),
        "before": figures(spot.before),
        "after": figures(spot.after),
        "recoloured": round(spot.recoloured, 4),
        "edge_step": round(spot.edge_step, 4),
        "seal": figures(spot.seal),
    }
