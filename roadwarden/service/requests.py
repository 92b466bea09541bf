"""What citizens ask for: taken in once, joined with what is known near by, followed by number and secret.

A request hangs on a tip that a person of intake looks at, or on a case that is there already. Two reports at once
cannot both be the first: what lies near is looked at in the transaction that keeps the request, by the one writer.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from roadwarden.cases.answer import CaseState
from roadwarden.cases.case_row import CaseRow
from roadwarden.cases.events import format_time
from roadwarden.cases.filing import Source
from roadwarden.cases.joining import Near, NearKind, joined
from roadwarden.cases.request_table import RequestTable, shipped_request_table
from roadwarden.cases.requests import (
    Asked,
    Channel,
    Phase,
    RequestStatus,
    ServiceRequest,
    Standing,
    TipName,
    phase_of_state,
)
from roadwarden.cases.tips import KeptTip, Tip, TipState
from roadwarden.errors import DataError, NotFound
from roadwarden.service.cases import CaseDesk
from roadwarden.service.evidence import EvidenceDesk
from roadwarden.service.filing import FilingRules, survivor
from roadwarden.service.near_by import RoadsAtHand, near_by
from roadwarden.service.tips import take_in_tip
from roadwarden.storage import request_unit
from roadwarden.storage.evidence import KeptEvidence, UseKind
from roadwarden.storage.outbox import Message
from roadwarden.storage.request_unit import RequestUnit
from roadwarden.storage.requests import RequestFilter, RequestKey

SECRET_SIGNS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""No I, L, O, U, 0 or 1: a secret is read off a screen and typed into a phone."""
SECRET_LENGTH = 12
"""Of 30 signs: 58 bits, with some dozens of tries an hour."""


@dataclass(frozen=True, slots=True)
class RequestDesk:
    """Takes requests in and tells how they stand."""

    cases: CaseDesk
    evidence: EvidenceDesk
    roads: RoadsAtHand
    table: RequestTable = field(default_factory=shipped_request_table)
    rules: FilingRules = field(default_factory=FilingRules)


@dataclass(frozen=True, slots=True)
class Submission:
    """How a request comes."""

    channel: Channel
    client: str  # whose token, or the page
    key: str | None = None  # the same request under the same key is one request
    pictures: tuple[str, ...] = ()  # sha256 of evidence that was taken in before
    seen_at: datetime | None = None  # by the citizen's clock; None: now
    followed: bool = False  # whether it gets a secret, reckoned from the key


@dataclass(frozen=True, slots=True)
class Told:
    """A request with how it stands, and its pictures."""

    request: ServiceRequest
    standing: Standing
    pictures: tuple[KeptEvidence, ...] = ()


def submit(desk: RequestDesk, asked: Asked, how: Submission) -> ServiceRequest:
    """Keeps a request and puts it on its way; under a key that was used, what it became before.

    Raises DataError for a service that is not offered, NotAllowed for a key that was used for something else,
    NotFound for a picture that nobody took in, StorageAway.
    """
    if desk.table.service(asked.service) is None:
        raise DataError(f"'{asked.service[:80]}' cannot be reported here; the list of services says what can")
    _take_in_lost(desk)
    road = desk.roads.road_at(asked)
    with request_unit.writing(desk.cases.engine) as unit:
        if how.key is not None and (known := unit.requests.of_key(how.client, how.key, asked)) is not None:
            return known
        now = desk.cases.now()
        found = near_by(unit, asked, desk.table.radius_of(asked.service))
        about = joined(asked.service, found, desk.table)
        id = f"R{now.year}-{unit.cases.events.next_number(f'R{now.year}'):06d}"
        request = _request(id, asked, how, about, None if road is None else road.area, now)
        secret = secret_of(how.key) if how.followed and how.key else None
        unit.requests.add(request, RequestKey(how.key, secret))
        _attach(unit, request, how.pictures)
        unit.cases.outbox.put([_message(request, now)])
    if request.own_tip:
        _take_in(desk, request, how.seen_at)
    return request


def secret_of(key: str) -> str:
    """What a citizen follows a request with, from the random key of the form that it came by."""
    number, signs = int.from_bytes(hashlib.sha256(f"follow:{key}".encode()).digest(), "big"), []
    for _ in range(SECRET_LENGTH):
        number, sign = divmod(number, len(SECRET_SIGNS))
        signs.append(SECRET_SIGNS[sign])
    return "".join(signs)


def follow(desk: RequestDesk, id: str, secret: str) -> Told:
    """How a request stands, for whoever knows its secret; raises NotFound alike for a wrong number and secret."""
    plain = "".join(sign for sign in secret.upper() if sign.isalnum())
    given = hashlib.sha256(plain.encode()).hexdigest()
    with request_unit.reading(desk.cases.engine) as unit:
        kept = unit.requests.secret_of(id)
        if not hmac.compare_digest(kept or "0" * 64, given):
            raise NotFound("there is no request with this number and secret; look at both again")
        request = unit.requests.get(id)
        if request is None:
            raise NotFound("there is no request with this number and secret; look at both again")
        return told_of(desk, unit, [request])[0]


def find(desk: RequestDesk, id: str) -> Told:
    """One request, for the public; raises NotFound."""
    with request_unit.reading(desk.cases.engine) as unit:
        request = unit.requests.get(id)
        if request is None:
            raise NotFound(f"there is no request {id[:80]}")
        return told_of(desk, unit, [request])[0]


def listed(desk: RequestDesk, wanted: RequestFilter, most: int, offset: int = 0) -> tuple[Told, ...]:
    """Requests, the newest first; fewer than ``most`` also where a status is wanted and cases were merged."""
    with request_unit.reading(desk.cases.engine) as unit:
        told = told_of(desk, unit, unit.requests.list(wanted, most, offset))
    return tuple(one for one in told if wanted.status in {None, _status(desk, one)})


