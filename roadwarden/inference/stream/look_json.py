"""Looks as JSON, for the spool and the quarantine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import numpy as np

from roadwarden.detections import Detections, Position
from roadwarden.inference.stream.protocols import Look
from roadwarden.inference.stream.values import StreamFrame
from roadwarden.taxonomy import DistressType


def frame_row(frame: StreamFrame) -> dict[str, Any]:
    """As JSON has it."""
    row = {one.name: getattr(frame, one.name) for one in fields(StreamFrame)}
    position = asdict(frame.position) if frame.position else None
    return row | {"captured_at": frame.captured_at.isoformat(), "position": position}


def read_frame_row(row: Mapping[str, Any]) -> StreamFrame:
    """The inverse; raises ValueError, KeyError or TypeError for anything else."""
    position = Position(**row["position"]) if row["position"] else None
    moment = datetime.fromisoformat(row["captured_at"])
    return StreamFrame(**{**row, "captured_at": moment, "position": position})


def look_json(look: Look) -> str:
    """One line."""
    frame = frame_row(look.frame)
    seen = look.detections
    content: dict[str, Any] = {
        "frame": frame,
        "model": look.model,
        "usable": look.usable,
        "missed": look.missed,
        "boxes": seen.boxes_xyxy.tolist(),
        "types": [str(one) for one in seen.types],
        "scores": seen.scores.tolist(),
    }
    return json.dumps(content, ensure_ascii=False)


def read_look(text: str) -> Look:
    """The inverse, bit by bit; raises ValueError, KeyError or TypeError for anything else."""
    content = json.loads(text)
    boxes = np.array(content["boxes"], np.float32).reshape(-1, 4)
    seen = Detections(boxes, tuple(map(DistressType, content["types"])), np.array(content["scores"], np.float32))
    return Look(read_frame_row(content["frame"]), seen, content["model"], content["usable"], content["missed"])
