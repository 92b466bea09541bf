"""``roadwarden bench serve``: how the server holds under load, in processes of its own."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadwarden.cases.event_types import Role
from roadwarden.cases.rights import Right
from roadwarden.cli.bench import bench_app
from roadwarden.cli.bench_cases import BENCH_DATABASE
from roadwarden.cli.exits import EXIT_NOT_PASSED
from roadwarden.errors import OutputError
from roadwarden.settings import served

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy import Engine

    from roadwarden.web.bench_load import Asked, Load

PEOPLE = 20
LIST_TARGET_MS = 100.0
MEMORY_EVERY_S = 2.0
FLAT = 1.10
"""Memory at the end against that after the first fifth."""


def register(_: typer.Typer) -> None:
    """Adds the command to the group ``bench``."""
    bench_app.command("serve")(serve)


def serve(
    database: Annotated[str, typer.Option(help="URL of a database for benches alone")] = BENCH_DATABASE,
    number: Annotated[int, typer.Option("--cases", min=1000, help="cases to store first")] = 200_000,
    seconds: Annotated[float, typer.Option(min=5, help="how long")] = 300,
    reads: Annotated[float, typer.Option(min=1, help="reads a second, of every kind")] = 200,
    writes: Annotated[float, typer.Option(min=0, help="commands on cases a second")] = 20,
    workers: Annotated[int, typer.Option(min=1, help="processes of the server")] = 1,
    port: Annotated[int, typer.Option(min=1, max=65535, help="port of the server")] = 8765,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Ask a server on a database of 200,000 cases; exit code 3 where lists are slow, an answer fails or memory grows.

    Example: roadwarden bench serve --cases 20000 --seconds 30
    """
    from roadwarden.eval.bench_cases import end_of, fill
    from roadwarden.storage.schema import open_storage
    from roadwarden.web.bench_load import run_load, schedule

    engine = open_storage(database)
    fill(engine, number, lambda what: typer.echo(f"... {what}", err=True))
    tokens = _people(engine)
    engine.dispose()
    draw = random.Random(0)
    with serving(database, end_of(number), workers, port) as (base, pids):
        run_load(base, schedule(5, _kinds(number, tokens, draw, reads, writes), draw))  # caches and statements
        memory, cpu = _Memory(pids), _cpu_s(pids())
        with memory:
            load = run_load(base, schedule(seconds, _kinds(number, tokens, draw, reads, writes), draw))
        cpu = _cpu_s(pids()) - cpu
    told = _told(load, memory, cpu, number, workers)
    print(json.dumps(told, indent=2) if as_json else _markdown(told))
    if not told["holds"]:
        raise typer.Exit(EXIT_NOT_PASSED)


def application() -> FastAPI:
    """What the processes serve: the usual server, with a clock that stands where the cases end."""
    from roadwarden.cli.serve import parts_from, take_turns
    from roadwarden.web.app import create_app

    take_turns()
    content = json.loads(served())
    shift = datetime.fromisoformat(content["ends_at"]) - datetime.fromisoformat(content["began_at"])

    def now() -> datetime:
        return datetime.now(UTC) + shift

    parts = parts_from(served(), None)
    desk = dataclasses.replace(parts.desk, now=now)
    return create_app(dataclasses.replace(parts, desk=desk))


@contextmanager
def serving(database: str, ends: datetime, workers: int, port: int) -> Iterator[tuple[str, Callable[[], list[int]]]]:
    """A server whose clock begins at ``ends``: its address, and what tells the ids of its processes."""
    base = f"http://127.0.0.1:{port}"
    settings = {"public_url": base, "per_second": 10_000, "burst": 10_000}
    times = {"began_at": datetime.now(UTC).isoformat(), "ends_at": ends.isoformat()}
    told = {"settings": settings, "time_key": "var/bench-time.key", "ledger_key": None, "sign_on": None} | times
    environment = os.environ | {"ROADWARDEN_SERVE": json.dumps(told), "ROADWARDEN_DATABASE": database}
    command = [sys.executable, "-m", "uvicorn", "--factory", "roadwarden.cli.bench_serve:application"]
    command += ["--port", str(port), "--workers", str(workers), "--no-access-log", "--log-level", "warning"]
    process = subprocess.Popen(command, env=environment)
    try:
        _wait(base, process)
        yield base, lambda: [process.pid, *_children(process.pid)]
    finally:
        process.terminate()
        process.wait(30)


