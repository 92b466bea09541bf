"""Where a page of a list ended, as one opaque word. It opens nothing: who changes it reads from elsewhere."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime

from roadwarden.cases.event_types import format_time, parse_time
from roadwarden.errors import DataError

Key = tuple[datetime, str]


def write_cursor(order: str, key: Key) -> str:
    """Of the last row of a page."""
    return base64.urlsafe_b64encode(json.dumps([order, format_time(key[0]), key[1]]).encode()).decode().rstrip("=")


def read_cursor(order: str, text: str) -> Key:
    """Raises DataError for anything that is not from a list in the same order."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        told, at, name = json.loads(base64.urlsafe_b64decode(padded))
        if told == order and isinstance(name, str):
            return parse_time(at), name
    except (ValueError, TypeError, binascii.Error, RecursionError):
        pass
    raise DataError("after: is no cursor of this list; take 'next' of the page before, or leave it out")
