"""How much memory a process and the machine have."""

from __future__ import annotations

import os
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def resident_bytes() -> int:
    """Of this process."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE


def machine_bytes() -> int:
    """What this process may use: the container's limit, else the machine's memory."""
    whole = PAGE * os.sysconf("SC_PHYS_PAGES")
    for place in CGROUPS:
        try:
            return min(whole, int(place.read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return whole
