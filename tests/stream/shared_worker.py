"""A worker of a fleet as a process of its own: ``shared_worker.py CONFIG STATE``; its detector needs no model."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from workers import slot_of

from roadwarden.inference.stream.config import read_config
from roadwarden.inference.stream.worker import Parts, Worker
from roadwarden.storage.schema import open_storage


def main(config: str, state: str) -> None:
    settings = read_config(Path(config)).model_copy(update={"state": Path(state)})
    worker = Worker(settings, Parts(open_storage(settings.database.get_secret_value()), slot_of()))
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
