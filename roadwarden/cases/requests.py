"""What a citizen asks for, how it stands, and the updates that tell of it. Pure; docs/open311.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from roadwarden.cases.answer import CaseState
from roadwarden.cases.event_types import parse_text
from roadwarden.cases.events import CaseEvent, EventType, Merged
from roadwarden.cases.filing import Source

MOST_TEXT = 4000
"""Characters of a description, as GeoReport v2 has it."""
MOST_ADDRESS = 500


class Channel(StrEnum):
    """Which way a request came."""

    PAGE = "page"
    OPEN311 = "open311"


class Phase(StrEnum):
    """Where a request stands, for the public: where its tip or case does."""

    WAITING = "waiting"  # a person of intake looks at it
    DROPPED = "dropped"  # and found that it needs no case
    FILED = "filed"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    UNDER_REPAIR = "under_repair"
    REPAIR_REPORTED = "repair_reported"
    ASSESSED = "assessed"
    CLOSED = "closed"
    PARKED = "parked"
    VOIDED = "voided"


class RequestStatus(StrEnum):
    """All that GeoReport v2 knows."""

    OPEN = "open"
    CLOSED = "closed"


class UpdateStatus(StrEnum):
    """What FixMyStreet's extension knows."""

    OPEN = "OPEN"
    INVESTIGATING = "INVESTIGATING"
    IN_PROGRESS = "IN_PROGRESS"
    ACTION_SCHEDULED = "ACTION_SCHEDULED"
    FIXED = "FIXED"
    CLOSED = "CLOSED"
    DUPLICATE = "DUPLICATE"
    NOT_COUNCILS_RESPONSIBILITY = "NOT_COUNCILS_RESPONSIBILITY"
    NO_FURTHER_ACTION = "NO_FURTHER_ACTION"
    INTERNAL_REFERRAL = "INTERNAL_REFERRAL"
    FOR_TRIAGE = "FOR_TRIAGE"
    CANCELLED = "CANCELLED"
    REOPEN = "REOPEN"


class NewsStanding(StrEnum):
    """What becomes of an update that another system tells us."""

    NEWS = "news"
    SAME = "same"  # says what the newest one said
    LATE = "late"  # older than the newest: kept, and changes nothing


@dataclass(frozen=True, slots=True)
class Asked:
    """What a citizen says. Raises ValueError for a place that is not on Earth, none at all, and text no store holds."""

    service: str  # a distress type, or a problem of another domain
    description: str | None = None
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # to the service's questions
    latitude: float | None = None  # WGS-84, degrees
    longitude: float | None = None
    address: str | None = None
    media_url: str | None = None  # a picture somewhere else; never fetched

    def __post_init__(self) -> None:
        for text in (self.description, self.address, self.media_url, *self.answers):
            if text is not None:
                parse_text(text)
        for text in (one for several in self.answers.values() for one in several):
            parse_text(text)
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("give both lat and long, or neither")
        if self.latitude is None and self.address is None:
            raise ValueError("where is it? Give lat and long, or an address")
        if self.latitude is not None and not (-90 <= self.latitude <= 90 and -180 <= (self.longitude or 0) <= 180):
            raise ValueError(f"lat {self.latitude}, long {self.longitude} is not on Earth")
        if len(self.description or "") > MOST_TEXT:
            raise ValueError(f"the description has {len(self.description or '')} characters; at most {MOST_TEXT}")
        if len(self.address or "") > MOST_ADDRESS:
            raise ValueError(f"the address has {len(self.address or '')} characters; at most {MOST_ADDRESS}")


