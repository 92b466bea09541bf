"""The workers' processes: begun, killed, begun again; what each life's books said is kept."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

END_S = 60.0


@dataclass(frozen=True, slots=True)
class Life:
    """One life of a worker; ``books`` empty where it was killed before it wrote any."""

    worker: str
    ended: str  # "killed", "drained", "died"
    books: Mapping[str, Any]
    drain_s: float = 0.0


@dataclass(slots=True)
class Hand:
    """One worker; its state outlives its processes, as on a host."""

    name: str
    folder: Path
    config: Mapping[str, Any]
    alias: Path
    lives: list[Life] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def state(self) -> Path:
        """Books, spool and quarantine."""
        return self.folder / "state"

    def start(self) -> None:
        """Begins; its books of the life before are taken away."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.state / "books.json").unlink(missing_ok=True)
        place = self.folder / "worker.yaml"
        place.write_text(yaml.safe_dump({**self.config, "state": str(self.state)}), encoding="utf-8")
        with (self.folder / "log").open("ab") as log:
            command = [sys.executable, "-m", "roadwarden.eval.chaos.worker", str(place), str(self.alias)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    @property
    def is_ready(self) -> bool:
        """Whether it keeps books."""
        return (self.state / "books.json").is_file()

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL to the worker alone: its decoders have to notice it by themselves."""
        self._end(signal.SIGKILL, "killed")

    def drain(self) -> None:
        """SIGTERM."""
        self._end(signal.SIGTERM, "drained")

    def note_death(self) -> None:
        """It ended although nobody asked it to."""
        self.lives.append(Life(self.name, "died", self._books()))
        self._process = None

    @property
    def is_reading(self) -> bool:
        """Whether it has a camera that it shares with others."""
        sharing = self._books().get("sharing") or {"cameras": {}}
        return any(one["worker"] == self.called for one in sharing["cameras"].values())

    @property
    def called(self) -> str:
        """The name by which this life of it has leases; empty without any."""
        return str((self._books().get("sharing") or {}).get("worker", ""))

    def quarantine(self) -> list[dict[str, Any]]:
        """What lies there."""
        return [json.loads(one.read_text("utf-8")) for one in sorted((self.state / "quarantine").glob("*.json"))]

    def _end(self, number: signal.Signals, how: str) -> None:
        if self._process is None:
            return
        begun_s = time.monotonic()
        self._process.send_signal(number)
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            how = "died"
        self.lives.append(Life(self.name, how, self._books(), round(time.monotonic() - begun_s, 2)))
        self._process = None

    def _books(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.state / "books.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found
