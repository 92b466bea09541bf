"""A unit of work: every store in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from roadwarden.defects.defect import Defect
from roadwarden.defects.map import DefectMap
from roadwarden.defects.policy import MergingPolicy
from roadwarden.defects.rulings import Compared, Ruling
from roadwarden.detections import Sighting
from roadwarden.errors import DataError
from roadwarden.storage import engine as engines
from roadwarden.storage.camera_leases import CameraLeaseStore
from roadwarden.storage.defects import DefectStore
from roadwarden.storage.merging import MergingStore
from roadwarden.storage.pictures import PictureStore
from roadwarden.storage.rulings import RulingStore
from roadwarden.storage.segments import SegmentStore
from roadwarden.storage.sightings import SightingStore
from roadwarden.storage.stream_frames import StreamFrameStore
from roadwarden.storage.stretches import StretchStore
from roadwarden.storage.tracks import StoredShelf


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What taking in sightings or rulings changed."""

    new: tuple[Sighting, ...]  # that were not merged before
    defects: tuple[Defect, ...]  # that hold them, or may have changed otherwise
    gone: Mapping[str, str]  # defects that are none any more, and those that their ids lead to now


NOTHING_ABSORBED = Absorbed((), (), {})


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """What one transaction sees and does."""

    sightings: SightingStore
    defects: DefectStore
    rulings: RulingStore
    segments: SegmentStore
    stretches: StretchStore
    merging: MergingStore
    stream: StreamFrameStore
    leases: CameraLeaseStore
    pictures: PictureStore

    @classmethod
    def of(cls, connection: Connection) -> UnitOfWork:
        """The stores on one connection."""
        return cls(
            SightingStore(connection),
            DefectStore(connection),
            RulingStore(connection),
            SegmentStore(connection),
            StretchStore(connection),
            MergingStore(connection),
            StreamFrameStore(connection),
            CameraLeaseStore(connection),
            PictureStore(connection),
        )

    def absorb(self, sightings: Sequence[Sighting], policy: MergingPolicy) -> Absorbed:
        """Keeps sightings and merges them with all that is kept, as ``merging.merge`` would all at once.

        Those that are merged already are left out. Reads and writes their neighbourhood only. Raises DataError where
        the database was merged by other rules, or a sighting lies far from all of it.
        """
        opened = self.merging.open(sightings, policy)
        if opened is None:
            return NOTHING_ABSORBED
        living, shelf = opened
        new = living.unknown(sightings)
        if not new:
            return NOTHING_ABSORBED
        living.add(new)
        return self._written(living, shelf, new)

    def say(self, rulings: Sequence[Ruling], compared: Sequence[Compared], policy: MergingPolicy) -> Absorbed:
        """Keeps what people and pictures said, and merges what it concerns anew.

        Raises DataError for a sighting that is not kept, or a ruling whose id another one has.
        """
        opened = self.merging.open((), policy)
        if opened is None:
            raise DataError("nothing is merged in this database yet; run 'roadwarden survey' first")
        living, shelf = opened
        living.rule(rulings, compared)
        return self._written(living, shelf, ())

    def _written(self, living: DefectMap, shelf: StoredShelf, new: tuple[Sighting, ...]) -> Absorbed:
        folds, moved = living.folds(), shelf.write()
        self.defects.put(folds)
        before = self.sightings.defects_of(one.id for one in new)  # kept, though on no track yet
        self.sightings.settle(moved.homes, [one for one in new if one.id not in before])
        left = {home for home in before.values() if home is not None} - {defect.id for defect in folds}
        empty = self.sightings.none_of(moved.gone | left)
        self.defects.remove(empty)
        return Absorbed(new, folds, self.defects.now(empty))

    def settle(self, folds: Sequence[Defect]) -> Mapping[str, str]:
        """Keeps what merging a neighbourhood gave: the defects, and their sightings counted to them and no others.

        Defects that lost all their sightings are forgotten; returns those, each with the defect its id leads to now.
        Raises DataError where a sighting is not kept, or where a defect outside the folds would lose some of its
        sightings: then the neighbourhood was too small.
        """
        homes = {sighting: fold.id for fold in folds for sighting in fold.sightings}
        before = self.sightings.defects_of(homes)
        if lost := sorted(homes.keys() - before.keys()):
            raise DataError(f"sighting {lost[0]} is not kept ({len(lost)} of {len(homes)} are not); add them first")
        self.defects.put(folds)
        self.sightings.assign({name: home for name, home in homes.items() if before[name] != home})
        gone = {defect for defect in before.values() if defect is not None} - set(homes.values())
        self.defects.remove(gone)
        return self.defects.now(gone)


@contextmanager
def writing(engine: Engine) -> Iterator[UnitOfWork]:
    """A unit of work that is kept as a whole, or not at all; one at a time (see ``storage.engine.writing``)."""
    with engines.writing(engine) as connection:
        yield UnitOfWork.of(connection)


@contextmanager
def reading(engine: Engine) -> Iterator[UnitOfWork]:
    """A unit of work that only reads, one state throughout."""
    with engines.reading(engine) as connection:
        yield UnitOfWork.of(connection)
