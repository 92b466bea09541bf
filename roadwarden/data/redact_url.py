"""Texts that may go to logs and errors."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?<=://)[^/?#\s]+@")  # up to the last @ before the path: passwords hold some, too
_SECRET_PARAMETERS = re.compile(
    r"(?i)\b((?:x-amz-)?(?:access_?key(?:_?id)?|secret(?:_?key)?|signature|credential|security-token|token|password|passwd|pwd|pass|usr|user|username|login\w*|auth|key|sig)=)[^&\s]+"
)


def redact_url(text: str) -> str:
    """The text with user names, passwords and signatures of URLs replaced by ***."""
    return _SECRET_PARAMETERS.sub(r"\1***", _CREDENTIALS.sub("***@", text))
