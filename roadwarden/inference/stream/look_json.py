"""Looks as JSON, for the spool and the quarantine."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import numpy as np

from roadwarden.detections import Detections, Position
from roadwarden.inference.stream.protocols import Look
from roadwarden.inference.stream.values import StreamFrame
from roadwarden.taxonomy import DistressType


def look_json(look: Look) -> str:
    """One line."""
    frame = {one.name: getattr(look.frame, one.name) for one in fields(StreamFrame)}
    frame["captured_at"] = look.frame.captured_at.isoformat()
    frame["position"] = asdict(look.frame.position) if look.frame.position else None
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
    frame = content["frame"]
    position = Position(**frame["position"]) if frame["position"] else None
    boxes = np.array(content["boxes"], np.float32).reshape(-1, 4)
    seen = Detections(boxes, tuple(map(DistressType, content["types"])), np.array(content["scores"], np.float32))
    moment = datetime.fromisoformat(frame["captured_at"])
    envelope = StreamFrame(**frame | {"captured_at": moment, "position": position})
    return Look(envelope, seen, content["model"], content["usable"], content["missed"])
