"""Child processes that do not outlive the one that started them."""

from __future__ import annotations

import multiprocessing
import os
import threading


def end_with_parent() -> None:
    """Ends this process once the one that started it is gone: one killed outright cannot tell its children.

    That is not always the process's parent to the system: a forked decoder's is the server that forked it.
    """
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    if (starter := multiprocessing.parent_process()) is not None:
        starter.join()
        os._exit(1)
