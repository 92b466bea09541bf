"""The only place that fills the Protocols of lower rooms with parts of higher ones."""

from __future__ import annotations

from sqlalchemy import Engine

from roadwarden.defects.rulings import Matcher
from roadwarden.defects.same_place import SamePlaceTable
from roadwarden.inference.guarded_pictures import GuardedPictures
from roadwarden.inference.picture_matcher import Looks, PictureMatcher
from roadwarden.inference.pictures import looks_in_archives
from roadwarden.inference.sighting_pictures import SightingPictures
from roadwarden.repairs.table import shipped_repair_table
from roadwarden.service.evidence import EvidenceDesk
from roadwarden.settings import blobs_url, time_zone
from roadwarden.storage.blobs import open_blobs


def matcher(looks: Looks, table: SamePlaceTable | None = None) -> Matcher:
    """What compares the pictures of sightings for merging; ``looks`` finds them."""
    return PictureMatcher(looks, table)


def evidence_desk(engine: Engine, blobs: str | None = None) -> EvidenceDesk:
    """What takes in and hands out pictures; ``blobs``: where they are kept, without it as the settings say.

    Pictures are read in a process of their own, which ends with ours.
    """
    gate = shipped_repair_table().gate
    pictures = GuardedPictures(time_zone(), gate.copy_most_rms)
    return EvidenceDesk(engine, open_blobs(blobs or blobs_url()), pictures, copy_bits=gate.copy_hash_bits)


def sighting_pictures(engine: Engine, evidence: EvidenceDesk) -> SightingPictures:
    """What shows people the pictures of kept sightings; ``evidence``: whose redactor is used, and whose limits hold."""
    return SightingPictures(looks_in_archives(engine), evidence.pictures, evidence.limits)


def matcher_of_archives(engine: Engine) -> Matcher:
    """Compares the pictures of kept sightings in the archives that they were surveyed from."""
    return matcher(looks_in_archives(engine))
