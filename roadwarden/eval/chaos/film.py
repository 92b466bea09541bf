"""A live camera that misbehaves: MPEG-TS by HTTP with stalls, cuts, lost key frames, and a clock that begins anew."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np

from roadwarden.errors import MissingExtra
from roadwarden.eval.chaos.stage import Stage

PACKET = 188
FPS = 8
SIZE = (640, 360)
HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n"
LOSE, STALL, CUT = 0.06, 0.012, 0.008
"""Chances a tenth of a second; a stall lasts for longer than the worker's patience."""
STALL_S = 4.0


def write_film(stage: Stage, place: Path) -> Path:
    """The street's frames as a stream of a camera, a key frame a second."""
    try:
        import av
    except ImportError as exc:
        raise MissingExtra("cameras want PyAV: pip install 'roadwarden[stream]'") from exc
    import cv2

    with av.open(str(place), "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "tune": "zerolatency"})
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = *SIZE, "yuv420p", FPS
        for number in range(3 * FPS):
            picture = cv2.resize(stage.image(number % len(stage.pictures)), SIZE)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return place


class FilmServer:
    """Plays to whoever connects; what it did wrong is counted."""

    def __init__(self, film: Path, seed: int) -> None:
        data = film.read_bytes()
        tenth = len(data) // 30 // PACKET * PACKET
        self._parts = [data[first : first + tenth] for first in range(0, len(data), tenth)]
        self._chance = Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.done: Counter[str] = Counter()
        threading.Thread(target=self._serve, name="film", daemon=True).start()

    @property
    def url(self) -> str:
        """Of the camera."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/live.ts"

    def end(self) -> None:
        """Takes no more connections."""
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._play, args=(client,), daemon=True).start()

    def _play(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.sendall(HEAD)
            while True:
                for number, part in enumerate(self._parts):
                    if not self._send(client, part, is_key=number % 10 == 0):
                        return
                self.done["clock_back"] += 1  # the film begins anew, and its clock with it

    def _send(self, client: socket.socket, part: bytes, *, is_key: bool) -> bool:
        luck = self._chance.random()
        if luck < CUT:
            self.done["cut"] += 1
            return False
        if luck < CUT + STALL:
            self.done["stall"] += 1
            time.sleep(STALL_S)
        if luck > 1 - LOSE * (4 if is_key else 1):
            self.done["lost_key_frame" if is_key else "lost"] += 1
        else:
            client.sendall(part)
        time.sleep(0.1)
        return True
