"""What can be asked of a worker over HTTP: whether it lives, whether it is ready, its books, its metrics, its cameras.

The standard library's server: a handful of requests a minute on the loopback, and no web framework in a decoder's host.
Cameras are changed only by whoever knows the token; without one nobody may.
"""

from __future__ import annotations

import hmac
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import yaml
from pydantic import ValidationError

from roadwarden.errors import ConfigError, RoadwardenError
from roadwarden.inference.stream.config import CameraConfig, ServerConfig, shown
from roadwarden.inference.stream.meters import Meters
from roadwarden.inference.stream.runner import CameraState
from roadwarden.inference.stream.worker import Worker

logger = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
LANE_STUCK_S = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: HTTPStatus
    body: bytes
    kind: str = "application/json"

    @classmethod
    def of(cls, content: Any, status: HTTPStatus = HTTPStatus.OK) -> Answer:
        """As JSON."""
        return cls(status, json.dumps(content, ensure_ascii=False).encode())


class Desk:
    """Answers, apart from how they are carried."""

    def __init__(self, worker: Worker, meters: Meters, token: str | None) -> None:
        self._worker, self._meters, self._token = worker, meters, token

    def get(self, path: str) -> Answer:
        """A question."""
        answers: dict[str, Callable[[], Answer]] = {
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": lambda: Answer(HTTPStatus.OK, self._meters.page(), "text/plain; version=0.0.4; charset=utf-8"),
            "/report": lambda: Answer.of(self._worker.report().as_json()),
            "/cameras": self._cameras,
        }
        return answers.get(path, self._nowhere)()

    def change(self, method: str, path: str, token: str, body: bytes) -> Answer:
        """PUT /cameras/NAME with the camera as YAML or JSON, DELETE /cameras/NAME, POST /reload."""
        if self._token is None or not hmac.compare_digest(token.encode(), f"Bearer {self._token}".encode()):
            told = "cameras are changed with the token of the configuration: Authorization: Bearer TOKEN"
            return Answer.of({"error": told}, HTTPStatus.UNAUTHORIZED)
        if (method, path) == ("POST", "/reload"):
            self._worker.reload()
            return Answer.of({"reload": "at the next tick"}, HTTPStatus.ACCEPTED)
        name = path.removeprefix("/cameras/")
        if not path.startswith("/cameras/") or not name or "/" in name:
            return self._nowhere()
        if method == "DELETE":
            if name not in self._worker.runners:
                return Answer.of({"error": f"there is no camera '{name}'"}, HTTPStatus.NOT_FOUND)
            self._worker.roster.must_be_ours(name)
            self._worker.roster.remove(name)
            return Answer.of({"removed": name})
        return self._put(name, body) if method == "PUT" else self._nowhere()

    def _put(self, name: str, body: bytes) -> Answer:
        try:
            camera = CameraConfig.model_validate(yaml.safe_load(body))
            self._worker.roster.add(name, camera)
        except (yaml.YAMLError, UnicodeDecodeError) as exc:
            return Answer.of({"error": f"not YAML: {type(exc).__name__}"}, HTTPStatus.BAD_REQUEST)
        except ValidationError as exc:
            faults = [f"{'.'.join(map(str, one['loc'])) or 'camera'}: {one['msg']}" for one in exc.errors()]
            return Answer.of({"error": "; ".join(faults)}, HTTPStatus.UNPROCESSABLE_ENTITY)
        return Answer.of({"camera": name, "source": shown(camera)}, HTTPStatus.CREATED)

    def _healthz(self) -> Answer:
        """Whether its threads move: a supervisor restarts it where not."""
        stuck = [lane.number for lane in self._worker.lanes if lane.busy_s() > LANE_STUCK_S]
        content = {"alive": not stuck, "stuck_lanes": stuck}
        return Answer.of(content, HTTPStatus.SERVICE_UNAVAILABLE if stuck else HTTPStatus.OK)

    def _readyz(self) -> Answer:
        """Whether it does what it is there for: the database answers and a camera runs, or all are at their end."""
        states = [one.state for one in self._worker.health().values()]
        cameras = any(one in {CameraState.RUNNING, CameraState.ENDED} for one in states)
        content = {
            "ready": cameras and not self._worker.recorder.is_storage_away,
            "storage": not self._worker.recorder.is_storage_away,
            "cameras": {str(state): states.count(state) for state in CameraState},
        }
        return Answer.of(content, HTTPStatus.OK if content["ready"] else HTTPStatus.SERVICE_UNAVAILABLE)

    def _cameras(self) -> Answer:
        rows = {
            name: {
                "state": str(health.state),
                "last_frame_age_s": health.last_frame_age_s,
                "reconnects": health.reconnects,
                "fault": health.fault,
            }
            for name, health in self._worker.health().items()
        }
        return Answer.of(rows)

    def _nowhere(self) -> Answer:
        told = "ask for /healthz, /readyz, /metrics, /report or /cameras"
        return Answer.of({"error": told}, HTTPStatus.NOT_FOUND)


class StreamServer:
    """Listens in a thread of its own."""

    def __init__(self, worker: Worker, config: ServerConfig) -> None:
        """Raises ConfigError where the address is taken."""
        desk = Desk(worker, Meters(worker), config.token.get_secret_value() if config.token else None)
        try:
            self._server = ThreadingHTTPServer((config.host, config.port), _handler(desk))
        except OSError as exc:
            raise ConfigError(f"server: {config.host}:{config.port}: {exc.strerror}; choose another port") from exc
        self._thread = threading.Thread(target=self._server.serve_forever, name="server", daemon=True)

    @property
    def port(self) -> int:
        """The one it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begins to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Ends."""
        self._server.shutdown()
        self._server.server_close()


def _handler(desk: Desk) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Carries questions to the desk."""

        timeout = 10

        def do_GET(self) -> None:
            self._answer(lambda: desk.get(self.path.partition("?")[0]))

        def do_PUT(self) -> None:
            self._change("PUT")

        def do_POST(self) -> None:
            self._change("POST")

        def do_DELETE(self) -> None:
            self._change("DELETE")

        def log_message(self, format: str, *args: Any) -> None:
            logger.debug("%s", format % args)

        def _change(self, method: str) -> None:
            length = min(int(self.headers.get("Content-Length") or 0), MOST_BYTES)
            body = self.rfile.read(length)
            self._answer(lambda: desk.change(method, self.path, self.headers.get("Authorization", ""), body))

        def _answer(self, ask: Callable[[], Answer]) -> None:
            try:
                answer = ask()
            except RoadwardenError as exc:
                answer = Answer.of({"error": str(exc)}, HTTPStatus.CONFLICT)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

    return Handler
