"""Which report, case or defect near by a new report is about, so that one hole never becomes two cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from roadwarden.cases.request_table import RequestTable


class NearKind(StrEnum):
    """What lies near by, in the order in which it is joined."""

    CASE = "case"  # an open one
    REQUEST = "request"  # whose own tip waits for a person
    TIP = "tip"  # of anybody else, that waits
    DEFECT = "defect"  # of the map, without a case


@dataclass(frozen=True, slots=True)
class Near:
    """Something near by that a report may be about."""

    kind: NearKind
    id: str
    problem: str
    distance_m: float
    source: str | None = None  # of a tip: who reported it


def joined(problem: str, found: Sequence[Near], table: RequestTable) -> Near | None:
    """What the report is about, or None: within the radius, of the problem or one that people take for it.

    Cases come before tips and tips before defects, the nearest of them, ties by id.
    """
    order = list(NearKind)
    radius, alike = table.radius_of(problem), table.taken_for(problem)
    fitting = [one for one in found if one.problem in alike and one.distance_m <= radius]
    return min(fitting, key=lambda one: (order.index(one.kind), one.distance_m, one.id), default=None)
