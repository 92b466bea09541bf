"""Pictures that people send: told by their bytes, kept twice (as it came, and redacted), and compared with all others.

What a picture is takes pixels, which this room does not know: ``Pictures`` is filled in by ``bootstrap``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import Engine

from roadwarden.detections import Position
from roadwarden.errors import DataError, NotAllowed, NotFound
from roadwarden.service.cases import utc_now
from roadwarden.storage import evidence as store
from roadwarden.storage.blobs import BlobStore
from roadwarden.storage.evidence import KeptEvidence, UseKind, Withheld

COMPARED = 5
"""A fixed camera's pictures are alike by thousands; the pixels of the nearest few are looked at."""


class PictureProblem(StrEnum):
    """Why bytes are no evidence."""

    EMPTY = "empty"
    TOO_MANY_BYTES = "too_many_bytes"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    NOT_A_PICTURE = "not_a_picture"
    DAMAGED = "damaged"
    ERASED = "erased"


class BadPicture(DataError):
    """Bytes that are no picture we take."""

    def __init__(self, problem: PictureProblem, text: str) -> None:
        """``text`` says what to do."""
        super().__init__(text)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused before memory is spent on it."""

    most_bytes: int = 20 * 2**20
    most_pixels: int = 64_000_000
    least_side_px: int = 64


@dataclass(frozen=True, slots=True)
class PictureRead:
    """What the pixels and the EXIF of a picture say, and the copy of it that may be shown."""

    format: str  # jpeg, png or webp, by its bytes
    width: int
    height: int
    perceptual: int  # 64 bits
    public_jpeg: bytes  # redacted, made by us: no metadata, nothing behind its end
    redactor: str  # name and version
    captured_at: datetime | None = None
    position: Position | None = None
    device: str | None = None
    software: str | None = None


class Pictures(Protocol):
    """What looks at pictures."""

    def read(self, data: bytes, limits: Limits) -> PictureRead:
        """Raises BadPicture for anything that is no whole picture within the limits."""
        ...

    def show_the_same(self, one: bytes, other: bytes) -> bool:
        """Whether one is the other again, scaled or encoded anew; False where one of them cannot be read."""
        ...

    def close(self) -> None:
        """Gives back what it holds."""
        ...


@dataclass(frozen=True, slots=True)
class EvidenceDesk:
    """Takes pictures in and hands them out; ``blobs`` holds them, the database what is known of them."""

    engine: Engine
    blobs: BlobStore
    pictures: Pictures
    limits: Limits = field(default_factory=Limits)
    copy_bits: int = 10  # of 64, as ``copy_hash_bits`` in tables/repairs.yaml
    now: Callable[[], datetime] = utc_now

    def close(self) -> None:
        """At the end of the process."""
        self.pictures.close()

    def take_in(self, data: bytes, received_from: str) -> KeptEvidence:
        """Keeps a picture; the very same bytes again are the same evidence.

        ``copy_of`` names the earlier evidence that it shows again. Raises BadPicture, StorageAway.
        """
        if len(data) > self.limits.most_bytes:
            text = f"the picture has {len(data):,} bytes; at most {self.limits.most_bytes:,}: send a smaller one"
            raise BadPicture(PictureProblem.TOO_MANY_BYTES, text)
        sha256 = hashlib.sha256(data).hexdigest()
        with store.reading(self.engine) as unit:
            known = unit.get(sha256)
        if known is not None and known.erased:
            raise BadPicture(PictureProblem.ERASED, "this very picture was erased and is not taken again: send another")
        if known is not None:
            return known
        read = self.pictures.read(data, self.limits)
        self.blobs.put(data)
        kept = KeptEvidence(
            sha256=sha256,
            public_sha256=self.blobs.put(read.public_jpeg),
            format=read.format,
            size_bytes=len(data),
            width=read.width,
            height=read.height,
            received_at=self.now(),
            received_from=received_from,
            perceptual=read.perceptual,
            redactor=read.redactor,
            captured_at=read.captured_at,
            position=read.position,
            device=read.device,
            software=read.software,
            copy_of=self._shown_before(data, read.perceptual),
        )
        with store.writing(self.engine) as unit:
            unit.add(kept)
        return kept

    def belongs(self, kind: UseKind, subject: str, pictures: Sequence[str]) -> None:
        """Says what pictures are about; raises NotFound for one that nobody took in."""
        with store.writing(self.engine) as unit:
            for sha256 in pictures:
                if unit.get(sha256) is None:
                    raise _unknown(sha256)
            unit.use(kind, subject, pictures)

    def public(self, public_sha256: str) -> bytes:
        """The redacted picture; raises NotFound where there is none, or it is withheld."""
        with store.reading(self.engine) as unit:
            kept = unit.of_public(public_sha256)
        if kept is None or kept.withheld is not None:
            raise _unknown(public_sha256)
        return self.blobs.get(public_sha256)

    def original(self, sha256: str) -> bytes:
        """The picture as it came, for whoever has the right ``originals.read``. Raises NotFound, also once erased."""
        kept = self.known(sha256)
        if kept.erased:
            raise _unknown(sha256)
        return self.blobs.get(kept.sha256)

    def known(self, sha256: str) -> KeptEvidence:
        """What is known of a picture; raises NotFound."""
        with store.reading(self.engine) as unit:
            kept = unit.get(sha256)
        if kept is None:
            raise _unknown(sha256)
        return kept

    def withhold(self, by: str, sha256: str, reason: str) -> KeptEvidence:
        """Shows a picture to nobody outside any more: a face that the redactor did not find."""
        if not reason.strip():
            raise NotAllowed(f"picture {sha256[:12]}: say why it is withheld")
        self.known(sha256)
        with store.writing(self.engine) as unit:
            unit.withhold(sha256, Withheld(self.now(), by, reason))
        return self.known(sha256)

    def _shown_before(self, data: bytes, perceptual: int) -> str | None:
        """The nearest earlier evidence whose pixels agree with these."""
        with store.reading(self.engine) as unit:
            alike = unit.alike(perceptual, self.copy_bits, COMPARED)
        for one in alike:
            if self.blobs.has(one.sha256) and self.pictures.show_the_same(self.blobs.get(one.sha256), data):
                return one.sha256
        return None


def _unknown(sha256: str) -> NotFound:
    return NotFound(f"there is no picture {sha256[:64]}")
