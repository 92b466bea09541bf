"""The processes of each host: begun, waited for, ended; what they say goes to a log of their own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from roadwarden.errors import ConfigError, OutputError
from roadwarden.eval.chaos.hands import Life
from roadwarden.eval.chaos.stage import Stage
from roadwarden.eval.topology.network import DESK, Network

USER, PASSWORD, DATABASE = "roadwarden", "topology", "postgres"
READY_S, END_S = 180.0, 30.0
CHAMPION = "registry:roadwarden@champion"


@dataclass(slots=True)
class Host:
    """One host and its one process."""

    name: str
    folder: Path
    network: Network
    _process: subprocess.Popen[bytes] | None = None

    def start(self, words: Sequence[str], given: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
        """Begins it in a session of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.network.on(self.name, words),
                env=os.environ | dict(given or {}),
                cwd=cwd,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def end(self) -> float:
        """SIGTERM, and SIGKILL to all of it where that is not enough; returns the seconds it took."""
        process, self._process = self._process, None
        if process is None:
            return 0.0
        begun = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return time.monotonic() - begun

    def require(self) -> None:
        """Raises OutputError where its process has ended."""
        if self._process is None or self._process.poll() is not None:
            text = (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-1500:]
            raise OutputError(f"{self.name} has ended: {text}")


