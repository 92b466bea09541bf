"""``roadwarden scheduler``: warnings and deliveries."""

from __future__ import annotations

import json
import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.cli.case_common import AsJson, open_desk
from roadwarden.cli.city_tables import escalation_policy
from roadwarden.cli.database import Database
from roadwarden.settings import destinations_file

if TYPE_CHECKING:
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
    once: Annotated[bool, typer.Option("--once", help="do what is due now, and end: for cron")] = False,
    every_s: Annotated[float, typer.Option(min=0.1, help="seconds between two looks")] = 1.0,
    keep_days: Annotated[float, typer.Option(min=1, help="days to keep messages that everybody has")] = 30.0,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Warn of clocks that run out, and deliver what has happened; several may run at once, on several machines.

    Example: roadwarden scheduler --destinations destinations.yaml
    """
    worker = _worker(database, destinations, escalation, keep_days)
    if once:
        looked, sent = worker.once()
        told = {"looked_at": looked.cases, "warned": looked.sent, "passed_over": looked.skipped}
        told |= {"sent": sent.sent, "failed": sent.failed, "dead": sent.dead}
        print(json.dumps(told) if as_json else ", ".join(f"{name} {number}" for name, number in told.items()))
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print(f"scheduler: {len(worker.couriers)} destinations; Ctrl-C ends it", flush=True)
    worker.run(stop, every_s)
    print("scheduler: ended", flush=True)


def _worker(database: str | None, file: Path | None, escalation: Path | None, keep_days: float) -> Scheduler:
    from roadwarden.service.delivery import Courier
    from roadwarden.service.destinations import read_destinations
    from roadwarden.service.scheduler import Scheduler
    from roadwarden.service.senders import sender_of

    desk = open_desk(database, new=True)
    path = file or destinations_file()
    known = () if path is None else read_destinations(path)
    return Scheduler(
        desk.engine,
        [Courier(desk.engine, one, sender_of(one), desk.now) for one in known],
        desk.policies,
        escalation_policy(escalation),
        desk.now,
        timedelta(days=keep_days),
    )
