"""Trainings logged to MLflow: what they were made from, their curves and pictures. Training goes on without it.

What cannot be logged now waits and is logged when the server is back; what never could is told at the end.
"""

from __future__ import annotations

import json
import logging
import platform
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from roadwarden import __version__
from roadwarden.models.mlflow_store import experiment_id, open_client, without_credentials

logger = logging.getLogger(__name__)

EXPERIMENT = "roadwarden-training"
RUN_ID_FILE = "mlflow-run-id"
PACKAGES = ("torch", "torchvision", "ultralytics", "numpy", "opencv-python-headless", "onnx", "onnxruntime")
RETRY_AFTER = timedelta(seconds=60)
"""A server that swallows packets costs 40 s a call; an epoch must not wait for that again and again."""
_NOT_IN_NAMES = re.compile(r"[^\w./-]+")


class RunStatus(StrEnum):
    """How a run ended, in MLflow's words."""

    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run is made from; two runs that share it give the same weights."""

    name: str
    parameters: Mapping[str, Any]  # the recipe, as Recipe.model_dump(mode="json") gives it
    data_manifest_sha256: str
    git_commit: str
    environment: Mapping[str, str]  # package to version


class RunLog(Protocol):
    """What training tells while it runs; none of it raises."""

    def log_epoch(self, metrics: Mapping[str, float], step: int) -> None:
        """Points of the curves at epoch ``step``."""

    def log_picture(self, path: Path) -> None:
        """A picture for people."""

    def log_artifact(self, path: Path) -> None:
        """A file of the run: weights, recipe, report."""

    def end(self, status: RunStatus) -> None:
        """The last call."""


class NoLog:
    """Tracking is off."""

    def log_epoch(self, metrics: Mapping[str, float], step: int) -> None:
        """Nothing."""

    def log_picture(self, path: Path) -> None:
        """Nothing."""

    def log_artifact(self, path: Path) -> None:
        """Nothing."""

    def end(self, status: RunStatus) -> None:
        """Nothing."""


def utc_now() -> datetime:
    """The clock of those who bring none."""
    return datetime.now(UTC)


def start_run(
    facts: RunFacts, *, uri: str | None, run_dir: Path | None = None, clock: Callable[[], datetime] = utc_now
) -> RunLog:
    """A log at the MLflow of ``uri``; none logs nothing, and so does a missing MLflow, with a warning.

    With ``run_dir`` a training that goes on after an interruption goes on in the run it began.
    """
    if not uri:
        return NoLog()
    try:
        import mlflow  # noqa: F401 -- whether it is there is all we ask
    except ImportError:
        logger.warning("MLflow is not installed, so %s is not logged; pip install 'roadwarden[train]'", facts.name)
        return NoLog()
    log = _MlflowLog(uri, facts, run_dir / RUN_ID_FILE if run_dir else None, clock)
    log.begin()
    return log


@contextmanager
def tracked_run(
    facts: RunFacts, *, uri: str | None, run_dir: Path | None = None, clock: Callable[[], datetime] = utc_now
) -> Iterator[RunLog]:
    """``start_run`` that ends as its block does: finished, failed, or killed by Ctrl-C."""
    log = start_run(facts, uri=uri, run_dir=run_dir, clock=clock)
    status = RunStatus.FAILED
    try:
        yield log
        status = RunStatus.FINISHED
    except KeyboardInterrupt:
        status = RunStatus.KILLED
        raise
    finally:
        log.end(status)


def environment_versions() -> dict[str, str]:
    """The versions that decide what a training gives."""
    found = {"roadwarden": __version__, "python": platform.python_version(), "machine": platform.machine()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


Write = Callable[[Any, str], object]
"""Something to tell an MLflow client about a run id."""


@dataclass(slots=True)
class _MlflowLog:
    """Writes in order; what fails because the server is away waits for it."""

    uri: str
    facts: RunFacts
    note: Path | None  # where the run id is kept for a resumed training
    clock: Callable[[], datetime]
    _client: Any = None
    _run_id: str = ""
    _waiting: deque[tuple[str, Write]] = field(default_factory=deque)
    _told_away: bool = False
    _try_again: datetime | None = None

    def begin(self) -> None:
        """The run with what it is made from; a recipe that has changed since is told and not overwritten."""
        parameters = {_name(key): _text(value) for key, value in self.facts.parameters.items()}
        self._tell("the parameters", lambda client, run: client.log_batch(run, params=_params(parameters)))

    def log_epoch(self, metrics: Mapping[str, float], step: int) -> None:
        """See RunLog."""
        stamp = int(self.clock().timestamp() * 1000)
        points = {_name(key): float(value) for key, value in metrics.items()}
        self._tell(f"epoch {step}", lambda client, run: client.log_batch(run, metrics=_metrics(points, stamp, step)))

    def log_picture(self, path: Path) -> None:
        """See RunLog."""
        self._tell(path.name, lambda client, run: client.log_artifact(run, str(path), "pictures"))

    def log_artifact(self, path: Path) -> None:
        """See RunLog."""
        self._tell(path.name, lambda client, run: client.log_artifact(run, str(path)))

    def end(self, status: RunStatus) -> None:
        """See RunLog; tells what has never been logged."""
        self._try_again = None
        self._tell("the end", lambda client, run: client.set_terminated(run, status=str(status)))
        if self._waiting:
            lost = ", ".join(what for what, _ in self._waiting)
            logger.warning("run %s was not logged whole, these are missing: %s", self.facts.name, lost)

    def _tell(self, what: str, write: Write) -> None:
        self._waiting.append((what, write))
        if self._try_again and self.clock() < self._try_again:
            return
        while self._waiting and self._written(*self._waiting[0]):
            self._waiting.popleft()

    def _written(self, what: str, write: Write) -> bool:
        """Whether it needs no further try: it is written, or the server is there and does not take it."""
        try:
            if not self._run_id:
                self._open()
            write(self._client, self._run_id)
        except Exception as exc:  # noqa: BLE001 -- whatever the tracking does, hours of training must not end by it
            if self._answers():
                logger.warning("run %s: %s could not be logged: %s", self.facts.name, what, _brief(exc))
                return True
            self._away(exc)
            return False
        self._try_again = None
        return True

    def _open(self) -> None:
        client = open_client(self.uri)
        self._run_id = self._earlier_run(client) or self._new_run(client)
        self._client = client
        if self.note:
            self.note.parent.mkdir(parents=True, exist_ok=True)
            self.note.write_text(self._run_id, encoding="utf-8")

    def _earlier_run(self, client: Any) -> str:
        if self.note is None or not self.note.is_file():
            return ""
        run_id = self.note.read_text(encoding="utf-8").strip()
        from mlflow.exceptions import MlflowException

        try:
            client.update_run(run_id, status="RUNNING")
        except MlflowException as exc:
            if exc.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return ""
        return run_id

    def _new_run(self, client: Any) -> str:
        tags = {
            "mlflow.source.git.commit": self.facts.git_commit,
            "data_manifest_sha256": self.facts.data_manifest_sha256,
            **{f"environment.{package}": version for package, version in self.facts.environment.items()},
        }
        experiment = experiment_id(client, self.uri, EXPERIMENT)
        return str(client.create_run(experiment, run_name=self.facts.name, tags=tags).info.run_id)

    def _answers(self) -> bool:
        if not self._run_id:
            return False
        try:
            self._client.get_run(self._run_id)
        except Exception:  # noqa: BLE001 -- any failure to answer is one
            return False
        return True

    def _away(self, exc: Exception) -> None:
        self._try_again = self.clock() + RETRY_AFTER
        if not self._told_away:
            self._told_away = True
            logger.warning(
                "MLflow at %s does not take the log of %s: %s; training goes on, and it is logged when MLflow is back",
                without_credentials(self.uri),
                self.facts.name,
                _brief(exc),
            )


def _params(parameters: Mapping[str, str]) -> list[Any]:
    from mlflow.entities import Param

    return [Param(key, value) for key, value in parameters.items()]


def _metrics(points: Mapping[str, float], stamp_ms: int, step: int) -> list[Any]:
    from mlflow.entities import Metric

    return [Metric(key, value, stamp_ms, step) for key, value in points.items()]


def _name(key: str) -> str:
    """A name that MLflow takes: 'metrics/mAP50(B)' becomes 'metrics/mAP50_B'."""
    return _NOT_IN_NAMES.sub("_", key).strip("_")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _brief(exc: Exception) -> str:
    return without_credentials((str(exc).strip().splitlines() or [type(exc).__name__])[0][:300])
