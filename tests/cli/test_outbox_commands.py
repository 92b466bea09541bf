"""``roadwarden outbox``: faults are named, keys are ours alone, and a destination can be tried."""

from __future__ import annotations

import json
import stat
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from roadwarden.webhook_signatures import read_key, verify


@pytest.fixture
def run(run_main):
    def said(*arguments, code=0):
        told = run_main(*arguments, code=code)
        return told.out + told.err

    return said


def destinations(tmp_path, *entries):
    (tmp_path / "d.yaml").write_text(json.dumps({"version": "1", "destinations": list(entries)}))
    return "--destinations", "d.yaml"


def test_who_names_a_destination_that_nobody_knows_is_told_those_there_are(run, tmp_path):
    """It said "0 letters will be sent again" before."""
    run("db", "upgrade")
    assert "no destination 'nobody'; known are: none" in run("outbox", "replay", "nobody", code=2)
    records = {"name": "records", "kind": "file", "path": "messages.jsonl"}
    run("scheduler", "--once", *destinations(tmp_path, records))
    assert "no destination 'record'; known are: records" in run("outbox", "replay", "record", code=2)
    assert "7: no dead letter of records" in run("outbox", "replay", "records", "--number", "7", code=2)
    assert json.loads(run("outbox", "replay", "records", "--json")) == {"destination": "records", "letters": 0}
    assert "d.yaml has no destination 'nobody'; it has records" in run(
        "outbox", "ping", "nobody", "--destinations", "d.yaml", code=2
    )


@pytest.mark.parametrize("ed25519", [False, True], ids=["shared", "ed25519"])
def test_from_a_new_key_to_a_receiver_that_checks_it(run, tmp_path, ed25519):
    run("outbox", "keygen", "hook.key", *(["--ed25519"] if ed25519 else []))
    assert stat.S_IMODE((tmp_path / "hook.key").stat().st_mode) == 0o600
    assert "is there already" in run("outbox", "keygen", "hook.key", code=1)
    public = read_key((tmp_path / ("hook.key.pub" if ed25519 else "hook.key")).read_text().strip())
    taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            from datetime import UTC, datetime

            taken.append((verify([public], headers, body, datetime.now(UTC)).id, json.loads(body)["topic"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    hook = {
        "name": "desk",
        "kind": "webhook",
        "url": f"http://127.0.0.1:{server.server_port}/",
        "secret": {"file": "hook.key"},
    }
    file = destinations(tmp_path, hook | {"allow": ["plain-http", "private-address"]})
    told = json.loads(run("outbox", "ping", "desk", *file, "--json"))
    assert taken == [(told["key"], "ping")]
    server.shutdown()
    assert "http:// is read by everybody" in run("outbox", "ping", "desk", *destinations(tmp_path, hook), code=2)
