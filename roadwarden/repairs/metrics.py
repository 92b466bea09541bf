"""How the queue of assessments is doing, for Prometheus: a text file for the node exporter, or a port."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server, write_to_textfile
from sqlalchemy import Engine

from roadwarden.cases.assessments import Wait
from roadwarden.service.assessing import Recorded
from roadwarden.storage.case_unit import reading

_SECONDS = (0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 5.0, 10.0, 30.0)


class QueueMetrics:
    """Counts of this process, and what the whole queue holds whenever ``look`` is called."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        """Nothing is counted yet."""
        self._engine, self._now = engine, now
        self.registry = CollectorRegistry()
        name = "roadwarden_assessment"
        self._verdicts = Counter(f"{name}s", "verdicts kept", ["verdict"], registry=self.registry)
        self._failures = Counter(f"{name}_failures", "reports not judged", ["why"], registry=self.registry)
        self._people = Counter(f"{name}_to_people", "reports handed to people", ["why"], registry=self.registry)
        self._seconds = Histogram(
            f"{name}_seconds", "seconds of one assessment", buckets=_SECONDS, registry=self.registry
        )
        self._jobs = Gauge(f"{name}_jobs", "reports in each state", ["state"], registry=self.registry)
        self._nearest = Gauge(
            f"{name}_nearest_due_seconds", "until the nearest deadline of an open report", registry=self.registry
        )

    def judged(self, recorded: Recorded, seconds: float) -> None:
        """A verdict was kept."""
        self._verdicts.labels(recorded.assessment.verdict.value).inc()
        self._seconds.observe(seconds)
        if recorded.wait is not None:
            self._people.labels(recorded.wait.value).inc()

    def failed(self, why: Wait) -> None:
        """A report could not be judged."""
        self._failures.labels(why.value).inc()

    def look(self) -> None:
        """Reads how the queue stands; without an open report the nearest deadline is NaN."""
        with reading(self._engine) as unit:
            counts, due = unit.jobs.counts(), unit.jobs.nearest_due()
        for state, number in counts.items():
            self._jobs.labels(state.value).set(number)
        self._nearest.set(float("nan") if due is None else (due - self._now()).total_seconds())

    def write(self, file: Path) -> None:
        """Whole or not at all."""
        self.look()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_to_textfile(str(file), self.registry)

    def serve(self, port: int, address: str = "127.0.0.1") -> None:
        """Answers on a port, in a thread that ends with the process."""
        start_http_server(port, address, registry=self.registry)
