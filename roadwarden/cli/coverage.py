"""``roadwarden coverage``: which metres were looked at, when, in what quality, and which are grey."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadwarden.cli.database import Database, existing
from roadwarden.defects.coverage import LaneMetres, Seen
from roadwarden.errors import ConfigError
from roadwarden.inference.workspace import writing as writing_files

if TYPE_CHECKING:
    from roadwarden.service.coverage import SegmentCoverage
    from roadwarden.service.known_roads import KnownRoads

WORDS = {
    Seen.IN_TIME: "seen in time",
    Seen.IN_VAIN: "driven in vain",
    Seen.OVERDUE: "overdue",
    Seen.NEVER: "never seen",
}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(coverage)


def coverage(
    at: Annotated[
        str | None, typer.Option(help="the time to look from, ISO 8601 with its zone; without it now")
    ] = None,
    segment: Annotated[str | None, typer.Option(help="only that segment, piece by piece")] = None,
    segments: Annotated[
        bool, typer.Option("--segments", help="a line for every segment, the least seen first")
    ] = False,
    geojson: Annotated[Path | None, typer.Option(help="file to write: a line for every piece of lane")] = None,
    database: Database = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Show how much of the road was seen within the patrol interval of its grade; the rest is grey on maps.

    Example: roadwarden coverage --segments --geojson var/coverage.geojson
    """
    from roadwarden.service.coverage import covered, newest_roads
    from roadwarden.storage.unit import reading

    now = _time(at)
    with reading(existing(database)) as unit:
        roads = newest_roads(unit)
        if segment is not None:
            roads.network.segment(segment)  # tells where there is none
        found = [one for one in covered(unit, roads, now) if segment in (None, one.segment.id)]
    if geojson is not None:
        with writing_files(geojson):
            geojson.parent.mkdir(parents=True, exist_ok=True)
            _write(geojson, found, roads)
    if as_json:
        print(json.dumps(_as_dict(found, now, pieces=segment is not None), ensure_ascii=False))
        return
    _table(found)
    if segments:
        _list(found)
    if segment is not None:
        _pieces(found)


def _time(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise ConfigError(f"--at {text}: wanted a time such as 2026-11-25T08:00:00+08:00") from exc
    if moment.tzinfo is None:
        raise ConfigError(f"--at {text}: says no zone; write 2026-11-25T08:00:00+08:00")
    return moment.astimezone(UTC)


def _table(found: Sequence[SegmentCoverage]) -> None:
    from roadwarden.service.coverage import by_grade, total

    print(
        f"{'grade':7}{'lane metres':>12}"
        + "".join(f"{words:>16}" for words in WORDS.values())
        + f"{'share in time':>15}"
    )
    rows = [(str(grade), metres) for grade, metres in by_grade(found).items() if metres.total_m]
    for name, metres in [*rows, ("all", total([one.metres for one in found]))]:
        share = metres.share_in_time
        cells = "".join(f"{value:16.0f}" for value in _values(metres))
        print(f"{name:7}{metres.total_m:12.0f}{cells}" + (f"{share:15.1%}" if share is not None else f"{'-':>15}"))


def _list(found: Sequence[SegmentCoverage]) -> None:
    for one in sorted(found, key=lambda each: (each.metres.share_in_time or 0.0, each.segment.id)):
        last = max((piece.seen_at for piece in one.pieces if piece.seen_at), default=None)
        seen = f"{last:%Y-%m-%d %H:%M}" if last else "never"
        share = one.metres.share_in_time or 0.0
        print(f"{share:6.1%} in time  {one.segment.grade:3}  last seen {seen:16}  {one.segment.id}  {one.segment.name}")


def _pieces(found: Sequence[SegmentCoverage]) -> None:
    for one in found:
        for piece in one.pieces:
            seen = f"{piece.seen_at:%Y-%m-%d %H:%M}" if piece.seen_at else "never"
            driven = f", driven {piece.driven_at:%Y-%m-%d %H:%M}" if piece.driven_at and not piece.seen_at else ""
            span = f"lane {piece.lane}  {piece.from_m:8.1f} to {piece.to_m:8.1f} m"
            print(f"{span}  {WORDS[piece.state]:14}  seen {seen}{driven}")


def _values(metres: LaneMetres) -> tuple[float, ...]:
    return metres.in_time_m, metres.in_vain_m, metres.overdue_m, metres.never_m


def _as_dict(found: Sequence[SegmentCoverage], now: datetime, *, pieces: bool) -> dict[str, Any]:
    from roadwarden.service.coverage import by_grade, total

    return {
        "at": now.isoformat(),
        "all": _metres(total([one.metres for one in found])),
        "by_grade": {str(grade): _metres(metres) for grade, metres in by_grade(found).items()},
        "segments": [
            {
                "id": one.segment.id,
                "name": one.segment.name,
                "grade": str(one.segment.grade),
                **_metres(one.metres),
                **({"pieces": [_piece(piece) for piece in one.pieces]} if pieces else {}),
            }
            for one in found
        ],
    }


def _metres(metres: LaneMetres) -> dict[str, float | None]:
    named = zip(("in_time_m", "in_vain_m", "overdue_m", "never_m"), _values(metres), strict=True)
    share = metres.share_in_time
    sums = {name: round(value, 3) for name, value in named} | {"total_m": round(metres.total_m, 3)}
    return {**sums, "share_in_time": None if share is None else round(share, 4)}


def _piece(piece: Any) -> dict[str, Any]:
    return {
        "lane": piece.lane,
        "from_m": piece.from_m,
        "to_m": piece.to_m,
        "state": piece.state.name.lower(),
        "seen_at": piece.seen_at.isoformat() if piece.seen_at else None,
        "driven_at": piece.driven_at.isoformat() if piece.driven_at else None,
    }


def _write(place: Path, found: Sequence[SegmentCoverage], roads: KnownRoads) -> None:
    from roadwarden.service.exports.geojson import line, write_features

    def features() -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        for one in found:
            for piece in one.pieces:
                degrees = roads.lane_line(one.segment.id, piece.lane, piece.from_m, piece.to_m)
                named = {"segment": one.segment.id, "name": one.segment.name, "grade": str(one.segment.grade)}
                yield line(degrees), {**named, **_piece(piece)}

    write_features(place, features())
