"""The one spelling of a value that is hashed: RFC 8785, JSON Canonicalization Scheme."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import rfc8785

from roadwarden.errors import LedgerError


def canonical(value: object) -> bytes:
    """UTF-8, keys sorted, no blanks, numbers as ECMAScript writes them; raises LedgerError for what JSON has not.

    Whole numbers beyond 2^53 - 1 are refused, since readers of other languages would round them.
    """
    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as exc:
        raise LedgerError(f"cannot be written as canonical JSON: {exc}") from exc


def read_json(content: bytes, name: str) -> Any:
    """Strict JSON: UTF-8, no key twice, no NaN. Raises LedgerError that begins with ``name``."""
    try:
        return json.loads(content.decode(), object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
    except (ValueError, RecursionError) as exc:
        raise LedgerError(f"{name}: not strict JSON: {exc}") from exc


def read_canonical(content: bytes, name: str) -> Any:
    """JSON that is in canonical form already; raises LedgerError for the same value in another spelling."""
    value = read_json(content, name)
    if canonical(value) != content:
        raise LedgerError(f"{name}: is not in canonical form")
    return value


def sha256_hex(content: bytes) -> str:
    """64 lower-case hex digits."""
    return hashlib.sha256(content).hexdigest()


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key stands twice")
    return content


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")
