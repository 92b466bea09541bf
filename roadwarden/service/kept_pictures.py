"""Pictures by their sha256 out of the blob store; one that is missing or damaged is not there."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from roadwarden.storage.blobs import BlobStore, DamagedBlob, NoSuchBlob

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptPictures:
    """Raises StorageAway where disk or object store do not answer."""

    blobs: BlobStore

    def get(self, sha256: str) -> bytes | None:
        """None where it is not kept, or is not what was put there any more."""
        try:
            return self.blobs.get(sha256)
        except NoSuchBlob:
            return None
        except DamagedBlob as exc:
            logger.error("%s", exc)
            return None

    def put(self, data: bytes) -> str:
        """Keeps a picture; returns its sha256."""
        return self.blobs.put(data)
