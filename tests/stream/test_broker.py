"""Frames and boxes through a real NATS server: nothing lost, nothing twice, poison kept aside."""

from __future__ import annotations

import base64
import json
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from workers import Lookout, assert_closed, folder_camera, running, until, worker_in

from roadwarden.errors import DataError
from roadwarden.inference.stream.broker.consumer import QueueSpec
from roadwarden.inference.stream.broker.messages import Envelope, read_box, read_frame
from roadwarden.inference.stream.broker.source import SubjectSource, SubjectSpec
from roadwarden.inference.stream.protocols import Arrival
from roadwarden.inference.stream.quarantine import Quarantine
from roadwarden.inference.stream.replay import replay
from roadwarden.inference.stream.values import Door, Encoded, Message, Passed, Seen
from roadwarden.storage.engine import open_engine, reading
from roadwarden.storage.stream_tables import stream_frames
from tests.conftest import jpeg, textured

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MIDDAY = Envelope("roadwarden.boxes.bus-7", 12, NOON)


def box_message(number=0, **more):
    return {
        "captured_at": (NOON + timedelta(seconds=number)).isoformat(),
        "frame_sha256": f"{number:064x}",
        "width_px": 1280,
        "height_px": 720,
        "model": "boxnet@0123abcd",
        "position": {"lat": 30.25, "lon": 120.16, "heading_deg": 90.0, "speed_mps": 8.0},
        "detections": [{"type": "pothole", "score": 0.8, "box_xyxy": [100, 400, 160, 440]}],
        "crop": base64.b64encode(jpeg(textured(number, 64, 64))).decode(),
        **more,
    }


def read(message, envelope=MIDDAY):
    return read_box(envelope, {}, json.dumps(message).encode())


class TestWhatABoxMaySay:
    def test_its_frame_its_place_and_what_it_saw(self):
        two = [{"type": "pothole", "score": 0.4, "box_xyxy": [1, 2, 3, 4]}, {"type": "alligator_crack", "score": 0.9,
               "box_xyxy": [5, 6, 70, 80]}]  # fmt: skip
        frame, content = read(box_message(5, detections=two))
        assert (frame.camera, frame.number, frame.captured_at) == ("bus-7", 12, NOON + timedelta(seconds=5))
        assert (frame.position.lat, frame.position.heading_deg, frame.width_px) == (30.25, 90.0, 1280)
        assert isinstance(content, Seen)
        assert [str(one) for one in content.detections.types] == ["alligator_crack", "pothole"]
        assert content.crop[:2] == b"\xff\xd8"

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"detectons": []}, "did you mean 'detections'"),
            ({"captured_at": "2026-03-02T12:00:00"}, "captured_at"),
            ({"captured_at": "2031-01-01T00:00:00Z"}, "wrong clock"),
            ({"captured_at": "1980-01-06T00:00:11Z"}, "never set"),
            ({"frame_sha256": "abc"}, "frame_sha256"),
            ({"model": "yolo"}, "model"),
            ({"position": {"lat": 91, "lon": 0}}, "lat"),
            ({"detections": [{"type": "hole", "score": 0.5, "box_xyxy": [0, 0, 5, 5]}]}, "type"),
            ({"detections": [{"type": "pothole", "score": 0.5, "box_xyxy": [9, 0, 5, 5]}]}, "x1 < x2"),
            ({"detections": [{"type": "pothole", "score": 0.5, "box_xyxy": [0, 0, 5000, 5]}]}, "not inside"),
            ({"crop": "%%%"}, "not base64"),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
    )
    def test_anything_else_is_refused_with_the_reason(self, change, told):
        with pytest.raises(DataError, match=told):
            read(box_message() | change)

    def test_a_subject_that_names_no_camera_is_refused(self):
        with pytest.raises(DataError, match="names the camera"):
            read(box_message(), Envelope("roadwarden.boxes.bus 7", 1, NOON))


