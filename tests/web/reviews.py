"""A small review as 'roadwarden review export' lays it out: an audited frame, and others chosen for what was seen."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from pathlib import Path

from roadwarden.data.review import Why
from roadwarden.data.review_manifest import MANIFEST, PICTURES, SALT, Manifest, Predicted, ReviewFrame
from roadwarden.data.review_settings import ReviewSettings
from roadwarden.eval.review_desk import ReviewDesk
from roadwarden.taxonomy import TRAINED_TYPES, DistressType

SIZE = 320, 192
BOX = (40.0, 60.0, 120.0, 110.0)


def review_of(folder: Path, pictures: list[bytes], size=SIZE, box=BOX) -> ReviewDesk:
    """The first picture is audited, and blind; in all of them the model saw a patch."""
    (folder / PICTURES).mkdir(parents=True)
    frames = []
    for number, data in enumerate(pictures):
        name = f"{number:06d}.jpg"
        (folder / PICTURES / name).write_bytes(data)
        frames.append(_frame(number, name, data, size, box))
    manifest = Manifest(
        review="0123456789ab",
        roadwarden="test",
        taxonomy="1",
        archive="archive",
        settings=ReviewSettings(),
        thresholds=dict.fromkeys(TRAINED_TYPES, 0.3),
        labels=tuple(TRAINED_TYPES),
        pool={"judged": len(frames), "unjudged": 0, "unreadable": 0},
        frames=tuple(frames),
    )
    (folder / MANIFEST).write_text(manifest.model_dump_json(), encoding="utf-8")
    (folder / SALT).write_text(secrets.token_hex(16), encoding="utf-8")
    return ReviewDesk(folder)


def _frame(number, name, data, size, box) -> ReviewFrame:
    sha256 = hashlib.sha256(data).hexdigest()
    return ReviewFrame(
        frame=f"frames/{name}",
        sha256=sha256,
        picture=name,
        picture_sha256=sha256,
        width=size[0],
        height=size[1],
        captured_at=datetime(2026, 11, 28, 9, tzinfo=UTC),
        lat=30.25,
        lon=120.16,
        model="test@0123456789ab",
        judged=True,
        why=Why.LOW_MARGIN if number else Why.AUDIT,
        reasons=(),
        predicted=(Predicted(box_xyxy=box, type=DistressType.PATCH, score=0.41),),
    )