@dataclass(frozen=True, slots=True)
class TipName:
    """A tip by its reporter."""

    source: Source
    id: str


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """One request; it hangs on a tip, its own or one near by, or on a case that was there already."""

    id: str
    channel: Channel
    requested_at: datetime  # by the server's clock
    asked: Asked
    tip: TipName | None
    case: str | None
    own_tip: bool
    area: str | None = None
    defect: str | None = None  # of the map, near by, that no case is about
    client: str | None = None  # whose token it came with

    def __post_init__(self) -> None:
        if (self.tip is None) == (self.case is None):
            raise ValueError(f"request {self.id}: hangs on a tip or on a case, and not on both")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a request stands."""

    phase: Phase
    updated_at: datetime
    case: str | None = None
    expected_at: datetime | None = None  # when the repair is due; None where nothing is due
    department: str | None = None
    looked_at: bool = False  # whether a person of intake has filed the request's own tip: then it is public


@dataclass(frozen=True, slots=True)
class Update:
    """One step that is told of a request. Steps of one request never run backwards in time."""

    id: str  # the same step has the same one for ever
    request: str
    phase: Phase
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class News:
    """What another system tells of a request."""

    client: str
    update_id: str  # the client's own: the same one twice is one update
    request: str
    status: UpdateStatus
    updated_at: datetime  # by the client's clock
    description: str | None = None
    media_url: str | None = None

    def __post_init__(self) -> None:
        for text in (self.update_id, self.description, self.media_url):
            if text is not None:
                parse_text(text)
        if len(self.description or "") > MOST_TEXT:
            raise ValueError(f"the description has {len(self.description or '')} characters; at most {MOST_TEXT}")


def news_standing(news: News, before: Sequence[News]) -> NewsStanding:
    """Whether it is one, given all others that are kept of its request, in any order."""
    newest = max(before, key=lambda one: one.updated_at, default=None)
    if newest is None or news.updated_at > newest.updated_at:
        return _same(news, newest)
    return _same(news, newest) if news.updated_at == newest.updated_at else NewsStanding.LATE


def _same(news: News, newest: News | None) -> NewsStanding:
    def said(one: News) -> object:
        return one.status, one.description, one.media_url

    return NewsStanding.SAME if newest is not None and said(news) == said(newest) else NewsStanding.NEWS


def phase_of_state(state: CaseState) -> Phase:
    """The phase of a case that was not merged; for one that was, ask for its survivor's."""
    return Phase.FILED if state is CaseState.MERGED else Phase(state.value)


Histories = Mapping[str, Sequence[CaseEvent]]
"""Events of a case by its name, in the order in which they were kept; of merged ones the survivors' too."""
PhaseOf = Callable[[Sequence[CaseEvent]], Phase]


def updates_of(request: ServiceRequest, case: str | None, histories: Histories, phase_of: PhaseOf) -> list[Update]:
    """Every step since the request came, the oldest first; none while a person looks at it.

    A later event adds steps at the end and changes none that was told. Where the case was merged, the survivor's steps
    follow, until it is unmerged.
    """
    found: list[Update] = []
    if case is None:
        return found
    if request.case is not None:
        before = [event for event in histories.get(case, ()) if event.received_at <= request.requested_at]
        now = phase_of(before) if before else Phase.FILED
        found.append(Update(f"{request.id}.0", request.id, now, request.requested_at))
    for name, at, phase in _steps(case, (request.requested_at, None), histories, phase_of, frozenset()):
        latest = max(at, found[-1].updated_at) if found else at
        if not found or found[-1].phase is not phase:
            found.append(Update(f"{request.id}.{name}", request.id, phase, latest))
    return found


def dropped_update(request: ServiceRequest, at: datetime) -> Update:
    """The one step of a request whose tip was dropped."""
    return Update(f"{request.id}.dropped", request.id, Phase.DROPPED, max(at, request.requested_at))


def _steps(
    case: str,
    span: tuple[datetime, datetime | None],
    histories: Histories,
    phase_of: PhaseOf,
    within: frozenset[str],
) -> Iterator[tuple[str, datetime, Phase]]:
    """Steps after the span's beginning and before its end: a name, the time, the phase."""
    (since, until), events = span, list(histories.get(case, ()))
    beside = f"{case}." if within else ""
    merged = False
    for version, event in enumerate(events, start=1):
        if until is not None and event.received_at >= until:
            return
        merged = merged and event.type is not EventType.UNMERGED
        if merged or event.received_at < since:
            continue
        if isinstance(event.data, Merged) and event.data.into not in within | {case}:
            merged, into = True, event.data.into
            back = (later.received_at for later in events[version:] if later.type is EventType.UNMERGED)
            known = [one for one in histories.get(into, ()) if one.received_at <= event.received_at]
            yield f"{beside}{version}", event.received_at, phase_of(known) if known else Phase.FILED
            yield from _steps(into, (event.received_at, next(back, until)), histories, phase_of, within | {case})
        else:
            yield f"{beside}{version}", event.received_at, phase_of(events[:version])
