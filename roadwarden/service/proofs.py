"""What the proof pages rest on: the log, the moves of models in it, the machine's verdicts, the weekly audit."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Engine

from roadwarden.cases.kpi_values import Period
from roadwarden.cases.machine_verdicts import MachineVerdicts, machine_verdicts
from roadwarden.cases.ordering import AHEAD
from roadwarden.errors import DataError
from roadwarden.ledger.leaves import Source
from roadwarden.service.histories import stored_histories
from roadwarden.storage.case_rows import ALL, CaseFilter
from roadwarden.storage.engine import reading as reading_connection
from roadwarden.storage.ledger_store import CheckpointRow, LedgerStore


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """How far the log has come."""

    leaves: int
    waiting: int  # events that are not in it yet
    waiting_since: datetime | None
    checkpoint: CheckpointRow | None  # the newest
    checkpoints: int
    moves: tuple[dict[str, Any], ...]  # of models, as the log has them, the newest first


class _Accuracy(BaseModel):
    model_config = ConfigDict(extra="ignore")
    correct: int
    n: int
    lower: float
    upper: float


class _Audited(BaseModel):
    week: _Accuracy
    pooled: _Accuracy
    pooled_weeks: int


class AuditedWeek(BaseModel):
    """A week of ``roadwarden eval drift``; bounds are one-sided 95 % Wilson."""

    model_config = ConfigDict(extra="ignore")
    week: str
    trust: str
    models: dict[str, int]
    audited: _Audited


class _Drift(BaseModel):
    model_config = ConfigDict(extra="ignore")
    weeks: list[AuditedWeek]


def ledger_health(engine: Engine) -> LedgerHealth:
    """Counts, the newest checkpoint and the moves of models."""
    with reading_connection(engine) as connection:
        store = LedgerStore(connection)
        waiting, since = store.waiting(store.newest(Source.EVENTS))
        checkpoints = store.checkpoints()
        moves = [json.loads(leaf.body) for leaf in store.leaves_of_source(Source.REGISTRY)]
        newest = checkpoints[-1] if checkpoints else None
        return LedgerHealth(store.size(), waiting, since, newest, len(checkpoints), tuple(reversed(moves)))


def stored_verdicts(engine: Engine, period: Period, seen: CaseFilter = ALL) -> MachineVerdicts:
    """Of the cases of which something was heard since the period began."""
    wanted = dataclasses.replace(seen, filed_before=period.now, news_since=period.start - AHEAD)
    return machine_verdicts(stored_histories(engine, wanted, period.now), period)


def audited_weeks(path: Path) -> tuple[AuditedWeek, ...]:
    """Of a drift.json; empty where there is no file. Raises DataError for one that cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except OSError as exc:
        raise DataError(f"{path}: cannot be read: {exc.strerror or exc}") from exc
    try:
        return tuple(_Drift.model_validate_json(text).weeks)
    except ValidationError as exc:
        raise DataError(f"{path}: not a report of 'roadwarden eval drift'; make it again") from exc
