"""What other systems tell of requests: each update once, in the order in which it came."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from roadwarden.cases.event_types import format_time
from roadwarden.cases.requests import News, NewsStanding, UpdateStatus
from roadwarden.errors import KeyUsed
from roadwarden.storage.request_tables import request_news


@dataclass(frozen=True, slots=True)
class KeptNews:
    """An update that was kept."""

    number: int
    news: News
    received_at: datetime
    standing: NewsStanding


class NewsStore:
    """Within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def known(self, news: News) -> KeptNews | None:
        """What was kept under the client's ``update_id``; raises KeyUsed where that said something else."""
        here = (request_news.c.client == news.client) & (request_news.c.update_id == news.update_id)
        row = self._connection.execute(select(request_news).where(here)).first()
        if row is None:
            return None
        if row.asked != _sha256(news):
            raise KeyUsed(
                f"update_id {news.update_id} was used for another update, of request {row.request}; "
                "each update has its own"
            )
        return _kept(row)

    def add(self, news: News, standing: NewsStanding, now: datetime) -> KeptNews:
        """Keeps one that is not known."""
        values = {
            "client": news.client,
            "update_id": news.update_id,
            "asked": _sha256(news),
            "request": news.request,
            "status": news.status.value,
            "description": news.description,
            "media_url": news.media_url,
            "updated_at": news.updated_at,
            "received_at": now,
            "standing": standing.value,
        }
        number = self._connection.execute(insert(request_news).returning(request_news.c.number), values).scalar_one()
        return KeptNews(int(number), news, now, standing)

    def of_request(self, request: str) -> tuple[KeptNews, ...]:
        """Everything told of a request, by the clocks of those who told it."""
        query = select(request_news).where(request_news.c.request == request)
        query = query.order_by(request_news.c.updated_at, request_news.c.number)
        return tuple(map(_kept, self._connection.execute(query)))


def _kept(row: Any) -> KeptNews:
    news = News(
        client=row.client,
        update_id=row.update_id,
        request=row.request,
        status=UpdateStatus(row.status),
        updated_at=row.updated_at,
        description=row.description,
        media_url=row.media_url,
    )
    return KeptNews(row.number, news, row.received_at, NewsStanding(row.standing))


def _sha256(news: News) -> str:
    said = (news.request, news.status.value, news.description, news.media_url, format_time(news.updated_at))
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()
