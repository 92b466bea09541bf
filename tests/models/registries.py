"""MLflow for tests: databases, a real server, and files to register."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from roadwarden.models.gate_rule import FILE_GATE
from roadwarden.models.load import shipped_model
from roadwarden.models.onnx import sha256_of
from roadwarden.models.promotion import Order
from roadwarden.models.registry import ModelFiles

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Desk:
    """Somebody who makes files and gives orders about a model of one name."""

    folder: Path
    name: str

    def files(self, variant: int = 0, *, gate: bool | None = True, judged: str | None = None) -> ModelFiles:
        """The shipped weights, made another file by a doc_string; ``gate`` None is no gate."""
        here = self.folder / f"variant-{variant}"
        here.mkdir(exist_ok=True)
        files = ModelFiles(
            here / "candidate.onnx", here / "candidate.md", here / "report.json", here / "gate-file.json"
        )
        note = f"variant {variant}".encode()
        files.onnx.write_bytes(shipped_model().read_bytes() + b"\x32" + bytes([len(note)]) + note)  # field 6
        files.card.write_text(f"# Candidate {variant}\n")
        files.report.write_text(json.dumps({"variant": variant}))
        files.gate.write_text(gate_json(judged or sha256_of(files.onnx), passed=bool(gate)))
        return files if gate is not None else ModelFiles(files.onnx, files.card, files.report)

    def order(self, why: str = "better on patches", *, minutes: int = 0, alias: str = "champion") -> Order:
        """An order given some minutes after noon."""
        at = NOON + timedelta(minutes=minutes)
        return Order(alias=alias, who="duty engineer", why=why, at=at, name=self.name)


def gate_json(sha256: str, *, passed: bool, kind: str = FILE_GATE) -> str:
    """What 'roadwarden eval gate' writes, as far as the registry reads it."""
    checks = [
        {"name": "type accuracy", "value": 0.95, "limit": 0.9, "passed": True},
        {"name": "found", "value": 0.8 if passed else 0.6, "limit": 0.7, "passed": passed},
    ]
    return json.dumps({"kind": kind, "model_sha256": sha256, "passed": passed, "checks": checks})


def free_port() -> int:
    """A port of loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def mlflow_server(folder: Path, database: Path) -> Iterator[str]:
    """A real MLflow server on loopback that hands the artefacts through; gives its URI."""
    shutil.copy(database, folder / "server.db")
    port = free_port()
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder}/server.db"),
        *("--artifacts-destination", str(folder / "artifacts"), "--serve-artifacts"),
    ]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, **quiet}, cwd=folder, start_new_session=True
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.1)
    raise AssertionError(f"the MLflow server did not start:\n{log.read_text()[-3000:]}")
