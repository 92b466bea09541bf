"""Whether the after picture shows the defect's place, from what registering the two pictures brought. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from roadwarden.defects.rulings import Answer
from roadwarden.defects.same_place import PlaceEvidence, SamePlaceTable, judge_place
from roadwarden.repairs.table import PlaceRule


class Place(StrEnum):
    """What can be said of the place."""

    SAME = "same"
    CUT_OFF = "cut_off"  # the road is the same, the spot is not (all) in the picture
    UNCERTAIN = "uncertain"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """Registration of before on after, the repaired spot left out of the matching."""

    masked: PlaceEvidence
    whole: PlaceEvidence  # with the spot where ``masked`` does not fit: what is the same there speaks for the place too
    inlier_ratio: float  # 0 where nothing fits
    reprojection_px: float  # median over the inliers; 0 where nothing fits
    overlap: float  # share of the defect's box that the after picture shows


def judge(facts: PlaceFacts, rule: PlaceRule, same: SamePlaceTable) -> Place:
    """SAME needs a registration that is good enough to look at one spot through it."""
    if judge_place(facts.masked, same) is not Answer.SAME:
        other = judge_place(facts.whole, same) is Answer.DIFFERENT
        return Place.OTHER if other else Place.UNCERTAIN
    if facts.inlier_ratio < rule.least_inlier_ratio or facts.reprojection_px > rule.most_reprojection_px:
        return Place.UNCERTAIN
    return Place.SAME if facts.overlap >= rule.least_overlap else Place.CUT_OFF
