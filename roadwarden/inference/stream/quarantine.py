"""Frames that failed again and again: what came, why, and what it was; put back by hand when the reason is gone."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2

from roadwarden.errors import DataError
from roadwarden.inference.stream.look_json import look_json, read_look
from roadwarden.inference.stream.protocols import Look
from roadwarden.inference.stream.values import Content, Encoded, Picture, StreamFrame

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Poison:
    """One frame in the quarantine."""

    name: str
    camera: str
    captured_at: str
    why: str
    tries: int
    since: str
    kind: str  # "frame" with a blob, or "look" whose result was refused


class Quarantine:
    """A folder; ``NAME.json`` says what and why, ``NAME.blob`` holds the picture as it came."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put_frame(self, frame: StreamFrame, content: Content, why: str, tries: int, now: datetime) -> None:
        """A frame that no detector could look at, or that was no picture."""
        blob = b""
        if isinstance(content, Encoded):
            blob = content.data
        elif isinstance(content, Picture):
            blob = bytes(cv2.imencode(".png", content.image)[1])
        self._put(frame, "frame", why, tries, now, {}, blob)

    def put_look(self, look: Look, why: str, tries: int, now: datetime) -> None:
        """A result that the database refuses."""
        self._put(look.frame, "look", why, tries, now, {"look": look_json(look)}, b"")

    def list(self) -> Iterator[Poison]:
        """By name."""
        for place in sorted(self.folder.glob("*.json")):
            about = json.loads(place.read_text(encoding="utf-8"))
            yield Poison(**{key: about[key] for key in Poison.__slots__})

    def blob(self, name: str) -> bytes:
        """The picture; raises DataError where there is none."""
        place = self.folder / f"{name}.blob"
        if not place.is_file():
            raise DataError(f"{name}: the quarantine {self.folder} holds no picture of that name")
        return place.read_bytes()

    def look(self, name: str) -> Look:
        """The refused result; raises DataError where there is none."""
        place = self.folder / f"{name}.json"
        if not place.is_file():
            raise DataError(f"{name}: the quarantine {self.folder} holds nothing of that name")
        return read_look(json.loads(place.read_text(encoding="utf-8"))["look"])

    def remove(self, name: str) -> None:
        """After it was put back."""
        for suffix in ("json", "blob"):
            (self.folder / f"{name}.{suffix}").unlink(missing_ok=True)

    def _put(
        self, frame: StreamFrame, kind: str, why: str, tries: int, now: datetime, more: dict[str, Any], blob: bytes
    ) -> None:
        name = f"{frame.camera}-{frame.captured_at:%Y%m%dT%H%M%S}-{(frame.sha256 or frame.trace_id)[:12]}"
        about = {
            "name": name,
            "camera": frame.camera,
            "captured_at": frame.captured_at.isoformat(),
            "why": why,
            "tries": tries,
            "since": now.isoformat(),
            "kind": kind,
            "path": frame.path,
            "sha256": frame.sha256,
            "trace_id": frame.trace_id,
        }
        told = {"trace_id": frame.trace_id, "camera": frame.camera}
        logger.warning("%s: %s goes to the quarantine after %d tries: %s", frame.camera, name, tries, why, extra=told)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if blob:
                (self.folder / f"{name}.blob").write_bytes(blob)
            (self.folder / f"{name}.json").write_text(json.dumps(about | more, ensure_ascii=False), encoding="utf-8")
        except OSError as exc:
            logger.error("%s: cannot be put there: %s", self.folder, exc.strerror)
