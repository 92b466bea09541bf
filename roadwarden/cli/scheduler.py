"""``roadwarden scheduler`` and ``roadwarden outbox``: warnings, deliveries, and what could not be delivered."""

from __future__ import annotations

import json
import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.cases.events import format_time
from roadwarden.cli.case_common import AsJson, open_desk
from roadwarden.cli.city_tables import escalation_policy
from roadwarden.cli.database import Database
from roadwarden.settings import destinations_file

if TYPE_CHECKING:
    from roadwarden.service.scheduler import Scheduler

outbox_app = typer.Typer(help="Messages to the outside, and dead letters.", no_args_is_help=True)
DestinationsFile = Annotated[
    Path | None,
    typer.Option(
        help="YAML file, see docs/cases.md; without it ROADWARDEN_DESTINATIONS, and else nothing is delivered"
    ),
]
Name = Annotated[str, typer.Argument(help="name of the destination")]


def register(app: typer.Typer) -> None:
    """Adds the command and the command group."""
    app.command()(scheduler)
    app.add_typer(outbox_app, name="outbox")


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


@outbox_app.command()
def status(database: Database = None, as_json: AsJson = False) -> None:
    """Show how many messages each destination has, waits for and has refused.

    Example: roadwarden outbox status
    """
    from roadwarden.service.delivery import counts
    from roadwarden.storage.case_tables import DeliveryState

    found = counts(open_desk(database).engine)
    names = sorted({name for name, _ in found})
    told = {name: {state.value: found.get((name, state), 0) for state in DeliveryState} for name in names}
    if as_json:
        print(json.dumps(told))
        return
    for name, numbers in told.items():
        print(f"{name}: " + ", ".join(f"{number} {state}" for state, number in numbers.items()))
    if not told:
        print("no destination yet; 'roadwarden scheduler --destinations FILE' makes them known")


@outbox_app.command()
def dead(
    destination: Annotated[str | None, typer.Option(help="only of this destination")] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """List the dead letters: what a destination has refused, or did not take for days.

    Example: roadwarden outbox dead
    """
    from roadwarden.service.delivery import dead_letters

    letters = dead_letters(open_desk(database).engine, destination)
    rows = [
        {
            "number": one.number,
            "destination": one.destination,
            "key": one.message.key,
            "topic": one.message.topic,
            "attempts": one.attempts,
            "since": None if one.done_at is None else format_time(one.done_at),
            "error": one.error,
        }
        for one in letters
    ]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        print(f"{row['number']} {row['destination']} {row['key']}: {row['attempts']} attempts, {row['error']}")
    print(f"{len(rows)} dead letters" + ("; 'roadwarden outbox replay DESTINATION' sends them again" if rows else ""))


@outbox_app.command()
def replay(
    destination: Name,
    number: Annotated[list[int] | None, typer.Option(help="only this letter; may be given again")] = None,
    database: Database = None,
) -> None:
    """Have the dead letters of a destination sent again by the scheduler, under the same keys.

    Example: roadwarden outbox replay district
    """
    from roadwarden.service.delivery import replay as again

    desk = open_desk(database)
    print(f"{again(desk.engine, destination, number, desk.now())} letters will be sent again")


def _worker(database: str | None, file: Path | None, escalation: Path | None, keep_days: float) -> Scheduler:
    from roadwarden.service.delivery import Courier
    from roadwarden.service.destinations import read_destinations
    from roadwarden.service.scheduler import Scheduler
    from roadwarden.service.senders import sender_of

    desk = open_desk(database)
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
