"""Key figures are reckoned from all events of a period: one reckoning at once, and each is kept for a minute."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final

from roadwarden.errors import TooMany

KEPT_S: Final = 60.0
MOST_KEPT: Final = 32
WAIT_S: Final = 20.0


@dataclass(slots=True)
class Figures:
    """Answers by what was asked: the kind, the period, whose cases."""

    clock: Callable[[], float] = time.monotonic
    _kept: OrderedDict[Hashable, tuple[float, Any]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Hashable, reckon: Callable[[], Any]) -> Any:
        """The kept answer, or a new one. Raises TooMany where another reckoning takes long."""
        if (known := self._fresh(key)) is not None:
            return known
        if not self._lock.acquire(timeout=WAIT_S):
            raise TooMany("other figures are being reckoned; try again", int(WAIT_S))
        try:
            if (known := self._fresh(key)) is not None:
                return known
            made = reckon()
            self._kept[key] = (self.clock(), made)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return made
        finally:
            self._lock.release()

    def _fresh(self, key: Hashable) -> Any:
        kept = self._kept.get(key)
        return None if kept is None or self.clock() - kept[0] > KEPT_S else kept[1]
