"""Somebody outside: an HTTP server that fails, dawdles or hangs up as told, and checks every signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "a secret of the district's office"


@dataclass
class Receiver:
    """What came in, by key; ``behave`` gets the handler and the number of the request, and answers if it wants."""

    url: str = ""
    keys: list[str] = field(default_factory=list)
    bodies: list[dict] = field(default_factory=list)
    bad_signatures: int = 0
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


Behave = Callable[[BaseHTTPRequestHandler, int], bool]
"""Whether the message is to be taken and 204 answered."""


@contextmanager
def receiving(behave: Behave = lambda _handler, _number: True) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with receiver.lock:
                receiver.requests += 1
                number = receiver.requests
            if not behave(self, number):
                return
            with receiver.lock:
                receiver.bad_signatures += not signed(self.headers, body)
                receiver.keys.append(self.headers["Idempotency-Key"])
                receiver.bodies.append(json.loads(body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


def signed(headers, body, secret=SECRET):
    """By the text of Standard Webhooks, not by our own code."""
    told = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = base64.b64encode(hmac.new(secret.encode(), told, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(headers["webhook-signature"], f"v1,{mac}")


def answering(status, headers=()):
    """Answers so and takes nothing."""

    def behave(handler, _number):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", "4")
        handler.end_headers()
        handler.wfile.write(b"nope")
        return False

    return behave


def hang_up(handler):
    """The connection ends in the middle, without an answer."""
    handler.close_connection = True
    handler.connection.close()
