"""Pools of processes end without a word."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from roadwarden.inference.quiet_pool import QuietPool


class SlowToLoad:
    """Like the modules of a worker on a busy machine, for all processes but the first one."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return _load, (str(self.folder),)


def _load(folder):
    try:
        Path(folder).mkdir()
    except FileExistsError:
        time.sleep(1.0)


def begin(_slow):
    """Of a process."""


def test_a_process_that_is_still_starting_when_the_job_ends_says_nothing(tmp_path, capfd):
    pool = QuietPool(2, begin, (SlowToLoad(tmp_path / "first"),))
    for _ in range(2):  # in C: signals wait until it is through
        pool.schedule(hashlib.pbkdf2_hmac, ("sha256", b"", b"", 4_000_000), 10)
    while not (tmp_path / "first").is_dir():
        time.sleep(0.02)
    time.sleep(0.3)
    pool.end()
    time.sleep(1.0)  # as long as it would have needed to stumble
    assert capfd.readouterr().err == ""
