"""A gate in the network: closed, all connections through it break and none is let in, as when a server restarts."""

from __future__ import annotations

import contextlib
import socket
import threading


class Gate:
    """Listens on a free port of this machine and passes on to one server."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open = True
        self._ends: set[socket.socket] = set()
        threading.Thread(target=self._serve, name="gate", daemon=True).start()

    def close(self) -> None:
        """Breaks everything that goes through."""
        with self._lock:
            self._open = False
            for one in self._ends:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        """Lets through again."""
        with self._lock:
            self._open = True

    def end(self) -> None:
        """For good."""
        self.close()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                ours, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(ours,), daemon=True).start()

    def _pass(self, ours: socket.socket) -> None:
        with ours:
            try:
                theirs = socket.create_connection(self._to, timeout=5)
            except OSError:
                return
            with theirs:
                theirs.settimeout(None)
                with self._lock:
                    if not self._open:
                        return
                    self._ends |= {ours, theirs}
                back = threading.Thread(target=_copy, args=(theirs, ours), daemon=True)
                back.start()
                _copy(ours, theirs)
                back.join()
                with self._lock:
                    self._ends -= {ours, theirs}


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
