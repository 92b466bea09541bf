"""How decoders are started: forked from a server that has loaded their modules once.

A decoder started by itself takes a second of CPU and 200 MB to load what all of them load; a forked one shares it.
Nothing has run in the server when it forks: no thread, no lock and no connection of the worker is in it.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver

DECODERS = multiprocessing.get_context("forkserver")
LOADED = ["roadwarden.inference.stream.decoding.process", "av"]
DECODERS.set_forkserver_preload(LOADED)


def prepare_decoders() -> None:
    """Starts the server, which loads in the background; the first decoder would do it otherwise."""
    forkserver.ensure_running()
