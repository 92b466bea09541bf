"""``roadwarden simulate city``: weeks of a whole city through the real services, with faults."""

from __future__ import annotations

import json
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.cli.exits import EXIT_NOT_PASSED
from roadwarden.cli.progress import progress
from roadwarden.errors import ConfigError

if TYPE_CHECKING:
    from roadwarden.eval.city.plan import CityPlan


def city(
    roads: Annotated[int, typer.Option(min=4, help="how many roads, each about 330 m")] = 200,
    vehicles: Annotated[int, typer.Option(min=1, help="vehicles with a box that looks")] = 20,
    poles: Annotated[int, typer.Option(min=0, help="cameras on poles")] = 30,
    days: Annotated[int, typer.Option(min=1, help="days, in compressed time")] = 90,
    seed: Annotated[int, typer.Option(min=0, help="the same seed is the same city")] = 7,
    faults: Annotated[
        float, typer.Option(min=0, max=4, help="how much goes wrong: 0 nothing, 1 as docs/simulation.md says")
    ] = 1.0,
    until: Annotated[
        str | None, typer.Option(help="last day, as 2026-11-28; without it the last one that is over")
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="URL of an empty database; without it an SQLite file in the folder")
    ] = None,
    out: Annotated[Path, typer.Option(help="folder for the report, and for what is needed to go on")] = Path(
        "var/city"
    ),
    pages: Annotated[
        int, typer.Option(min=0, help="for so many days at the end ask a server on the database for pages, too")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print the report as JSON")] = False,
) -> None:
    """Let vehicles, poles and people of a city work for weeks, break what can break, and check that all adds up.

    Messages of boxes become sightings, defects, cases, repairs, verdicts, warnings and leaves of the log. They come
    twice, late and in disorder; clocks are wrong, connections are lost, services are killed. Exits with 3 where
    anything was lost or doubled. Broken off, the same command goes on with the day that was not finished; SIGTERM
    ends it after the day at hand, with a report on the days so far.

    Example: roadwarden simulate city --roads 5 --vehicles 2 --poles 2 --days 3
    """
    from roadwarden.cli.city_pages import Pages
    from roadwarden.eval.city.audit import findings
    from roadwarden.eval.city.figures import as_json as figures
    from roadwarden.eval.city.page import page, write_report
    from roadwarden.eval.city.run import City

    plan = _plan(roads, vehicles, poles, days, seed, faults, until)
    url = database or f"sqlite:///{out}/city.db"
    out.mkdir(parents=True, exist_ok=True)
    run, stop = City(plan, url, out), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with progress("days", quiet=as_json) as tell:
        asked = Pages(url, days, days - pages, lambda what: None if as_json else print(what, flush=True))

        def on_day(day: int) -> None:
            asked.on_day(day, run.services.engine, run.time)
            tell(day, days)

        try:
            run.run(on_day, stop.is_set)
        finally:
            asked.end()
    found = findings(run)
    told = figures(run, found, asked.result, _command(plan, faults, pages))
    write_report(told, out)
    print(json.dumps(told, ensure_ascii=False) if as_json else page(told))
    if not told["holds"]:
        raise typer.Exit(EXIT_NOT_PASSED)


def _plan(
    roads: int, vehicles: int, poles: int, days: int, seed: int, faults: float, until: str | None
) -> CityPlan:  # fmt: skip
    from roadwarden.eval.city.plan import MIDNIGHT_UTC_H, CityPlan, Faults, last_midnight

    ends = last_midnight(datetime.now(UTC))
    if until is not None:
        try:
            ends = datetime.strptime(until, "%Y-%m-%d").replace(hour=MIDNIGHT_UTC_H, tzinfo=UTC)
        except ValueError as exc:
            raise ConfigError(f"--until {until}: wanted a day such as 2026-11-28") from exc
    return CityPlan(ends, roads, vehicles, poles, days, seed, Faults().scaled(faults))


def _command(plan: CityPlan, faults: float, pages: int) -> str:
    sizes = f"--roads {plan.roads} --vehicles {plan.vehicles} --poles {plan.poles} --days {plan.days}"
    asked = f" --pages {pages}" if pages else ""
    return (
        f"roadwarden simulate city {sizes} --seed {plan.seed} --faults {faults:g} --until {plan.until:%Y-%m-%d}{asked}"
    )
