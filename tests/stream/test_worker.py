"""The whole worker: whatever comes in goes out by one door, and what it saw is in the database once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from cameras import write_film, write_pictures
from workers import (
    Lookout,
    assert_closed,
    config_in,
    film_camera,
    folder_camera,
    running,
    until,
    worker_in,
)

from roadwarden.errors import OutputError, StorageAway
from roadwarden.inference.stream.books import Account
from roadwarden.inference.stream.protocols import Arrival
from roadwarden.inference.stream.report import holding, read_report
from roadwarden.inference.stream.values import Door, Encoded, Seen, StreamFrame
from roadwarden.storage.engine import open_engine, reading
from roadwarden.storage.stream_tables import stream_frames
from tests.conftest import jpeg, textured

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def kept(folder):
    engine = open_engine(f"sqlite:///{folder}/roadwarden.db")
    with reading(engine) as connection:
        rows = connection.execute(stream_frames.select()).all()
    engine.dispose()
    return rows


def doors(report, camera=None):
    account = report.total if camera is None else report.cameras.get(camera, Account())
    return {door: count for door, count in account.doors.items() if count}


class Told:
    """A receipt that remembers."""

    def __init__(self):
        self.said = []

    def settled(self, door):
        self.said.append(door)

    def returned(self, why):
        self.said.append("returned")


class Script:
    """A source that hands on what it was given."""

    def __init__(self, arrivals):
        self.given = arrivals

    def arrivals(self, stop):
        yield from self.given


class TestArchives:
    def test_every_picture_of_a_folder_and_frame_of_a_film_is_looked_at_once(self, tmp_path, film):
        folder = write_pictures(tmp_path / "in", 6)
        (folder / "0002.jpg").write_bytes(b"\xff\xd8\xff broken")
        (folder / "0004.jpg").write_bytes(jpeg(np.full((192, 320, 3), 5, np.uint8)))  # night
        cameras = {"folder": folder_camera(folder), "film": film_camera(film)}
        report = worker_in(tmp_path, cameras).run()
        assert_closed(report)
        assert doors(report, "folder") == {Door.INFERRED: 4, Door.DECODE_ERROR: 1, Door.POOR_QUALITY: 1}
        assert doors(report, "film") == {Door.INFERRED: 30}
        assert len(kept(tmp_path)) == 35

    def test_a_slow_detector_makes_an_archive_wait_and_loses_nothing(self, tmp_path, film):
        report = worker_in(tmp_path, {"film": film_camera(film)}, Lookout(0.02)).run()
        assert_closed(report)
        assert doors(report) == {Door.INFERRED: 30}

    def test_the_same_again_is_known_and_not_looked_at_again(self, tmp_path, film):
        worker_in(tmp_path, {"film": film_camera(film)}).run()
        lookout = Lookout()
        again = worker_in(tmp_path, {"film": film_camera(film)}, lookout).run()
        assert (again.doubles, lookout.batches) == (30, [])
        assert doors(again) == {Door.INFERRED: 30}
        assert len(kept(tmp_path)) == 30


class TestLiveCameras:
    def test_that_send_three_times_what_can_be_looked_at_lose_old_frames_and_stay_fresh(self, tmp_path):
        film = write_film(tmp_path / "busy.mp4", 90, fps=30)
        ages = []
        worker = worker_in(tmp_path, {"cam": film_camera(film, "recorded")}, Lookout(0.1))
        worker.watchers.append(lambda looks: ages.extend(
            time.monotonic() - one.frame.arrived_s for one in looks if not one.missed))  # fmt: skip
        report = worker.run()
        assert_closed(report)
        found = doors(report)
        assert found[Door.INFERRED] >= 10
        assert found[Door.DROPPED_QUEUE_FULL] + found.get(Door.DROPPED_STALE, 0) >= 30
        assert report.total.entered == 90
        assert float(np.percentile(ages, 95)) < 3.0

    @pytest.mark.slow
    def test_a_dead_camera_holds_up_no_other_and_is_told(self, tmp_path, film):
        dead = {"source": {"kind": "network", "url": "rtsp://127.0.0.1:9/none", "timeout_s": 1.0}}
        worker = worker_in(tmp_path, {"dead": dead, "film": film_camera(film)}, until_eof=False)
        with running(worker) as done:
            until(lambda: doors(worker.report(), "film") == {Door.INFERRED: 30})
            until(lambda: worker.health()["dead"].reconnects >= 1)
            assert worker.health()["dead"].state == "away"
        assert_closed(done[0])
        assert done[0].cameras["dead"].entered == 0

    def test_a_real_rtsp_camera_from_frame_to_database(self, tmp_path, rtsp):
        server = rtsp("cam").start()
        camera = {
            "source": {"kind": "network", "url": server.url("cam")},
            "sampling": {"by": "time", "every_s": 0.5},
        }
        worker = worker_in(tmp_path, {"cam": camera}, until_eof=False)
        with running(worker) as done:
            until(lambda: worker.report().total.doors.get(Door.INFERRED, 0) >= 3)
        assert_closed(done[0])
        assert done[0].total.doors[Door.SAMPLED_OUT] >= 3
        assert len(kept(tmp_path)) >= 3


class TestWhatFails:
    def test_one_frame_that_the_detector_cannot_stand_lies_in_the_quarantine_with_its_picture(self, tmp_path):
        folder = write_pictures(tmp_path / "in", 5)
        poison = cv2.imdecode(np.frombuffer((folder / "0003.jpg").read_bytes(), np.uint8), cv2.IMREAD_COLOR)

        def fails(images):
            if any(np.array_equal(image, poison) for image in images):
                raise RuntimeError("division by zero in the graph")

        worker = worker_in(tmp_path, {"cam": folder_camera(folder)}, Lookout(fails=fails),
                           batching={"lanes": 1, "max_frames": 4})  # fmt: skip
        report = worker.run()
        assert_closed(report)
        assert doors(report) == {Door.INFERRED: 4, Door.DECODE_ERROR: 1}
        (one,) = worker.quarantine.list()
        assert "division by zero" in one.why
        assert one.tries == 3
        back = cv2.imdecode(np.frombuffer(worker.quarantine.blob(one.name), np.uint8), cv2.IMREAD_COLOR)
        assert np.array_equal(back, poison)

    def test_out_of_memory_halves_the_batch_from_then_on(self, tmp_path, film):
        def fails(images):
            if len(images) > 2:
                raise RuntimeError("Failed to allocate memory for requested buffer of size 1234")

        lookout = Lookout(fails=fails)
        batching = {"lanes": 1, "max_frames": 8, "deadline_ms": 500}
        report = worker_in(tmp_path, {"film": film_camera(film)}, lookout, batching=batching).run()
        assert_closed(report)
        assert doors(report) == {Door.INFERRED: 30}
        assert max(lookout.batches) == 2

    def test_encoded_pictures_and_boxes_of_others_are_acknowledged_when_they_are_kept(self, tmp_path):
        worker = worker_in(tmp_path, {"box": folder_camera(tmp_path)})
        detections = Lookout().detect([None])[0]
        contents = [Encoded(jpeg(textured(1))), Encoded(b"no picture"), Seen(detections, "box@1")]
        receipts = [Told() for _ in contents]
        arrivals = [
            Arrival(StreamFrame(f"bus-{n}", n, NOON, time.monotonic(), f"{n:064x}"), content, receipt)
            for n, (content, receipt) in enumerate(zip(contents, receipts, strict=True))
        ]
        worker._make = lambda *_: Script(arrivals)
        report = worker.run()
        assert_closed(report)
        assert [one.said for one in receipts] == [[Door.INFERRED], [Door.DECODE_ERROR], [Door.INFERRED]]
        assert [one.why for one in worker.quarantine.list()] == ["not_an_image"]
        assert {row.camera for row in kept(tmp_path)} == {"bus-0", "bus-2"}

    def test_a_database_that_goes_away_and_comes_back_costs_no_frame(self, tmp_path, film):
        from roadwarden.inference.stream.sink import DatabaseSink

        worker = worker_in(tmp_path, {"film": film_camera(film)}, Lookout(0.02))
        whole, away = worker.sink, threading.Event()
        assert isinstance(whole, DatabaseSink)
        keep = whole.keep

        def sometimes(looks):
            if away.is_set():
                raise StorageAway("gone")
            return keep(looks)

        away.set()
        whole.keep = sometimes
        threading.Timer(1.0, away.clear).start()
        report = worker.run()
        assert_closed(report)
        for _ in range(3):
            if worker.recorder.spooled:
                worker_in(tmp_path, {"film": folder_camera(tmp_path / "none")}).run()
        assert len(kept(tmp_path)) == 30

    def test_two_workers_do_not_share_a_state_folder(self, tmp_path):
        state = tmp_path / "state"
        with holding(state), pytest.raises(OutputError, match="another worker"), holding(state):
            raise AssertionError


class TestCamerasComeAndGo:
    def test_at_run_time(self, tmp_path, film):
        one, other = write_pictures(tmp_path / "one", 2), write_pictures(tmp_path / "two", 3, seed=50)
        worker = worker_in(tmp_path, {"one": folder_camera(one)}, until_eof=False)
        with running(worker) as done:
            until(lambda: worker.report().cameras.get("one") and worker.report().total.doors.get(Door.INFERRED) == 2)
            config_in(tmp_path, {"two": folder_camera(other)})
            worker.reload()
            until(lambda: list(worker.runners) == ["two"] and worker.report().total.doors[Door.INFERRED] == 5)
            (tmp_path / "worker.yaml").write_text("cameras: {two: {source: {kind: folder, pth: x}}}\n")
            worker.reload()
            time.sleep(0.6)
            assert list(worker.runners) == ["two"]  # a file with a fault changes nothing
        assert_closed(done[0])


def command(*arguments, **more):
    return subprocess.Popen([sys.executable, "-m", "roadwarden", "stream", *map(str, arguments)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)  # fmt: skip


@pytest.mark.slow
class TestAsAProcess:
    """With the shipped model."""

    def test_sigterm_drains_within_ten_seconds_and_the_books_close(self, tmp_path):
        film = write_film(tmp_path / "long.mp4", 600, fps=20)
        database = f"sqlite:///{tmp_path}/roadwarden.db"
        config = config_in(tmp_path, {"film": film_camera(film)}, database=database, batching={"lanes": 2})
        process = command("run", config, "--report", tmp_path / "R.json")
        until(lambda: (tmp_path / "state" / "books.json").is_file()
              and read_report(tmp_path / "state")["total"]["doors"]["inferred"] > 5, 120)  # fmt: skip
        process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        _, errors = process.communicate(timeout=60)
        assert time.monotonic() - begun < 10
        assert process.returncode == 0, errors
        report = json.loads((tmp_path / "R.json").read_text())
        assert report["balanced"]
        assert report["total"]["in_flight"] == 0
        assert report["total"]["doors"]["inferred"] == len(kept(tmp_path))
        assert 0 < report["total"]["doors"]["inferred"] < 600

    def test_killed_outright_and_begun_again_it_keeps_every_frame_once(self, tmp_path):
        film = write_film(tmp_path / "long.mp4", 120, fps=20)
        database = f"sqlite:///{tmp_path}/roadwarden.db"
        config = config_in(tmp_path, {"film": film_camera(film)}, database=database, batching={"lanes": 2})
        for more in (3, 40):
            process = command("run", config, "--until-eof")
            until(lambda more=more: (tmp_path / "roadwarden.db").is_file() and (tmp_path / "state").is_dir()
                  and _frames(tmp_path) > more, 120)  # fmt: skip
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        process = command("run", config, "--until-eof", "--json")
        output, errors = process.communicate(timeout=200)
        assert process.returncode == 0, errors
        report = json.loads(output)
        assert report["total"]["doors"]["inferred"] == report["total"]["entered"] == 120
        assert report["duplicates"] > 3
        assert len(kept(tmp_path)) == 120


def _frames(folder):
    try:
        return len(kept(folder))
    except Exception:  # noqa: BLE001 - its schema may not be there yet
        return 0
