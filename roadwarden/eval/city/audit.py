"""After the last day: is everything there that was sent and promised, once, and nothing else?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from fnmatch import fnmatchcase

from sqlalchemy import Connection, func, select

from roadwarden.cases.events import Role
from roadwarden.eval.city.books import Intents
from roadwarden.eval.city.run import City
from roadwarden.eval.city.services import TOLD
from roadwarden.eval.city.traffic import Expected
from roadwarden.eval.finding import Finding
from roadwarden.service.ledger_audit import audit
from roadwarden.service.rebuild import rebuild
from roadwarden.service.witnesses import open_witness
from roadwarden.storage.case_tables import case_events, cases, outbox
from roadwarden.storage.engine import reading
from roadwarden.storage.stream_tables import stream_frames
from roadwarden.storage.tables import sightings

PEOPLE = (Role.DISPATCHER.value, Role.CREW.value, Role.DUTY_OFFICER.value)


def findings(city: City, tell: Callable[[str], None] = lambda _what: None) -> list[Finding]:
    """Each thing that has to hold; the ledger's last, which reads everything."""
    expected = city.books.expected()
    with reading(city.services.engine) as connection:
        tell("frames and sightings are compared")
        found = [*_frames(connection, expected), *_sightings(connection, expected)]
        found.append(_refused(city, expected))
        tell("commands and cases are compared")
        found += [*_commands(connection, city.intents), *_cases(connection)]
        found.append(_messages(connection, city))
    tell("rows are made anew from the events")
    found.append(_rows(city))
    tell("the ledger is audited")
    return [*found, _ledger(city)]


def _frames(connection: Connection, expected: Expected) -> Iterator[Finding]:
    kept = set(connection.execute(select(stream_frames.c.key)).scalars())
    lost, more = expected.frames - kept, kept - expected.frames
    yield Finding("no frame is lost", not lost, f"{len(expected.frames):,} were sent, {len(lost)} are missing")
    yield Finding("no frame is kept that nobody sent", not more, f"{len(kept):,} are kept, {len(more)} too many")


def _sightings(connection: Connection, expected: Expected) -> Iterator[Finding]:
    rows = connection.execute(select(sightings.c.id, sightings.c.defect)).all()
    kept = {row.id for row in rows}
    lost, more = expected.sightings - kept, kept - expected.sightings
    doubled = len(rows) - len(kept)
    homeless = sum(row.defect is None for row in rows)
    yield Finding("no sighting is lost", not lost, f"{len(expected.sightings):,} were seen, {len(lost)} are missing")
    yield Finding(
        "no sighting is doubled", not more and not doubled, f"{len(rows):,} are kept, {len(more) + doubled} too many"
    )
    yield Finding("every sighting belongs to a defect", not homeless, f"{homeless} to none")


def _refused(city: City, expected: Expected) -> Finding:
    refused = city.counts["messages refused: wrong clock"]
    return Finding(
        "messages of clocks that were never set are refused, and no others",
        refused == expected.refused,
        f"{expected.refused:,} were sent, {refused:,} refused",
    )


def _commands(connection: Connection, intents: Intents) -> Iterator[Finding]:
    """A command that nobody heard an answer to, because all was killed, may be there or not, but once at most."""
    asked, kept = Counter[tuple[str, int]](), dict[tuple[str, int], int | None]()
    for line in intents.all():
        name = (line["case"], line["after"])
        if "kind" in line:
            asked[name] += 1
        else:
            kept[name] = line["kept_as"]
    query = select(case_events.c.case_id, case_events.c.version).where(case_events.c.role.in_(PEOPLE))
    there = {(row.case_id, row.version) for row in connection.execute(query)}
    promised = {(case, version) for (case, _), version in kept.items() if version is not None}
    lost = promised - there
    unheard = {name for name in asked if name not in kept}
    more = [one for one in there - promised if not any(case == one[0] for case, _ in unheard)]
    refused = sum(version is None for version in kept.values())
    yield Finding("no command of a person is refused", not refused, f"{refused} of {len(kept):,}")
    yield Finding("no command is lost", not lost, f"{len(promised):,} were answered, {len(lost)} are missing")
    yield Finding(
        "no command is doubled",
        not more,
        f"{len(there):,} events of people, {len(more)} too many; {len(unheard)} unheard",
    )


def _cases(connection: Connection) -> Iterator[Finding]:
    """A case is known by one sighting of its defect, whatever was merged since."""
    query = select(cases.c.case_id, cases.c.defect, cases.c.is_open).where(cases.c.defect.is_not(None))
    rows = connection.execute(query).all()
    home = {row.id: row.defect for row in connection.execute(select(sightings.c.id, sightings.c.defect))}
    alive = Counter(home.get(row.defect, row.defect) for row in rows if row.is_open)
    doubled = [defect for defect, number in alive.items() if number > 1]
    versions = select(case_events.c.case_id, func.count(), func.max(case_events.c.version)).group_by(
        case_events.c.case_id
    )
    gaps = [row[0] for row in connection.execute(versions) if row[1] != row[2]]
    open_ones = sum(alive.values())
    yield Finding(
        "no defect has two open cases",
        not doubled,
        f"{len(rows):,} cases, {open_ones:,} open, {len(doubled)} defects with more than one",
    )
    yield Finding("no event is missing between two others", not gaps, f"{len(gaps)} cases with gaps")


def _messages(connection: Connection, city: City) -> Finding:
    """The receiver knows a message by its key; what comes again under the same key changes nothing."""
    lines = city.services.receiver.read_text(encoding="utf-8").splitlines() if city.services.receiver.exists() else []
    received = Counter(json.loads(line)["id"] for line in lines)
    rows = connection.execute(select(outbox.c.key, outbox.c.topic)).all()
    wanted = {row.key for row in rows if any(fnmatchcase(row.topic, pattern) for pattern in TOLD)}
    lost, more = wanted - received.keys(), received.keys() - wanted
    again = sum(received.values()) - len(received)
    return Finding(
        "every message reaches its receiver, under one key",
        not lost and not more,
        f"{len(wanted):,} were written, {len(lost)} missing, {len(more)} unknown; {again} sent again under their key",
    )


def _rows(city: City) -> Finding:
    made = rebuild(city.services.engine, city.services.desk.policies, city.time)
    return Finding(
        "lists say what the events say", not made.mended, f"{made.rows:,} rows made anew, {len(made.mended)} were wrong"
    )


def _ledger(city: City) -> Finding:
    services = city.services
    services.sign()
    found = audit(services.engine, services.ring, [open_witness(str(services.witness))])
    lag = found.lag(city.time) if found.waiting else timedelta(0)
    told = (
        f"{found.leaves:,} leaves, {found.checkpoints:,} checkpoints, {len(found.faults)} faults, "
        f"{found.waiting} events wait ({lag.total_seconds():.0f} s), {found.unsigned_leaves} leaves unsigned"
    )
    return Finding("the ledger verifies, and its witness agrees", not (found.faults or found.waiting), told)
