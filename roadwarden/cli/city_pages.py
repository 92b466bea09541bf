"""Pages of the cockpit under the load of a simulated city: a server and a client, each in a process of its own.

``python -m roadwarden.cli.city_pages BASE``: the client; a token comes in the environment, its report goes to stdout
when SIGTERM ends it.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from roadwarden.cases.event_types import Role
from roadwarden.cases.rights import Right
from roadwarden.errors import NotFound, OutputError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from roadwarden.web.bench_load import Asked

PORT = 8769
TOKEN, CASES = "ROADWARDEN_CITY_TOKEN", "ROADWARDEN_CITY_CASES"
A_SECOND = 3.0
"""Requests: some thirty people who look at a page every ten seconds."""
NAME, MOST_CASES = "city-pages", 500
PAGES = {  # weights
    "/map": 4,
    "/board": 4,
    "/board/rows": 6,
    "/cases": 5,
    "/cases?state=closed": 2,
    "/work": 3,
    "/figures": 2,
    "/api/v1/cases?order=due": 6,
    "/api/v1/cases?overdue=true": 2,
    "/api/v1/defects?limit=50": 3,
    "/api/v1/segments?limit=50": 2,
}


class Pages:
    """Begun on a day of the city and ended with it; ``result`` is what was measured."""

    def __init__(self, database: str, days: int, first: int, tell: Callable[[str], None]) -> None:
        """``first``: the day that they are asked from; ``days``: how many there are."""
        self._database, self._days, self._first, self._tell = database, days, first, tell
        self._ends = ExitStack()
        self._client: subprocess.Popen[str] | None = None
        self.result: dict[str, Any] | None = None

    def on_day(self, day: int, engine: Engine, now: datetime) -> None:
        """Told before each day, and after the last."""
        if self._client is None and self._first <= day < self._days:
            self._begin(engine, now)
        if day == self._days:
            self.end()

    def end(self) -> None:
        """Ends client and server, in this order."""
        client, self._client = self._client, None
        if client is not None:
            client.send_signal(signal.SIGTERM)
            told, _ = client.communicate(timeout=120)
            self.result = json.loads(told) if client.returncode == 0 else None
        self._ends.close()

    def _begin(self, engine: Engine, now: datetime) -> None:
        from roadwarden.cli.bench_serve import serving

        self._tell("the server is started; pages are asked for")
        base, _ = self._ends.enter_context(serving(self._database, now, 1, PORT))
        given = {TOKEN: _token(engine), CASES: json.dumps(_cases(engine))}
        self._client = subprocess.Popen(
            [sys.executable, "-m", "roadwarden.cli.city_pages", base],
            env=os.environ | given,
            stdout=subprocess.PIPE,
            text=True,
        )


def _token(engine: Engine) -> str:
    from roadwarden.access.people import Account
    from roadwarden.service.people import People

    people, roles = People(engine), frozenset({Role.DUTY_OFFICER, Role.DISPATCHER})
    try:
        people.get(NAME)
    except NotFound:
        people.add(Account(NAME, NAME, roles, frozenset({"*"})), by="simulate city")
    return people.issue(NAME, "city", set(Right), timedelta(days=2), by="simulate city").secret.text


def _cases(engine: Engine) -> list[str]:
    """The newest ones."""
    from roadwarden.storage.case_rows import ALL
    from roadwarden.storage.case_unit import reading

    with reading(engine) as unit:
        return list(unit.rows.names(ALL, datetime.now(UTC)))[-MOST_CASES:]


def ask_until_told(base: str, token: str, cases: Sequence[str]) -> dict[str, Any]:
    """The client: asks for everything once, and then until SIGTERM. Raises OutputError where nothing was answered."""
    from roadwarden.web.bench_load import Asked, run_load, schedule

    stop, draw = threading.Event(), random.Random(0)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    headers = {"Authorization": f"Bearer {token}"}

    def page(path: str) -> Callable[[], Asked]:
        return lambda: Asked(path, "GET", path, headers)

    def a_case() -> Asked:
        return Asked("/cases/NAME", "GET", f"/cases/{draw.choice(cases)}", headers)

    weights: dict[Callable[[], Asked], float] = {page(path): weight for path, weight in PAGES.items()}
    if cases:
        weights[a_case] = 6
    run_load(base, iter([(0.0, ask()) for ask in weights]), threads=1)  # caches and statements
    total = sum(weights.values())
    rates = {ask: A_SECOND * weight / total for ask, weight in weights.items()}
    load = run_load(base, _until(stop, schedule(86_400, rates, draw)), threads=8)
    if not load.kinds:
        raise OutputError("no page was answered; the city had ended before")
    return {
        "seconds": round(load.seconds, 1),
        "requests": sum(one.number for one in load.kinds),
        "errors": load.errors,
        "statuses": load.statuses,
        "late": load.late,
        "kinds": [dataclasses.asdict(one) for one in load.kinds],
    }


def _until(stop: threading.Event, requests: Iterator[tuple[float, Asked]]) -> Iterator[tuple[float, Asked]]:
    return itertools.takewhile(lambda _: not stop.is_set(), requests)


if __name__ == "__main__":
    print(json.dumps(ask_until_told(sys.argv[1], os.environ[TOKEN], json.loads(os.environ[CASES]))))
