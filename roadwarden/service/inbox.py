"""What other systems tell us: checked, kept, and then done by the same commands that people use.

Keeping comes first: a message that we have answered for is not lost because a case was busy or a file was wrong. What
cannot be done is kept with the reason, and can be tried again after the file, or the case, was put right.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from roadwarden.cases.event_types import parse_text
from roadwarden.cases.events import EventData, RepairReported, SelfHandled, Severity, parse_data
from roadwarden.cases.filing import Source
from roadwarden.cases.tips import Tip
from roadwarden.errors import (
    CaseError,
    ConfigError,
    DataError,
    KeyUsed,
    NotAllowed,
    NotFound,
    StorageAway,
    UnknownCase,
)
from roadwarden.service.cases import Ask, CaseDesk
from roadwarden.service.filing import FilingRules
from roadwarden.service.integrations.incoming import Wish, happened_at, person_of, subject_of, wish_of
from roadwarden.service.integrations.partner import Does, Inbox, Partner
from roadwarden.service.tips import take_in_tip
from roadwarden.settings import read_secret
from roadwarden.storage.case_unit import CaseUnit
from roadwarden.storage.inbox import InboxMessage, KeptMessage, reading, writing
from roadwarden.storage.inbox_tables import InboxState
from roadwarden.webhook_signatures import WebhookKey, read_key, verify

logger = logging.getLogger(__name__)

LONGEST_REASON = 1000
LONGEST_ID = 200
LARGEST_BODY = 256 * 1024


class UnknownPartner(NotFound):
    """Nobody of that name may tell us anything."""


class BadMessage(DataError):
    """A signed message that cannot even be kept: no JSON object, too large, an id that is none."""


class IdUsedTwice(KeyUsed):
    """Another message came under the same id before."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many messages became what."""

    applied: int = 0
    rejected: int = 0
    ignored: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.applied + other.applied, self.rejected + other.rejected, self.ignored + other.ignored)

    @classmethod
    def of(cls, kept: KeptMessage) -> Outcome:
        """Of one message."""
        return cls(
            *(int(kept.state is state) for state in (InboxState.APPLIED, InboxState.REJECTED, InboxState.IGNORED))
        )


