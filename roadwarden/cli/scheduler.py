"""``roadwarden scheduler``: warnings and deliveries."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.cli.case_common import AsJson, open_desk
from roadwarden.cli.city_tables import escalation_policy
from roadwarden.cli.database import Database
from roadwarden.cli.exits import EXIT_FAILED
from roadwarden.cli.ledger_common import Registry, Witnesses
from roadwarden.cli.partners import Partners, known_partners
from roadwarden.cli.privacy import Rules
from roadwarden.errors import ConfigError
from roadwarden.settings import destinations_file

if TYPE_CHECKING:
    from roadwarden.service.cases import CaseDesk
    from roadwarden.service.integrations.partner import Partner
    from roadwarden.service.scheduler import Scheduler

DestinationsFile = Annotated[
    Path | None,
    typer.Option(
        help="YAML file, see docs/cases.md; without it ROADWARDEN_DESTINATIONS, and else nothing is delivered"
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(scheduler)


def scheduler(
    destinations: DestinationsFile = None,
    escalation: Annotated[
        Path | None, typer.Option(help="YAML file of thresholds and chains; without it the one we ship")
    ] = None,
    partners: Partners = None,
    ledger_key: Annotated[
        Path | None, typer.Option(help="private key of the log: it is signed too; without it the log only follows")
    ] = None,
    witness: Witnesses = None,
    registry: Registry = None,
    ledger_every_s: Annotated[float, typer.Option(min=1, help="seconds between two looks at the log")] = 60.0,
    retention: Annotated[
        bool, typer.Option(help="erase what has become older than the rules of retention allow")
    ] = True,
    rules: Rules = None,
    once: Annotated[bool, typer.Option("--once", help="do what is due now, and end: for cron")] = False,
    every_s: Annotated[float, typer.Option(min=0.1, help="seconds between two looks")] = 1.0,
    keep_days: Annotated[float, typer.Option(min=1, help="days to keep messages that everybody has")] = 30.0,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Warn of clocks, deliver what has happened, do what partners want, keep the log up to date, erase what is too old.

    Several may run at once, on several machines. Where the log is signed, --once ends with 1 if that failed.

    Example: roadwarden scheduler --destinations destinations.yaml --ledger-key var/log.key --witness var/witness.jsonl
    """
    from roadwarden.cli.chores import inbox_chores, ledger_chore, retention_chore

    if witness and ledger_key is None:
        raise ConfigError("a witness is shown what is signed: give --ledger-key, or leave --witness out")
    desk, keep = open_desk(database, new=True), timedelta(days=keep_days)
    chores = [*inbox_chores(desk, partners, keep)]
    chores.append(ledger_chore(desk, ledger_key, witness or (), registry, ledger_every_s))
    chores += [retention_chore(desk, rules)] if retention else []
    worker = replace(_worker(desk, destinations, escalation, known_partners(partners)), keep=keep, chores=chores)
    if once:
        _once(worker, as_json=as_json)
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(f"scheduler: {len(worker.couriers)} destinations; Ctrl-C ends it", flush=True)
    worker.run(stop, every_s)
    print("scheduler: ended", flush=True)


def _once(worker: Scheduler, *, as_json: bool) -> None:
    chores = worker.do_chores()
    looked, sent = worker.once()
    told: dict[str, int | None] = {"looked_at": looked.cases, "warned": looked.sent, "passed_over": looked.skipped}
    told |= {"sent": sent.sent, "failed": sent.failed, "dead": sent.dead} | chores
    words = ", ".join(f"{name} {'failed' if number is None else number}" for name, number in told.items())
    print(json.dumps(told) if as_json else words)
    if None in chores.values():
        raise typer.Exit(EXIT_FAILED)


def _worker(desk: CaseDesk, file: Path | None, escalation: Path | None, partners: Mapping[str, Partner]) -> Scheduler:
    from roadwarden.service.delivery import Courier
    from roadwarden.service.destinations import read_destinations
    from roadwarden.service.inbox import their_number
    from roadwarden.service.scheduler import Scheduler
    from roadwarden.service.senders import sender_of

    path = file or destinations_file()
    known = () if path is None else read_destinations(path)
    theirs = partial(their_number, desk)
    return Scheduler(
        desk.engine,
        [Courier(desk.engine, one, sender_of(one, partners, theirs), desk.now) for one in known],
        desk.policies,
        escalation_policy(escalation),
        desk.now,
    )
