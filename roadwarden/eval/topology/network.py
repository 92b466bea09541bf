"""Hosts on one machine that can be cut off: network namespaces where the system permits them, else relays."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Protocol

from roadwarden.errors import ConfigError
from roadwarden.eval.chaos.gate import Gate

PORTS = {"database": 5432, "broker": 4222, "registry": 5000, "web": 8000}
"""Of the hosts that others connect to."""
HOSTS = (*PORTS, "worker-1", "worker-2", "scheduler", "assessor", "desk")
"""``desk`` is where people and boxes are, and whoever runs all this."""
DESK = "desk"
_HUB = "hub"


class Network(Protocol):
    """How hosts are reached, and cut off."""

    kind: str

    def on(self, host: str, words: Sequence[str]) -> list[str]:
        """The command that runs ``words`` on a host."""

    def listens(self, host: str) -> tuple[str, int]:
        """Where a server on that host listens."""

    def address(self, server: str, seen_from: str) -> str:
        """HOST:PORT under which a host reaches a server."""

    def cut(self, host: str) -> None:
        """Nothing reaches it, and nothing comes from it; nobody is told."""

    def mend(self, host: str) -> None:
        """It is there again."""

    def end(self) -> None:
        """Takes everything away."""


def namespaces_are_permitted() -> bool:
    """Whether this machine lets us make network namespaces, a bridge and pairs of interfaces."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    try:
        network = Namespaces("probe", hosts=(DESK,))
    except ConfigError:
        return False
    network.end()
    return True


class Namespaces:
    """A namespace for each host and one for the switch between them; the machine's own network is not touched.

    Raises ConfigError where the system does not permit it.
    """

    kind = "network namespaces"

    def __init__(self, name: str, hosts: Sequence[str] = HOSTS, *, make: bool = True) -> None:
        """``make`` False: they are there already, as for a process that runs on one of them."""
        self._name, self._hosts = name, tuple(hosts)
        if not make:
            return
        self.end()
        try:
            self._make()
        except (OSError, subprocess.CalledProcessError) as exc:
            self.end()
            told = getattr(exc, "stderr", None) or str(exc)
            raise ConfigError(f"network namespaces are not permitted here: {told}".strip()) from exc

    def on(self, host: str, words: Sequence[str]) -> list[str]:
        """In its namespace."""
        return ["ip", "netns", "exec", self._space(host), *words]

    def listens(self, host: str) -> tuple[str, int]:
        """On the host's own address."""
        return self._address(host), PORTS[host]

    def address(self, server: str, seen_from: str) -> str:
        """The same from everywhere."""
        return f"{self._address(server)}:{PORTS[server]}"

    def cut(self, host: str) -> None:
        """Its cable is pulled at the switch."""
        self._in(_HUB, "link", "set", f"v{self._hosts.index(host)}", "down")

    def mend(self, host: str) -> None:
        """Its cable is put in."""
        self._in(_HUB, "link", "set", f"v{self._hosts.index(host)}", "up")

    def end(self) -> None:
        """Also of an earlier run that was killed."""
        for host in (_HUB, *self._hosts):
            subprocess.run(["ip", "netns", "del", self._space(host)], capture_output=True, check=False)

    def _make(self) -> None:
        _ip("netns", "add", self._space(_HUB))
        self._in(_HUB, "link", "add", "switch", "type", "bridge")
        self._in(_HUB, "link", "set", "switch", "up")
        for number, host in enumerate(self._hosts):
            _ip("netns", "add", self._space(host))
            end = ("peer", "name", "eth0", "netns", self._space(host))
            self._in(_HUB, "link", "add", f"v{number}", "type", "veth", *end)
            self._in(_HUB, "link", "set", f"v{number}", "master", "switch", "up")
            self._in(host, "addr", "add", f"{self._address(host)}/24", "dev", "eth0")
            self._in(host, "link", "set", "eth0", "up")
            self._in(host, "link", "set", "lo", "up")

    def _space(self, host: str) -> str:
        return f"rw-{self._name}-{host}"

    def _address(self, host: str) -> str:
        return f"10.77.0.{self._hosts.index(host) + 1}"

    def _in(self, host: str, *words: str) -> None:
        _ip("-n", self._space(host), *words)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, text=True, check=True)


class Relays:
    """Servers on addresses of loopback, and a relay for each pair of a host and a server, which can be closed.

    Weaker than namespaces: a cut breaks connections, where a pulled cable leaves both ends waiting.
    """

    kind = "addresses of loopback behind relays"

    def __init__(self, ports: dict[str, int]) -> None:
        """``ports``: free ones of loopback, where the servers will listen."""
        self._ports = ports
        self._gates: dict[tuple[str, str], Gate] = {}

    def on(self, host: str, words: Sequence[str]) -> list[str]:
        """As it is: there is one network."""
        return list(words)

    def listens(self, host: str) -> tuple[str, int]:
        """On loopback."""
        return "127.0.0.1", self._ports[host]

    def address(self, server: str, seen_from: str) -> str:
        """Of the relay between the two."""
        pair = (server, seen_from)
        if pair not in self._gates:
            self._gates[pair] = Gate("127.0.0.1", self._ports[server])
        return f"127.0.0.1:{self._gates[pair].port}"

    def cut(self, host: str) -> None:
        """All relays to and from it are closed."""
        for pair, gate in self._gates.items():
            if host in pair:
                gate.close()

    def mend(self, host: str) -> None:
        """They are open again."""
        for pair, gate in self._gates.items():
            if host in pair:
                gate.open()

    def end(self) -> None:
        """For good."""
        for gate in self._gates.values():
            with contextlib.suppress(OSError):
                gate.end()
