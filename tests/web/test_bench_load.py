"""The load that benches are measured with: arrivals do not wait for a slow server, and what fails is counted."""

from __future__ import annotations

import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from roadwarden.web.bench_load import Asked, run_load, schedule


class Slow(BaseHTTPRequestHandler):
    """Stands still for a while at its first request, and refuses what it does not know."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.server.first.acquire(blocking=False):
            time.sleep(0.6)
        self.send_response(200 if self.path == "/known" else 404)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def slow_server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.first = threading.Semaphore(1)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_server_that_stands_still_is_slow_for_all_who_came_meanwhile(slow_server):
    requests = ((number / 50, Asked("a", "GET", "/known", {})) for number in range(30))
    load = run_load(slow_server, requests, threads=1)
    (kind,) = load.kinds
    assert (kind.number, load.errors) == (30, 0)
    assert kind.worst_ms > 550
    assert kind.p50_ms > 200  # sent one after the other, half of them would take a millisecond
    assert load.late > 10


def test_what_is_refused_or_cannot_be_reached_is_counted(slow_server):
    requests = iter([(0.0, Asked("known", "GET", "/known", {})), (0.0, Asked("other", "GET", "/other", {}))])
    load = run_load(slow_server, requests)
    assert load.statuses == {"200": 1, "404": 1}
    assert load.errors == 1
    away = run_load("http://127.0.0.1:9", iter([(0.0, Asked("x", "GET", "/", {}))]))
    assert (away.errors, away.statuses) == (1, {"ConnectionRefusedError": 1})


def test_arrivals_come_at_the_rates_that_were_asked_for():
    rates = {lambda: Asked("often", "GET", "/", {}): 90.0, lambda: Asked("rare", "GET", "/", {}): 10.0}
    sent = list(schedule(20, rates, random.Random(3)))
    kinds = [asked.kind for _, asked in sent]
    assert 1900 < len(sent) < 2100
    assert 150 < kinds.count("rare") < 250
    assert [at for at, _ in sent] == sorted(at for at, _ in sent)