def _status(desk: RequestDesk, told: Told) -> RequestStatus:
    return desk.table.phase(told.standing.phase).status


def told_of(desk: RequestDesk, unit: RequestUnit, requests: Sequence[ServiceRequest]) -> tuple[Told, ...]:
    """How each of them stands, and its pictures."""
    stands = stands_of(unit, requests, desk.cases.now())
    pictures = unit.evidence.of_subjects(UseKind.REQUEST, (one.id for one in requests))
    return tuple(Told(one, stands[one.id], pictures.get(one.id, ())) for one in requests)


def stands_of(unit: RequestUnit, requests: Sequence[ServiceRequest], now: datetime) -> Mapping[str, Standing]:
    """How each of them stands, by its number."""
    tips = {
        TipName(kept.tip.source, kept.tip.id): kept
        for kept in unit.tips.of_names((one.tip.source, one.tip.id) for one in requests if one.tip)
    }
    names = {one.id: case_name(one, tips.get(one.tip) if one.tip else None) for one in requests}
    rows = {row.case_id: survivor(unit.cases, row).at(now) for row in unit.cases.rows.named(set(names.values()))}
    return {one.id: standing(one, tips.get(one.tip) if one.tip else None, rows.get(names[one.id])) for one in requests}


def case_name(request: ServiceRequest, tip: KeptTip | None = None) -> str:
    """The name of its case, whether there is one yet or not; ``tip``: that it hangs on, where that is kept."""
    if request.tip is None:
        return request.case or ""
    if tip is not None and tip.case is not None:
        return tip.case
    return f"{request.tip.source.value}-{request.tip.id}"


def standing(request: ServiceRequest, tip: KeptTip | None, row: CaseRow | None) -> Standing:
    """How a request stands; ``row`` is that of its case, or of the one that this was merged into."""
    looked_at = request.own_tip and tip is not None and tip.state is TipState.FILED
    if row is not None:
        phase = phase_of_state(CaseState(row.state))
        due = None if phase is Phase.VOIDED else row.due_at or row.repair_due_at
        updated = max(row.as_of, request.requested_at)
        return Standing(phase, updated, row.case_id, due, row.department, looked_at)
    if tip is not None and tip.state is TipState.DROPPED and tip.settled_at is not None:
        return Standing(Phase.DROPPED, max(tip.settled_at, request.requested_at))
    return Standing(Phase.WAITING, request.requested_at)


def _request(
    id: str, asked: Asked, how: Submission, about: Near | None, area: str | None, now: datetime
) -> ServiceRequest:
    tip: TipName | None = TipName(Source.CITIZEN, id)
    case = defect = None
    own = about is None or about.kind is NearKind.DEFECT
    if about is not None and about.kind is NearKind.CASE:
        tip, case = None, about.id
    elif about is not None and about.kind is NearKind.REQUEST:
        tip = TipName(Source.CITIZEN, about.id)
    elif about is not None and about.kind is NearKind.TIP:
        tip = TipName(Source(about.source or Source.CITIZEN), about.id)
    elif about is not None:
        defect = about.id
    return ServiceRequest(id, how.channel, now, asked, tip, case, own, area, defect, how.client)


def _attach(unit: RequestUnit, request: ServiceRequest, pictures: Sequence[str]) -> None:
    for sha256 in pictures:
        if unit.evidence.get(sha256) is None:
            raise NotFound(f"there is no picture {sha256[:64]}")
    unit.evidence.use(UseKind.REQUEST, request.id, pictures)


def _take_in_lost(desk: RequestDesk) -> None:
    """Puts requests on their way whose process ended before it had done so."""
    with request_unit.reading(desk.cases.engine) as unit:
        lost = unit.requests.not_taken_in()
    for request in lost:
        _take_in(desk, request, None)


def _take_in(desk: RequestDesk, request: ServiceRequest, seen_at: datetime | None) -> None:
    road = desk.roads.road_at(request.asked)
    asked = request.asked
    tip = Tip(
        id=request.id,
        source=Source.CITIZEN,
        problem=asked.service,
        seen_at=min(seen_at or request.requested_at, request.requested_at),
        latitude=asked.latitude,
        longitude=asked.longitude,
        area=None if road is None else road.area,
        owner=None if road is None else road.owner,
        road_grade=None if road is None else road.grade.value,
        segment=None if road is None else road.id,
        note=_note(asked),
        defect=request.defect,
    )
    taken = take_in_tip(desk.cases, tip, desk.rules)
    with request_unit.writing(desk.cases.engine) as unit:
        joins = taken.case if taken.case not in {None, tip.case} else None
        unit.requests.took_in(request.id, joins)


def _note(asked: Asked) -> str | None:
    """What intake reads: the citizen's words and answers, and where he says that it is."""
    answers = "; ".join(f"{name}: {', '.join(several)}" for name, several in asked.answers.items())
    parts = (asked.description, answers, asked.address and f"at {asked.address}", asked.media_url)
    return "\n".join(part for part in parts if part) or None


def _message(request: ServiceRequest, now: datetime) -> Message:
    """Topic ``request.received``; without anything that the citizen wrote."""
    payload = {
        "title": f"{request.asked.service} reported by a citizen",
        "request": request.id,
        "service": request.asked.service,
        "channel": request.channel.value,
        "area": request.area,
        "joins": None if request.own_tip else case_name(request),
        "requested_at": format_time(request.requested_at),
    }
    return Message(f"request:{request.id}", "request.received", case_name(request), payload, now)