class TestWhatAFrameMaySay:
    def test_time_place_and_trace_come_from_its_headers(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        headers = {"Rw-Captured-At": NOON.isoformat(), "Rw-Lat": "30.25", "Rw-Lon": "120.16", "Rw-Heading": "90",
                   "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}  # fmt: skip
        frame, content = read_frame(Envelope("roadwarden.frames.gate-1", 3, NOON), headers, jpeg(textured(1)))
        assert (frame.camera, frame.captured_at, frame.trace_id, frame.timed) == ("gate-1", NOON, trace, True)
        assert (frame.position.lat, frame.position.heading_deg) == (30.25, 90.0)
        assert isinstance(content, Encoded)

    def test_a_typo_in_a_header_is_told(self):
        with pytest.raises(DataError, match="did you mean 'captured_at'"):
            read_frame(MIDDAY, {"Rw-Capturd-At": NOON.isoformat()}, b"x")


def publish(server, subject, bodies, headers=lambda _number: {}, stream="ROADWARDEN_BOXES"):
    async def work(client):
        from roadwarden.inference.stream.broker.consumer import ensure_stream

        context = client.jetstream()
        await ensure_stream(context, QueueSpec(stream, f"{subject.rpartition('.')[0]}.*"))
        for number, body in enumerate(bodies):
            await context.publish(subject, body, headers=headers(number) or None)

    server.do(work)


def left(server, stream="ROADWARDEN_BOXES"):
    async def work(client):
        return (await client.jetstream().stream_info(stream)).state.messages

    return server.do(work)


def boxes_camera(server, **more):
    return {"source": {"kind": "boxes", "url": server.url, "ack_wait_s": 20.0, **more}}


def source(server, tries=5, ack_wait_s=2.0, refuse=lambda *_: None):
    queue = QueueSpec("ROADWARDEN_BOXES", "roadwarden.boxes.*", ack_wait_s=ack_wait_s)
    return SubjectSource(SubjectSpec("boxes", server.url, queue, read_box, tries, until_empty=True), refuse)


def kept_keys(folder):
    engine = open_engine(f"sqlite:///{folder}/roadwarden.db")
    with reading(engine) as connection:
        rows = connection.execute(stream_frames.select()).all()
    engine.dispose()
    return [(row.camera, row.captured_at) for row in rows]


class TestAQueue:
    def test_what_is_kept_leaves_it_and_what_is_said_twice_is_kept_once(self, nats, tmp_path):
        bodies = [json.dumps(box_message(number % 6)).encode() for number in range(9)]  # three are said again
        publish(nats, "roadwarden.boxes.bus-7", [*bodies, b'{"captured_at": 5}'])
        worker = worker_in(tmp_path, {"boxes": boxes_camera(nats)})
        report = worker.run()
        assert_closed(report)
        assert report.cameras["bus-7"].doors[Door.INFERRED] == 9
        assert report.cameras["boxes"].doors[Door.DECODE_ERROR] == 1
        assert report.doubles == 3
        assert sorted(kept_keys(tmp_path)) == [("bus-7", NOON + timedelta(seconds=n)) for n in range(6)]
        assert left(nats) == 0
        (poison,) = worker.quarantine.list()
        assert "captured_at" in poison.why
        assert worker.quarantine.blob(poison.name) == b'{"captured_at": 5}'

    def test_pictures_are_looked_at_and_acknowledged_when_they_are_kept(self, nats, tmp_path):
        def headers(number):
            return {"Rw-Captured-At": (NOON + timedelta(seconds=number)).isoformat(), "Nats-Msg-Id": str(number % 4)}

        pictures = [jpeg(textured(number)) for number in range(4)]
        publish(nats, "roadwarden.frames.gate-1", [*pictures, pictures[0]], headers, "ROADWARDEN_FRAMES")
        lookout = Lookout()
        camera = {"source": {"kind": "jetstream", "url": nats.url}}
        report = worker_in(tmp_path, {"frames": camera}, lookout).run()
        assert_closed(report)
        assert sum(lookout.batches) == 4  # the fifth had the message id of the first
        assert len(kept_keys(tmp_path)) == 4
        assert left(nats, "ROADWARDEN_FRAMES") == 0

    def test_what_a_worker_had_when_it_ended_is_delivered_again(self, nats):
        publish(nats, "roadwarden.boxes.bus-7", [json.dumps(box_message(n)).encode() for n in range(3)])
        stop = threading.Event()
        first = next(one for one in source(nats).arrivals(stop) if isinstance(one, Arrival))  # never acknowledged
        begun = time.monotonic()
        again = []
        for one in source(nats).arrivals(stop):
            if isinstance(one, Arrival):
                again.append(one)
                one.receipt.settled(Door.INFERRED)
        assert {one.frame.number for one in again} == {1, 2, 3}
        assert {one.frame.number: one.deliveries for one in again}[first.frame.number] == 2
        assert time.monotonic() - begun < 15
        assert left(nats) == 0

    def test_a_frame_that_is_worked_on_for_long_is_not_given_to_others(self, nats):
        publish(nats, "roadwarden.boxes.bus-7", [json.dumps(box_message()).encode()])
        stop = threading.Event()
        feed = source(nats).arrivals(stop)
        held = next(one for one in feed if isinstance(one, Arrival))
        time.sleep(3.0)  # longer than the broker waits
        others = source(nats).arrivals(stop)
        assert not isinstance(next(others), Arrival)
        held.receipt.settled(Door.INFERRED)
        assert not [one for one in others if isinstance(one, Arrival)]
        feed.close()

    def test_a_message_that_never_becomes_safe_goes_to_the_quarantine(self, nats):
        publish(nats, "roadwarden.boxes.bus-7", [json.dumps(box_message()).encode()])
        poison, deliveries, passed = [], [], []
        for one in source(nats, tries=2, refuse=lambda *about: poison.append(about)).arrivals(threading.Event()):
            if isinstance(one, Arrival):
                deliveries.append(one.deliveries)
                one.receipt.returned("no luck")
            elif isinstance(one, Passed):
                passed.append(one)
        assert deliveries == [1, 2]
        assert [one.door for one in passed] == [Door.DECODE_ERROR]
        assert poison[0][3] == 3
        assert left(nats) == 0

    def test_a_broker_that_is_killed_and_started_again_costs_no_frame(self, nats, tmp_path):
        bodies = [json.dumps(box_message(number)).encode() for number in range(40)]
        publish(nats, "roadwarden.boxes.bus-7", bodies[:20])
        worker = worker_in(tmp_path, {"boxes": boxes_camera(nats)}, until_eof=False)
        with running(worker) as done:
            until(lambda: worker.report().total.doors.get(Door.INFERRED, 0) >= 5)
            nats.kill()
            until(lambda: worker.runners and worker.health()["boxes"].state == "away")
            nats.start()
            publish(nats, "roadwarden.boxes.bus-7", bodies[20:])
            until(lambda: left(nats) == 0)
        assert_closed(done[0])
        assert len(kept_keys(tmp_path)) == 40

    def test_a_broker_that_is_away_at_first_is_waited_for_and_its_password_is_not_shown(self, nats, tmp_path, caplog):
        nats.kill()
        camera = boxes_camera(nats)
        camera["source"]["url"] = camera["source"]["url"].replace("nats://", "nats://bus:s3cr3t@")
        worker = worker_in(tmp_path, {"boxes": camera}, until_eof=False)
        with running(worker):
            until(lambda: worker.runners and worker.health()["boxes"].state == "away")
            nats.start()
            publish(nats, "roadwarden.boxes.bus-7", [json.dumps(box_message()).encode()])
            until(lambda: worker.report().total.doors.get(Door.INFERRED, 0) == 1)
        assert "s3cr3t" not in caplog.text


class TestReplay:
    """Messages that lay in the quarantine, tried again by hand."""

    def test_a_box_s_message_is_kept_with_what_it_saw_and_one_that_still_cannot_be_read_stays(self, nats, tmp_path):
        publish(nats, "roadwarden.boxes.bus-7", [json.dumps(box_message()).encode(), b'{"captured_at": 5}'])
        worker = worker_in(tmp_path, {"boxes": boxes_camera(nats)}, until_eof=False)

        def refuse(frame, message, why, tries):
            worker.quarantine.put_message(frame, message, why, tries, NOON)

        for one in source(nats, tries=1, refuse=refuse).arrivals(threading.Event()):
            if isinstance(one, Arrival):
                one.receipt.returned("whatever it was that ended the worker")
        assert len(list(worker.quarantine.list())) == 2
        assert left(nats) == 0
        done = replay(worker.config, worker._parts)
        assert kept_keys(tmp_path) == [("bus-7", NOON)]
        ((_, why),) = done.failed.items()
        assert "captured_at" in why
        assert [one.kind for one in worker.quarantine.list()] == ["message"]
        assert len(replay(worker.config, worker._parts).failed) == 1

    def test_without_its_subject_in_the_configuration_nothing_tells_how_to_read_it(self, tmp_path):
        worker = worker_in(tmp_path, {"gone": folder_camera(tmp_path)})
        frame, _ = read(box_message())
        message = Message("roadwarden.boxes.bus-7", 1, NOON, {}, json.dumps(box_message()).encode())
        worker.quarantine.put_message(replace(frame, camera="boxes"), message, "why", 3, NOON)
        (why,) = replay(worker.config, worker._parts).failed.values()
        assert "no subject in the configuration" in why

    def test_a_frame_keeps_position_and_crop_through_the_quarantine(self, tmp_path):
        quarantine = Quarantine(tmp_path)
        frame, content = read(box_message())
        quarantine.put_frame(frame, content, "the database refused it", 3, NOON)
        (poison,) = quarantine.list()
        look = quarantine.look(poison.name)
        assert (look.frame, look.model) == (frame, content.model)
        assert look.detections.types == content.detections.types
        assert quarantine.blob(poison.name) == content.crop
        headers = {"Rw-Captured-At": NOON.isoformat(), "Rw-Lat": "30.25", "Rw-Lon": "120.16"}
        picture, bytes_ = read_frame(Envelope("roadwarden.frames.gate-1", 3, NOON), headers, b"no picture")
        quarantine.put_frame(picture, bytes_, "not_an_image", 3, NOON)
        name = next(one.name for one in quarantine.list() if one.kind == "frame")
        assert quarantine.frame(name) == picture


class TestByMqtt:
    def test_a_box_s_message_is_in_the_queue_when_it_is_acknowledged_to_the_box(self, nats, tmp_path):
        paho = pytest.importorskip("paho.mqtt.client", reason="paho-mqtt is not installed: pip install paho-mqtt")
        publish(nats, "roadwarden.boxes.none", [])  # the stream is there
        box = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="bus-7")
        box.connect("127.0.0.1", nats.mqtt_port)
        box.loop_start()
        try:
            for number in range(3):
                said = box.publish("roadwarden/boxes/bus-7", json.dumps(box_message(number)), qos=1)
                said.wait_for_publish(10)
                assert left(nats) == number + 1
        finally:
            box.disconnect()
            box.loop_stop()
        report = worker_in(tmp_path, {"boxes": boxes_camera(nats)}).run()
        assert_closed(report)
        assert report.cameras["bus-7"].doors[Door.INFERRED] == 3
