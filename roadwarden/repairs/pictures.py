"""Pictures as evidence, and whether one is an earlier one again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from roadwarden.detections import Image
from roadwarden.repairs.evidence import PictureFacts
from roadwarden.repairs.table import GateRule
from roadwarden.vision.fingerprint import hash_distance, perceptual_hash, worst_disagreement
from roadwarden.vision.registration import Features, features

UNKNOWN = PictureFacts()
"""A picture of which nothing but its pixels is known."""
MOST_SIDE_PX = 1600
"""What the crew's page sends at most. More pixels show more of the asphalt's grain, not more of the place, and SIFT on
a telephone's 12 megapixels takes 2.9 GB."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture with the hash of its file; ``facts`` is what its sidecar says.

    What is reckoned from its pixels is kept with it: of a report each picture is compared with several others.
    """

    image: Image
    sha256: str
    facts: PictureFacts = UNKNOWN

    @cached_property
    def perceptual(self) -> int:
        """64 bits, as ``vision/fingerprint.py`` has them."""
        return perceptual_hash(self.image)

    @cached_property
    def features(self) -> Features:
        """What it is registered by."""
        return features(self.image)

    def fitted(self) -> Picture:
        """No larger than MOST_SIDE_PX: for a picture in which nobody has drawn a box."""
        share = MOST_SIDE_PX / max(self.image.shape[:2])
        if share >= 1:
            return self
        small = cv2.resize(self.image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        return Picture(np.asarray(small, np.uint8), self.sha256, self.facts)


@dataclass(frozen=True, slots=True)
class Earlier:
    """Earlier evidence by its hashes; the picture itself where it is at hand, to tell a copy from a second look."""

    sha256: str
    perceptual: int
    image: Image | None = None

    @classmethod
    def of(cls, picture: Picture) -> Earlier:
        """A picture that is at hand."""
        return cls(picture.sha256, picture.perceptual, picture.image)


def is_copy(after: Picture, earlier: Sequence[Earlier], rule: GateRule) -> bool:
    """Whether the picture is earlier evidence again: the very file, or its pixels re-encoded.

    Where only the hashes of earlier evidence are kept, an alike perceptual hash is not enough: a fixed camera's honest
    pictures have that too.
    """
    for known in earlier:
        if known.sha256 == after.sha256:
            return True
        if known.image is None or hash_distance(known.perceptual, after.perceptual) > rule.copy_hash_bits:
            continue
        if worst_disagreement(known.image, after.image) <= rule.copy_most_rms:
            return True
    return False


def sha256_of(data: bytes) -> str:
    """64 hex digits."""
    return hashlib.sha256(data).hexdigest()
