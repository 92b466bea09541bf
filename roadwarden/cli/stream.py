"""``roadwarden stream``: the worker that looks while it happens."""

from __future__ import annotations

import json
import logging
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadwarden.cli.city_tables import clock_policies, domain_table, filing_table, permissions
from roadwarden.settings import database_url

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from roadwarden.inference.stream.config import StreamConfig
    from roadwarden.inference.stream.model_slot import ModelSlot
    from roadwarden.inference.stream.swap import AliasFollower
    from roadwarden.inference.stream.worker import Parts, Shape

logger = logging.getLogger(__name__)

app = typer.Typer(help="Live cameras and files as a stream: every frame accounted for.", no_args_is_help=True)
Config = Annotated[Path, typer.Argument(help="the worker's YAML file; see docs/streaming.md")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object")]
State = Annotated[Path | None, typer.Option(help="the worker's state folder, instead of its configuration")]


def register(root: typer.Typer) -> None:
    """Adds the command group."""
    root.add_typer(app, name="stream")


@app.command()
def run(
    config: Config,
    state: State = None,
    until_eof: Annotated[
        bool, typer.Option("--until-eof", help="end when all files, folders and streams are at their end")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="write the books there at the end")] = None,
    as_json: AsJson = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="log lines as JSON objects, with trace ids")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="log what is going on")] = False,
) -> None:
    """Look at all cameras until told to stop; SIGTERM drains within 10 s, SIGHUP reads the cameras again.

    Example: roadwarden stream run inference/stream.example.yaml --until-eof --report var/report.json
    """
    from roadwarden.inference.stream.config import read_config
    from roadwarden.inference.stream.decoding.start import prepare_decoders
    from roadwarden.inference.stream.logs import set_up
    from roadwarden.inference.stream.report import holding, write_report
    from roadwarden.inference.stream.server import StreamServer
    from roadwarden.inference.stream.worker import Worker

    set_up(as_json=log_json, level=logging.INFO if verbose else logging.WARNING)
    settings = read_config(config)
    if state is not None:
        settings = settings.model_copy(update={"state": state})
    with holding(settings.state):
        prepare_decoders()  # it loads while the model does
        worker = Worker(settings, _parts(settings), until_eof=until_eof, path=config)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        signal.signal(signal.SIGHUP, lambda *_: worker.reload())
        server = StreamServer(worker, settings.server) if settings.server is not None else None
        if server is not None:
            server.start()
        done = worker.run()
        if server is not None:
            server.stop()
    if report is not None:
        write_report(report, done)
    _say(done.as_json(), as_json=as_json)


@app.command()
def check(config: Config, as_json: AsJson = False) -> None:
    """Read a worker's file and say what it would do; nothing is opened.

    Example: roadwarden stream check inference/stream.example.yaml
    """
    from roadwarden.inference.stream.config import read_config, shown

    settings = read_config(config)
    cameras = {
        name: {"source": shown(one), "when_behind": str(one.policy().when_behind), "sampling": one.sampling.by}
        for name, one in settings.cameras.items()
    }
    if as_json:
        print(json.dumps({"cameras": cameras, "state": str(settings.state)}, ensure_ascii=False))
        return
    for name, about in cameras.items():
        print(f"{name}: {about['source']}; {about['sampling']}; when behind: {about['when_behind']}")


@app.command()
def report(
    config: Annotated[Path | None, typer.Argument(help="the worker's YAML file")] = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """The books of a worker, running or ended: what entered, what is in flight, what left by which door.

    Example: roadwarden stream report inference/stream.example.yaml --json
    """
    from roadwarden.inference.stream.report import is_running, read_report

    folder = _state(config, state)
    found = read_report(folder) | {"running": is_running(folder)}
    _say(found, as_json=as_json)


@app.command()
def top(
    config: Annotated[Path | None, typer.Argument(help="the worker's YAML file")] = None,
    state: State = None,
    seconds: Annotated[float, typer.Option(min=0.2, help="between two looks")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="show the table once and end")] = False,
) -> None:
    """A live table of a worker's cameras; Ctrl-C ends it.

    Example: roadwarden stream top inference/stream.example.yaml
    """
    from rich.console import Console
    from rich.live import Live

    from roadwarden.inference.stream.report import read_report
    from roadwarden.inference.stream.top import table

    folder = _state(config, state)
    now, before = read_report(folder), None
    if once:
        Console().print(table(now))
        return
    with Live(table(now), auto_refresh=False) as live:
        while not now["ended"]:
            time.sleep(seconds)
            now, before = read_report(folder), now
            live.update(table(now, before), refresh=True)


