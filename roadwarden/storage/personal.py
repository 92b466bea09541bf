"""All rows that tell of one person who has an account, or of one report of a citizen: read, and erased."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, insert, or_, select, update

from roadwarden.storage.case_tables import case_events
from roadwarden.storage.event_erasure import unguarded
from roadwarden.storage.evidence_tables import evidence, evidence_uses
from roadwarden.storage.forgetting import ERASED, marked
from roadwarden.storage.identity_tables import identities
from roadwarden.storage.people_tables import (
    WishState,
    access_events,
    api_tokens,
    case_wishes,
    failed_logins,
    people,
    people_areas,
    people_roles,
    personal_reads,
    web_sessions,
)
from roadwarden.storage.request_tables import request_news, service_requests
from roadwarden.storage.tables import rulings
from roadwarden.storage.tip_tables import case_tips

Row = dict[str, Any]
_SECRET: Final = frozenset({"password_hash", "sha256", "secret", "asked"})
"""Columns that prove who somebody is, or hash what he wrote: of no use to him, and of some to a thief."""
_HIS: Final[Mapping[str, tuple[Any, ...]]] = {
    "account": (people.c.name,),
    "roles": (people_roles.c.person,),
    "areas": (people_areas.c.person,),
    "tokens": (api_tokens.c.person,),
    "sessions": (web_sessions.c.person,),
    "identities": (identities.c.person,),
    "failed_logins": (failed_logins.c.name,),
    "changes_of_access": (access_events.c.person, access_events.c.actor),
    "reads_of_personal_data": (personal_reads.c.actor,),
    "wishes": (case_wishes.c.actor, case_wishes.c.decided_by),
    "tips_settled": (case_tips.c.settled_by,),
    "rulings": (rulings.c.decided_by,),
    "pictures_sent": (evidence.c.received_from,),
    "pictures_withheld": (evidence.c.withheld_by,),
    "reports_filed": (service_requests.c.client,),
    "news_told": (request_news.c.client,),
}
"""Where the name of an account stands, but for events."""
_GONE: Final[tuple[Any, ...]] = (
    people_roles.c.person,
    people_areas.c.person,
    api_tokens.c.person,
    web_sessions.c.person,
    identities.c.person,
    failed_logins.c.name,
)
"""Rows that go with the account."""
_RENAMED: Final[tuple[Any, ...]] = (
    access_events.c.person,
    access_events.c.actor,
    personal_reads.c.actor,
    case_wishes.c.actor,
    case_wishes.c.decided_by,
    case_tips.c.settled_by,
    evidence.c.received_from,
    evidence.c.withheld_by,
    service_requests.c.client,
    request_news.c.client,
    rulings.c.decided_by,
)
"""Rows that others need: a name that tells nothing stands there."""
_ADDED_TO: Final = ("access_events", "personal_reads", "rulings")
"""Tables among those that are only added to."""


class PersonalStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_person(self, name: str) -> dict[str, list[Row]]:
        """Everything but events that names the account, by what it is."""
        return {what: self._rows(columns, name) for what, columns in _HIS.items()}

    def events_of_person(self, name: str) -> Iterator[Any]:
        """Events that he acted in or approved, in order; reads all events that may be."""
        approved = case_events.c.data.contains(json.dumps(name, ensure_ascii=False), autoescape=True)
        query = select(case_events).where(or_(case_events.c.actor == name, approved)).order_by(case_events.c.position)
        for row in self._connection.execute(query):
            if row.actor == name or _approver(row.data) == name:
                yield row

    def rename(self, name: str, pseudonym: str) -> None:
        """Puts a name that tells nothing in the place of an account's, and erases what only described him."""
        row = self._connection.execute(select(people).where(people.c.name == name)).one()._asdict()
        values = row | {"name": pseudonym, "display_name": ERASED, "department": None, "crew": None}
        self._connection.execute(insert(people), values | {"password_hash": None})
        for column in _GONE:
            self._connection.execute(delete(column.table).where(column == name))
        wished, waits = case_wishes.c.actor == name, case_wishes.c.state == WishState.WAITING.value
        self._connection.execute(delete(case_wishes).where(wished, waits))
        self._connection.execute(
            update(case_wishes).where(wished).values(data="{}", reason=marked(case_wishes.c.reason))
        )
        with ExitStack() as guards:
            for table in _ADDED_TO:
                guards.enter_context(unguarded(self._connection, table))
            told = access_events.c.person == name
            self._connection.execute(update(access_events).where(told).values(details="{}"))
            for column in _RENAMED:
                self._connection.execute(update(column.table).where(column == name).values({column.name: pseudonym}))
        self._connection.execute(delete(people).where(people.c.name == name))

    def of_report(self, id: str) -> dict[str, list[Row]]:
        """Everything that tells of a citizen's report, by what it is."""
        own = (case_tips.c.source + "-" + case_tips.c.id) == f"citizen-{id}"
        pictures = select(evidence).join(evidence_uses, evidence_uses.c.sha256 == evidence.c.sha256)
        pictures = pictures.where(evidence_uses.c.kind == "request", evidence_uses.c.subject == id)
        return {
            "report": self._rows((service_requests.c.id,), id),
            "tip": self._told(select(case_tips).where(own), case_tips),
            "news": self._rows((request_news.c.request,), id),
            "pictures": self._told(pictures, evidence),
        }

    def reports_that_say(self, text: str) -> tuple[str, ...]:
        """Reports in which somebody wrote these words, such as a telephone number, in order."""
        here = service_requests.c
        columns = (here.description, here.address, here.answers)
        said = or_(*(column.contains(text, autoescape=True) for column in columns))
        told = select(request_news.c.request).where(request_news.c.description.contains(text, autoescape=True))
        query = select(here.id).where(or_(said, here.id.in_(told))).order_by(here.requested_at, here.id)
        return tuple(self._connection.execute(query).scalars())

    def other_reports_with(self, sha256: str, but: str) -> bool:
        """Whether another citizen's report holds the same picture."""
        here = evidence_uses.c
        query = select(here.subject).where(here.sha256 == sha256, here.kind == "request", here.subject != but)
        return self._connection.execute(query.limit(1)).first() is not None

    def _rows(self, columns: Sequence[Any], name: str) -> list[Row]:
        table: Any = columns[0].table
        return self._told(select(table).where(or_(*(column == name for column in columns))), table)

    def _told(self, query: Any, table: Table) -> list[Row]:
        hidden = frozenset() if table is evidence else _SECRET  # there the sha256 is the picture's name
        rows = self._connection.execute(query)
        return [{key: value for key, value in row._asdict().items() if key not in hidden} for row in rows]


def _approver(data: str) -> str | None:
    try:
        approved = json.loads(data).get("approved_by")
    except (ValueError, AttributeError):
        return None
    return approved.get("actor") if isinstance(approved, dict) else None
