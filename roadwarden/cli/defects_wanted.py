"""Which defects a command is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.defects.presence import Presence
from roadwarden.errors import ConfigError
from roadwarden.geo.tiles import MapBox
from roadwarden.taxonomy import DistressType, Severity

if TYPE_CHECKING:
    from roadwarden.geo.places import Segment
    from roadwarden.storage.defects import KeptDefect, Wanted
    from roadwarden.storage.unit import UnitOfWork

Box = Annotated[str | None, typer.Option(help="south,west,north,east in degrees: only defects there")]
Segment_ = Annotated[str | None, typer.Option("--segment", help="only defects on that segment of the road network")]
Types = Annotated[list[DistressType] | None, typer.Option("--type", help="only that type; may be given several times")]
Severe = Annotated[Severity | None, typer.Option(help="only that severity")]
Present = Annotated[Presence | None, typer.Option(help="only seen ones, or those that good passes no longer see")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]


def wanted(
    types: list[DistressType] | None,
    severity: Severity | None,
    presence: Presence | None,
    segment: str | None,
    box: str | None,
) -> Wanted:
    """The options together; raises ConfigError for a box that is none."""
    from roadwarden.storage.defects import Wanted

    return Wanted(tuple(types or ()), severity, presence, segment, None if box is None else _box(box))


def _box(text: str) -> MapBox:
    try:
        south, west, north, east = (float(part) for part in text.split(","))
        return MapBox(south, west, north, east)
    except ValueError as exc:
        raise ConfigError(
            f"--box {text}: wanted south,west,north,east in degrees, such as 30.2,120.1,30.3,120.2"
        ) from exc


def every(unit: UnitOfWork, wanted: Wanted) -> Iterator[KeptDefect]:
    """All of them, page by page."""
    for page in unit.defects.pages(wanted):
        yield from page


def segments_of(unit: UnitOfWork) -> dict[str, Segment]:
    """Of the newest network."""
    networks = unit.segments.networks()
    return {one.id: one for one in unit.segments.of_network(networks[-1].number)} if networks else {}
