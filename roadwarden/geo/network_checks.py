"""What can be wrong with a road network: each fault named with what to do, sound segments kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
import shapely

from roadwarden.errors import DataError
from roadwarden.geo.network import RoadNetwork
from roadwarden.geo.places import Segment
from roadwarden.geo.plane import Degrees, LocalPlane

SHORTEST_M = 0.05


class NetworkFault(StrEnum):
    """What is wrong with one road."""

    SELF_CROSSING = "self_crossing"
    ZERO_LENGTH = "zero_length"
    DUPLICATE = "duplicate"
    DUPLICATE_ID = "duplicate_id"
    NOT_A_LINE = "not_a_line"
    NO_ID = "no_id"
    NO_GRADE = "no_grade"
    WRONG_GRADE = "wrong_grade"
    WRONG_WIDTH = "wrong_width"
    UNKNOWN_TAG = "unknown_tag"
    NOT_A_STREET = "not_a_street"
    MISSING_NODES = "missing_nodes"


ADVICE = {
    NetworkFault.SELF_CROSSING: "cross themselves, where chainages are ambiguous; kept: split them at the crossing",
    NetworkFault.ZERO_LENGTH: "have no length; left out: remove or redraw them",
    NetworkFault.DUPLICATE: "are in the file twice, id and line; the second is left out",
    NetworkFault.DUPLICATE_ID: "have the id of another line; renamed with #2, #3: give each its own",
    NetworkFault.NOT_A_LINE: "are no lines; left out: streets are LineString or MultiLineString of two points or more",
    NetworkFault.NO_ID: "have no id; named by their number in the file: defects lose their street when it changes",
    NetworkFault.NO_GRADE: "have neither 'grade' nor a known 'highway'; taken as III: set 'grade' to I, II or III",
    NetworkFault.WRONG_GRADE: "have an unknown 'grade' or 'road_class'; taken as not given: grades are I, II, III",
    NetworkFault.WRONG_WIDTH: "have a width or lanes that is no positive number; taken as not given",
    NetworkFault.UNKNOWN_TAG: "have a highway tag that the table does not know; left out: add it to the table",
    NetworkFault.NOT_A_STREET: "are paths, drives and the like, which are not inspected; left out",
    NetworkFault.MISSING_NODES: "have nodes that the extract lacks; drawn without them: cut extracts by complete ways",
}


@dataclass(frozen=True, slots=True)
class NetworkFinding:
    """One fault and the roads that have it."""

    fault: NetworkFault
    roads: tuple[str, ...]  # ids, or what the file calls them

    def __str__(self) -> str:
        return f"{len(self.roads)} roads {ADVICE[self.fault]} (first: {self.roads[0]})"


@dataclass(frozen=True, slots=True)
class NetworkRead:
    """A network and what was wrong with its file."""

    network: RoadNetwork
    findings: tuple[NetworkFinding, ...]


@dataclass(slots=True)
class Findings:
    """Collects faults while a file is read."""

    roads: dict[NetworkFault, list[str]]

    @classmethod
    def none(cls) -> Findings:
        """Nothing found yet."""
        return cls({})

    def add(self, fault: NetworkFault, road: str) -> None:
        """One more road with that fault."""
        self.roads.setdefault(fault, []).append(road)

    def all(self) -> tuple[NetworkFinding, ...]:
        """In the order of the enum."""
        return tuple(NetworkFinding(fault, tuple(self.roads[fault])) for fault in NetworkFault if fault in self.roads)


def sound_network(path: Path, segments: Iterable[Segment], findings: Findings) -> NetworkRead:
    """Leaves out what has no length or is there twice, renames, and indexes; raises DataError where nothing is left."""
    kept = list(_distinct(_long_enough(segments, findings), findings))
    if not kept:
        reasons = "; ".join(str(finding) for finding in findings.all()) or "it holds no road"
        raise DataError(f"{path}: no usable road: {reasons}")
    network = RoadNetwork.of(kept)
    for row in np.flatnonzero(~shapely.is_simple(network.lines)).tolist():
        findings.add(NetworkFault.SELF_CROSSING, kept[row].id)
    return NetworkRead(network, findings.all())


def check_degrees(path: Path, degrees: Degrees) -> None:
    """Raises DataError for a file whose (n, 2) latitudes and longitudes are exchanged, or metres, or no numbers."""
    if not np.isfinite(degrees).all():
        raise DataError(f"{path}: coordinates that are no numbers; write the file again")
    lat, lon = np.abs(degrees).T
    if ((lat > 180) | (lon > 360)).any():
        raise DataError(
            f"{path}: coordinates such as {degrees[0, 1]:.1f}, {degrees[0, 0]:.1f} are metres, not degrees; "
            "name the plane zone they are in, e.g. EPSG 4549 for CGCS2000 around 120 degrees"
        )
    if (lat > 90).any():
        raise DataError(f"{path}: latitude {degrees[lat > 90][0, 0]:.4f}: exchange the columns, longitude comes first")
    if (lon > 180).any():
        raise DataError(f"{path}: longitude {degrees[lon > 180][0, 1]:.4f}: longitudes run from -180 to 180")


def _long_enough(segments: Iterable[Segment], findings: Findings) -> Iterable[Segment]:
    for segment in segments:
        if len(set(segment.line)) > 1 and _length_m(segment) >= SHORTEST_M:
            yield segment
        else:
            findings.add(NetworkFault.ZERO_LENGTH, segment.id)


def _length_m(segment: Segment) -> float:
    metres = LocalPlane(*segment.line[0]).to_metres(segment.line)
    return float(np.linalg.norm(np.diff(metres, axis=0), axis=1).sum())


def _distinct(segments: Iterable[Segment], findings: Findings) -> Iterable[Segment]:
    seen: Counter[str] = Counter()
    whole: set[tuple[str, tuple[tuple[float, float], ...]]] = set()
    for segment in segments:
        if (segment.id, segment.line) in whole:
            findings.add(NetworkFault.DUPLICATE, segment.id)
            continue
        whole.add((segment.id, segment.line))
        seen[segment.id] += 1
        if seen[segment.id] == 1:
            yield segment
        else:
            findings.add(NetworkFault.DUPLICATE_ID, segment.id)
            yield replace(segment, id=f"{segment.id}#{seen[segment.id]}")