@dataclass(frozen=True, slots=True)
class InboxDesk:
    """The use cases of the inbox. Raises StorageAway where the database is away: then nothing was kept."""

    desk: CaseDesk
    partners: Mapping[str, Partner]
    rules: FilingRules = field(default_factory=FilingRules)

    def receive(self, name: str, headers: Mapping[str, str], body: bytes) -> tuple[KeptMessage, bool]:
        """Keeps a signed message and does what it wants, at once if nothing is in the way. Returns it as it stands, and
        whether it is new. ``headers``: names in lower case.

        Raises UnknownPartner, BadSignature, BadMessage and IdUsedTwice; then nothing is kept.
        """
        partner, box = self._partner(name)
        now = self.desk.now()
        signed = verify(_keys(partner, box), headers, body, now)
        content = _content(signed.id, body)
        message = InboxMessage(name, signed.id, body.decode(), subject_of(box, content), now, now)
        message = replace(message, happened_at=_happened(partner, box, content) or now)
        with writing(self.desk.engine) as unit:
            kept, new = unit.put(message)
        if not new and kept.message.sha256 != message.sha256:
            raise IdUsedTwice(f"message {signed.id} came before with another body; each message needs its own id")
        return self._now(kept), new

    def apply(self) -> Outcome:
        """Does what waits, of every partner; of a case in the order in which it happened."""
        total = Outcome()
        for name in self.partners:
            total += self._apply_all(name)
        return total

    def again(self, name: str, numbers: Sequence[int] | None = None) -> Outcome:
        """Tries rejected messages of a partner again, all or those of these numbers.

        Raises ConfigError for a partner that has no file, and for numbers that are no rejected ones of his.
        """
        if name not in self.partners:
            raise ConfigError(f"there is no partner '{name}'; known are: {', '.join(self.partners) or 'none'}")
        with writing(self.desk.engine) as unit:
            rejected = {one.number for one in unit.list(InboxState.REJECTED, name, most=None)}
            if wrong := sorted(set(numbers or ()) - rejected):
                raise ConfigError(
                    f"{', '.join(map(str, wrong))}: no rejected message of {name}; 'roadwarden inbox list --state "
                    "rejected' shows them. Nothing is tried again"
                )
            unit.again(name, numbers)
        return self._apply_all(name)

    def forget(self, before: datetime) -> int:
        """Forgets what was done, or ignored, before; what was rejected stays. Returns how many."""
        with writing(self.desk.engine) as unit:
            return unit.prune(before)

    def _now(self, kept: KeptMessage) -> KeptMessage:
        """How it stands after what waits was done; a database that went away meanwhile is for the scheduler."""
        try:
            self._apply_all(kept.message.partner)
            with reading(self.desk.engine) as unit:
                return unit.get(kept.number) or kept
        except StorageAway as exc:
            logger.warning("inbox: message %s is kept and waits: %s", kept.message.id, exc)
            return kept

    def _apply_all(self, name: str) -> Outcome:
        partner, box = self._partner(name)
        total = Outcome()
        while True:
            up_to = self.desk.now() - timedelta(seconds=box.hold_s)
            with reading(self.desk.engine) as unit:
                kept = unit.next_waiting(name, up_to)
            if kept is None:
                return total
            settled = self._settled(partner, box, kept)
            with writing(self.desk.engine) as unit:
                unit.settle(settled)
            total += Outcome.of(settled)

    def _settled(self, partner: Partner, box: Inbox, kept: KeptMessage) -> KeptMessage:
        tried = replace(kept, attempts=kept.attempts + 1, settled_at=self.desk.now(), reason=None)
        try:
            wish = wish_of(partner, box, json.loads(kept.message.body))
            if wish.does is Does.NOTHING:
                return replace(tried, state=InboxState.IGNORED)
            case, note = self._do(partner, box, kept.message, wish)
        except StorageAway:
            raise
        except (CaseError, DataError, ValueError) as exc:
            logger.warning("inbox: message %s of %s is rejected: %s", kept.message.id, partner.name, exc)
            return replace(tried, state=InboxState.REJECTED, reason=str(exc)[:LONGEST_REASON])
        return replace(tried, state=InboxState.APPLIED, case=case, reason=note)

    def _do(self, partner: Partner, box: Inbox, message: InboxMessage, wish: Wish) -> tuple[str | None, str | None]:
        """The case that it was done to, and a note for people."""
        if wish.does is Does.TELLS_OF_A_PROBLEM:
            return self._take_in(partner, message, wish)
        case = self._case(partner, wish)
        if wish.theirs is not None:
            self._link(partner, wish.theirs, case)
        if wish.does is not Does.NUMBERS:
            self._record(partner, box, message, wish, case)
        return case, None

    def _take_in(self, partner: Partner, message: InboxMessage, wish: Wish) -> tuple[str | None, str | None]:
        told = dict(wish.fields)
        severity = None if (said := told.pop("severity", None)) is None else Severity(said)
        seen_at = told.pop("seen_at", None) or wish.happened_at or message.received_at
        texts: dict[str, Any] = {
            name: one if name in {"latitude", "longitude"} else str(one) for name, one in told.items()
        }
        if severity is Severity.SEVERE:  # a tip has no severity of its own; whoever looks at it is to see theirs
            texts["note"] = " ".join(filter(None, (texts.get("note"), f"[{partner.name}: severe]")))
        tip = Tip(id=tip_of(partner.name, wish.theirs), source=Source.DEPARTMENT, seen_at=seen_at, **texts)
        taken = take_in_tip(self.desk, tip, self.rules, severity)
        if taken.dropped:
            raise NotAllowed(str(taken))
        return taken.case, None if taken.case else str(taken)

    def _record(self, partner: Partner, box: Inbox, message: InboxMessage, wish: Wish, case: str) -> None:
        kind = wish.does.event
        if kind is None or wish.role is None:
            raise DataError(f"{wish.does} is no event")

        def choose(unit: CaseUnit, _now: datetime) -> EventData:
            return parse_data(kind, _with_report(wish, unit, case))

        who = person_of(partner, box, wish.role)
        ask = Ask(key=f"inbox:{partner.name}:{message.id}", occurred_at=wish.happened_at)
        self.desk.decide(who, case, f"inbox {kind}", choose, ask)

    def _case(self, partner: Partner, wish: Wish) -> str:
        """Our name of the case that a wish is about. Raises UnknownCase."""
        if wish.ours is not None:
            return self.desk.row(wish.ours).case_id
        with reading(self.desk.engine) as unit:
            linked = None if wish.theirs is None else unit.ours(partner.name, wish.theirs)
        if linked is not None:
            return linked
        try:
            return self.desk.row(case_of_tip(partner.name, wish.theirs)).case_id
        except UnknownCase:
            raise UnknownCase(
                f"no case of ours is their {wish.theirs or '(no number)'}: not filed yet, or its number was never told"
            ) from None

    def _link(self, partner: Partner, theirs: str, case: str) -> None:
        parse_text(theirs)
        if case == case_of_tip(partner.name, theirs):
            return
        with writing(self.desk.engine) as unit:
            if not unit.link(partner.name, theirs, case, self.desk.now()):
                other = unit.ours(partner.name, theirs) or f"known to them as {unit.theirs(partner.name, case)}"
                raise NotAllowed(f"their number {theirs} cannot become that of case {case}: it is {other}")

    def _partner(self, name: str) -> tuple[Partner, Inbox]:
        partner = self.partners.get(name)
        if partner is None or partner.inbox is None:
            raise UnknownPartner(f"there is no partner '{name}' here")
        return partner, partner.inbox


