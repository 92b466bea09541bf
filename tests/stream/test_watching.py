"""What can be seen of a running worker, and asked of it."""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request

import pytest
from cameras import write_pictures
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from typer.testing import CliRunner
from workers import Lookout, config_in, film_camera, folder_camera, running, until, worker_in

from roadwarden.cli import app
from roadwarden.inference.stream.config import ServerConfig
from roadwarden.inference.stream.logs import _AsJson
from roadwarden.inference.stream.replay import replay
from roadwarden.inference.stream.server import StreamServer
from roadwarden.inference.stream.top import table
from roadwarden.inference.stream.values import Door

NAMES = {
    "roadwarden_frames_received", "roadwarden_frames_decoded", "roadwarden_frames_sampled",
    "roadwarden_frames_dropped", "roadwarden_frames_inferred", "roadwarden_queue_age_seconds",
    "roadwarden_batch_frames", "roadwarden_infer_seconds", "roadwarden_end_to_end_seconds", "roadwarden_reconnects",
    "roadwarden_model_info", "roadwarden_last_frame_age_seconds", "roadwarden_coverage_km",
}  # fmt: skip


@pytest.fixture
def served(tmp_path, film):
    worker = worker_in(tmp_path, {"film": film_camera(film)}, until_eof=False)
    server = StreamServer(worker, ServerConfig(port=0, token="open sesame"))
    server.start()
    with running(worker):
        until(lambda: worker.report().total.doors.get(Door.INFERRED) == 30)
        yield worker, f"http://127.0.0.1:{server.port}"
    server.stop()


def asked(url, method="GET", body=None, token=None):
    request = urllib.request.Request(url, data=body, method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        return exc.code, exc.read().decode()


class TestTheServer:
    def test_says_what_prometheus_wants_to_know_and_it_agrees_with_the_books(self, served):
        worker, url = served
        status, page = asked(f"{url}/metrics")
        assert status == 200
        families = {one.name: one for one in text_string_to_metric_families(page)}
        assert families.keys() >= NAMES
        values = {(s.name, s.labels.get("camera"), s.labels.get("reason")): s.value
                  for one in families.values() for s in one.samples}  # fmt: skip
        assert values["roadwarden_frames_received_total", "film", None] == 30
        assert values["roadwarden_frames_inferred_total", "film", None] == 30
        assert values["roadwarden_frames_dropped_total", "film", "stale"] == 0  # told although it is nothing
        assert values["roadwarden_end_to_end_seconds_count", "film", None] == 30
        assert families["roadwarden_model_info"].samples[0].labels == {"version": "lookout@0001"}
        assert json.loads(asked(f"{url}/report")[1])["total"] == worker.report().total.as_json()

    def test_tells_living_from_ready(self, served):
        worker, url = served
        assert asked(f"{url}/healthz")[0] == asked(f"{url}/readyz")[0] == 200
        worker.recorder._away = True
        status, body = asked(f"{url}/readyz")
        assert (status, json.loads(body)["storage"]) == (503, False)
        assert asked(f"{url}/healthz")[0] == 200
        worker.lanes[0].begun_s = 0.0  # at its batch since the machine was started
        assert asked(f"{url}/healthz")[0] == 503
        worker.lanes[0].begun_s = None

    def test_cameras_are_changed_with_the_token_only(self, served, tmp_path):
        worker, url = served
        more = json.dumps(folder_camera(write_pictures(tmp_path / "more", 2, seed=70))).encode()
        assert asked(f"{url}/cameras/more", "PUT", more)[0] == 401
        assert asked(f"{url}/cameras/more", "PUT", more, "guess")[0] == 401
        assert asked(f"{url}/cameras/more", "PUT", more, "open sesame")[0] == 201
        until(lambda: worker.report().total.doors.get(Door.INFERRED) == 32)
        assert json.loads(asked(f"{url}/cameras")[1])["more"]["state"] == "running"
        assert asked(f"{url}/cameras/more", "DELETE", None, "open sesame")[0] == 200
        assert list(worker.runners) == ["film"]
        status, body = asked(f"{url}/cameras/bad", "PUT", b"{source: {kind: folder, pth: x}}", "open sesame")
        assert status == 422
        assert "pth" in body
        assert asked(f"{url}/nowhere")[0] == 404


def test_a_log_line_for_machines_is_one_object_with_the_frame_s_trace_and_no_password():
    record = logging.LogRecord("roadwarden", logging.WARNING, "", 1, "cannot open %s", ("rtsp://u:p@h/1",), None)
    record.trace_id, record.camera = "ab" * 16, "gate"
    line = json.loads(_AsJson().format(record))
    assert (line["severity"], line["trace_id"], line["camera"]) == ("WARNING", "ab" * 16, "gate")
    assert line["message"] == "cannot open rtsp://***@h/1"


class TestCommands:
    def test_report_and_top_show_what_an_ended_worker_left(self, tmp_path, film):
        worker_in(tmp_path, {"film": film_camera(film)}).run()
        config = tmp_path / "worker.yaml"
        shown = CliRunner().invoke(app, ["stream", "report", str(config), "--json"])
        found = json.loads(shown.output)
        assert found["total"]["doors"]["inferred"] == 30
        assert (found["running"], found["ended"]) == (False, True)
        console = Console(record=True, width=160)
        console.print(table(found, found | {"at": found["started_at"]}))
        assert "film" in console.export_text()
        assert CliRunner().invoke(app, ["stream", "top", str(config), "--once"]).exit_code == 0

    def test_check_shows_the_cameras_without_passwords(self, tmp_path):
        camera = {"source": {"kind": "network", "url": "rtsp://u:s3cret@h/1"}}
        shown = CliRunner().invoke(app, ["stream", "check", str(config_in(tmp_path, {"gate": camera}))])
        assert shown.output == "gate: rtsp://***@h/1; every_frame; when behind: drop_oldest\n"

    def test_a_worker_that_never_was_is_told(self, tmp_path):
        shown = CliRunner().invoke(app, ["stream", "report", "--state", str(tmp_path)])
        assert "no worker has kept its books" in str(shown.exception)

    def test_what_lies_in_the_quarantine_is_looked_at_again(self, tmp_path):
        folder = write_pictures(tmp_path / "in", 3)

        def fails(_images):
            raise RuntimeError("no")

        sick = worker_in(tmp_path, {"cam": folder_camera(folder)}, Lookout(fails=fails))
        assert sick.run().total.doors == {Door.DECODE_ERROR: 3}
        assert len(list(sick.quarantine.list())) == 3
        healed = worker_in(tmp_path, {"cam": folder_camera(folder)})
        done = replay(healed.config, healed._parts)
        assert (len(done.kept), done.failed) == (3, {})
        assert list(healed.quarantine.list()) == []
        again = worker_in(tmp_path, {"cam": folder_camera(folder)}).run()
        assert again.doubles == 3
