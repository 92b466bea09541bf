"""Load for a running server: requests at times that are set beforehand, so that a slow answer delays none of them.

A request's time counts from when it was to be sent. Otherwise a server that stands still for a second would be asked
less often in that second, and look better than it is (coordinated omission).
"""

from __future__ import annotations

import http.client
import itertools
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import numpy as np

THREADS: Final = 24
TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    kind: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """What came of the requests of one kind; milliseconds."""

    kind: str
    number: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    worst_ms: float


@dataclass(frozen=True, slots=True)
class Load:
    """One run."""

    seconds: float
    kinds: tuple[Kind, ...]
    statuses: Mapping[str, int]  # by status, or the name of what went wrong on the way
    late: int  # requests that were sent more than 50 ms after their time, because every thread was busy

    @property
    def errors(self) -> int:
        """Whatever is not a 2xx."""
        return sum(number for status, number in self.statuses.items() if not status.startswith("2"))


@dataclass(slots=True)
class _Run:
    base: str
    start: float
    requests: Iterator[tuple[float, Asked]]
    took_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[str] = field(default_factory=Counter)
    late: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> tuple[float, Asked] | None:
        with self.lock:
            return next(self.requests, None)

    def note(self, asked: Asked, due: float, sent: float, status: str) -> None:
        took = (time.perf_counter() - due) * 1e3
        with self.lock:
            self.took_ms[asked.kind].append(took)
            self.statuses[status] += 1
            self.late += sent - due > 0.05


def schedule(
    seconds: float, rates: Mapping[Callable[[], Asked], float], draw: random.Random
) -> Iterator[tuple[float, Asked]]:
    """Poisson arrivals: each maker of requests so many times a second."""
    makers, weights = list(rates), list(rates.values())
    total, at = sum(weights), 0.0
    while (at := at + draw.expovariate(total)) < seconds:
        yield at, draw.choices(makers, weights)[0]()


def run_load(base: str, requests: Iterator[tuple[float, Asked]], threads: int = THREADS) -> Load:
    """Sends them all; returns when the last one is answered."""
    run = _Run(base, time.perf_counter() + 0.2, requests)
    workers = [threading.Thread(target=_work, args=(run,), daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    kinds = tuple(_kind(kind, took) for kind, took in sorted(run.took_ms.items()))
    return Load(time.perf_counter() - run.start, kinds, dict(sorted(run.statuses.items())), run.late)


def _work(run: _Run) -> None:
    where = urlsplit(run.base)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_S)
    while (one := run.next()) is not None:
        due = run.start + one[0]
        time.sleep(max(0.0, due - time.perf_counter()))
        sent = time.perf_counter()
        run.note(one[1], due, sent, _send(connection, one[1]))
    connection.close()


def _send(connection: http.client.HTTPConnection, asked: Asked) -> str:
    for again in (True, False):  # a connection that was idle for long may be closed by the server at that moment
        try:
            connection.request(asked.method, asked.path, asked.body, dict(asked.headers))
            with connection.getresponse() as answer:
                answer.read()
            return str(answer.status)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as exc:
            connection.close()
            if not again:
                return type(exc).__name__
        except (OSError, http.client.HTTPException) as exc:
            connection.close()
            return type(exc).__name__
    return "unsent"


def _kind(kind: str, took: Sequence[float]) -> Kind:
    p50, p95, p99 = (float(value) for value in np.percentile(took, [50, 95, 99]))
    return Kind(kind, len(took), p50, p95, p99, max(took))


def keys() -> Callable[[], str]:
    """Idempotency keys that no earlier run has used."""
    seed, count = f"{time.time_ns():x}", itertools.count()
    return lambda: f"{seed}-{next(count)}"
