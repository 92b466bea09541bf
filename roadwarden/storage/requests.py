"""What citizens ask for, with the tip and the case that each request hangs on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, insert, or_, select, update

from roadwarden.cases.answer import CaseState
from roadwarden.cases.filing import Source
from roadwarden.cases.requests import Asked, Channel, RequestStatus, ServiceRequest, TipName
from roadwarden.cases.tips import TipState
from roadwarden.errors import KeyUsed
from roadwarden.geo.tiles import MapBox
from roadwarden.storage.case_tables import cases
from roadwarden.storage.request_tables import service_requests
from roadwarden.storage.rows import rows_where
from roadwarden.storage.tip_tables import case_tips

_CLOSED = (CaseState.CLOSED.value, CaseState.VOIDED.value)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes a request safe to repeat, and what a citizen follows it with."""

    client_key: str | None = None  # of its client
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests; what is None or empty does not matter."""

    ids: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    requested_from: datetime | None = None
    requested_until: datetime | None = None  # inside
    news_since: datetime | None = None  # something was told of it since then
    status: RequestStatus | None = None


class RequestStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, request: ServiceRequest, key: RequestKey) -> None:
        """Keeps a request; its own tip, if it has one, is still to be taken in."""
        asked = None if key.client_key is None else _sha256(_told(request.asked))
        secret = None if key.secret is None else _sha256(key.secret)
        kept = {"client_key": key.client_key, "asked": asked, "secret": secret, "taken_in": not request.own_tip}
        self._connection.execute(insert(service_requests), _values(request) | kept)

    def took_in(self, id: str, joins: str | None = None) -> None:
        """Says that the request's own tip is on its way; ``joins``: that it became a case that was there already."""
        values: dict[str, Any] = {"taken_in": True}
        if joins is not None:
            values |= {"case_id": joins, "tip_source": None, "tip_id": None, "own_tip": False}
        self._connection.execute(update(service_requests).where(service_requests.c.id == id), values)

    def get(self, id: str) -> ServiceRequest | None:
        """The request of that number."""
        row = self._connection.execute(select(service_requests).where(service_requests.c.id == id)).first()
        return None if row is None else _request(row)

    def secret_of(self, id: str) -> str | None:
        """The sha256 of what it is followed with; None where it cannot be followed, or is not there."""
        query = select(service_requests.c.secret).where(service_requests.c.id == id)
        return self._connection.execute(query).scalar()

    def of_key(self, client: str, client_key: str, asked: Asked) -> ServiceRequest | None:
        """What was asked for under a client's key before; raises KeyUsed where that was something else."""
        here = (service_requests.c.client == client) & (service_requests.c.client_key == client_key)
        row = self._connection.execute(select(service_requests).where(here)).first()
        if row is None:
            return None
        if row.asked != _sha256(_told(asked)):
            raise KeyUsed(f"the key was used for request {row.id}, which says something else; take a new key")
        return _request(row)

    def waiting_in(self, box: MapBox) -> tuple[ServiceRequest, ...]:
        """Requests in a box of the map whose own tip waits for a person, or is not taken in yet."""
        waits = or_(case_tips.c.state == TipState.WAITING.value, ~service_requests.c.taken_in)
        place = service_requests.c
        query = select(service_requests).outerjoin(case_tips, its_tip()).where(place.own_tip, waits)
        query = query.where(place.lat.between(box.south, box.north), place.lon.between(box.west, box.east))
        return tuple(map(_request, self._connection.execute(query)))

    def not_taken_in(self, most: int = 20) -> tuple[ServiceRequest, ...]:
        """Requests whose own tip got lost with a process that ended between the two."""
        query = select(service_requests).where(~service_requests.c.taken_in).order_by(service_requests.c.id)
        return tuple(map(_request, self._connection.execute(query.limit(most))))

    def of_cases(self, names: Iterable[str]) -> tuple[ServiceRequest, ...]:
        """Requests that joined one of those cases."""
        rows = rows_where(self._connection, select(service_requests), service_requests.c.case_id, names)
        return tuple(map(_request, rows))

    def list(self, wanted: RequestFilter, most: int, offset: int = 0) -> tuple[ServiceRequest, ...]:
        """The newest first. One whose case was merged is among open and closed ones alike: its survivor tells."""
        query = _where(select(service_requests).outerjoin(case_tips, its_tip()).outerjoin(cases, its_case()), wanted)
        query = query.order_by(service_requests.c.requested_at.desc(), service_requests.c.id.desc())
        return tuple(map(_request, self._connection.execute(query.limit(most).offset(offset))))

    def with_news(self, since: datetime, until: datetime) -> tuple[ServiceRequest, ...]:
        """Requests of which something may have been told in a time; O(requests)."""
        return self.list(RequestFilter(requested_until=until, news_since=since), most=1_000_000)

    def count(self) -> int:
        """How many there are."""
        return int(self._connection.execute(select(func.count()).select_from(service_requests)).scalar_one())


