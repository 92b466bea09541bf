"""A review that people label in the cockpit: what waits, and passes that are kept as an import keeps them."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from roadwarden.data.review_manifest import MANIFEST, PICTURES, Manifest, ReviewFrame, read_manifest
from roadwarden.data.review_pass import Drawn, Export, Pass
from roadwarden.errors import DataError, NotFound, OutputError
from roadwarden.eval.review_import import Annotators, import_review, namer
from roadwarden.eval.review_store import read_passes

IMPORTED: Final = "imported"
"""Below the review, where 'roadwarden review import' writes too: what came from elsewhere stays, and counts."""
LOCK: Final = "cockpit.lock"
MOST_BOXES: Final = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """A frame that nobody has looked at; of an audited one nobody is shown what the model said of it."""

    frame: ReviewFrame
    is_blind: bool


@dataclass(frozen=True, slots=True)
class ReviewDesk:
    """Of the folder that 'roadwarden review export' wrote. Several processes may keep passes: one at a time does."""

    folder: Path

    def is_there(self) -> bool:
        """Whether the folder still holds a review."""
        return (self.folder / MANIFEST).is_file()

    def manifest(self) -> Manifest:
        """Raises DataError where the folder is no review."""
        return read_manifest(self.folder)

    def waiting(self) -> tuple[Waiting, ...]:
        """In the order of the manifest."""
        manifest = self.manifest()
        seen = {one.frame for one in read_passes(self.folder / IMPORTED)}
        return tuple(
            Waiting(one, is_blind=one.audit and manifest.settings.audit_blind)
            for one in manifest.frames
            if one.frame not in seen
        )

    def picture(self, name: str) -> bytes:
        """Of the copies that were given out, faces and plates blurred. Raises NotFound."""
        frame = self._frame(self.manifest(), name)
        try:
            return (self.folder / PICTURES / frame.picture).read_bytes()
        except OSError as exc:
            raise NotFound(f"the picture {name} of the review is gone: {exc.strerror}") from exc

    def keep(self, name: str, drawn: Sequence[Drawn], annotator: str, now: datetime) -> None:
        """One person's pass over a frame; his own earlier one is replaced. No box says: there is no distress.

        Raises NotFound for a picture that is not of the review, DataError for a label that it does not know or a
        picture that is no longer the one given out.
        """
        manifest = self.manifest()
        if len(drawn) > MOST_BOXES:
            raise DataError(f"{len(drawn)} boxes on one frame; at most {MOST_BOXES}")
        one = self._pass(manifest, self._frame(manifest, name), drawn, annotator, now)
        with self._alone():
            done = import_review(Export((one,), ()), self.folder, self.folder / IMPORTED)
        if done.refused:
            raise DataError(f"{name}: not taken; {self.folder / IMPORTED / 'refused.jsonl'} says why")

    def _pass(
        self, manifest: Manifest, frame: ReviewFrame, drawn: Sequence[Drawn], annotator: str, now: datetime
    ) -> Pass:
        return Pass(
            task=f"cockpit, {frame.picture}",
            review=manifest.review,
            frame=frame.frame,
            picture=frame.picture,
            picture_sha256=frame.picture_sha256,
            sizes=frozenset({(frame.width, frame.height)}),
            annotation=f"cockpit-{namer(self.folder, Annotators.HASHED)(annotator)}",
            annotator=annotator,
            updated_at=now,
            cancelled=False,
            ground_truth=False,
            drawn=tuple(drawn),
        )

    def _frame(self, manifest: Manifest, name: str) -> ReviewFrame:
        frame = next((one for one in manifest.frames if one.picture == name), None)
        if frame is None:
            raise NotFound(f"the review has no picture {name[:80]}")
        return frame

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The files are read, changed and replaced: a second one in between would be lost."""
        try:
            with (self.folder / LOCK).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as exc:
            raise OutputError(f"{self.folder}: corrections cannot be kept there: {exc.strerror or exc}") from exc
