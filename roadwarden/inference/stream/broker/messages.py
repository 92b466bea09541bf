"""What messages hold, strictly: a frame with its headers, or what a box on a vehicle has seen. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from roadwarden.data.exif import read_exif
from roadwarden.detections import Detections, Position
from roadwarden.errors import DataError
from roadwarden.inference.stream.values import Content, Encoded, Seen, StreamFrame, new_trace_id
from roadwarden.settings import faults_of
from roadwarden.taxonomy import DistressType

HEADER = "Rw-"
"""Our headers begin with it; one that begins so and is not known is an error, because it is a typo."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)
"""A capture time further ahead of the broker's clock than that is of a wrong clock."""
OLDEST = datetime(2015, 1, 1, tzinfo=UTC)
"""A capture time before that is of a clock that was never set: GPS begins at 1980, Unix at 1970."""
MOST_CROP_BYTES = 2 * 2**20
Degrees = Annotated[float, Field(ge=0, lt=360, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Place(_Strict):
    """WGS-84."""

    lat: float = Field(ge=-90, le=90, description="degrees")
    lon: float = Field(ge=-180, le=180, description="degrees")
    heading_deg: Degrees | None = Field(default=None, description="clockwise from north")
    speed_mps: float | None = Field(default=None, ge=0, le=100, description="metres a second")

    def position(self) -> Position:
        """As every stage speaks of it."""
        return Position(self.lat, self.lon, self.heading_deg, self.speed_mps)


class FrameHeaders(_Strict):
    """Of a message whose body is a picture file. All may be left out: then the picture's EXIF says."""

    captured_at: AwareDatetime | None = Field(default=None, description="ISO 8601 with its zone")
    place: Place | None = Field(default=None, description="of the camera")


class BoxDetection(_Strict):
    """One thing that a box has seen."""

    type: DistressType = Field(description="a type of the taxonomy")
    score: float = Field(ge=0, le=1, description="calibrated")
    box_xyxy: tuple[float, float, float, float] = Field(description="pixels of the whole frame")

    @model_validator(mode="after")
    def _has_area(self) -> BoxDetection:
        x1, y1, x2, y2 = self.box_xyxy
        if not (0 <= x1 < x2 and 0 <= y1 < y2):
            raise ValueError(f"box_xyxy {self.box_xyxy}: 0 <= x1 < x2 and 0 <= y1 < y2 is wanted")
        return self


class BoxMessage(_Strict):
    """A frame that a box on a vehicle has looked at; whose it is, its topic says."""

    captured_at: AwareDatetime = Field(description="of the frame; ISO 8601 with its zone")
    frame_sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of the whole frame, which stays on the box")
    width_px: int = Field(ge=1, le=20_000, description="of the whole frame")
    height_px: int = Field(ge=1, le=20_000, description="of the whole frame")
    model: str = Field(pattern="^[^@\\s]{1,100}@[0-9a-f]{4,64}$", description="what looked: name@hash")
    position: Place | None = Field(default=None, description="of the camera")
    detections: list[BoxDetection] = Field(max_length=300, description="what was seen; may be empty")
    crop: str | None = Field(default=None, description="a picture file around them, base64")

    @model_validator(mode="after")
    def _inside(self) -> BoxMessage:
        for one in self.detections:
            if one.box_xyxy[2] > self.width_px + 1 or one.box_xyxy[3] > self.height_px + 1:
                raise ValueError(f"box_xyxy {one.box_xyxy} is not inside {self.width_px} x {self.height_px}")
        return self


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the broker knows of a message; the subject's last part names the camera."""

    subject: str
    number: int  # of the stream
    stored_at: datetime  # by the broker's clock
    deliveries: int = 1

    @property
    def camera(self) -> str:
        """Raises DataError for a name that a configuration could not bear either."""
        name = self.subject.rpartition(".")[2]
        if not name or not all(sign.isalnum() or sign in "-_" for sign in name):
            raise DataError(f"subject '{self.subject}': its last part names the camera: letters, digits, '-' and '_'")
        return name


def read_frame(envelope: Envelope, headers: Mapping[str, str], body: bytes) -> tuple[StreamFrame, Content]:
    """A picture on a subject. Raises DataError with every fault."""
    if not body:
        raise DataError("the message is empty; a picture file is wanted")
    about = _checked(FrameHeaders, _header_values(headers))
    exif = read_exif(body, None)
    at = about.captured_at or exif.captured_at
    timed = at is not None
    frame = StreamFrame(
        camera=envelope.camera,
        number=envelope.number,
        captured_at=_believed(at, envelope.stored_at) if at is not None else NEVER,
        arrived_s=time.monotonic(),
        sha256=hashlib.sha256(body).hexdigest(),
        position=about.place.position() if about.place else exif.position,
        path=f"{envelope.camera}/{envelope.number:09d}",
        size_bytes=len(body),
        trace_id=_trace_id(headers),
        timed=timed,
    )
    return frame, Encoded(body)


def read_box(envelope: Envelope, headers: Mapping[str, str], body: bytes) -> tuple[StreamFrame, Content]:
    """A box's message. Raises DataError with every fault."""
    try:
        about = BoxMessage.model_validate_json(body, strict=True)
    except ValidationError as exc:
        raise DataError("; ".join(faults_of(exc, BoxMessage))) from exc
    frame = StreamFrame(
        camera=envelope.camera,
        number=envelope.number,
        captured_at=_believed(about.captured_at, envelope.stored_at),
        arrived_s=time.monotonic(),
        sha256=about.frame_sha256,
        position=about.position.position() if about.position else None,
        width_px=about.width_px,
        height_px=about.height_px,
        path=f"{envelope.camera}/{about.frame_sha256[:12]}",
        size_bytes=len(body),
        trace_id=_trace_id(headers),
    )
    return frame, Seen(_detections(about), about.model, _crop(about.crop))


def _header_values(headers: Mapping[str, str]) -> dict[str, Any]:
    found = {name[len(HEADER) :].lower().replace("-", "_"): value for name, value in headers.items()
             if name.lower().startswith(HEADER.lower())}  # fmt: skip
    place = {field: found.pop(name) for name, field in _PLACE.items() if name in found}
    return found | ({"place": place} if place else {})


_PLACE = {"lat": "lat", "lon": "lon", "heading": "heading_deg", "speed": "speed_mps"}


def _checked(model: type[FrameHeaders], values: Mapping[str, Any]) -> FrameHeaders:
    try:
        return model.model_validate(values)
    except ValidationError as exc:
        raise DataError("headers: " + "; ".join(faults_of(exc, model))) from exc


def _believed(at: datetime, stored_at: datetime) -> datetime:
    """The capture time in UTC; raises DataError for one of a wrong clock."""
    if at > stored_at + AHEAD:
        raise DataError(f"captured_at {at.isoformat()} is {at - stored_at} after the broker had it: a wrong clock")
    if at < OLDEST:
        raise DataError(f"captured_at {at.isoformat()}: the clock was never set")
    return at.astimezone(UTC)


def _detections(about: BoxMessage) -> Detections:
    best = sorted(about.detections, key=lambda one: -one.score)
    return Detections(
        np.array([one.box_xyxy for one in best], np.float32).reshape(-1, 4),
        tuple(one.type for one in best),
        np.array([one.score for one in best], np.float32),
    )


def _crop(text: str | None) -> bytes:
    if text is None:
        return b""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise DataError("crop: not base64") from exc
    if len(data) > MOST_CROP_BYTES:
        raise DataError(f"crop: {len(data)} bytes, {MOST_CROP_BYTES} are allowed; send a smaller one")
    return data


def _trace_id(headers: Mapping[str, str]) -> str:
    """Of the sender's ``traceparent``, as W3C Trace Context has it, else a new one."""
    parts = headers.get("traceparent", "").split("-")
    given = parts[1] if len(parts) == 4 else ""
    is_one = len(given) == 32 and given != "0" * 32 and all(sign in "0123456789abcdef" for sign in given)
    return given if is_one else new_trace_id()
