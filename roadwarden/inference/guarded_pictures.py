"""Pictures of strangers are read in a process of its own.

One that is killed by a picture, or takes too long, costs that picture and nothing else.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import resource
from concurrent.futures import TimeoutError as TookTooLong
from datetime import tzinfo
from typing import Any, Final

from pebble import ProcessExpired, ProcessPool

from roadwarden.inference.evidence_pictures import PictureReader
from roadwarden.service.evidence import BadPicture, Limits, PictureProblem, PictureRead

logger = logging.getLogger(__name__)

READ_S: Final = 30.0
MOST_MEMORY: Final = 6 * 2**30
"""Address space of the process; a picture of 64 million pixels takes 0.2 GB of it, the face model's libraries more."""
PICTURES_A_PROCESS: Final = 500

_reader: PictureReader | None = None


class GuardedPictures:
    """One process that reads one picture at a time; it starts with the first one, and anew when it died."""

    def __init__(self, zone: tzinfo | None, copy_most_rms: float, read_s: float = READ_S) -> None:
        """Starts nothing yet."""
        self._read_s = read_s
        self._pool = ProcessPool(
            max_workers=1,
            max_tasks=PICTURES_A_PROCESS,
            context=multiprocessing.get_context("spawn"),
            initializer=_start,
            initargs=(zone, copy_most_rms),
        )

    def read(self, data: bytes, limits: Limits) -> PictureRead:
        """As ``PictureReader`` does; a picture that kills or stalls the reader is damaged."""
        answer = self._ask(_read, data, limits)
        if isinstance(answer, PictureRead):
            return answer
        problem, text = answer or (PictureProblem.DAMAGED, "this picture cannot be read; send another one")
        raise BadPicture(problem, text)

    def show_the_same(self, one: bytes, other: bytes) -> bool:
        """As ``PictureReader`` does; False where the reader died of them."""
        return bool(self._ask(_same, one, other))

    def close(self) -> None:
        """Ends the process."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def _ask(self, work: Any, *args: Any) -> Any:
        try:
            return self._pool.schedule(work, args=args, timeout=self._read_s).result()
        except (ProcessExpired, TookTooLong, MemoryError) as exc:
            logger.warning("a picture of %d bytes ended its reader: %s", len(args[0]), type(exc).__name__)
            return None


def _start(zone: tzinfo | None, copy_most_rms: float) -> None:
    global _reader  # what a process is started with
    with contextlib.suppress(ValueError, OSError):  # where the system has set less
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    _reader = PictureReader(zone, copy_most_rms)


def _read(data: bytes, limits: Limits) -> PictureRead | tuple[PictureProblem, str]:
    assert _reader is not None  # noqa: S101 - the initializer ran
    try:
        return _reader.read(data, limits)
    except BadPicture as exc:
        return exc.problem, str(exc)


def _same(one: bytes, other: bytes) -> bool:
    assert _reader is not None  # noqa: S101 - the initializer ran
    return _reader.show_the_same(one, other)
