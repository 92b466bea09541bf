"""A real PostgreSQL for tests, from Debian's packages: a server of its own on loopback, gone with the tests.

The server lives below a shell whose input is a pipe that only the tests hold: when they end, however they end, the
shell reads the end of the pipe, stops the server and removes it.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

USER = "tester"
KEEPER = r"""
serve() {
    "$1"/postgres -D "$2"/data >>"$2"/log 2>&1 &
    server=$!
}
serve "$1" "$2"
while read -r word; do
    case "$word" in
        stop) kill -QUIT "$server"; wait "$server" ;;
        start) serve "$1" "$2" ;;
    esac
done
kill -INT "$server" 2>/dev/null
wait "$server"
rm -rf "$2"
"""
NOT_FOR_KEEPS = """
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 64MB
max_connections = 40
listen_addresses = '127.0.0.1'
"""


@dataclass
class PostgresServer:
    """A server that is running; every database in it is somebody's own."""

    port: int
    password: str
    folder: Path
    keeper: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        """At once, as in a crash; what was committed by those who wait for the disk is there after ``start``."""
        self._tell("stop")
        until = time.monotonic() + 60
        while _listens(self.port):
            assert time.monotonic() < until, "the server does not stop"
            time.sleep(0.02)

    def start(self) -> None:
        """After ``stop``."""
        self._tell("start")
        _wait(self)

    def _tell(self, word: str) -> None:
        assert self.keeper is not None
        assert self.keeper.stdin is not None
        self.keeper.stdin.write(f"{word}\n".encode())
        self.keeper.stdin.flush()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def new_database(self, like: str | None = None) -> str:
        """The URL of an empty database, or of a copy of the one called ``like``."""
        name = f"t{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name}" + (f" TEMPLATE {like}" if like else ""))
        return self.url(name)

    def drop(self, url: str) -> None:
        self.run(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url().replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


def server_programs() -> Path | None:
    """The folder of initdb and postgres: where PATH has them, or the newest of Debian's."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return debian[-1].parent if debian else None


@contextmanager
def running_server(programs: Path) -> Iterator[PostgresServer]:
    """Starts a server in a folder of its own and stops it; as root it runs as another user, as it insists."""
    folder = Path(tempfile.mkdtemp(prefix="roadwarden-postgres-"))
    account = _unprivileged()
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
    server = PostgresServer(_free_port(), secrets.token_urlsafe(16), folder)
    keeper = None
    try:
        _initialise(programs, folder, server, account)
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, "keeper", str(programs), str(folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the tests
            **_as(account, folder),
        )
        server.keeper = keeper
        _wait(server)
        yield server
    finally:
        if keeper is not None and keeper.stdin is not None:
            keeper.stdin.close()
            keeper.wait(timeout=120)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One for all tests; skips them where PostgreSQL is not installed."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'roadwarden[postgres]'")
    programs = server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server here: apt-get install postgresql")
    with running_server(programs) as server:
        yield server


def _unprivileged() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    names = {account.pw_name: account for account in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _as(account: pwd.struct_passwd | None, folder: Path) -> dict[str, object]:
    who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    return {"cwd": folder, "env": {"PATH": os.defpath, "LC_ALL": "C"}, **who}


def _initialise(programs: Path, folder: Path, server: PostgresServer, account: pwd.struct_passwd | None) -> None:
    secret = folder / "secret"
    secret.write_text(server.password)
    secret.chmod(0o644)  # in a folder that is closed to others
    try:
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", USER, "--pwfile", secret, "--auth=scram-sha-256",
             "--encoding=UTF8", "--no-locale", "--no-sync"],
            check=True, capture_output=True, text=True, **_as(account, folder),
        )  # fmt: skip
    except subprocess.CalledProcessError as exc:
        pytest.fail(f"initdb: {exc.stderr}")
    with (folder / "data" / "postgresql.conf").open("a") as settings:
        settings.write(f"{NOT_FOR_KEEPS}port = {server.port}\nunix_socket_directories = '{folder}'\n")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: PostgresServer, patience_s: float = 60.0) -> None:
    import psycopg

    until = time.monotonic() + patience_s
    while True:
        try:
            psycopg.connect(server.url().replace("+psycopg", ""), connect_timeout=5).close()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                pytest.fail(f"PostgreSQL does not answer: {(server.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)
        else:
            return
