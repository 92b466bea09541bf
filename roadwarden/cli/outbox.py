"""``roadwarden outbox``: what waits for whom, what could not be delivered, and keys to sign with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cases.events import format_time
from roadwarden.cli.case_common import AsJson, open_desk, tell_counts
from roadwarden.cli.database import Database
from roadwarden.cli.partners import Partners, known_partners
from roadwarden.cli.scheduler import DestinationsFile
from roadwarden.errors import ConfigError, OutputError
from roadwarden.settings import DESTINATIONS_VARIABLE, destinations_file

outbox_app = typer.Typer(help="Messages to the outside, and dead letters.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="name of the destination")]


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    app.add_typer(outbox_app, name="outbox")


@outbox_app.command()
def status(database: Database = None, as_json: AsJson = False) -> None:
    """Show how many messages each destination has, waits for and has refused.

    Example: roadwarden outbox status
    """
    from roadwarden.service.delivery import counts
    from roadwarden.storage.case_tables import DeliveryState

    found = counts(open_desk(database).engine)
    nothing = "no destination yet; 'roadwarden scheduler --destinations FILE' makes them known"
    tell_counts(found, DeliveryState, nothing, as_json=as_json)


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
    as_json: AsJson = False,
) -> None:
    """Have the dead letters of a destination sent again by the scheduler, under the same keys.

    Example: roadwarden outbox replay district
    """
    from roadwarden.service.delivery import replay as again

    desk = open_desk(database)
    letters = again(desk.engine, destination, number, desk.now())
    told = f"{letters} letters will be sent again"
    print(json.dumps({"destination": destination, "letters": letters}) if as_json else told)


@outbox_app.command()
def ping(
    destination: Name, destinations: DestinationsFile = None, partners: Partners = None, as_json: AsJson = False
) -> None:
    """Send a signed test message at once, topic 'ping', and say what the destination answers.

    Example: roadwarden outbox ping district --destinations destinations.yaml
    """
    from roadwarden.service.cases import utc_now
    from roadwarden.service.destinations import read_destinations
    from roadwarden.service.senders import ping_of, sender_of

    path = destinations or destinations_file()
    if path is None:
        raise ConfigError(f"which file? Give --destinations FILE, or name it in {DESTINATIONS_VARIABLE}")
    known = {one.name: one for one in read_destinations(path)}
    if destination not in known:
        raise ConfigError(f"{path} has no destination '{destination}'; it has {', '.join(sorted(known)) or 'none'}")
    now = utc_now()
    message = ping_of(now)
    sender_of(known[destination], known_partners(partners)).send(message, now)
    told = f"{destination} has taken the test message {message.key}"
    print(json.dumps({"destination": destination, "key": message.key}) if as_json else told)


@outbox_app.command()
def keygen(
    out: Annotated[Path, typer.Argument(help="file for the secret; must not be there yet")],
    ed25519: Annotated[
        bool, typer.Option("--ed25519", help="a private key; receivers get the public one beside it, FILE.pub")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a secret to sign webhooks with, in a file that only we may read.

    Without --ed25519 sender and receiver share it; with it the receiver can check and not forge.

    Example: roadwarden outbox keygen var/district.secret
    """
    from roadwarden.settings import write_secret
    from roadwarden.webhook_signatures import new_key

    key, public = new_key(ed25519=ed25519), out.with_name(out.name + ".pub")
    if ed25519 and public.exists():
        raise OutputError(f"{public} is there already; name another file")
    write_secret(out, key.text())
    if ed25519:
        public.write_text(f"{key.public().text()}\n", encoding="utf-8")
    told = {"secret": str(out), "public": str(public) if ed25519 else None}
    words = f"{public}: for the receiver" if ed25519 else f"{out}: the receiver needs the same"
    print(json.dumps(told) if as_json else words)
