"""What a picture that somebody sent is: decoded, hashed, redacted, and encoded anew for everybody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Final

import cv2

from roadwarden.data.exif import read_exif
from roadwarden.detections import Image
from roadwarden.service.evidence import BadPicture, Limits, PictureProblem, PictureRead
from roadwarden.vision.decode import DecodeLimits, UndecodableFrame, UndecodableReason, decode
from roadwarden.vision.fingerprint import perceptual_hash, worst_disagreement
from roadwarden.vision.redaction import Redactor, default_redactor

SHOWN_PX: Final = 2048
"""Longest side of what is shown; more tells more of faces than of holes."""
QUALITY: Final = 85
REDACTOR: Final = "centerface-plates-1"
_FORMATS: Final = ((b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"))
_PROBLEMS: Final = {
    UndecodableReason.EMPTY: PictureProblem.EMPTY,
    UndecodableReason.NOT_AN_IMAGE: PictureProblem.NOT_A_PICTURE,
    UndecodableReason.TRUNCATED: PictureProblem.DAMAGED,
    UndecodableReason.TOO_LARGE: PictureProblem.TOO_MANY_PIXELS,
    UndecodableReason.CORRUPT: PictureProblem.DAMAGED,
}


@dataclass(slots=True)
class PictureReader:
    """Reads pictures in this process; the face model is loaded with the first of them."""

    zone: tzinfo | None = None  # of camera clocks that do not say theirs
    copy_most_rms: float = 6.0  # as copy_most_rms in tables/repairs.yaml
    make_redactor: Callable[[], Redactor] = default_redactor
    _redactor: Redactor | None = field(default=None, init=False)

    def read(self, data: bytes, limits: Limits) -> PictureRead:
        """Raises BadPicture for anything that is no whole JPEG, PNG or WebP within the limits."""
        kind = _format(data)
        image = _decoded(data, limits)
        height, width = image.shape[:2]
        if min(height, width) < limits.least_side_px:
            text = (
                f"the picture is {width} × {height} pixels; nothing can be told from less than {limits.least_side_px}"
            )
            raise BadPicture(PictureProblem.TOO_SMALL, text)
        told = read_exif(data, self.zone)
        return PictureRead(
            format=kind,
            width=width,
            height=height,
            perceptual=perceptual_hash(image),
            public_jpeg=self._shown(image),
            redactor=REDACTOR,
            captured_at=told.captured_at,
            position=told.position,
            device=told.device,
            software=told.software,
        )

    def show_the_same(self, one: bytes, other: bytes) -> bool:
        """Whether the worst part of the two agrees; False where one of them cannot be read."""
        try:
            return worst_disagreement(decode(one), decode(other)) <= self.copy_most_rms
        except UndecodableFrame:
            return False

    def close(self) -> None:
        """Holds nothing that has to be given back."""

    def _shown(self, image: Image) -> bytes:
        """Redacted, small, and nothing in it but pixels."""
        if self._redactor is None:
            self._redactor = self.make_redactor()
        scale = SHOWN_PX / max(image.shape[:2])
        if scale < 1:
            size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return bytes(cv2.imencode(".jpg", self._redactor.redact(image), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])


def _format(data: bytes) -> str:
    """What the first bytes say, whatever the name or the header of the upload did."""
    for beginning, name in _FORMATS:
        if data.startswith(beginning):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if not data:
        raise BadPicture(PictureProblem.EMPTY, "the picture is empty: choose the file again")
    hint = "; a HEIC picture of an iPhone is to be sent as JPEG" if data[4:12].startswith(b"ftyp") else ""
    raise BadPicture(PictureProblem.NOT_A_PICTURE, f"this is no picture: send a JPEG, PNG or WebP file{hint}")


def _decoded(data: bytes, limits: Limits) -> Image:
    try:
        return decode(data, DecodeLimits(limits.most_pixels, limits.most_bytes))
    except UndecodableFrame as exc:
        raise BadPicture(_PROBLEMS[exc.reason], f"this picture cannot be used: {exc}; send another one") from exc
