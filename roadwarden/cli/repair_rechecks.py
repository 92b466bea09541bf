"""``roadwarden repair recheck|crews``: what later passes say of repairs."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Adds the commands to ``roadwarden repair``."""
