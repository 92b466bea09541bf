"""Registers the frames of a data set to each other from their pictures, once: what was computed is kept in a table."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from roadwarden.errors import DataError, OutputError
from roadwarden.vision.decode import decode
from roadwarden.vision.registration import (
    ALGORITHM_VERSION,
    Attempt,
    Features,
    Homography,
    Refused,
    Registration,
    attempt,
    features,
)

logger = logging.getLogger(__name__)

CACHE = Path("var/registrations.parquet")
ENTRIES = [f"h{row}{column}" for row in range(3) for column in range(3)]
SCHEMA = pa.schema(
    [
        ("algorithm", pa.string()),
        ("sha256_a", pa.string()),
        ("sha256_b", pa.string()),
        ("keypoints", pa.int32()),
        ("matches", pa.int32()),
        ("inliers", pa.int32()),
        ("refused", pa.string()),  # empty: the two are registered; else the rest is null
        ("inlier_ratio", pa.float64()),
        ("reprojection_px", pa.float64()),
        *((entry, pa.float64()) for entry in ENTRIES),
    ]
)
KEPT_FEATURES = 512
"""Frames that are held at a time, those of a part; a frame's features are 0.3 MB, and take longer than a pair."""
SAVED_EVERY = 200

Key = tuple[str, str]
"""sha256 of the two pictures."""


def algorithm() -> str:
    """What a registration depends on beside the pictures."""
    return f"{ALGORITHM_VERSION}/OpenCV {cv2.__version__}"


class CachedRegistrar:
    """Registers frames by name; a context manager, so that what was computed is kept even when it is interrupted."""

    def __init__(self, pictures: Mapping[str, Path], cache: Path = CACHE) -> None:
        """``pictures`` by the names of the frames; a table that is missing or not ours starts empty."""
        self._pictures = dict(pictures)
        self._cache = cache
        self._known = _read(cache)
        self._unsaved = 0
        self._sha256 = lru_cache(maxsize=None)(self._sha256_of)
        self._features = lru_cache(maxsize=KEPT_FEATURES)(self._features_of)

    def __call__(self, a: str, b: str) -> Homography | None:
        """From pixels of a to pixels of b; None where they do not show the same piece of road."""
        found = self.registration(a, b)
        return None if found is None else found.homography

    def registration(self, a: str, b: str) -> Registration | None:
        """The same with its support."""
        return self.attempt(a, b).registration

    def attempt(self, a: str, b: str) -> Attempt:
        """The same with the evidence for and against."""
        key = self._sha256(a), self._sha256(b)
        if key not in self._known:
            self._known[key] = attempt(self._features(a), self._features(b))
            self._unsaved += 1
            if self._unsaved >= SAVED_EVERY:
                self.save()
        return self._known[key]

    def save(self) -> None:
        """Writes the table; rows of another algorithm are dropped."""
        if not self._unsaved:
            return
        table = pa.Table.from_pylist([_row(*key, found) for key, found in self._known.items()], schema=SCHEMA)
        try:
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            draft = self._cache.with_name(self._cache.name + ".tmp")
            pq.write_table(table, draft)
            draft.replace(self._cache)
        except OSError as exc:
            raise OutputError(f"{self._cache}: registrations cannot be kept: {exc.strerror}") from exc
        self._unsaved = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.save()

    def _sha256_of(self, name: str) -> str:
        return hashlib.sha256(self._bytes(name)).hexdigest()

    def _features_of(self, name: str) -> Features:
        return features(decode(self._bytes(name)))

    def _bytes(self, name: str) -> bytes:
        try:
            return self._pictures[name].read_bytes()
        except OSError as exc:
            raise DataError(f"{self._pictures[name]}: cannot be read: {exc.strerror}") from exc


def _read(cache: Path) -> dict[Key, Attempt]:
    if not cache.is_file():
        return {}
    try:
        rows = pq.read_table(cache, schema=SCHEMA).to_pylist()
    except (OSError, pa.ArrowException) as exc:
        logger.warning("%s: not a table of registrations, they are computed anew: %s", cache, exc)
        return {}
    now = algorithm()
    # tables of before 2026-11-25 have no evidence
    known = (row for row in rows if row["algorithm"] == now and row["keypoints"] is not None)
    return {(row["sha256_a"], row["sha256_b"]): _found(row) for row in known}


def _found(row: Mapping[str, Any]) -> Attempt:
    refused = Refused(row["refused"]) if row["refused"] else None
    registration = None
    if refused is None:
        homography = np.array([row[entry] for entry in ENTRIES], np.float64).reshape(3, 3)
        registration = Registration(homography, int(row["inliers"]), row["inlier_ratio"], row["reprojection_px"])
    return Attempt(row["keypoints"], row["matches"], row["inliers"], refused, registration)


def _row(a: str, b: str, tried: Attempt) -> dict[str, str | float | None]:
    row: dict[str, str | float | None] = {
        "algorithm": algorithm(),
        "sha256_a": a,
        "sha256_b": b,
        "keypoints": tried.keypoints,
        "matches": tried.matches,
        "inliers": tried.inliers,
        "refused": tried.refused or "",
    }
    found = tried.registration
    if found is None:
        return row
    support = {"inlier_ratio": found.inlier_ratio, "reprojection_px": found.reprojection_px}
    return row | support | dict(zip(ENTRIES, found.homography.ravel().tolist(), strict=True))
