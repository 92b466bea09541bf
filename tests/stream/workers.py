"""Workers for tests: with a detector whose speed and sight are known, and a database of their own."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import numpy as np
import yaml

from roadwarden.detections import Detections
from roadwarden.inference.stream.config import read_config
from roadwarden.inference.stream.model_slot import LoadedModel, ModelSlot
from roadwarden.inference.stream.worker import Parts, Worker
from roadwarden.storage.schema import open_storage
from roadwarden.taxonomy import DistressType


class Lookout:
    """A detector that takes its time and sees one pothole in every frame; ``fails`` may raise for some."""

    def __init__(self, seconds=0.0, fails=lambda _images: None):
        self.seconds, self.fails, self.batches = seconds, fails, []
        self.card = None

    def detect(self, images):
        self.fails(images)
        time.sleep(self.seconds * len(images))
        self.batches.append(len(images))
        box = np.array([[100, 100, 140, 130]], np.float32)
        return [Detections(box, (DistressType.POTHOLE,), np.array([0.8], np.float32)) for _ in images]


def slot_of(*lookouts, label="lookout@0001"):
    return ModelSlot(LoadedModel(label, label, lookouts or (Lookout(),)))


def config_in(folder, cameras, **more):
    place = folder / "worker.yaml"
    more.setdefault("batching", {"lanes": 1})
    content = {"cameras": cameras, "state": str(folder / "state"), "drain_s": 5.0, **more}
    place.write_text(yaml.safe_dump(content), encoding="utf-8")
    return place


def folder_camera(place, **more):
    source = {"kind": "folder", "path": str(place), "poll_s": 0.05, "settled_s": 0.05}
    return {"source": source, **more}


def film_camera(place, pace="full", **more):
    starts = "2026-03-02T12:00:00+00:00"
    return {"source": {"kind": "video", "path": str(place), "pace": pace, "starts_at": starts}, **more}


def worker_in(folder, cameras, *lookouts, until_eof=True, engine=None, sink=None, **more):
    place = config_in(folder, cameras, **more)
    engine = engine or open_storage(f"sqlite:///{folder}/roadwarden.db")
    return Worker(read_config(place), Parts(engine, slot_of(*lookouts), sink=sink), until_eof=until_eof, path=place)


@contextmanager
def running(worker):
    """The worker in a thread; stopped at the end."""
    done = []
    thread = threading.Thread(target=lambda: done.append(worker.run()), daemon=True)
    thread.start()
    try:
        yield done
    finally:
        worker.stop()
        thread.join(60)
        assert not thread.is_alive()


def until(holds, seconds=40.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s")


def assert_closed(report):
    """Everything that entered has left, by one door, of every camera and in total."""
    assert report.balances
    assert report.total.in_flight == 0, report.as_json()
    assert report.total.entered == sum(report.total.doors.values())
