"""Picture files decoded in a process of their own: one that makes the decoder crash costs that one picture."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Future
from threading import Lock

import cv2
from pebble import ProcessExpired, ProcessPool

from roadwarden.detections import Image
from roadwarden.inference.orphans import end_with_parent
from roadwarden.inference.stream.lane import DecoderDied
from roadwarden.vision.decode import decode

LIMIT_S = 30.0


def _start() -> None:
    end_with_parent()
    cv2.setNumThreads(1)


class PictureDecoder:
    """For all lanes; the process is started with the first picture."""

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._lock = Lock()
        self._pool: ProcessPool | None = None

    def __call__(self, data: bytes) -> Image:
        """The picture. Raises UndecodableFrame, or DecoderDied where the process ended of it or took too long."""
        with self._lock:
            if self._pool is None:
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPool(max_workers=self._processes, context=context, initializer=_start)
            future: Future[Image] = self._pool.schedule(decode, args=(data,), timeout=LIMIT_S)
        try:
            return future.result()
        except (ProcessExpired, TimeoutError) as exc:
            raise DecoderDied(f"decoder_crashed: {type(exc).__name__}") from exc

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            if self._pool is not None:
                self._pool.stop()  # type: ignore[no-untyped-call]
                self._pool.join()
                self._pool = None
