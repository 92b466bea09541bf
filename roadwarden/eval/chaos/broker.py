"""A NATS server of our own that can be killed, and the sender that does not give up."""

from __future__ import annotations

import logging
import queue
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from roadwarden.errors import ConfigError, StreamError
from roadwarden.inference.stream.broker.consumer import QueueSpec, ensure_stream
from roadwarden.inference.stream.broker.link import BrokerAway, Link

logger = logging.getLogger(__name__)

SETTINGS = """
server_name: chaos
listen: 127.0.0.1:{port}
max_payload: 8MB
jetstream {{ store_dir: "{folder}/store", max_mem: 64MB, max_file: 2GB }}
"""
FRAMES = QueueSpec("ROADWARDEN_FRAMES", "roadwarden.frames.*")
BOXES = QueueSpec("ROADWARDEN_BOXES", "roadwarden.boxes.*")


class Broker:
    """What was stored outlives ``kill``."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            raise ConfigError("chaos with a broker starts a NATS server of its own: apt-get install nats-server")
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._command = [program, "-c", str(folder / "nats.conf"), "-l", str(folder / "log")]
        (folder / "nats.conf").write_text(SETTINGS.format(port=self.port, folder=folder), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For senders and workers."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it listens."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end_s = time.monotonic() + 60
        while not _listens(self.port):
            if time.monotonic() > end_s or self._process.poll() is not None:
                raise StreamError(f"nats-server does not listen; see {self._command[-1]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


class Sender:
    """Publishes in order and until it is stored, as a box does; a lost acknowledgement makes a duplicate."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: queue.Queue[tuple[str, bytes] | None] = queue.Queue()
        self.again = 0
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self._thread.start()

    def put(self, subject: str, body: bytes) -> None:
        """To be sent."""
        self._waiting.put((subject, body))

    def __len__(self) -> int:
        return self._waiting.unfinished_tasks

    def end(self) -> None:
        """When everything is sent."""
        self._waiting.put(None)
        self._thread.join(30)

    def _run(self) -> None:
        with Link(self._url, "sender") as link:
            while (one := self._waiting.get()) is not None:
                while not self._sent(link, *one):
                    self.again += 1
                    time.sleep(0.5)
                self._waiting.task_done()

    def _sent(self, link: Link, subject: str, body: bytes) -> bool:
        try:
            context = link.client().jetstream(timeout=3)
            link.call(ensure_stream(context, FRAMES if subject.startswith("roadwarden.frames") else BOXES))
            link.call(context.publish(subject, body))
        except BrokerAway as exc:
            logger.info("%s", exc)
            return False
        return True


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
