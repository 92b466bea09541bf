"""Picture files decoded in a process of their own: one that makes the decoder crash costs that one picture."""

from __future__ import annotations

from threading import Lock

import cv2
from pebble import ProcessExpired

from roadwarden.detections import Image
from roadwarden.inference.orphans import end_with_parent
from roadwarden.inference.quiet_pool import QuietPool
from roadwarden.inference.stream.heap import keep_freed_memory
from roadwarden.inference.stream.lane import DecoderDied
from roadwarden.vision.decode import decode

LIMIT_S = 30.0


def _start() -> None:
    end_with_parent()
    keep_freed_memory()
    cv2.setNumThreads(1)


class PictureDecoder:
    """For all lanes; the process is started with the first picture."""

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._lock = Lock()
        self._pool: QuietPool | None = None

    def __call__(self, data: bytes) -> Image:
        """The picture. Raises UndecodableFrame, or DecoderDied where the process ended of it or took too long."""
        with self._lock:
            if self._pool is None:
                self._pool = QuietPool(self._processes, _start)
            future = self._pool.schedule(decode, (data,), LIMIT_S)
        try:
            return future.result()
        except (ProcessExpired, TimeoutError) as exc:
            raise DecoderDied(f"decoder_crashed: {type(exc).__name__}") from exc

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            if self._pool is not None:
                self._pool.end()
                self._pool = None
