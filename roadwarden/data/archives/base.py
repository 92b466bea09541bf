"""What an archive of frames is, whatever it is stored in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from roadwarden.errors import DataError

FRAME_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One frame of an archive before it is read."""

    path: str  # relative to the archive, forward slashes, unique
    size_bytes: int  # 0 where the archive does not say


class UnreadableEntry(DataError):
    """One frame cannot be read; the others can."""

    def __init__(self, path: str, why: str) -> None:
        """``why`` is a word for the ``unreadable:<why>`` outcome."""
        super().__init__(f"{path!r}: {why}")
        self.path, self.why = path, why


class Archive(Protocol):
    """Frames in a fixed order; opened anew in every process that reads."""

    def entries(self) -> Iterator[Entry]:
        """Every frame, in an order that depends on the archive's content only."""

    def read(self, path: str) -> bytes:
        """The bytes of one frame; raises UnreadableEntry."""


def is_frame(path: str) -> bool:
    """Whether a file is a picture by its ending, and not something a system hides among them."""
    place = PurePosixPath(path)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in place.parts)
    return not hidden and place.suffix.lower() in FRAME_ENDINGS