quarantine_app = typer.Typer(help="Frames that failed again and again.", no_args_is_help=True)
app.add_typer(quarantine_app, name="quarantine")


@quarantine_app.command("list")
def quarantine_list(
    config: Annotated[Path | None, typer.Argument(help="the worker's YAML file")] = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """What lies in a worker's quarantine, and why.

    Example: roadwarden stream quarantine list inference/stream.example.yaml
    """
    from dataclasses import asdict

    from roadwarden.inference.stream.quarantine import Quarantine

    found = [asdict(one) for one in Quarantine(_state(config, state) / "quarantine").list()]
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for one in found:
        print(f"{one['name']}  {one['kind']}  {one['tries']} tries  {one['why']}")
    print(f"{len(found)} in the quarantine")


@quarantine_app.command("replay")
def quarantine_replay(
    config: Config,
    name: Annotated[list[str] | None, typer.Option(help="only these; without it all")] = None,
    as_json: AsJson = False,
) -> None:
    """Look again at what lies in the quarantine, after its reason is gone; what fails again stays.

    Example: roadwarden stream quarantine replay inference/stream.example.yaml
    """
    from roadwarden.inference.stream.config import read_config
    from roadwarden.inference.stream.replay import replay
    from roadwarden.inference.stream.report import holding

    settings = read_config(config)
    with holding(settings.state):
        done = replay(settings, _parts(settings), name)
    if as_json:
        print(json.dumps({"kept": done.kept, "failed": done.failed}, ensure_ascii=False))
        return
    for one, why in done.failed.items():
        print(f"{one}: {why}")
    print(f"{len(done.kept)} kept, {len(done.failed)} still fail")


def _state(config: Path | None, state: Path | None) -> Path:
    from roadwarden.inference.stream.config import StreamConfig, read_config

    if state is not None:
        return state
    if config is not None:
        return read_config(config).state
    default: Path = StreamConfig.model_fields["state"].default
    return default


def _parts(settings: StreamConfig) -> Parts:
    from roadwarden.inference.stream.model_slot import ModelSlot, load_model
    from roadwarden.inference.stream.opening import open_patiently
    from roadwarden.inference.stream.worker import Parts, Shape
    from roadwarden.models.load import model_path
    from roadwarden.service.cases import CaseDesk
    from roadwarden.service.filing import FilingRules

    engine = open_patiently(settings.database.get_secret_value() if settings.database else database_url())
    shape = Shape.of(settings)
    slot = ModelSlot(
        load_model(model_path(settings.model, registry=settings.swap.registry), shape.lanes, shape.threads)
    )
    desk = CaseDesk(engine, clock_policies(), permissions()) if settings.delivery.file_cases else None
    rules = FilingRules(filing=filing_table(), domains=domain_table())
    return Parts(engine, slot, desk, rules, follower=_follower(settings, slot, shape, engine))


def _follower(settings: StreamConfig, slot: ModelSlot, shape: Shape, engine: Engine) -> AliasFollower | None:
    if not (settings.model or "").startswith("registry:"):
        return None
    from roadwarden.inference.stream.model_slot import load_model
    from roadwarden.inference.stream.registry_alias import RegistryAlias
    from roadwarden.inference.stream.swap import AliasFollower
    from roadwarden.service.ledger import Ledger, registry_moves

    alias = RegistryAlias.of(settings.model, settings.swap.registry)
    if alias is None:
        return None
    return AliasFollower(
        alias,
        slot,
        lambda path: load_model(path, shape.lanes, shape.threads),
        lambda: _note(Ledger(engine).follow(registry_moves(alias.uri))),
    )


def _note(leaves: int) -> None:
    logger.info("%d leaves are new in the ledger", leaves)


def _say(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for name, account in {**found["cameras"], "total": found["total"]}.items():
        doors = ", ".join(f"{door} {count}" for door, count in account["doors"].items() if count)
        print(f"{name}: entered {account['entered']}, in flight {account['in_flight']}; {doors or 'none left yet'}")
    print(
        f"{found['sightings']} sightings, {found['cases_filed']} cases filed, {found['duplicates']} frames kept before"
    )
    if found["metres_not_inspected"]:
        print(f"{found['metres_not_inspected']} m of road were not looked at because frames were dropped")
    if found.get("fenced"):
        print(f"{found['fenced']} results were refused: another worker reads the camera by now")
    for name, lease in (found.get("sharing") or {"cameras": {}})["cameras"].items():
        print(f"{name}: read by {lease['worker'] or 'nobody'}, token {lease['token']}")
    for name, fault in found["failed_cameras"].items():
        print(f"given up on {name}: {fault}")
    if not found["balanced"]:
        print("the books do not balance: this is a fault of Roadwarden; please report it")
