"""Time zones by name."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from roadwarden.errors import ConfigError


def read_zone(name: str | None) -> ZoneInfo | None:
    """The zone of that name; raises ConfigError for an unknown one."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise ConfigError(f"--zone {name}: no such zone; wanted a name such as Asia/Shanghai") from exc
