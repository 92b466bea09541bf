"""What tells of people and is old: found, and erased, by rule. What the log says of it is reckoned elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    delete,
    exists,
    func,
    null,
    or_,
    select,
    update,
)

from roadwarden.cases.filing import Source
from roadwarden.cases.tips import TipState
from roadwarden.storage.case_tables import case_commands, cases
from roadwarden.storage.event_erasure import unguarded
from roadwarden.storage.evidence import ERASED_FROM, UseKind
from roadwarden.storage.evidence_tables import evidence, evidence_uses
from roadwarden.storage.ledger_tables import ledger_leaves, ledger_salts
from roadwarden.storage.people_tables import case_wishes, failed_logins, personal_reads, web_sessions
from roadwarden.storage.request_tables import request_news, service_requests
from roadwarden.storage.requests import its_case, its_tip
from roadwarden.storage.tip_tables import case_tips

ERASED: Final = "[erased]"
"""Stands for words that are gone."""


class Forgettable(StrEnum):
    """What a rule of retention is about."""

    FAILED_LOGINS = "failed_logins"
    SESSIONS = "sessions"
    PERSONAL_READS = "personal_reads"
    COMMAND_KEYS = "command_keys"
    WISHES = "wishes"
    TIP_WORDS = "tip_words"
    REPORT_WORDS = "report_words"
    REPORT_PICTURES = "report_pictures"
    LOOSE_PICTURES = "loose_pictures"
    CASE_WORDS = "case_words"
    CASE_PICTURES = "case_pictures"


_ROWS: Final[Mapping[Forgettable, tuple[Any, Any]]] = {
    Forgettable.FAILED_LOGINS: (failed_logins.c.number, failed_logins.c.at),
    Forgettable.SESSIONS: (web_sessions.c.sha256, web_sessions.c.expires_at),
    Forgettable.PERSONAL_READS: (personal_reads.c.number, personal_reads.c.at),
    Forgettable.COMMAND_KEYS: (case_commands.c.key, case_commands.c.recorded_at),
    Forgettable.WISHES: (case_wishes.c.id, case_wishes.c.decided_at),
}
"""Rows that go as a whole: their key, and the time from which they age; one without a time does not."""
_ADDED_TO: Final = frozenset({Forgettable.PERSONAL_READS})
"""Whose table is only added to otherwise."""


class ForgetStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def due(self, rule: Forgettable, before: datetime, most: int) -> tuple[Any, ...]:
        """Keys of what has aged since before then: of rows, reports, tips, cases, or the sha256 of pictures.

        Of pictures that belong to nothing those that no event names are told apart by the caller.
        """
        if rule in _ROWS:
            key, time = _ROWS[rule]
            query = select(key).where(time < before).order_by(time, key)
        else:
            query = _QUERIES[rule](before)
        return tuple(self._connection.execute(query.limit(most)).scalars())

    def forget(self, rule: Forgettable, keys: Sequence[Any]) -> None:
        """Erases rows, or the words in them; pictures and events have ways of their own."""
        if rule in _ROWS:
            key, _ = _ROWS[rule]
            with unguarded(self._connection, key.table.name) if rule in _ADDED_TO else nullcontext():
                self._connection.execute(delete(key.table).where(key.in_(keys)))
        elif rule is Forgettable.REPORT_WORDS:
            self.words_of_reports(keys)
        elif rule is Forgettable.TIP_WORDS:
            here = case_tips.c.source + "-" + case_tips.c.id
            self._connection.execute(update(case_tips).where(here.in_(keys)).values(note=ERASED))
        else:
            raise ValueError(f"{rule} is not erased row by row")

    def words_of_reports(self, ids: Sequence[str]) -> None:
        """What citizens wrote, where they say that it is, what they follow it with; and what was told of it since."""
        here = service_requests
        values = {
            "description": marked(here.c.description),
            "address": marked(here.c.address),
            "answers": "{}",
            "media_url": None,
            "secret": None,
            "client_key": None,
            "asked": None,
        }
        self._connection.execute(update(here).where(here.c.id.in_(ids)).values(**values))
        own = (case_tips.c.source == Source.CITIZEN.value) & case_tips.c.id.in_(ids)
        self._connection.execute(update(case_tips).where(own).values(note=marked(case_tips.c.note)))
        told = {"description": marked(request_news.c.description), "media_url": None}
        self._connection.execute(update(request_news).where(request_news.c.request.in_(ids)).values(**told))

    def ended_reports(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of the reports that have ended by now."""
        query = _requests(select(service_requests.c.id)).where(service_requests.c.id.in_(ids), _ended(None))
        return frozenset(self._connection.execute(query).scalars())


