"""manifest.json of a review: which frames were given out, why, and what the model had said of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from roadwarden.data.review import Pick, Why
from roadwarden.data.review_settings import ReviewSettings
from roadwarden.detections import Detections
from roadwarden.errors import DataError
from roadwarden.taxonomy import DistressType

MANIFEST, PICTURES, TASKS, COCO, SALT = "manifest.json", "pictures", "tasks.json", "annotations.json", "annotator.salt"


class Predicted(BaseModel):
    """A box of the model, pixels of the picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    box_xyxy: tuple[float, float, float, float]
    type: DistressType
    score: float


class ReviewFrame(BaseModel):
    """One frame that people were asked to look at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    frame: str = Field(description="path in the archive")
    sha256: str = Field(description="of the frame's bytes in the archive")
    picture: str = Field(description="file in pictures/, faces and plates blurred")
    picture_sha256: str = Field(description="of that file")
    width: int
    height: int
    captured_at: AwareDatetime | None
    lat: float | None
    lon: float | None
    model: str
    judged: bool = Field(description="whether the detector saw it; false where the quality gate kept it back")
    why: Why
    reasons: tuple[str, ...]
    predicted: tuple[Predicted, ...]

    @property
    def audit(self) -> bool:
        """Whether it belongs to the unbiased sample."""
        return self.why is Why.AUDIT

    def detections(self) -> Detections:
        """The model's boxes as it gave them."""
        return Detections(
            np.array([one.box_xyxy for one in self.predicted], np.float32).reshape(-1, 4),
            tuple(one.type for one in self.predicted),
            np.array([one.score for one in self.predicted], np.float32),
        )


class LeftOut(BaseModel):
    """A chosen frame whose picture could not be given out: a hole in the sample, so it is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    frame: str
    why: Why
    fault: str


class Manifest(BaseModel):
    """The whole review."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    review: str = Field(description="id: changes with the frames, the model and the settings")
    roadwarden: str
    taxonomy: str
    archive: str
    settings: ReviewSettings
    thresholds: dict[DistressType, float]
    labels: tuple[DistressType, ...] = Field(description="what people may call a box, in the order of YOLO classes")
    pool: dict[str, int] = Field(description="frames the audit was drawn from: judged, unjudged; and unreadable ones")
    frames: tuple[ReviewFrame, ...]
    left_out: tuple[LeftOut, ...] = ()


def review_id(picks: Sequence[Pick], settings: ReviewSettings) -> str:
    """Twelve hex digits over what was chosen, by which settings, and what had been detected in it."""
    digest = hashlib.sha256(settings.model_dump_json().encode())
    for one in picks:
        seen = one.candidate.detections
        digest.update(
            f"{one.candidate.frame.path}\n{one.candidate.frame.sha256}\n{one.why}\n{one.candidate.model}".encode()
        )
        digest.update(seen.boxes_xyxy.tobytes() + seen.scores.tobytes() + " ".join(seen.types).encode())
    return digest.hexdigest()[:12]


def review_frame(pick: Pick, picture: str, picture_sha256: str) -> ReviewFrame:
    """The manifest's row of a chosen frame whose picture was written."""
    one, seen, position = pick.candidate, pick.candidate.detections, pick.candidate.frame.position
    boxes = [tuple(round(float(edge), 3) for edge in box) for box in seen.boxes_xyxy]
    return ReviewFrame(
        frame=one.frame.path,
        sha256=one.frame.sha256,
        picture=picture,
        picture_sha256=picture_sha256,
        width=one.width,
        height=one.height,
        captured_at=one.frame.captured_at,
        lat=position.lat if position else None,
        lon=position.lon if position else None,
        model=one.model,
        judged=one.judged,
        why=pick.why,
        reasons=tuple(reason.text for reason in pick.reasons),
        predicted=tuple(
            Predicted(box_xyxy=(box[0], box[1], box[2], box[3]), type=distress, score=round(float(score), 4))
            for box, distress, score in zip(boxes, seen.types, seen.scores, strict=True)
        ),
    )


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a review; raises DataError where the folder is none."""
    place = folder / MANIFEST
    try:
        return Manifest.model_validate_json(place.read_text(encoding="utf-8"))
    except OSError as exc:
        raise DataError(f"{place}: not found; wanted the folder that 'roadwarden review export' wrote") from exc
    except ValidationError as exc:
        fault = exc.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise DataError(f"{place}: damaged or of another version: {where}: {fault['msg']}") from exc
