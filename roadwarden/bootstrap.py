"""The only place that fills the Protocols of lower rooms with parts of higher ones."""

from __future__ import annotations

from roadwarden.defects.rulings import Matcher
from roadwarden.defects.same_place import SamePlaceTable
from roadwarden.inference.picture_matcher import Looks, PictureMatcher


def matcher(looks: Looks, table: SamePlaceTable | None = None) -> Matcher:
    """What compares the pictures of sightings for merging; ``looks`` finds them."""
    return PictureMatcher(looks, table)
