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
from roadwarden.inference.stream.look_json import frame_row, look_json, read_frame_row, read_look
from roadwarden.inference.stream.protocols import Look
from roadwarden.inference.stream.values import Content, Encoded, Message, Seen, StreamFrame

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
    kind: str  # "frame" with a picture, "message" of a broker as it came, or "look" whose result was refused


class Quarantine:
    """A folder; ``NAME.json`` says what and why, ``NAME.blob`` holds the picture or the message as it came."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put_frame(self, frame: StreamFrame, content: Content, why: str, tries: int, now: datetime) -> None:
        """A frame that no detector could look at, that was no picture, or that a box has looked at, with its crop."""
        if isinstance(content, Seen):
            self.put_look(Look(frame, content.detections, content.model), why, tries, now, content.crop)
            return
        blob = content.data if isinstance(content, Encoded) else bytes(cv2.imencode(".png", content.image)[1])
        self._put(frame, "frame", why, tries, now, {"frame": frame_row(frame)}, blob)

    def put_look(self, look: Look, why: str, tries: int, now: datetime, crop: bytes = b"") -> None:
        """A result that the database refuses."""
        self._put(look.frame, "look", why, tries, now, {"look": look_json(look)}, crop)

    def put_message(self, frame: StreamFrame, message: Message, why: str, tries: int, now: datetime) -> None:
        """A message that could not be read, or was never safe; ``frame`` bears the name of its source."""
        about = {"subject": message.subject, "number": message.number, "stored_at": message.stored_at.isoformat(),
                 "headers": dict(message.headers)}  # fmt: skip
        self._put(frame, "message", why, tries, now, {"message": about}, message.body)

    def list(self) -> Iterator[Poison]:
        """By name."""
        for place in sorted(self.folder.glob("*.json")):
            about = json.loads(place.read_text(encoding="utf-8"))
            yield Poison(**{key: about[key] for key in Poison.__slots__})

    def blob(self, name: str) -> bytes:
        """The picture or message; raises DataError where there is none."""
        place = self.folder / f"{name}.blob"
        if not place.is_file():
            raise DataError(f"{name}: the quarantine {self.folder} holds no picture of that name")
        return place.read_bytes()

    def look(self, name: str) -> Look:
        """The refused result; raises DataError where there is none."""
        return read_look(self._about(name)["look"])

    def frame(self, name: str) -> StreamFrame:
        """The frame of a picture, with its position; raises DataError where there is none."""
        about = self._about(name)
        if "frame" in about:
            return read_frame_row(about["frame"])
        moment = datetime.fromisoformat(about["captured_at"])  # put there before frames were kept whole
        return StreamFrame(about["camera"], 0, moment, 0.0, about["sha256"], path=about["path"])

    def message(self, name: str) -> Message:
        """A broker's message as it came; raises DataError where there is none."""
        about = self._about(name)["message"]
        stored_at = datetime.fromisoformat(about["stored_at"])
        return Message(about["subject"], about["number"], stored_at, about["headers"], self.blob(name))

    def remove(self, name: str) -> None:
        """After it was put back."""
        for suffix in ("json", "blob"):
            (self.folder / f"{name}.{suffix}").unlink(missing_ok=True)

    def _about(self, name: str) -> dict[str, Any]:
        place = self.folder / f"{name}.json"
        if not place.is_file():
            raise DataError(f"{name}: the quarantine {self.folder} holds nothing of that name")
        about: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        return about

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
