"""The main function of a decoder's process."""

from __future__ import annotations

import os
import signal
import sys
from multiprocessing.connection import Connection

import cv2

from roadwarden.data.redact_url import redact_url
from roadwarden.errors import RoadwardenError
from roadwarden.inference.orphans import end_with_parent
from roadwarden.inference.stream.decoding.folder import read_folder
from roadwarden.inference.stream.decoding.messages import DecoderSpec, Ended, Shared, VideoSpec
from roadwarden.inference.stream.decoding.outlet import Outlet
from roadwarden.inference.stream.decoding.positions import Positions
from roadwarden.inference.stream.decoding.video import read_video
from roadwarden.inference.stream.heap import keep_freed_memory
from roadwarden.inference.zone import read_zone

NICE = 5
"""Of live sources, below the worker: short of time, better not to decode than not to look at what is decoded."""


def main(spec: DecoderSpec, pipe: Connection, shared: Shared) -> None:
    """Decodes one camera until it ends, or until the worker ends this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, who ends us
    end_with_parent()
    cv2.setNumThreads(1)
    if spec.stale_after_s is not None:
        os.nice(NICE)
    keep_freed_memory()
    outlet = Outlet(spec, pipe, Positions(spec.track, read_zone(spec.zone)), shared)
    try:
        if isinstance(spec.source, VideoSpec):
            read_video(spec, spec.source, outlet)
        else:
            read_folder(spec, spec.source, outlet)
        pipe.send(Ended())
    except RoadwardenError as exc:
        outlet.tell()
        pipe.send(Ended(failed=str(exc)))
    except (BrokenPipeError, ConnectionResetError):
        return  # the worker is gone
    except Exception as exc:  # noqa: BLE001 - a traceback may show an address with its password
        outlet.trouble(f"the decoder failed: {redact_url(f'{type(exc).__name__}: {exc}')}")
        sys.exit(1)
