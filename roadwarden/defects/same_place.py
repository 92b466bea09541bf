"""Whether two pictures show the same place: a decision over what comparing them brought, by a table.

The pictures are compared elsewhere (``vision/registration.py``); here is only what its evidence is worth. That nothing
fits does not mean that the places differ: light, leaves, a parked car or another lane do that too. DIFFERENT is said
only where two pictures full of texture have next to nothing in common, and it holds for the light and season that the
table was measured in: it may sort candidates, it must not keep sightings apart (``PictureMatcher`` never does by it).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import Field

from roadwarden.defects.rulings import Answer
from roadwarden.defects.tables import Sourced, Strict
from roadwarden.settings import read_shipped_table, read_strict_yaml


@dataclass(frozen=True, slots=True)
class PlaceEvidence:
    """What comparing two pictures brought."""

    keypoints: int  # of the picture that has fewer
    matches: int  # each other's nearest, and clearly nearer than the second nearest
    inliers: int  # matches that the best homography explains
    fits: bool  # that homography is one that two cameras above one road could give, and it is supported


class SameRule(Sourced):
    """What it takes to say that two pictures show the same place."""

    least_inliers: int = Field(ge=4, description="matches that one homography of the road explains")


class OtherRule(Sourced):
    """What it takes to say that they show different places."""

    least_keypoints: int = Field(gt=0, description="of either picture: a picture without texture says nothing")
    most_matches: int = Field(ge=0, description="matches of the pair, whether they agree with each other or not")


class SamePlaceTable(Strict):
    """The rule for each of the two answers; what neither allows cannot be told."""

    version: str = Field(min_length=1, description="changes when any number does")
    algorithm: str = Field(min_length=1, description="version of the registration that the numbers were chosen for")
    same: SameRule = Field(description="same place")
    other: OtherRule | None = Field(default=None, description="other place; without it that is never said")


def judge_place(evidence: PlaceEvidence, table: SamePlaceTable) -> Answer:
    """Same place, different places, or it cannot be told."""
    if evidence.fits:
        return Answer.SAME if evidence.inliers >= table.same.least_inliers else Answer.CANNOT_TELL
    rule = table.other
    if rule is None or evidence.keypoints < rule.least_keypoints or evidence.matches > rule.most_matches:
        return Answer.CANNOT_TELL
    return Answer.DIFFERENT


def read_same_place_table(path: Path) -> SamePlaceTable:
    """A city's own table; raises ConfigError that lists every fault."""
    return read_strict_yaml(path, SamePlaceTable)


@cache
def shipped_same_place_table() -> SamePlaceTable:
    """The table that comes with us."""
    return read_shipped_table("same_place.yaml", SamePlaceTable)
