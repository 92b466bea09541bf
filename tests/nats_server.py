"""A real NATS server for tests, with JetStream and the MQTT listener: started once, on ports that are free.

Tests ask for ``nats``: a server with streams of its own, which can be stopped, killed and started again.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SETTINGS = """
server_name: test
listen: 127.0.0.1:{port}
max_payload: 8MB
jetstream {{ store_dir: "{folder}/store", max_mem: 32MB, max_file: 512MB }}
mqtt {{ listen: "127.0.0.1:{mqtt_port}" }}
"""


class NatsServer:
    """What is stored outlives ``stop`` and ``kill``."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port, self.mqtt_port = _free_port(), _free_port()
        self._program, self._folder = program, folder
        self._process: subprocess.Popen[bytes] | None = None
        settings = SETTINGS.format(port=self.port, mqtt_port=self.mqtt_port, folder=folder)
        (folder / "nats.conf").write_text(settings)

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> NatsServer:
        log = (self._folder / "log").open("ab")
        self._process = subprocess.Popen([self._program, "-c", self._folder / "nats.conf"], stdout=log, stderr=log)
        log.close()
        until = time.monotonic() + 30
        while not (_listens(self.port) and _listens(self.mqtt_port)):
            assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
            assert time.monotonic() < until, "nats-server does not listen"
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def do(self, work: Callable[[Any], Any]) -> Any:
        """Runs a coroutine function on a connection."""

        async def run() -> Any:
            import nats

            client = await nats.connect(self.url)
            try:
                return await work(client)
            finally:
                await client.close()

        return asyncio.run(run())

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=30)
            self._process = None


@pytest.fixture
def nats() -> Iterator[NatsServer]:
    """Skips where no server is installed."""
    pytest.importorskip("nats.aio", reason="nats-py is not installed: pip install 'roadwarden[stream]'")
    program = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("no NATS server here: apt-get install nats-server")
    folder = Path(tempfile.mkdtemp(prefix="roadwarden-nats-"))
    server = NatsServer(program, folder).start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
