"""What is known of pictures that are evidence, and which earlier ones look like a new one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, select, update

from roadwarden.detections import Position
from roadwarden.errors import DataError
from roadwarden.storage import engine as engines
from roadwarden.storage.evidence_tables import BANDS, evidence, evidence_uses
from roadwarden.storage.rows import OnConflict, insert_rows, rows_where

BAND_BITS: Final = 16
_MASK: Final = (1 << BAND_BITS) - 1
ONE_FLIP, TWO_FLIPS = (
    tuple(sum(1 << bit for bit in bits) for count in counts for bits in itertools.combinations(range(BAND_BITS), count))
    for counts in ((0, 1), (2,))
)
"""Nothing or one bit of a band: 17 patterns; two bits: 120."""
MOST_BITS: Final = 3 * len(BANDS) - 1
"""Two hashes that differ in so many bits differ in two or fewer of one band: 4 bands with 3 each would be 12."""


ERASED_FROM: Final = "[erased]"
"""Stands for who sent a picture that was erased; no account can have that name."""


class UseKind(StrEnum):
    """What a picture belongs to."""

    REQUEST = "request"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class Withheld:
    """A picture that is shown to nobody but intake and auditors."""

    at: datetime
    by: str
    because: str


@dataclass(frozen=True, slots=True)
class KeptEvidence:
    """One picture. Position, device and program are what its EXIF says, and stay on the server."""

    sha256: str  # of the original
    public_sha256: str  # of the redacted JPEG
    format: str
    size_bytes: int
    width: int
    height: int
    received_at: datetime
    received_from: str
    perceptual: int  # 64 bits, not negative
    redactor: str
    captured_at: datetime | None = None
    position: Position | None = None
    device: str | None = None
    software: str | None = None
    copy_of: str | None = None  # earlier evidence that it shows again
    withheld: Withheld | None = None

    @property
    def erased(self) -> bool:
        """Whether its files were erased, and with them all that told of a person: what is left knows it again."""
        return self.received_from == ERASED_FROM


@dataclass(frozen=True, slots=True)
class Alike:
    """Earlier evidence whose perceptual hash is near."""

    sha256: str
    bits: int  # that differ


class EvidenceStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, *kept: KeptEvidence) -> None:
        """Keeps what is known of pictures; one that is kept already stays as it is."""
        insert_rows(self._connection, evidence, map(_values, kept), OnConflict(("sha256",)))

    def get(self, sha256: str) -> KeptEvidence | None:
        """By the hash of the original."""
        row = self._connection.execute(select(evidence).where(evidence.c.sha256 == sha256)).first()
        return None if row is None else _kept(row)

    def of_public(self, public_sha256: str) -> KeptEvidence | None:
        """By the hash of the redacted picture."""
        row = self._connection.execute(select(evidence).where(evidence.c.public_sha256 == public_sha256)).first()
        return None if row is None else _kept(row)

    def withhold(self, sha256: str, withheld: Withheld) -> None:
        """Shows the picture to nobody outside any more."""
        values = {
            "withheld_at": withheld.at,
            "withheld_by": withheld.by,
            "withheld_because": withheld.because,
        }
        self._connection.execute(update(evidence).where(evidence.c.sha256 == sha256), values)

    def erase(self, sha256: str, at: datetime) -> str | None:
        """Leaves of a picture what knows it again, and nothing that tells of a person.

        Returns the sha256 of its redacted copy, unless another picture has the same; None for a picture that is not
        known, or was erased before.
        """
        kept = self.get(sha256)
        if kept is None or kept.erased:
            return None
        values: dict[str, Any] = {"received_from": ERASED_FROM}
        values |= dict.fromkeys(("captured_at", "lat", "lon", "heading_deg", "device", "software"))
        values |= {"withheld_at": at, "withheld_by": ERASED_FROM, "withheld_because": "erased"}
        self._connection.execute(update(evidence).where(evidence.c.sha256 == sha256).values(**values))
        query = select(evidence.c.sha256).where(evidence.c.public_sha256 == kept.public_sha256)
        others = self._connection.execute(query.where(evidence.c.received_from != ERASED_FROM).limit(1)).first()
        return None if others else kept.public_sha256

    def erased_files(self, since: datetime | None = None) -> frozenset[str]:
        """The sha256 of files that are not to be anywhere any more: of pictures erased since then, and their copies.

        A copy that a picture which was not erased has too is not among them.
        """
        query = select(evidence.c.sha256, evidence.c.public_sha256).where(evidence.c.received_from == ERASED_FROM)
        if since is not None:
            query = query.where(evidence.c.withheld_at >= since)
        rows = self._connection.execute(query).all()
        others = select(evidence.c.public_sha256).where(evidence.c.received_from != ERASED_FROM)
        copies = {row.public_sha256 for row in rows}
        shown = {row[0] for row in rows_where(self._connection, others, evidence.c.public_sha256, copies)}
        return frozenset({row.sha256 for row in rows} | copies - shown)

    def use(self, kind: UseKind, subject: str, pictures: Sequence[str]) -> None:
        """Says what pictures belong to; what is said already stays."""
        query = select(func.count()).where(evidence_uses.c.kind == kind.value, evidence_uses.c.subject == subject)
        first = int(self._connection.execute(query).scalar_one()) + 1
        rows = [
            {"kind": kind.value, "subject": subject, "sha256": sha256, "number": number}
            for number, sha256 in enumerate(dict.fromkeys(pictures), start=first)
        ]
        insert_rows(self._connection, evidence_uses, rows, OnConflict(("kind", "subject", "sha256")))

    def of_subjects(self, kind: UseKind, subjects: Iterable[str]) -> Mapping[str, tuple[KeptEvidence, ...]]:
        """The pictures of each subject that has some, in the order in which they came."""
        query = select(evidence, evidence_uses.c.subject, evidence_uses.c.number).join(
            evidence_uses, evidence_uses.c.sha256 == evidence.c.sha256
        )
        query = query.where(evidence_uses.c.kind == kind.value)
        found: dict[str, list[tuple[int, KeptEvidence]]] = {}
        for row in rows_where(self._connection, query, evidence_uses.c.subject, set(subjects)):
            found.setdefault(row.subject, []).append((row.number, _kept(row)))
        return {name: tuple(kept for _, kept in sorted(ones, key=_number)) for name, ones in found.items()}

    def uses_of(self, sha256: str) -> tuple[tuple[UseKind, str], ...]:
        """What a picture belongs to."""
        query = select(evidence_uses.c.kind, evidence_uses.c.subject).where(evidence_uses.c.sha256 == sha256)
        return tuple((UseKind(row.kind), row.subject) for row in self._connection.execute(query.order_by("subject")))

    def alike(self, perceptual: int, bits: int, most: int = 20) -> tuple[Alike, ...]:
        """Earlier evidence whose hash differs in ``bits`` or fewer, the nearest first, at most ``most``.

        4 × 17 look-ups in an index and up to 4 × 120 more (``looked_up``), then one comparison for each picture found.
        Raises DataError for more bits than the bands can find.
        """
        if bits > MOST_BITS:
            raise DataError(f"hashes {bits} bits apart cannot be looked up; at most {MOST_BITS}")
        found: dict[str, int] = {}
        signed = _signed(perceptual)
        for band, values in looked_up(perceptual, bits):
            for theirs, sha256 in self.with_band(band, values):
                apart = ((theirs ^ signed) & _WHOLE).bit_count()
                if apart <= bits:
                    found[bytes(sha256).hex()] = apart
        nearest = sorted((apart, sha256) for sha256, apart in found.items())[:most]
        return tuple(Alike(sha256, apart) for apart, sha256 in nearest)

    def with_band(self, band: str, values: Iterable[int]) -> Sequence[tuple[int, bytes]]:
        """Perceptual hash and sha256 of pictures, as the driver gives them: thousands, of which a handful is wanted."""
        listed = ",".join(str(int(value)) for value in values)
        found = self._connection.exec_driver_sql(f"SELECT perceptual, sha256 FROM evidence WHERE {band} IN ({listed})")
        rows: Sequence[tuple[int, bytes]] = found.cursor.fetchall()
        found.close()
        return rows

    def count(self) -> int:
        """How many pictures there are."""
        return int(self._connection.execute(select(func.count()).select_from(evidence)).scalar_one())


_WHOLE: Final = (1 << 64) - 1


def looked_up(perceptual: int, bits: int) -> Iterator[tuple[str, Sequence[int]]]:
    """Bands, and the values that a hash so many bits apart has in one of them at least. Pure.

    Hashes at most 7 bits apart differ in one bit or none of some band: four bands with two each would be 8. At most 10
    apart, where no band does, two of them at least differ in two bits (2 + 3 + 3 + 3 would be 11), so that looking in
    three of the four finds one.
    """
    for number, band in enumerate(BANDS):
        two = bits >= 2 * len(BANDS) and (number < len(BANDS) - 1 or bits > 10)
        ours = _band(perceptual, number)
        yield band, [ours ^ flip for flip in (*ONE_FLIP, *(TWO_FLIPS if two else ()))]


def _number(entry: tuple[int, KeptEvidence]) -> int:
    return entry[0]


def _band(perceptual: int, number: int) -> int:
    return perceptual >> (BAND_BITS * number) & _MASK


def _signed(perceptual: int) -> int:
    """Databases have no unsigned 64 bits."""
    return perceptual - (1 << 64) if perceptual >> 63 else perceptual


@contextmanager
def writing(engine: Engine) -> Iterator[EvidenceStore]:
    """A transaction that is on the disk once it has ended, or not kept at all."""
    with engines.writing(engine, durably=True) as connection:
        yield EvidenceStore(connection)


@contextmanager
def reading(engine: Engine) -> Iterator[EvidenceStore]:
    """A transaction that only reads."""
    with engines.reading(engine) as connection:
        yield EvidenceStore(connection)


def _values(kept: KeptEvidence) -> dict[str, Any]:
    where, withheld = kept.position, kept.withheld
    return {
        "sha256": kept.sha256,
        "public_sha256": kept.public_sha256,
        "format": kept.format,
        "size_bytes": kept.size_bytes,
        "width": kept.width,
        "height": kept.height,
        "received_at": kept.received_at,
        "received_from": kept.received_from,
        "captured_at": kept.captured_at,
        "lat": None if where is None else where.lat,
        "lon": None if where is None else where.lon,
        "heading_deg": None if where is None else where.heading_deg,
        "device": kept.device,
        "software": kept.software,
        "perceptual": _signed(kept.perceptual),
        **{band: _band(kept.perceptual, number) for number, band in enumerate(BANDS)},
        "copy_of": kept.copy_of,
        "redactor": kept.redactor,
        "withheld_at": None if withheld is None else withheld.at,
        "withheld_by": None if withheld is None else withheld.by,
        "withheld_because": None if withheld is None else withheld.because,
    }


def _kept(row: Any) -> KeptEvidence:
    where = None if row.lat is None else Position(row.lat, row.lon, row.heading_deg)
    withheld = None if row.withheld_at is None else Withheld(row.withheld_at, row.withheld_by, row.withheld_because)
    return KeptEvidence(
        sha256=row.sha256,
        public_sha256=row.public_sha256,
        format=row.format,
        size_bytes=row.size_bytes,
        width=row.width,
        height=row.height,
        received_at=row.received_at,
        received_from=row.received_from,
        perceptual=row.perceptual & _WHOLE,
        redactor=row.redactor,
        captured_at=row.captured_at,
        position=where,
        device=row.device,
        software=row.software,
        copy_of=row.copy_of,
        withheld=withheld,
    )
