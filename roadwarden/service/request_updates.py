"""FixMyStreet's extension of Open311: steps that we tell of requests, and updates that others tell us."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from roadwarden.cases.clocks import clocks
from roadwarden.cases.events import CaseEvent, Merged, format_time
from roadwarden.cases.policy import ClockPolicies
from roadwarden.cases.requests import (
    News,
    Phase,
    ServiceRequest,
    TipName,
    Update,
    dropped_update,
    news_standing,
    phase_of_state,
    updates_of,
)
from roadwarden.cases.tips import TipState
from roadwarden.errors import NotFound
from roadwarden.service.requests import RequestDesk, case_name
from roadwarden.storage import request_unit
from roadwarden.storage.outbox import Message
from roadwarden.storage.request_news import KeptNews
from roadwarden.storage.request_unit import RequestUnit


def updates_between(desk: RequestDesk, since: datetime, until: datetime) -> tuple[Update, ...]:
    """Every step told in a time, both ends inside, the oldest first; steps of one request in their order."""
    with request_unit.reading(desk.cases.engine) as unit:
        found = _updates(desk, unit, unit.requests.with_news(since, until))
    return tuple(one for one in found if since <= one.updated_at <= until)


def updates_of_request(desk: RequestDesk, request: ServiceRequest) -> tuple[Update, ...]:
    """Every step of one request."""
    with request_unit.reading(desk.cases.engine) as unit:
        return _updates(desk, unit, [request])


def take_news(desk: RequestDesk, news: News) -> KeptNews:
    """Keeps an update of another system; the same one again is what it was.

    Raises NotFound for a request that is not there, NotAllowed for an ``update_id`` that said something else.
    """
    with request_unit.writing(desk.cases.engine) as unit:
        if (known := unit.news.known(news)) is not None:
            return known
        request = unit.requests.get(news.request)
        if request is None:
            raise NotFound(f"there is no request {news.request[:80]}")
        now = desk.cases.now()
        before = [one.news for one in unit.news.of_request(news.request)]
        kept = unit.news.add(news, news_standing(news, before), now)
        unit.cases.outbox.put([_message(request, kept)])
        return kept


def _updates(desk: RequestDesk, unit: RequestUnit, requests: Sequence[ServiceRequest]) -> tuple[Update, ...]:
    tips = {
        TipName(kept.tip.source, kept.tip.id): kept
        for kept in unit.tips.of_names((one.tip.source, one.tip.id) for one in requests if one.tip)
    }
    names = {one.id: case_name(one, tips.get(one.tip) if one.tip else None) for one in requests}
    histories, phase_of = _histories(unit, set(names.values())), _PhaseOf(desk.cases.policies)
    found: list[Update] = []
    for request in requests:
        case, tip = names[request.id], tips.get(request.tip) if request.tip else None
        found += updates_of(request, case if case in histories else None, histories, phase_of)
        if tip is not None and tip.state is TipState.DROPPED and tip.settled_at is not None:
            found.append(dropped_update(request, tip.settled_at))
    return tuple(sorted(found, key=lambda one: (one.updated_at, one.request)))  # stable: a request's order stays


class _PhaseOf:
    """The phase of a case after some of its events."""

    def __init__(self, policies: ClockPolicies) -> None:
        self._policies = policies

    def __call__(self, events: Sequence[CaseEvent]) -> Phase:
        state = clocks(events, self._policies, max(event.received_at for event in events)).state
        return Phase.FILED if state is None else phase_of_state(state)


def _histories(unit: RequestUnit, cases: Iterable[str]) -> dict[str, tuple[CaseEvent, ...]]:
    """Events of the cases, and of those that they were merged into, and so on."""
    found: dict[str, tuple[CaseEvent, ...]] = {}
    wanted = set(cases)
    while wanted:
        new = {name: events for name, events in unit.cases.events.of_cases(sorted(wanted)).items() if events}
        found |= new
        into = {event.data.into for events in new.values() for event in events if isinstance(event.data, Merged)}
        wanted = into - found.keys()
        if not new:
            break
    return found


def _message(request: ServiceRequest, kept: KeptNews) -> Message:
    """Topic ``request.update``; without the words of whoever told it."""
    payload = {
        "title": f"{kept.news.status} told of request {request.id}",
        "request": request.id,
        "status": kept.news.status.value,
        "standing": kept.standing.value,
        "updated_at": format_time(kept.news.updated_at),
    }
    return Message(f"news:{kept.number}", "request.update", case_name(request), payload, kept.received_at)