def _wait(base: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{base}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise OutputError("the server did not come up; is the port free?")


def _children(pid: int) -> list[int]:
    """On Linux; elsewhere none are seen, and memory is that of the first process."""
    try:
        told = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    found = [int(word) for word in told.split()]
    return found + [child for one in found for child in _children(one)]


class _Memory:
    """Resident memory of the server's processes, MiB, every two seconds."""

    def __init__(self, pids: Callable[[], list[int]]) -> None:
        self._pids, self._stop = pids, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.mib: list[float] = []

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(MEMORY_EVERY_S):
            self.mib.append(sum(map(_resident, self._pids())))

    def at(self, share: float) -> float:
        """Its mean over a tenth of the run from there."""
        first = min(int(len(self.mib) * share), max(0, len(self.mib) - 1))
        some = self.mib[first : first + max(1, len(self.mib) // 10)]
        return sum(some) / len(some) if some else 0.0


def _resident(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * 4096 / 2**20
    except (OSError, IndexError):
        return 0.0


def _cpu_s(pids: list[int]) -> float:
    """Seconds that the processes have computed, waiting for a core left out."""
    return sum(map(_computed, pids))


def _computed(pid: int) -> float:
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return 0.0


def _people(engine: Engine) -> list[tuple[str, str]]:
    """Tokens of people of the whole city, and of people of one area each."""
    from roadwarden.access.people import Account
    from roadwarden.errors import NotFound
    from roadwarden.eval.bench_cases import AREAS
    from roadwarden.service.people import People

    people, tokens = People(engine), []
    for number in range(PEOPLE):
        name, area = f"bench-{number}", "*" if number % 2 else f"area-{number % AREAS}"
        try:
            people.get(name)
        except NotFound:
            people.add(Account(name, name, frozenset({Role.DUTY_OFFICER}), frozenset({area})), by="bench")
        issued = people.issue(name, "bench", set(Right), timedelta(days=1), by="bench")
        tokens.append((area, issued.secret.text))
    return tokens


def _kinds(
    cases: int, tokens: list[tuple[str, str]], draw: random.Random, reads: float, writes: float
) -> dict[Callable[[], Asked], float]:
    """Requests, each so many times a second."""
    from roadwarden.eval.bench_cases import AREAS, CREWS, DEPARTMENTS, name_of
    from roadwarden.web.bench_load import Asked, keys

    key, everywhere = keys(), [token for area, token in tokens if area == "*"]

    def read(kind: str, path: Callable[[], str], *, whole_city: bool = False) -> Callable[[], Asked]:
        def ask() -> Asked:
            token = draw.choice(everywhere) if whole_city else draw.choice(tokens)[1]
            return Asked(kind, "GET", f"/api/v1/{path()}", {"Authorization": f"Bearer {token}"})

        return ask

    def write() -> Asked:
        case = name_of(draw.randrange(cases))
        headers = {"Authorization": f"Bearer {draw.choice(everywhere)}", "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": key(), "If-Match": "*"}
        body = json.dumps({"kind": "fence"}).encode()
        return Asked("command", "POST", f"/api/v1/cases/{case}/safety", headers, body)

    shares = {
        read("list, countdown board", lambda: "cases?order=due"): 30,
        read("list, of an area", lambda: f"cases?order=due&area=area-{draw.randrange(AREAS)}"): 10,
        read("list, of a crew", lambda: f"cases?order=due&crew=crew-{draw.randrange(CREWS)}"): 10,
        read("list, newest", lambda: "cases"): 15,
        read("list, of a department", lambda: f"cases?department={draw.choice(DEPARTMENTS)}"): 5,
        read("list, overdue", lambda: "cases?overdue=true"): 5,
        read("a case", lambda: f"cases/{name_of(draw.randrange(cases))}", whole_city=True): 15,
        read("who am I", lambda: "me"): 5,
        read("the time", lambda: "time?nonce=bench"): 5,
    }
    total = sum(shares.values())
    return {ask: reads * share / total for ask, share in shares.items()} | ({write: writes} if writes else {})


def _told(load: Load, memory: _Memory, cpu_s: float, cases: int, workers: int) -> dict[str, Any]:
    began, ended = memory.at(0.2), memory.at(0.9)
    requests = sum(one.number for one in load.kinds)
    slow = [one.kind for one in load.kinds if one.kind.startswith("list") and one.p95_ms >= LIST_TARGET_MS]
    return {
        "cases": cases,
        "workers": workers,
        "seconds": round(load.seconds, 1),
        "requests": requests,
        "cpu_ms_a_request": round(cpu_s * 1e3 / requests, 2) if requests else None,
        "statuses": load.statuses,
        "errors": load.errors,
        "sent_late": load.late,
        "memory_mib": {"after a fifth": round(began, 1), "at the end": round(ended, 1)},
        "load_average": round(os.getloadavg()[0], 1),
        "kinds": [dataclasses.asdict(one) for one in load.kinds],
        "slow": slow,
        "holds": not slow and not load.errors and ended <= began * FLAT,
    }


def _markdown(told: dict[str, Any]) -> str:
    """For eval/benchmarks/web.md."""
    memory = " to ".join(f"{value:g} MiB {when}" for when, value in told["memory_mib"].items())
    asked = f"{told['requests']:,} requests in {told['seconds']:g} s, {told['errors']} errors ({told['statuses']})"
    lines = [
        f"{told['cases']:,} cases, {told['workers']} worker(s), {asked}, {told['sent_late']} sent late; "
        f"{told['cpu_ms_a_request']} ms of the server's CPU a request; resident {memory}; "
        f"load of the machine {told['load_average']:g}",
        "",
        "| request | number | P50, ms | P95, ms | P99, ms | worst, ms |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in told["kinds"]:
        numbers = " | ".join(f"{one[name]:.1f}" for name in ("p50_ms", "p95_ms", "p99_ms", "worst_ms"))
        lines.append(f"| {one['kind']} | {one['number']:,} | {numbers} |")
    return "\n".join(lines)