@dataclass(slots=True)
class Roles:
    """All of them; ``start`` in the order in which they need each other."""

    out: Path
    network: Network
    stage: Stage
    hosts: dict[str, Host] = field(default_factory=dict)

    def host(self, name: str) -> Host:
        """Made when it is first asked for."""
        return self.hosts.setdefault(name, Host(name, self.out / name, self.network))

    def database(self, seen_from: str) -> str:
        """URL of the database."""
        return f"postgresql+psycopg://{USER}:{PASSWORD}@{self.network.address('database', seen_from)}/{DATABASE}"

    def registry(self, seen_from: str) -> str:
        """URL of the registry."""
        return f"http://{self.network.address('registry', seen_from)}"

    def given(self, seen_from: str) -> dict[str, str]:
        """Environment of a role."""
        return {
            "ROADWARDEN_DATABASE": self.database(seen_from),
            "ROADWARDEN_REGISTRY": self.registry(seen_from),
            "ROADWARDEN_BLOBS": str(self.out / "blobs"),
            "OMP_NUM_THREADS": "1",
        }

    def start_servers(self) -> None:
        """Database, broker and registry; returns when they listen."""
        self._start_database()
        self._start_broker()
        self._start_registry()
        for name in ("database", "broker", "registry"):
            self._wait(name)

    def start_workers(self) -> None:
        """Both workers, on the same queues."""
        for name in ("worker-1", "worker-2"):
            folder = self.host(name).folder
            folder.mkdir(parents=True, exist_ok=True)
            place = folder / "stream.yaml"
            place.write_text(yaml.safe_dump(self._worker(name)), encoding="utf-8")
            self.host(name).start(_roadwarden("stream", "run", str(place)), self.given(name))

    def start_rest(self, key: Path, destinations: Path, witness: Path) -> None:
        """Scheduler with the ledger, assessor, web."""
        words = ["scheduler", "--destinations", str(destinations), "--ledger-key", str(key)]
        words += ["--witness", str(witness), "--ledger-every-s", "5"]
        self.host("scheduler").start(_roadwarden(*words), self.given("scheduler"))
        self.host("assessor").start(
            _roadwarden("repair", "queue", "--model", CHAMPION, "--every-s", "1"), self.given("assessor")
        )
        at, port = self.network.listens("web")
        url = f"http://{self.network.address('web', DESK)}"
        words = ["serve", "--host", at, "--port", str(port), "--public-url", url, "--plain-http"]
        words += ["--time-key", str(self.out / "time.key")]
        self.host("web").start(_roadwarden(*words), self.given("web"))
        self._wait("web")

    def worker_is_ready(self, name: str) -> bool:
        """Whether it keeps books."""
        return (self.out / name / "state" / "books.json").is_file()

    def drain(self) -> list[Life]:
        """Ends the workers; what their books say."""
        lives = []
        for name in ("worker-1", "worker-2"):
            took_s = self.host(name).end()
            lives.append(Life(name, "drained", _books(self.out / name / "state"), round(took_s, 2)))
        return lives

    def end(self) -> None:
        """Everything, servers last."""
        for name in reversed(list(self.hosts)):
            self.hosts[name].end()

    def _worker(self, name: str) -> dict[str, Any]:
        broker = f"nats://{self.network.address('broker', name)}"
        eyes = {"camera": str(self.stage.camera_file), "track": str(self.stage.track)}
        return {
            "cameras": {
                "frames": {"source": {"kind": "jetstream", "url": broker, "ack_wait_s": 20.0}, **eyes},
                "boxes": {"source": {"kind": "boxes", "url": broker, "ack_wait_s": 20.0}, **eyes},
            },
            "model": CHAMPION,
            "database": self.database(name),
            "state": str(self.out / name / "state"),
            "batching": {"lanes": 1, "max_frames": 1},
            "swap": {"registry": self.registry(name), "poll_s": 5.0},
        }

    def _start_database(self) -> None:
        programs = _postgres_programs()
        host = self.host("database")
        data = host.folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        account = pwd.getpwnam("postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
        secret = host.folder / "secret"
        secret.write_text(PASSWORD, encoding="utf-8")
        for place in (host.folder, data, secret):
            os.chown(place, account.pw_uid, account.pw_gid)
        user: dict[str, Any] = (
            {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        )
        words = [f"{programs}/initdb", "-D", str(data), "-U", USER, "--pwfile", str(secret), "--encoding=UTF8"]
        subprocess.run([*words, "--auth=scram-sha-256", "--no-locale"], check=True, capture_output=True, **user)
        with (data / "pg_hba.conf").open("a", encoding="utf-8") as rules:
            rules.write("host all all 10.77.0.0/24 scram-sha-256\n")
        at, port = self.network.listens("database")
        server = [f"{programs}/postgres", "-D", str(data), "-p", str(port), "-c", f"listen_addresses={at}"]
        server += ["-c", f"unix_socket_directories={host.folder}", "-c", "tcp_keepalives_idle=5"]
        host.start(_as_user(server, account.pw_name))

    def _start_broker(self) -> None:
        program = shutil.which("nats-server", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if program is None:
            raise ConfigError("the broker is a NATS server: apt-get install nats-server")
        host = self.host("broker")
        host.folder.mkdir(parents=True, exist_ok=True)
        at, port = self.network.listens("broker")
        settings = (
            f"server_name: topology\nlisten: {at}:{port}\nmax_payload: 8MB\n"
            f'jetstream {{ store_dir: "{host.folder}/store", max_mem: 64MB, max_file: 2GB }}\n'
        )
        (host.folder / "nats.conf").write_text(settings, encoding="utf-8")
        host.start([program, "-c", str(host.folder / "nats.conf")])

    def _start_registry(self) -> None:
        host = self.host("registry")
        host.folder.mkdir(parents=True, exist_ok=True)
        at, port = self.network.listens("registry")
        words = [sys.executable, "-m", "mlflow", "server", "--host", at, "--port", str(port), "--workers", "1"]
        words += ["--backend-store-uri", f"sqlite:///{host.folder}/mlflow.db", "--serve-artifacts"]
        words += ["--artifacts-destination", str(host.folder / "artifacts"), "--allowed-hosts", "*"]
        quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        host.start(words, quiet, host.folder)

    def _wait(self, server: str) -> None:
        until = time.monotonic() + READY_S
        at, port = self.network.listens(server)  # itself: a relay before it takes everybody in
        while not _listens(at, port):
            self.host(server).require()
            if time.monotonic() > until:
                raise OutputError(f"{server} does not listen after {READY_S:.0f} s; see {self.host(server).folder}/log")
            time.sleep(0.2)


def _roadwarden(*words: str) -> list[str]:
    return [sys.executable, "-m", "roadwarden", *words]


def _as_user(words: list[str], name: str) -> list[str]:
    return ["runuser", "-u", name, "--", *words] if os.geteuid() == 0 else words


def _postgres_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise ConfigError("the database is a PostgreSQL server: apt-get install postgresql")
    return found[-1].parent


def _listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((host, port)) == 0


def _books(state: Path) -> dict[str, Any]:
    import json

    try:
        found: dict[str, Any] = json.loads((state / "books.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found