def their_number(engine_of: CaseDesk, partner: str, case: str) -> str | None:
    """Under which number a partner knows a case; None where he never told one."""
    prefix = case_of_tip(partner, "")
    if case.startswith(prefix):
        return case.removeprefix(prefix)
    with reading(engine_of.engine) as unit:
        return unit.theirs(partner, case)


def tip_of(partner: str, theirs: str | None) -> str:
    """Id of the tip that their number becomes."""
    return f"{partner}-{theirs or ''}"


def case_of_tip(partner: str, theirs: str | None) -> str:
    """Name of the case that such a tip becomes, see ``Tip.case``."""
    return f"{Source.DEPARTMENT.value}-{tip_of(partner, theirs)}"


def by_name(partners: Iterable[Partner]) -> Mapping[str, Partner]:
    """Those that may tell us something; raises ConfigError where a key of theirs cannot be read."""
    found = {partner.name: partner for partner in partners if partner.inbox is not None}
    for partner in found.values():
        if partner.inbox is not None:
            _keys(partner, partner.inbox)
    return found


def _keys(partner: Partner, box: Inbox) -> tuple[WebhookKey, ...]:
    places = (box.secret, *((box.next_secret,) if box.next_secret else ()))
    try:
        return tuple(read_key(read_secret(place.env, place.file)) for place in places)
    except ConfigError as exc:
        raise ConfigError(f"partner {partner.name}: {exc}") from exc


def _content(id: str, body: bytes) -> Mapping[str, Any]:
    if len(id) > LONGEST_ID or not id.isprintable():
        raise BadMessage(f"webhook-id is to be printable, of {LONGEST_ID} characters at most")
    if len(body) > LARGEST_BODY:
        raise BadMessage(f"a message has {LARGEST_BODY} bytes at most, this one {len(body)}")
    try:
        content = json.loads(body.decode())
        parse_text(body.decode())
    except (ValueError, RecursionError) as exc:
        raise BadMessage(f"the body is no JSON in UTF-8: {exc}") from exc
    if not isinstance(content, dict):
        raise BadMessage("the body is to be a JSON object")
    return content


def _happened(partner: Partner, box: Inbox, content: Mapping[str, Any]) -> datetime | None:
    """For the order; what is wrong with it is told when it is applied."""
    try:
        return happened_at(partner, box, content)
    except DataError:
        return None


def _with_report(wish: Wish, unit: CaseUnit, case: str) -> dict[str, Any]:
    """Verdicts that name no report are on the newest."""
    told = dict(wish.fields)
    if wish.does not in {Does.ASSESSED, Does.EVIDENCE_REQUESTED} or "report_seq" in told:
        return told
    reports = [event.seq for event in unit.events.of(case) if isinstance(event.data, RepairReported | SelfHandled)]
    if not reports:
        raise NotAllowed(f"case {case}: nobody has reported a repair that could be judged")
    return told | {"report_seq": max(reports)}
