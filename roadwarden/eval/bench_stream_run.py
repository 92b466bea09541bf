"""One worker, measured, in a process of its own; JSON on the last line."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil

from roadwarden.inference.stream.config import read_config
from roadwarden.inference.stream.decoding.start import prepare_decoders
from roadwarden.inference.stream.model_slot import ModelSlot, load_model
from roadwarden.inference.stream.protocols import Look
from roadwarden.inference.stream.worker import Parts, Shape, Worker
from roadwarden.models.load import model_path
from roadwarden.storage.schema import open_storage

BEGAN = time.perf_counter()
SAMPLE_S = 1.0


class Memory(threading.Thread):
    """Resident bytes of this process and its children, once a second; shared pages count for each."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.rows: list[tuple[float, float]] = []
        self._end = threading.Event()

    def run(self) -> None:
        """Until stopped."""
        family = psutil.Process()
        while not self._end.wait(SAMPLE_S):
            used = 0
            for one in (family, *family.children(recursive=True)):
                try:
                    used += one.memory_info().rss
                except psutil.Error:
                    continue
            self.rows.append((time.perf_counter(), used / 2**20))

    def stop(self) -> tuple[float, float]:
        """Peak in MB, and the slope over the second half in MB a minute."""
        self._end.set()
        self.join()
        if len(self.rows) < 4:
            return max((used for _, used in self.rows), default=0.0), 0.0
        rows = np.array(self.rows)
        half = rows[len(rows) // 2 : -2]  # the last two may see decoders end
        slope = float(np.polyfit(half[:, 0] / 60, half[:, 1], 1)[0]) if len(half) > 2 else 0.0
        return float(rows[:, 1].max()), slope


def cpu_s() -> float:
    """CPU time of this process and its children, also of those that have ended and were waited for.

    The decoders' are children of the server that forks them, which nobody waits for: whoever started this process
    would not be told of them.
    """
    family, used_s = psutil.Process(), 0.0
    for one in (family, *family.children(recursive=True)):
        with suppress(psutil.Error):
            used_s += sum(one.cpu_times()[:4])
    return used_s


def main(config: str) -> None:
    """Runs it to the end of its films."""
    settings = read_config(Path(config))
    prepare_decoders()
    shape = Shape.of(settings)
    slot = ModelSlot(load_model(model_path(settings.model), shape.lanes, shape.threads))
    url = settings.database.get_secret_value() if settings.database else ""
    worker = Worker(settings, Parts(open_storage(url), slot), until_eof=True)
    latencies: list[float] = []

    def watch(looks: Sequence[Look]) -> None:
        now_s = time.monotonic()
        latencies.extend(now_s - look.frame.arrived_s for look in looks if not look.missed)

    worker.watchers.append(watch)
    memory = Memory()
    memory.start()
    report = worker.run()
    peak, slope = memory.stop()
    p50, p95 = (float(np.percentile(latencies, share)) if latencies else 0.0 for share in (50, 95))
    row = {"seconds": time.perf_counter() - BEGAN, "report": report.as_json(), "p50_s": p50, "p95_s": p95,
           "peak_rss_mb": peak, "rss_slope_mb_a_minute": slope, "cpu_s": cpu_s()}  # fmt: skip
    sys.stdout.write(json.dumps(row) + "\n")
