"""``roadwarden chaos``: does the streaming worker keep its word when everything goes wrong?"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from roadwarden.cli.exits import EXIT_NOT_PASSED


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(chaos)


def chaos(
    minutes: Annotated[float, typer.Option(min=0.1, max=1440, help="how long frames are played")] = 10.0,
    database: Annotated[
        str | None, typer.Option(help="URL of an empty PostgreSQL database; without it an SQLite file, one worker")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, max=16, help="0: three with --database, else one")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="the same seed plays and strikes the same")] = 1,
    rate: Annotated[float, typer.Option(min=0.05, max=30, help="frames a second of each camera")] = 0.4,
    pictures: Annotated[int, typer.Option(min=4, max=200, help="rendered pictures, driven past again and again")] = 24,
    restart_database: Annotated[
        str, typer.Option(help="command that restarts the database server; else its connections are broken and refused")
    ] = "",
    out: Annotated[Path, typer.Option(help="folder for the report")] = Path("var/chaos"),
    keep: Annotated[bool, typer.Option("--keep", help="keep what was played, logs and databases")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the report as JSON")] = False,
) -> None:
    """Play cameras, break everything, and check that nothing is lost and nothing doubled; exits 3 where that fails.

    Frames come late, twice, out of order, damaged and with wrong clocks; a live camera stalls and loses key frames;
    workers, broker and database are killed, and the model changes meanwhile. With --database frames and boxes come
    through a NATS server that is started for it.

    Example: roadwarden chaos --minutes 1
    """
    from roadwarden.eval.chaos.director import Director, Evening
    from roadwarden.eval.chaos.report import as_json as report_json
    from roadwarden.eval.chaos.report import page, write_reports

    folder = Path(tempfile.mkdtemp(prefix="roadwarden-chaos-"))
    url = database or f"sqlite:///{folder}/chaos.db"
    broker = database is not None and not database.startswith("sqlite")
    evening = Evening(folder, url, minutes * 60, seed, workers or (3 if broker else 1), broker, rate, pictures,
                      restart_database)  # fmt: skip
    command = f"roadwarden chaos --minutes {minutes:g} --seed {seed}" + (" --database postgresql…" if broker else "")
    with Director(evening, lambda text: None if as_json else print(text, flush=True)) as director:
        outcome = director.run()
    write_reports(outcome, out, command)
    if keep:
        print(folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(report_json(outcome), ensure_ascii=False) if as_json else page(outcome, command))
    if not outcome.holds:
        raise typer.Exit(EXIT_NOT_PASSED)
