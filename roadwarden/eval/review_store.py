"""What was imported so far: passes.jsonl, one row a pass. Importing adds and replaces, never loses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from roadwarden.errors import DataError
from roadwarden.eval.review_check import Looked
from roadwarden.taxonomy import DistressType

PASSES = "passes.jsonl"
LONG_AGO = datetime.min.replace(tzinfo=UTC)


def read_passes(folder: Path) -> list[Looked]:
    """What earlier imports left; empty where there was none."""
    place = folder / PASSES
    if not place.is_file():
        return []
    try:
        return [_read(json.loads(line)) for line in place.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (ValueError, KeyError, TypeError) as exc:
        raise DataError(f"{place}: damaged: {exc}; move it away and import every export again") from exc


def merge(
    before: Iterable[Looked], now: Iterable[Looked], cancelled: Iterable[tuple[str, str]], order: Sequence[str]
) -> list[Looked]:
    """A pass that comes again replaces the older one, a cancelled one goes; in the order of the manifest's frames."""
    passes = {(one.frame, one.annotation): one for one in before}
    for one in now:
        older = passes.get((one.frame, one.annotation))
        if older is None or (one.updated_at or LONG_AGO) >= (older.updated_at or LONG_AGO):
            passes[one.frame, one.annotation] = one
    for key in cancelled:
        passes.pop(key, None)
    rank = {frame: number for number, frame in enumerate(order)}
    return sorted(passes.values(), key=lambda one: (rank[one.frame], one.annotation))


def write_passes(folder: Path, passes: Iterable[Looked]) -> None:
    """Replaces the file in one step."""
    draft = folder / f"{PASSES}.tmp"
    lines = [json.dumps(_row(one), ensure_ascii=False) for one in passes]
    draft.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    draft.replace(folder / PASSES)


def chosen(passes: Sequence[Looked]) -> set[tuple[str, str]]:
    """(frame, annotation) of the pass that counts for each frame: one marked as ground truth, else the latest."""
    best: dict[str, Looked] = {}
    for one in passes:
        rival = best.get(one.frame)
        if rival is None or _weight(one) > _weight(rival):
            best[one.frame] = one
    return {(one.frame, one.annotation) for one in best.values()}


def _weight(one: Looked) -> tuple[bool, datetime, str]:
    return one.ground_truth, one.updated_at or LONG_AGO, one.annotation


def _row(one: Looked) -> dict[str, object]:
    return asdict(one) | {"updated_at": one.updated_at.isoformat() if one.updated_at else None}


def _read(row: dict[str, object]) -> Looked:
    time, boxes, types = row["updated_at"], row["boxes"], row["types"]
    if not isinstance(boxes, list) or not isinstance(types, list):
        raise TypeError("boxes and types are lists")
    return Looked(
        frame=str(row["frame"]),
        annotation=str(row["annotation"]),
        annotator=str(row["annotator"]),
        updated_at=datetime.fromisoformat(str(time)) if time else None,
        ground_truth=bool(row["ground_truth"]),
        boxes=tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in boxes),
        types=tuple(DistressType(one) for one in types),
    )
