"""Cells of CSV files."""

from __future__ import annotations

_RUN = ("=", "+", "-", "@", "\t", "\r")


def as_text(value: object) -> object:
    """Lists joined by ``; ``; text that a spreadsheet would run as a formula gets an apostrophe before it."""
    if isinstance(value, list | tuple):
        value = "; ".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value.startswith(_RUN) else value