def marked(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A mark where something stood, and nothing where nothing did."""
    return case((column.is_(None), null()), else_=ERASED)


def _has_words(*columns: ColumnElement[Any]) -> ColumnElement[bool]:
    return or_(*(and_(column.is_not(None), column != ERASED) for column in columns))


def _requests(query: Select[Any]) -> Select[Any]:
    """With the tip and the case of each."""
    return query.select_from(service_requests.outerjoin(case_tips, its_tip()).outerjoin(cases, its_case()))


def _ended(before: datetime | None) -> ColumnElement[bool]:
    """A report whose case is not open any more, or whose tip was dropped: before a time, or at all."""
    closed, dropped = ~cases.c.is_open, case_tips.c.state == TipState.DROPPED.value
    if before is not None:
        closed, dropped = closed & (cases.c.as_of < before), dropped & (case_tips.c.settled_at < before)
    return func.coalesce(closed, and_(cases.c.case_id.is_(None), dropped), False)


def _report_words(before: datetime) -> Select[Any]:
    here = service_requests.c
    left = or_(
        _has_words(here.description, here.address),
        here.answers != "{}",
        here.media_url.is_not(None),
        here.secret.is_not(None),
        here.client_key.is_not(None),
    )
    return _requests(select(here.id)).where(_ended(before), left).order_by(here.requested_at, here.id)


def _tip_words(before: datetime) -> Select[Any]:
    here = case_tips.c
    query = select(here.source + "-" + here.id).where(here.source != Source.CITIZEN.value, _has_words(here.note))
    return query.where(here.settled_at < before).order_by(here.settled_at, here.source, here.id)


def _used(kind: UseKind) -> ColumnElement[bool]:
    return exists().where(evidence_uses.c.sha256 == evidence.c.sha256, evidence_uses.c.kind == kind.value)


def _pictures() -> Select[Any]:
    """Whose files are not erased, the oldest first."""
    query = select(evidence.c.sha256).where(evidence.c.received_from != ERASED_FROM)
    return query.order_by(evidence.c.received_at, evidence.c.sha256)


def _report_pictures(before: datetime) -> Select[Any]:
    of_it = evidence_uses.join(service_requests, service_requests.c.id == evidence_uses.c.subject)
    of_it = of_it.outerjoin(case_tips, its_tip()).outerjoin(cases, its_case())
    live = exists().select_from(of_it)
    live = live.where(evidence_uses.c.sha256 == evidence.c.sha256, evidence_uses.c.kind == UseKind.REQUEST.value)
    return _pictures().where(_used(UseKind.REQUEST), ~_used(UseKind.CASE), ~live.where(~_ended(before)))


def _case_pictures(before: datetime) -> Select[Any]:
    of_it = evidence_uses.join(cases, cases.c.case_id == evidence_uses.c.subject)
    live = exists().select_from(of_it).where(evidence_uses.c.sha256 == evidence.c.sha256)
    live = live.where(evidence_uses.c.kind == UseKind.CASE.value, cases.c.is_open | (cases.c.as_of >= before))
    return _pictures().where(_used(UseKind.CASE), ~live)


def _loose_pictures(before: datetime) -> Select[Any]:
    return _pictures().where(~_used(UseKind.CASE), ~_used(UseKind.REQUEST), evidence.c.received_at < before)


def _case_words(before: datetime) -> Select[Any]:
    """Cases that were closed before, and of which an event still has its salt in the log."""
    salted = exists().select_from(ledger_leaves.join(ledger_salts, ledger_salts.c.number == ledger_leaves.c.number))
    salted = salted.where(ledger_leaves.c.case_id == cases.c.case_id, ledger_leaves.c.kind == "event")
    return select(cases.c.case_id).where(~cases.c.is_open, cases.c.as_of < before, salted).order_by(cases.c.case_id)


_QUERIES: Final[Mapping[Forgettable, Callable[[datetime], Select[Any]]]] = {
    Forgettable.TIP_WORDS: _tip_words,
    Forgettable.REPORT_WORDS: _report_words,
    Forgettable.REPORT_PICTURES: _report_pictures,
    Forgettable.LOOSE_PICTURES: _loose_pictures,
    Forgettable.CASE_WORDS: _case_words,
    Forgettable.CASE_PICTURES: _case_pictures,
}
