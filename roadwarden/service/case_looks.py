"""What is known of a repair report before anybody looks at its pictures: the looks at its defect, earlier evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Engine

from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.events import CaseEvent
from roadwarden.cases.report_turn import ReportStand
from roadwarden.detections import Sighting
from roadwarden.storage.assessment_jobs import Job
from roadwarden.storage.unit import reading

REOPENED_AFTER = timedelta(days=7)
"""A case is re-opened some days after what came back was seen."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that a worker holds, and what it needs to know."""

    job: Job
    stand: ReportStand
    row: CaseRow
    looks: tuple[Sighting, ...]  # of the case's defect until the report; see ``with_looks``
    others: tuple[str, ...] = ()  # sha256 of evidence of earlier reports of the case


def with_looks(engine: Engine, taken: Taken) -> Taken:
    """With the sightings of the case's defect before the report, the newest pass first, then clear and near ones.

    None for a case that is about no defect.
    """
    if taken.row.defect is None:
        return taken
    with reading(engine) as unit:
        homes = unit.defects.now([taken.row.defect])
        looks = [one for ones in unit.sightings.of_defects(homes.values()).values() for one in ones]
    looks = [one for one in looks if one.seen_at < taken.stand.received_at]
    if taken.stand.cycle > 1:  # what came back looks otherwise than what was mended
        looks = [one for one in looks if one.seen_at >= taken.stand.cycle_opened_at - REOPENED_AFTER] or looks
    newest: dict[str, datetime] = {}
    for one in looks:
        newest[one.pass_id] = max(one.seen_at, newest.get(one.pass_id, one.seen_at))
    best = max((one.score for one in looks), default=0.0)
    ordered = sorted(looks, key=lambda one: (-newest[one.pass_id].timestamp(), one.score < best / 2, _exactness(one)))
    return replace(taken, looks=tuple(ordered))


def _exactness(look: Sighting) -> tuple[float, str]:
    """The nearest look first: from there its size is known best, and a crew stands near, too."""
    return look.size_sigma_m, look.id


def evidence_before(events: Sequence[CaseEvent], report_seq: int) -> tuple[str, ...]:
    """Pictures of earlier reports of a case."""
    found = [one.data for one in events if one.seq < report_seq]
    return tuple(name for data in found for name in getattr(data, "evidence", ()))
