"""All roles on hosts of their own, cut off one after the other: nothing is lost, nothing is doubled."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading

import pytest

from roadwarden.errors import ConfigError
from roadwarden.eval.topology.day import CUTS
from roadwarden.eval.topology.network import HOSTS, PORTS, Namespaces, Relays, namespaces_are_permitted
from tests.conftest import REPOSITORY

NEEDED = ("nats-server", "runuser")


def talk(address):
    """What a server at HOST:PORT says first."""
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        return connection.recv(5)


@pytest.fixture
def greeter():
    """A server that greets; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"hello")

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def test_a_host_behind_relays_is_cut_off_from_all_and_others_are_not(greeter):
    network = Relays(dict.fromkeys(PORTS, greeter))
    near, far = (network.address("database", host) for host in ("worker-1", "worker-2"))
    assert talk(near) == talk(far) == b"hello"
    network.cut("worker-1")
    assert talk(near) == b""
    assert talk(far) == b"hello"
    network.mend("worker-1")
    assert talk(near) == b"hello"
    network.cut("database")
    assert talk(near) == talk(far) == b""
    network.end()


def test_a_pulled_cable_is_noticed_by_nobody_but_those_who_ask():
    if not namespaces_are_permitted() or shutil.which("ping") is None:
        pytest.skip("network namespaces need root, and this test ping")
    network = Namespaces(f"test{os.getpid()}", hosts=("worker-1", "worker-2"))

    def reaches():
        words = network.on("worker-1", ["ping", "-c", "1", "-W", "1", "10.77.0.2"])
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    try:
        assert reaches()
        network.cut("worker-2")
        assert not reaches()
        network.mend("worker-2")
        assert reaches()
    finally:
        network.end()


def test_every_cut_is_of_a_host_that_comes_back_within_the_day():
    for cut in CUTS:
        assert cut.host in HOSTS
        assert 0 < cut.begins < cut.begins + cut.lasts < 1


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", [[], ["--relays"]], ids=["namespaces", "relays"])
def test_a_day_with_hosts_cut_off_loses_nothing(tmp_path, way):
    if not way and not namespaces_are_permitted():
        pytest.skip("network namespaces need root")
    if any(shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None for name in NEEDED):
        pytest.skip("nats-server or runuser is not installed")
    command = [
        sys.executable,
        str(REPOSITORY / "scripts" / "topology"),
        "--seconds",
        "60",
        "--out",
        str(tmp_path),
        *way,
    ]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "everything holds" in (tmp_path / "topology.md").read_text(encoding="utf-8")


def test_without_permission_it_is_said_what_is_missing(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises((ConfigError, FileNotFoundError)):
        Namespaces("nobody", hosts=("worker-1",))
