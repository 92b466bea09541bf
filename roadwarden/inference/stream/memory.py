"""How much memory a process and the machine have."""

from __future__ import annotations

import os
from pathlib import Path

from roadwarden.inference.stream.decoding.slots import held_bytes

PAGE = os.sysconf("SC_PAGE_SIZE")
CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def resident_bytes() -> int:
    """Of this process."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE


def used_bytes() -> int:
    """What this process needs now: of the memory that decoders write to only the pictures that it holds.

    The system counts all that was ever written there as resident: once above its limit a worker would stay there.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    kilobytes = {
        name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines if "kB" in line)
    }
    return (kilobytes["VmRSS"] - kilobytes.get("RssShmem", 0)) * 1024 + held_bytes()


def machine_bytes() -> int:
    """What this process may use: the container's limit, else the machine's memory."""
    whole = PAGE * os.sysconf("SC_PHYS_PAGES")
    for place in CGROUPS:
        try:
            return min(whole, int(place.read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return whole