def its_tip() -> ColumnElement[bool]:
    """Joins a request with the tip that it hangs on."""
    return and_(
        case_tips.c.source == service_requests.c.tip_source,
        case_tips.c.id == service_requests.c.tip_id,
    )


def its_case() -> ColumnElement[bool]:
    """Joins a request, and its tip, with the case that it is or belongs to."""
    of_tip = service_requests.c.tip_source + "-" + service_requests.c.tip_id
    return cases.c.case_id == func.coalesce(service_requests.c.case_id, case_tips.c.case_id, of_tip)


def _where(query: Select[Any], wanted: RequestFilter) -> Select[Any]:
    here = service_requests.c
    if wanted.ids:
        query = query.where(here.id.in_(wanted.ids))
    if wanted.services:
        query = query.where(here.service.in_(wanted.services))
    if wanted.requested_from is not None:
        query = query.where(here.requested_at >= wanted.requested_from)
    if wanted.requested_until is not None:
        query = query.where(here.requested_at <= wanted.requested_until)
    merged = func.coalesce(cases.c.state == CaseState.MERGED.value, False)
    if wanted.news_since is not None:
        told = (here.requested_at, case_tips.c.settled_at, cases.c.as_of)
        query = query.where(or_(merged, *(column >= wanted.news_since for column in told)))
    if wanted.status is not None:
        ended = or_(
            func.coalesce(cases.c.state.in_(_CLOSED), False),
            func.coalesce(case_tips.c.state == TipState.DROPPED.value, False),
        )
        query = query.where(or_(ended, merged) if wanted.status is RequestStatus.CLOSED else ~ended)
    return query


def _values(request: ServiceRequest) -> dict[str, Any]:
    asked, tip = request.asked, request.tip
    return {
        "id": request.id,
        "channel": request.channel.value,
        "requested_at": request.requested_at,
        "service": asked.service,
        "description": asked.description,
        "answers": json.dumps(asked.answers, ensure_ascii=False),
        "lat": asked.latitude,
        "lon": asked.longitude,
        "address": asked.address,
        "area": request.area,
        "media_url": asked.media_url,
        "client": request.client,
        "tip_source": None if tip is None else tip.source.value,
        "tip_id": None if tip is None else tip.id,
        "own_tip": request.own_tip,
        "case_id": request.case,
        "defect": request.defect,
    }


def _request(row: Any) -> ServiceRequest:
    answers = {name: tuple(several) for name, several in json.loads(row.answers).items()}
    asked = Asked(row.service, row.description, answers, row.lat, row.lon, row.address, row.media_url)
    return ServiceRequest(
        id=row.id,
        channel=Channel(row.channel),
        requested_at=row.requested_at,
        asked=asked,
        tip=None if row.tip_id is None else TipName(Source(row.tip_source), row.tip_id),
        case=row.case_id,
        own_tip=row.own_tip,
        area=row.area,
        defect=row.defect,
        client=row.client,
    )


def _told(asked: Asked) -> str:
    parts: Sequence[Any] = (
        asked.service,
        asked.description,
        asked.answers,
        asked.latitude,
        asked.longitude,
        asked.address,
        asked.media_url,
    )
    return json.dumps(parts, sort_keys=True, ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
