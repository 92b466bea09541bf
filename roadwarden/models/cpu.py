"""What the CPU can do, where a session must be opened otherwise for it."""

from __future__ import annotations

from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
VNNI_FLAGS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})
"""What /proc/cpuinfo calls the instructions that multiply 8-bit numbers and cannot overflow."""


def has_vnni(cpuinfo: Path = CPUINFO) -> bool:
    """Whether the CPU says that it has 8-bit dot products; False where it cannot be asked."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return bool(VNNI_FLAGS & {*text.split()})
