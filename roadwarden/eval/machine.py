"""What a benchmark ran on."""

from __future__ import annotations

import platform
from pathlib import Path


def machine() -> str:
    """Processor, system and Python."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        names = [line.split(":")[1].strip() for line in text.splitlines() if "model name" in line]
    except OSError:
        names = []
    name = names[0] if names else platform.processor()
    return f"{name}, {platform.system()}, Python {platform.python_version()}"
