"""What a run came to: numbers for machines, of which the page for people is a view."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select, text

import roadwarden
from roadwarden.cases.event_lines import write_event_lines
from roadwarden.cases.kpi_report import kpi_report
from roadwarden.cases.kpi_values import Period
from roadwarden.eval.city.measured import DETECTOR_REPORT, REPAIRS_REPORTS
from roadwarden.eval.city.meter import Meter, Times
from roadwarden.eval.city.run import City
from roadwarden.eval.finding import Finding
from roadwarden.eval.machine import machine
from roadwarden.service.histories import stored_histories
from roadwarden.service.kpi import stored_facts
from roadwarden.storage.case_rows import CaseFilter
from roadwarden.storage.case_tables import case_events, case_warnings, cases, outbox
from roadwarden.storage.engine import POSTGRESQL, reading
from roadwarden.storage.ledger_tables import ledger_leaves
from roadwarden.storage.stream_tables import stream_frames
from roadwarden.storage.tables import defects, sightings

RECOMPUTE = Path("scripts") / "kpi-recompute"
_CHECKOUT = Path(roadwarden.__file__).parents[1]
_TOTALS = {
    "frames": stream_frames,
    "sightings": sightings,
    "defects": defects,
    "cases": cases,
    "events": case_events,
    "warnings": case_warnings,
    "messages in the outbox": outbox,
    "leaves": ledger_leaves,
}


def as_json(
    city: City, found: Sequence[Finding], pages: Mapping[str, Any] | None, command: str
) -> dict[str, Any]:  # fmt: skip
    """Everything; keys stay, for the page of capacity reads them."""
    totals, kpi = _totals(city.services.engine), _kpi(city)
    found = [*found, *_same_figures(kpi)]
    spent = {"wall_s": 0.0, "cpu_s": 0.0}
    for day in city.books.days:
        spent = {name: spent[name] + day[name] for name in spent}
    return {
        "version": roadwarden.__version__,
        "commit": _commit(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "machine": machine(),
        "database": city.services.engine.dialect.name,
        "plan": city.plan.as_json(),
        "drawn_from": [DETECTOR_REPORT, *REPAIRS_REPORTS],
        "holds": all(one.holds for one in found),
        "findings": [{"name": one.name, "holds": one.holds, "told": one.told} for one in found],
        "totals": totals,
        "about_what": _about_what(city),
        "mended": city.truth.mended,
        "states": _states(city.services.engine),
        "counts": dict(sorted(city.counts.items())),
        "seconds": {name: round(value, 1) for name, value in spent.items()},
        "days_done": city.books.days_done,
        "days": city.books.days,
        "calls": _calls(city.meter),
        "bytes": _bytes(city.services.engine),
        "kpi": kpi,
        "pages": pages,
    }


def _totals(engine: Engine) -> dict[str, int]:
    with reading(engine) as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in _TOTALS.items()
        }


def _states(engine: Engine) -> dict[str, int]:
    with reading(engine) as connection:
        query = select(cases.c.state, func.count()).group_by(cases.c.state).order_by(cases.c.state)
        return {row[0]: row[1] for row in connection.execute(query)}


def _about_what(city: City) -> dict[str, int]:
    """What the cases are really about."""
    found = Counter({"damage": 0, "what looks like damage": 0, "nothing": 0})
    with reading(city.services.engine) as connection:
        for lat, lon in connection.execute(select(cases.c.lat, cases.c.lon)):
            one = city.truth.at_place(lat, lon)
            found["nothing" if one is None else "damage" if one.is_damage else "what looks like damage"] += 1
    return dict(found)


def _calls(meter: Meter) -> dict[str, Any]:
    return {kind: _call(times) for kind, times in sorted(meter.kinds.items())}


def _call(times: Times) -> dict[str, Any]:
    rounded = {
        "p50_ms": times.quantile_ms(0.5),
        "p95_ms": times.quantile_ms(0.95),
        "worst_ms": times.worst_ms,
        "cpu_ms_an_item": 1e3 * times.cpu_s / times.items if times.items else None,
        "items_a_second": times.items / times.wall_s if times.wall_s and times.items else None,
    }
    told = {name: None if value is None else float(f"{value:.4g}") for name, value in rounded.items()}
    return {"calls": times.calls, "items": times.items, "wall_s": round(times.wall_s, 2),
            "cpu_s": round(times.cpu_s, 2)} | told  # fmt: skip


def _bytes(engine: Engine) -> dict[str, int]:
    """On disk, each table with its indexes; empty where the database does not tell."""
    with reading(engine) as connection:
        if engine.dialect.name == POSTGRESQL:
            query = "SELECT relname, pg_total_relation_size(relid) FROM pg_statio_user_tables"
            return {row[0]: int(row[1]) for row in connection.execute(text(query))}
        has_it = connection.execute(text("SELECT 1 FROM pragma_module_list WHERE name = 'dbstat'")).first()
        if has_it is None:
            return {}
        query = (
            "SELECT master.tbl_name, SUM(stat.pgsize) FROM dbstat AS stat "
            "JOIN sqlite_master AS master ON master.name = stat.name GROUP BY master.tbl_name"
        )
        return {row[0]: int(row[1]) for row in connection.execute(text(query))}


def _kpi(city: City) -> dict[str, Any]:
    """The product's figures of the whole time, and whether an independent program comes to the same from the events."""
    period = Period(city.plan.begin, city.until, city.until)
    engine, policies = city.services.engine, city.services.desk.policies
    report = kpi_report(stored_facts(engine, period, policies), period).as_json()
    lines, figures = city.out / "events.jsonl", city.out / "kpi.json"
    histories = stored_histories(engine, CaseFilter(), city.time)
    write_event_lines(lines, (event for events in histories for event in events))
    figures.write_text(json.dumps(report, ensure_ascii=False, indent=2), encoding="utf-8")
    program = _CHECKOUT / RECOMPUTE
    if not program.exists():
        return {"figures": report, "recomputed": None}
    done = subprocess.run(
        [sys.executable, str(program), str(lines), "--against", str(figures)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    return {
        "figures": report,
        "recomputed": {"same": done.returncode == 0, "told": (done.stdout or done.stderr).strip()},
    }


def _same_figures(kpi: Mapping[str, Any]) -> Iterator[Finding]:
    """Nothing where the program is not there, as in an installed package."""
    if (again := kpi["recomputed"]) is not None:
        told = again["told"].splitlines()[-1] if again["told"] else "nothing was said"
        yield Finding("a program that knows nothing of ours reckons the same figures", again["same"], told)


def _commit() -> str:
    done = subprocess.run(
        ["git", "-C", str(_CHECKOUT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "not a checkout"
