"""Records of assessments against their own hashes, and against the events that name them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from roadwarden.cases.event_types import EventType
from roadwarden.ledger.canonical import sha256_hex
from roadwarden.ledger.faults import Fault, FaultKind
from roadwarden.storage.assessments import AssessmentRow, AssessmentStore
from roadwarden.storage.ledger_store import LedgerStore

AT_ONCE: Final = 500
_ID: Final = re.compile(r"[0-9a-f]{64}")
"""Ours; verdicts of other systems may name their records otherwise."""


def assessment_faults(connection: Connection) -> Iterator[Fault]:
    """Every record, then every event that names one: piece by piece, in memory that does not grow with them."""
    records, events = AssessmentStore(connection), LedgerStore(connection)
    last = 0
    while page := records.page(last, AT_ONCE):
        named = {row.id: row for row in records.named_by([one.case for one in page])}
        for one in page:
            yield from _of_record(one, named.get(one.id))
        last = page[-1].number
    newest = events.newest_event()
    for first in range(1, newest + 1, AT_ONCE):
        yield from _gone(records, events.events_between(first, min(first + AT_ONCE - 1, newest)))


def _of_record(row: AssessmentRow, said: Any) -> Iterator[Fault]:
    where = f"assessment {row.id[:12]} of case {row.case} report {row.report_seq}"
    if sha256_hex(row.content.encode()) != row.id:
        yield Fault(FaultKind.CHANGED, where, "its content has another sha256 than its id, which the log has")
        return
    content = json.loads(row.content)
    columns = {"case": row.case, "report_seq": row.report_seq, "verdict": row.verdict.value, "kind": row.kind.value}
    if wrong := [name for name, value in columns.items() if content.get(name) != value]:
        yield Fault(FaultKind.CHANGED, where, f"{wrong[0]} is {columns[wrong[0]]!r}, its content says otherwise")
    if said is None:
        yield Fault(FaultKind.INSERTED, where, "no event of its case names it")
    elif said.verdict != row.verdict.value or said.report_seq != row.report_seq:
        detail = f"the event that names it says {said.verdict} on report {said.report_seq}"
        yield Fault(FaultKind.CHANGED, where, detail)


def _gone(records: AssessmentStore, rows: Sequence[Any]) -> Iterator[Fault]:
    named: dict[str, Any] = {}
    for row in rows:
        if row.type == EventType.ASSESSED:
            name = _data(row.data).get("assessment")
            if isinstance(name, str) and _ID.fullmatch(name):
                named[name] = row
    for name in sorted(named.keys() - records.known(sorted(named))):
        where = f"assessment {name[:12]} of case {named[name].case_id}"
        yield Fault(FaultKind.DELETED, where, f"event {named[name].seq} names it, and it is not there")


def _data(text: str) -> Mapping[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
