"""``roadwarden repair queue``: the worker that judges repair reports before their 24 hours are over."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadwarden.cli.case_common import AsJson, Case, ReportSeq, shown
from roadwarden.cli.database import Database, PicturesFolder
from roadwarden.cli.repair_common import (
    Model,
    Table,
    Threads,
    conditions_of,
    judge_of,
    open_queue,
    repair_table,
)
from roadwarden.repairs.evidence import Condition

if TYPE_CHECKING:
    from roadwarden.repairs.worker import Tally


def register(app: typer.Typer) -> None:
    """Adds the commands to ``roadwarden repair``."""
    app.command()(queue)
    app.command()(jobs)
    app.command()(again)


def queue(
    once: Annotated[bool, typer.Option("--once", help="judge what is due now, and end: for cron")] = False,
    every_s: Annotated[float, typer.Option(min=0.1, help="seconds between two looks")] = 5.0,
    metrics: Annotated[
        Path | None, typer.Option(help="file for Prometheus' node exporter, written after each look")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="port of this machine that answers Prometheus")
    ] = None,
    condition: Annotated[
        list[Condition] | None, typer.Option(help="of all roads now, as the weather service says: no verdict then")
    ] = None,
    model: Model = None,
    table: Table = None,
    pictures: PicturesFolder = None,
    threads: Threads = 1,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Judge repair reports, the nearest deadline first; several may run at once, and any may be killed.

    What a machine cannot judge goes to a person, with the clock running: 'roadwarden repair jobs --people'.

    Example: roadwarden repair queue --once
    """
    from roadwarden.repairs.case_pictures import CaseHints
    from roadwarden.repairs.metrics import QueueMetrics
    from roadwarden.repairs.worker import Worker

    rules = repair_table(table)
    work = open_queue(database, rules)
    watch = QueueMetrics(work.desk.engine, work.desk.now)
    judge = judge_of(work.desk, rules, model, pictures, threads)
    worker = Worker(work, judge, watch, CaseHints(conditions_of(condition)))
    if metrics_port is not None:
        watch.serve(metrics_port)

    def tell(tally: Tally) -> None:
        watch.look()
        if metrics is not None:
            watch.write(metrics)
        if tally.done or tally.failed or once:
            print(json.dumps(_as_json(tally)) if as_json else _line(tally), flush=True)

    if once:
        tell(worker.once())
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    worker.run(stop, every_s, tell)


def jobs(
    people: Annotated[bool, typer.Option("--people", help="only what waits for people")] = False,
    most: Annotated[int, typer.Option(min=1, max=1000, help="rows at most")] = 50,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """List reports that wait for a verdict, the nearest deadline first.

    Example: roadwarden repair jobs --people
    """
    from roadwarden.storage.assessment_jobs import FOR_PEOPLE, OPEN_STATES
    from roadwarden.storage.case_unit import reading

    work = open_queue(database, repair_table(None))
    work.sync()
    with reading(work.desk.engine) as unit:
        found = unit.jobs.list(FOR_PEOPLE if people else OPEN_STATES, most)
        counts = unit.jobs.counts()
    if as_json:
        rows = [
            {
                "case": one.case,
                "report_seq": one.report_seq,
                "state": one.state.value,
                "why": None if one.why is None else one.why.value,
                "due_at": one.due_at.isoformat(),
                "tries": one.tries,
                "error": one.error,
            }
            for one in found
        ]
        print(json.dumps({"counts": {state.value: number for state, number in counts.items()}, "jobs": rows}))
        return
    for one in found:
        why = f" ({one.why})" if one.why else ""
        error = f": {one.error}" if one.error else ""
        print(f"{one.case} report {one.report_seq}: {one.state}{why}, due {shown(one.due_at)}{error}")
    print(", ".join(f"{number} {state}" for state, number in counts.items()))


def again(case: Case, report: ReportSeq, database: Database = None) -> None:
    """Let the machine try a report again that it could not judge: the model or the pictures are there now.

    Example: roadwarden repair again 2026-000001 --report 5
    """
    work = open_queue(database, repair_table(None))
    work.again(case, report)
    print(f"case {case}: report {report} waits for the machine again")


def _as_json(tally: Tally) -> dict[str, Any]:
    return {
        "judged": tally.done,
        "verdicts": dict(tally.verdicts),
        "to_people": dict(tally.to_people),
        "failed": dict(tally.failed),
        "lost": tally.lost,
    }


def _line(tally: Tally) -> str:
    parts = [f"{number} {verdict}" for verdict, number in sorted(tally.verdicts.items())]
    parts += [f"{number} not judged: {why}" for why, number in sorted(tally.failed.items())]
    parts += [f"{number} to a person: {why}" for why, number in sorted(tally.to_people.items())]
    return ", ".join(parts) or "nothing is due"
