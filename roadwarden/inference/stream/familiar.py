"""Whether frames of archives were kept before: asked of the database while it is likely, seldom while it is not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from threading import Lock

STRANGERS = 32
"""After so many new frames of a camera in a row only every ``STRIDE``th is asked about. What is not asked about and
known nevertheless costs a look, and is kept once: the transaction that keeps it decides."""
STRIDE = 16


class Familiar:
    """For all lanes. A question is a transaction: one a frame took some 3 % of a lane's time."""

    def __init__(self, known: Callable[[Sequence[str]], Collection[str]]) -> None:
        """``known``: of keys, those that are kept."""
        self._known = known
        self._lock = Lock()
        self._strangers: defaultdict[str, int] = defaultdict(int)  # by camera, new ones in a row

    def among(self, asked: Sequence[tuple[str, str]]) -> frozenset[str]:
        """Of cameras and keys, the keys that are known to be kept."""
        likely = [(camera, key) for camera, key in asked if self._is_likely(camera)]
        found = frozenset(self._known([key for _, key in likely])) if likely else frozenset[str]()
        with self._lock:
            for camera, key in likely:
                if key in found:
                    self._strangers[camera] = 0
        return found

    def _is_likely(self, camera: str) -> bool:
        with self._lock:
            before = self._strangers[camera]
            self._strangers[camera] += 1
        return before < STRANGERS or before % STRIDE == 0
