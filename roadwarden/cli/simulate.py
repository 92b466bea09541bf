"""``roadwarden simulate``: a city in small, to try everything on."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from roadwarden.cli.database import Database, opened
from roadwarden.cli.progress import progress
from roadwarden.cli.simulate_city import city
from roadwarden.cli.simulate_photos import holes, photos
from roadwarden.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Adds the group."""
    group = typer.Typer(help="A city that does not exist, made through the real services.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command()(seed_city)
    group.command()(city)
    group.command()(holes)
    group.command()(photos)
    app.add_typer(group, name="simulate")


def seed_city(
    roads: Annotated[int, typer.Option(help="how many roads, each about 330 m")] = 200,
    days: Annotated[int, typer.Option(help="how many days of drives and work")] = 90,
    defects: Annotated[int, typer.Option(help="how many things are wrong with the roads in that time")] = 5000,
    until: Annotated[str | None, typer.Option(help="when it ends, ISO 8601 with its zone; without it now")] = None,
    seed: Annotated[int, typer.Option(help="the same seed is the same city")] = 7,
    database: Database = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Fill an empty database with a city: roads, drives, defects, cases and what people did with them.

    Nothing is written past the services: sightings are merged, defects are filed by the tables, every event is judged.

    Example: roadwarden simulate seed-city --roads 20 --days 14 --defects 300 --database sqlite:///var/city.db
    """
    from roadwarden.service.city.build import CitySettings, build_city

    settings = CitySettings(_time(until), roads, days, defects, seed)
    engine = opened(database)
    with progress("days", quiet=as_json) as tell:
        made = build_city(engine, settings, tell=tell)
    if as_json:
        print(json.dumps(asdict(made)))
        return
    print(
        f"{made.roads} roads, {made.drives} drives, {made.sightings:,} sightings of {made.defects:,} defects, "
        f"{made.cases:,} cases, {made.mended:,} mended"
    )


def _time(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise ConfigError(f"--until {text}: wanted a time such as 2026-11-25T08:00:00+08:00") from exc
    if moment.tzinfo is None:
        raise ConfigError(f"--until {text}: says no zone; write 2026-11-25T08:00:00+08:00")
    return moment.astimezone(UTC)
