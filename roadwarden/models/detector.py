"""The seam every detector stands behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from roadwarden.detections import Detections, Image
from roadwarden.models.card import ModelCard


class Detector(Protocol):
    """Finds distress in frames; answers for each frame, in order, whatever their sizes.

    Boxes are pixels of the frame as it came in, clipped to it; types are among ``card.classes``; scores fall and reach
    at least the card's threshold of their type. An empty list of frames gives an empty list.
    """

    @property
    def card(self) -> ModelCard:
        """What the model says of itself."""

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """The distress in each frame."""
