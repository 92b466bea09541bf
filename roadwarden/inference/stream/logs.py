"""Log lines for people or for machines; no address shows its password in either."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from roadwarden.data.redact_url import redact_url


class _Redacting(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact_url(super().format(record))


class _AsJson(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """One object a line, with the names that collectors know."""
        content = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname,
            "logger": record.name,
            "thread": record.threadName,
            "message": record.getMessage(),
        }
        for name in ("trace_id", "camera"):
            if hasattr(record, name):
                content[name] = getattr(record, name)
        if record.exc_info:
            content["exception"] = self.formatException(record.exc_info)
        return redact_url(json.dumps(content, ensure_ascii=False))


def set_up(*, as_json: bool, level: int) -> None:
    """For the whole process, on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_AsJson() if as_json else _Redacting("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("roadwarden").setLevel(level)
