"""Child processes that do not outlive the one that started them."""

from __future__ import annotations

import os
import threading

ORPHAN_CHECK_S = 1.0


def end_with_parent() -> None:
    """Ends this process once its parent is gone: one killed outright cannot tell its children."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    waiting = threading.Event()
    while os.getppid() == parent:
        waiting.wait(ORPHAN_CHECK_S)
    os._exit(1)
