"""``roadwarden serve``: the API and the pages."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from roadwarden.cli.city_tables import (
    baseline,
    campaigns,
    city_layers,
    clock_policies,
    dispatch_table,
    filing_table,
    permissions,
    request_table,
)
from roadwarden.cli.database import Database, opened
from roadwarden.cli.partners import inbox_desk
from roadwarden.cli.sign_on import door_of
from roadwarden.errors import ConfigError
from roadwarden.settings import (
    basemap_file,
    database_url,
    drift_file,
    review_folder,
    served,
    sign_on_file,
    tell_workers,
)

if TYPE_CHECKING:
    from fastapi import FastAPI

    from roadwarden.eval.review_desk import ReviewDesk
    from roadwarden.geo.pmtiles import Basemap
    from roadwarden.web.parts import Parts

TIME_KEY = Path("var/server-time.key")
TURN_S = 0.0005
"""Until a thread that computes lets the loop go on that reads requests and sends answers."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(serve)


def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="port to listen on")] = 8000,
    public_url: Annotated[
        str | None,
        typer.Option(help="where people reach it, behind a proxy that speaks https; without it this address"),
    ] = None,
    also: Annotated[list[str] | None, typer.Option(help="another name it is asked under; may be given again")] = None,
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="let passwords pass in the clear beyond this machine")
    ] = False,
    proxy: Annotated[
        str, typer.Option(help="address of a proxy that is believed about addresses of callers; with commas")
    ] = "127.0.0.1",
    workers: Annotated[int, typer.Option(min=1, max=64, help="processes")] = 1,
    time_key: Annotated[
        Path, typer.Option(help="private key that signs the server's time; made where it is not")
    ] = TIME_KEY,
    ledger_key: Annotated[Path | None, typer.Option(help="private key of the log: then bundles can be had")] = None,
    sign_on: Annotated[
        Path | None,
        typer.Option(help="YAML file of a login server (OpenID Connect); without it ROADWARDEN_SIGN_ON, and else none"),
    ] = None,
    database: Database = None,
) -> None:
    """Serve the API below /api/v1 and the pages.

    Example: roadwarden serve --port 8000
    """
    import uvicorn

    from roadwarden.service.people import People

    url = public_url or f"http://{'localhost' if host in ('0.0.0.0', '::') else host}:{port}"
    told = {"public_url": url, "more_hosts": also or [], "plain_http": plain_http}
    keys = {"time_key": str(time_key), "ledger_key": None if ledger_key is None else str(ledger_key)}
    door = sign_on or sign_on_file()
    settings = json.dumps({"settings": told, "sign_on": None if door is None else str(door.resolve())} | keys)
    parts = parts_from(settings, database)  # says what is wrong before anything listens; database up, key made
    tell_workers(settings, database or database_url())
    typer.echo(f"Serving {url} (Ctrl-C ends it)", err=True)
    if not People(parts.engine).all():
        typer.echo("Nobody can log in yet: 'roadwarden user init NAME' makes the first administrator", err=True)
    parts.engine.dispose()  # each worker opens its own
    uvicorn.run(
        "roadwarden.cli.serve:application",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        proxy_headers=True,
        forwarded_allow_ips=proxy,
        server_header=False,
        access_log=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,  # a countdown board stays connected for ever
        log_level="warning",
    )


def application() -> FastAPI:
    """What each process serves."""
    from roadwarden.web.app import create_app

    take_turns()
    return create_app(parts_from(served(), None))


def take_turns() -> None:
    """For a process that only serves: by Python's own 5 ms every answer waits while a thread makes rows of a list."""
    sys.setswitchinterval(TURN_S)


def parts_from(told: str, database: str | None) -> Parts:
    """The parts of a server. Raises ConfigError."""
    from roadwarden.bootstrap import evidence_desk, sighting_pictures
    from roadwarden.cli.repair_common import kept_pictures
    from roadwarden.service.access import Access
    from roadwarden.service.cases import CaseDesk
    from roadwarden.service.filing import FilingRules
    from roadwarden.service.near_by import RoadsAtHand
    from roadwarden.service.requests import RequestDesk
    from roadwarden.web.parts import Parts

    content: dict[str, Any] = json.loads(told)
    engine = opened(database)
    dispatch, domains = dispatch_table()
    desk, table = CaseDesk(engine, clock_policies(), permissions()), request_table().checked(domains)
    evidence = evidence_desk(engine)
    rules = FilingRules(filing=filing_table(), domains=domains, requests=table)
    return Parts(
        engine=engine,
        inbox=inbox_desk(desk),
        desk=desk,
        access=Access(engine),
        dispatch=dispatch,
        domains=domains,
        settings=_settings(content["settings"]),
        signer=_time_key(Path(content["time_key"])),
        requests=RequestDesk(desk, evidence, RoadsAtHand(engine), table, rules),
        ledger_key=_key(content["ledger_key"]),
        pictures=kept_pictures(None).get,
        sign_on=None if content["sign_on"] is None else door_of(Path(content["sign_on"]), engine),
        layers=city_layers(),
        baseline=baseline(),
        campaigns=campaigns(),
        basemap=_basemap(basemap_file()),
        drift=drift_file(),
        review=_review(review_folder()),
        sightings=sighting_pictures(engine, evidence),
    )


def _review(folder: Path | None) -> ReviewDesk | None:
    """Raises DataError for a folder that is no review, before anybody is sent there."""
    from roadwarden.eval.review_desk import ReviewDesk

    if folder is None:
        return None
    desk = ReviewDesk(folder)
    desk.manifest()
    return desk


def _basemap(file: Path | None) -> Basemap | None:
    from roadwarden.geo.pmtiles import Basemap

    return None if file is None else Basemap(file)


def _key(path: str | None) -> Any:
    from roadwarden.ledger.key_files import read_private_key

    return None if path is None else read_private_key(Path(path))


def _settings(content: dict[str, Any]) -> Any:
    from roadwarden.web.settings import WebSettings

    try:
        return WebSettings.model_validate(content)
    except ValidationError as exc:
        raise ConfigError("; ".join(fault["msg"].removeprefix("Value error, ") for fault in exc.errors())) from exc


def _time_key(path: Path) -> Any:
    from roadwarden.ledger.key_files import read_private_key, write_new_key

    return read_private_key(path) if path.exists() else write_new_key(path, "roadwarden/time")
