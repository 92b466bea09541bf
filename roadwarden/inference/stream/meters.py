"""The worker's metrics for Prometheus. Frames are read from the books when they are asked for, so both always agree."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from roadwarden.inference.stream.books import Account
from roadwarden.inference.stream.memory import resident_bytes
from roadwarden.inference.stream.protocols import Look
from roadwarden.inference.stream.runner import CameraState
from roadwarden.inference.stream.sink import DatabaseSink
from roadwarden.inference.stream.values import DROPPED, Door
from roadwarden.inference.stream.worker import Worker

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0, 10.0, 60.0)
_FRAMES = (1, 2, 4, 8, 16, 32, 64, 128)


class Meters:
    """Of one worker; ``page`` is what Prometheus reads."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._batch = self._histogram("batch_frames", "frames of one batch", _FRAMES)
        self._infer = self._histogram("infer_seconds", "seconds of one batch", _SECONDS)
        told = "from a frame's last byte to its place in the database"
        self._end_to_end = self._histogram("end_to_end_seconds", told, _SECONDS, "camera")
        worker.watchers.append(self._kept)
        worker.batches.append(self._worked)

    def page(self) -> bytes:
        """In Prometheus' text form."""
        return generate_latest(self._registry)

    def _histogram(self, name: str, what: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(f"roadwarden_{name}", what, labels, buckets=buckets, registry=self._registry)

    def collect(self) -> Iterator[Any]:
        """What is counted elsewhere."""
        yield from _of_frames(self._worker.books.accounts())
        yield from self._of_cameras()
        yield from self._of_worker()
        yield from self._of_leases()

    def _kept(self, looks: Sequence[Look]) -> None:
        now_s = time.monotonic()
        for look in looks:
            if not look.missed:
                self._end_to_end.labels(look.frame.camera).observe(max(0.0, now_s - look.frame.arrived_s))

    def _worked(self, frames: int, seconds: float) -> None:
        self._batch.observe(frames)
        self._infer.observe(seconds)

    def _of_cameras(self) -> Iterator[Any]:
        up = GaugeMetricFamily("roadwarden_camera_up", "1 while frames come", labels=["camera"])
        age = GaugeMetricFamily("roadwarden_last_frame_age_seconds", "since the last frame", labels=["camera"])
        again = CounterMetricFamily("roadwarden_reconnects", "streams opened anew", labels=["camera"])
        for name, health in self._worker.health().items():
            up.add_metric([name], float(health.state is CameraState.RUNNING))
            if health.last_frame_age_s is not None:
                age.add_metric([name], health.last_frame_age_s)
            again.add_metric([name], health.reconnects)
        waiting = GaugeMetricFamily("roadwarden_queue_frames", "frames that wait for a detector", labels=["camera"])
        oldest = GaugeMetricFamily("roadwarden_queue_age_seconds", "age of the oldest of them", labels=["camera"])
        for name, count in self._worker.hall.depths().items():
            waiting.add_metric([name], count)
        for name, seconds in self._worker.hall.ages().items():
            oldest.add_metric([name], seconds)
        yield from (up, age, again, waiting, oldest)

    def _of_worker(self) -> Iterator[Any]:
        worker = self._worker
        model = GaugeMetricFamily("roadwarden_model_info", "1 for the model that looks", labels=["version"])
        model.add_metric([worker.slot.current.label], 1)
        yield model
        sink = worker.sink
        ours = sink if isinstance(sink, DatabaseSink) else None
        for name, what, value in (
            ("coverage_km", "of road looked at in usable quality", (ours.seen_m if ours else 0.0) / 1000),
            ("missed_km", "of road not looked at because frames were dropped", (ours.missed_m if ours else 0.0) / 1000),
            ("spool_frames", "results on the disk", worker.recorder.spooled),
            ("unkept_frames", "results neither in the database nor on the disk", len(worker.recorder)),
            ("storage_up", "1 while the database answers", 0 if worker.recorder.is_storage_away else 1),
            ("resident_bytes", "memory of this process", resident_bytes()),
        ):
            yield GaugeMetricFamily(f"roadwarden_{name}", what, value=float(value))
        for name, what, count in (
            ("duplicate_frames", "frames that were kept before", worker.recorder.doubles),
            ("fenced_frames", "refused: another worker reads the camera", worker.recorder.fenced),
            ("forgotten_keys", "of frames that nothing brings again", worker.forgetter.forgotten),
            ("passes_continued", "begun by another life or worker", ours.passes_continued if ours else 0),
        ):
            counter = CounterMetricFamily(f"roadwarden_{name}", what)
            counter.add_metric([], count)
            yield counter

    def _of_leases(self) -> Iterator[Any]:
        """Who reads which shared camera: a token that rises is a camera that moved."""
        if (holder := self._worker.leaseholder) is None:
            return
        standing = holder.standing
        tokens = GaugeMetricFamily("roadwarden_camera_lease", "token of its lease", labels=["camera", "worker"])
        for camera, lease in standing.leases.items():
            tokens.add_metric([camera, lease.worker if lease.worker in standing.living else ""], lease.token)
        held = sum(lease.worker == standing.worker for lease in standing.leases.values())
        yield tokens
        yield GaugeMetricFamily("roadwarden_cameras_held", "shared cameras that this worker reads", value=float(held))
        told = "workers that share the cameras and live"
        yield GaugeMetricFamily("roadwarden_workers_living", told, value=float(len(standing.living)))


def _of_frames(accounts: dict[str, Account]) -> Iterator[Any]:
    """Received, decoded, sampled and inferred frames, and the dropped ones by reason."""
    families = {
        name: CounterMetricFamily(f"roadwarden_frames_{name}", what, labels=["camera"])
        for name, what in (
            ("received", "that came in"),
            ("decoded", "of which there is a picture"),
            ("sampled", "that were worth a look"),
            ("inferred", "that were looked at and kept"),
            ("poor_quality", "that nothing can be seen in"),
        )
    }
    dropped = CounterMetricFamily("roadwarden_frames_dropped", "that nobody looked at", labels=["camera", "reason"])
    in_flight = GaugeMetricFamily("roadwarden_frames_in_flight", "inside the worker", labels=["camera"])
    for camera, account in accounts.items():
        doors = {door: account.doors.get(door, 0) for door in Door}
        decoded = account.entered - doors[Door.DECODE_ERROR]
        values = (account.entered, decoded, decoded - doors[Door.SAMPLED_OUT], doors[Door.INFERRED],
                  doors[Door.POOR_QUALITY])  # fmt: skip
        for family, value in zip(families.values(), values, strict=True):
            family.add_metric([camera], value)
        for door in sorted(DROPPED):
            dropped.add_metric([camera, door.removeprefix("dropped_")], doors[door])
        in_flight.add_metric([camera], account.in_flight)
    yield from (*families.values(), dropped, in_flight)
