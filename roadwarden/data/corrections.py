"""What people say of detections: one row a box they confirmed, retyped or missed, or a detection they rejected."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from roadwarden.errors import DataError
from roadwarden.taxonomy import DistressType, parse_type


class Verdict(StrEnum):
    """By the coverage protocol: the first three are said of a box that a person drew, the last of a detection."""

    CONFIRMED = "confirmed"  # found, and called what it is
    RETYPED = "retyped"  # found, and called something else or nothing
    MISSED = "missed"  # not found
    REJECTED = "rejected"  # a detection with less than half of its area on distress


TYPED = frozenset({Verdict.CONFIRMED, Verdict.RETYPED})
"""The boxes that type accuracy is counted over."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One row of ``corrections.jsonl``."""

    frame: str
    captured_at: datetime | None  # of the frame, UTC
    lat: float | None
    lon: float | None
    model: str  # as in the tables
    verdict: Verdict
    predicted: DistressType | None  # None where nothing was found, or no type was said
    corrected: DistressType | None  # None for a rejected detection
    box_xyxy: tuple[float, float, float, float] | None  # the person's box, or the rejected one; pixels
    annotator: str
    annotation: str  # id of the person's pass over the frame
    audit: bool  # of the share drawn before triage: only these are unbiased
    chosen: bool  # the pass that counts where several people looked at the frame
    corrected_at: datetime | None  # UTC

    def __post_init__(self) -> None:
        for name in ("captured_at", "corrected_at"):
            time = getattr(self, name)
            if time is not None and time.tzinfo is None:
                raise ValueError(f"{self.frame}: {name} has no time zone")
        if (self.verdict is Verdict.REJECTED) != (self.corrected is None):
            raise ValueError(f"{self.frame}: {self.verdict} with the corrected type {self.corrected}")
        if self.verdict is Verdict.CONFIRMED and self.predicted is not self.corrected:
            raise ValueError(f"{self.frame}: confirmed, but {self.predicted} is not {self.corrected}")


EDGES = ("x1", "y1", "x2", "y2")
COLUMNS = (*(field.name for field in fields(Correction) if field.name != "box_xyxy"), *EDGES)
NEEDED = ("frame", "verdict")
"""A CSV of corrections made elsewhere may lack the other columns; without ``audit`` its rows are no audit."""


def write_corrections(place: Path, corrections: Iterable[Correction]) -> None:
    """One JSON object a line, in the order given."""
    lines = [json.dumps(_row(one), ensure_ascii=False) for one in corrections]
    draft = place.with_name(place.name + ".tmp")
    draft.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    draft.replace(place)


def read_corrections(place: Path) -> list[Correction]:
    """Reads ``.jsonl`` or ``.csv``; raises DataError that names the line."""
    if place.suffix.lower() not in {".jsonl", ".csv"}:
        raise DataError(f"{place}: corrections come as .jsonl (what 'roadwarden review import' writes) or .csv")
    try:
        with place.open(newline="", encoding="utf-8-sig") as handle:
            rows = _csv_rows(handle) if place.suffix.lower() == ".csv" else _json_rows(handle)
            return [_read(row, f"{place}, line {number}") for number, row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise DataError(f"{place}: cannot be read as corrections: {exc}") from exc


def _row(one: Correction) -> dict[str, Any]:
    row = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in asdict(one).items()}
    box = row.pop("box_xyxy")
    return row | dict(zip(EDGES, box or [None] * 4, strict=True))


def _csv_rows(handle: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, row in enumerate(csv.DictReader(handle), 2):
        yield number, {key: value for key, value in row.items() if key is not None}


def _json_rows(handle: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(handle, 1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as exc:
                raise DataError(f"line {number}: not a JSON object; one correction a line is wanted") from exc
            if not isinstance(row, dict):
                raise DataError(f"line {number}: not a JSON object; one correction a line is wanted")
            yield number, row


def _read(row: dict[str, Any], where: str) -> Correction:
    missing = [name for name in NEEDED if not row.get(name)]
    unknown = sorted(set(row) - set(COLUMNS))
    if missing or unknown:
        fault = f"has no {', '.join(missing)}" if missing else f"unknown column {', '.join(unknown)}"
        raise DataError(f"{where}: {fault}; the columns are {', '.join(COLUMNS)}")
    try:
        return Correction(
            frame=str(row["frame"]),
            captured_at=_time(row.get("captured_at")),
            lat=_number(row.get("lat")),
            lon=_number(row.get("lon")),
            model=str(row.get("model") or ""),
            verdict=Verdict(row["verdict"]),
            predicted=_type(row.get("predicted")),
            corrected=_type(row.get("corrected")),
            box_xyxy=_box(row),
            annotator=str(row.get("annotator") or ""),
            annotation=str(row.get("annotation") or ""),
            audit=_flag(row.get("audit"), otherwise=False),
            chosen=_flag(row.get("chosen"), otherwise=True),
            corrected_at=_time(row.get("corrected_at")),
        )
    except (ValueError, DataError) as exc:
        raise DataError(f"{where}: {exc}") from exc


def _time(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _number(value: Any) -> float | None:
    return None if value in {None, ""} else float(value)


def _type(value: Any) -> DistressType | None:
    return parse_type(value) if value else None


def _box(row: dict[str, Any]) -> tuple[float, float, float, float] | None:
    edges = [_number(row.get(edge)) for edge in EDGES]
    x1, y1, x2, y2 = edges
    return None if x1 is None or y1 is None or x2 is None or y2 is None else (x1, y1, x2, y2)


def _flag(value: Any, *, otherwise: bool) -> bool:
    if value in {None, ""}:
        return otherwise
    if isinstance(value, bool):
        return value
    if str(value).lower() in {"true", "1", "false", "0"}:
        return str(value).lower() in {"true", "1"}
    raise ValueError(f"'{value}' is neither true nor false")
