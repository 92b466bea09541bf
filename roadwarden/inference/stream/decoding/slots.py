"""Pictures in memory that a decoder and the worker both see: written once by the one, read in place by the other.

Through a pipe a frame of 720p cost each of them a copy of 2.8 MB and some tens of switches.
"""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Callable
from multiprocessing.reduction import DupFd
from typing import Any

import numpy as np

from roadwarden.detections import Image
from roadwarden.inference.stream.decoding.start import DECODERS
from roadwarden.vision.decode import DEFAULT_LIMITS

STRIDE = -(-DEFAULT_LIMITS.pixels * 3 // mmap.PAGESIZE) * mmap.PAGESIZE
"""Bytes from one slot to the next: the largest picture. The file is sparse: only what was written takes memory."""
UNREAD = 2
"""Pictures that a decoder may be ahead of its reader."""

_held: dict[int, int] = {}  # bytes of each picture that this process has read and still refers to


def held_bytes() -> int:
    """Of the pictures that this process has read and not let go."""
    return sum(list(_held.values()))


class Slots:
    """So many pictures at most; the decoder waits for the worker to read one, and to let one go.

    Of the free slots the first is taken, so that no more of them hold memory than were ever needed at once. Made by
    the worker, handed to the decoder's process when it is started.
    """

    def __init__(self, count: int) -> None:
        self._file = os.memfd_create("roadwarden-frames")
        self._closed = weakref.finalize(self, os.close, self._file)
        os.ftruncate(self._file, count * STRIDE)
        self._taken = DECODERS.RawArray("B", count)  # by slot; set by the decoder, cleared by the worker
        self._free, self._unread = DECODERS.Semaphore(count), DECODERS.Semaphore(UNREAD)
        self._memory = mmap.mmap(self._file, count * STRIDE)

    def __getstate__(self) -> dict[str, Any]:
        """For the process that is being started; elsewhere it cannot be pickled."""
        return {"file": DupFd(self._file), "taken": self._taken, "free": self._free, "unread": self._unread}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._file = state["file"].detach()
        self._closed = weakref.finalize(self, os.close, self._file)
        self._taken, self._free, self._unread = state["taken"], state["free"], state["unread"]
        self._memory = mmap.mmap(self._file, len(self._taken) * STRIDE)

    def write(self, image: Image) -> int:
        """The decoder's: the slot that holds the picture (height, width, 3) now. Waits for one to be free.

        Raises ValueError for a picture that is larger than a slot.
        """
        if image.nbytes > STRIDE:
            raise ValueError(f"a picture of {image.shape[1]} × {image.shape[0]}: larger than {STRIDE} bytes")
        self._unread.acquire()
        self._free.acquire()
        slot = bytes(self._taken).index(0)
        self._taken[slot] = 1
        self._seen(slot, image.shape)[:] = image
        return slot

    def read(self, slot: int, shape: tuple[int, int, int]) -> Image:
        """The worker's: the picture in place. Its slot is free again when nothing refers to the array any more."""
        image = self._seen(slot, shape)
        _held[id(image)] = image.nbytes
        weakref.finalize(image, _letting_go(self._taken, self._free, slot, id(image))).atexit = False
        self._unread.release()
        return image

    def close(self) -> None:
        """Nothing is written or read any more; pictures that were read stay as they are."""
        self._closed()

    def _seen(self, slot: int, shape: tuple[int, ...]) -> Image:
        """Not a view of another array: views of it refer to it, and not past it to the memory."""
        return np.ndarray(shape, np.uint8, self._memory, offset=slot * STRIDE)


def _letting_go(taken: Any, free: Any, slot: int, picture: int) -> Callable[[], None]:
    """Holds no reference to the slots: a picture may outlive its decoder. Takes no lock: it may run at any moment."""

    def let_go() -> None:
        _held.pop(picture, None)
        taken[slot] = 0
        free.release()

    return let_go
