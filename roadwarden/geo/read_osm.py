"""Extracts of OpenStreetMap in XML: streets, split where they meet, graded by a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from xml.parsers import expat

import numpy as np

from roadwarden.errors import DataError
from roadwarden.geo.highways import HighwayRow, HighwayTable
from roadwarden.geo.network_checks import Findings, NetworkFault, NetworkRead, check_degrees, sound_network
from roadwarden.geo.places import Segment
from roadwarden.geo.read_geojson import BACK, YES

Attributes = dict[str, str]


@dataclass(slots=True)
class _Way:
    id: str
    nodes: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Ways:
    """Streets of the file, met element by element."""

    table: HighwayTable
    findings: Findings
    kept: list[_Way] = field(default_factory=list)
    _open: _Way | None = None

    def start(self, element: str, attributes: Attributes) -> None:
        if element == "way":
            self._open = _Way(attributes.get("id", ""))
        elif self._open is not None and element == "nd":
            self._open.nodes.append(attributes.get("ref", ""))
        elif self._open is not None and element == "tag":
            self._open.tags[attributes.get("k", "")] = attributes.get("v", "")

    def end(self, element: str) -> None:
        if element == "way" and self._open is not None:
            self._keep(self._open)
            self._open = None

    def _keep(self, way: _Way) -> None:
        highway = way.tags.get("highway")
        if highway is None:
            return
        if highway in self.table.roads and way.tags.get("area") != "yes":
            self.kept.append(way)
        else:
            known = highway in self.table.others or highway in self.table.roads
            self.findings.add(NetworkFault.NOT_A_STREET if known else NetworkFault.UNKNOWN_TAG, f"w{way.id} {highway}")


def read_osm(path: Path, table: HighwayTable) -> NetworkRead:
    """Reads an extract in two passes, so that only nodes of streets are held; raises DataError for a file of no use."""
    findings = Findings.none()
    ways = _Ways(table, findings)
    _parse(path, ways.start, ways.end)
    uses = Counter(node for way in ways.kept for node in way.nodes)
    uses.update(end for way in ways.kept for end in (way.nodes[:1] + way.nodes[-1:]))
    places = _nodes(path, uses)
    segments = (segment for way in ways.kept for segment in _segments(way, uses, places, table, findings))
    return sound_network(path, segments, findings)


def _nodes(path: Path, wanted: Mapping[str, int]) -> dict[str, tuple[float, float]]:
    places: dict[str, tuple[float, float]] = {}

    def start(element: str, attributes: Attributes) -> None:
        if element == "node" and attributes.get("id") in wanted:
            try:
                places[attributes["id"]] = float(attributes["lat"]), float(attributes["lon"])
            except (KeyError, ValueError) as exc:
                raise DataError(f"{path}: node {attributes['id']} has no place; write the extract again") from exc

    _parse(path, start, lambda _: None)
    if places:
        check_degrees(path, np.array(list(places.values())))
    return places


def _segments(
    way: _Way,
    uses: Mapping[str, int],
    places: Mapping[str, tuple[float, float]],
    table: HighwayTable,
    findings: Findings,
) -> Iterator[Segment]:
    nodes = [node for node in way.nodes if node in places]
    if len(nodes) < len(way.nodes):
        findings.add(NetworkFault.MISSING_NODES, f"w{way.id}")
    if way.tags.get("oneway", "").lower() in BACK:
        nodes = nodes[::-1]
    parts = _split(nodes, uses)
    if not parts:
        findings.add(NetworkFault.NOT_A_LINE, f"w{way.id}")
    row, one_way = table.roads[way.tags["highway"]], _one_way(way.tags)
    for number, part in enumerate(parts, start=1):
        yield Segment(
            id=f"w{way.id}" if len(parts) == 1 else f"w{way.id}.{number}",
            name=way.tags.get("name", ""),
            grade=row.grade,
            line=tuple(places[node] for node in part),
            width_m=_width(way, row, table, one_way=one_way, findings=findings),
            road_class=row.road_class,
            one_way=one_way,
        )


def _split(nodes: Sequence[str], uses: Mapping[str, int]) -> list[Sequence[str]]:
    """Parts between nodes that another street, or this one again, passes."""
    cuts = [0, *(at for at in range(1, len(nodes) - 1) if uses[nodes[at]] > 1), len(nodes) - 1]
    return [nodes[first : last + 1] for first, last in pairwise(cuts) if last > first]


def _one_way(tags: Mapping[str, str]) -> bool:
    given = tags.get("oneway", "").lower()
    always = tags.get("junction") in {"roundabout", "circular"} or tags["highway"].startswith("motorway")
    return given in YES | BACK or (always and given != "no")


def _width(way: _Way, row: HighwayRow, table: HighwayTable, *, one_way: bool, findings: Findings) -> float:
    values: dict[str, float] = {}
    for key in ("width", "lanes"):
        given = way.tags.get(key)
        if given is None:
            continue
        try:
            values[key] = float(given.removesuffix("m").strip())
        except ValueError:
            values[key] = 0.0
        if not 0 < values[key] < 1000:
            findings.add(NetworkFault.WRONG_WIDTH, f"w{way.id}")
            del values[key]
    lanes = values.get("lanes", row.lanes / 2 if one_way else row.lanes)
    return values.get("width", lanes * table.lane_width_m)


def _parse(path: Path, start: Callable[[str, Attributes], None], end: Callable[[str], None]) -> None:
    """Feeds the file through expat, in constant memory. A document type is refused: it could hold entities."""
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise DataError(f"{path}: an extract of OpenStreetMap has no document type; refused")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = refuse
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except OSError as exc:
        raise DataError(f"{path}: cannot be read: {exc.strerror}") from exc
    except expat.ExpatError as exc:
        raise DataError(f"{path}: not an extract of OpenStreetMap in XML: {exc}") from exc
