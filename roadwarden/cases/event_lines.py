"""Events as JSON Lines (docs/events.md): one event a line, UTF-8; what is wrong names its line."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from roadwarden.cases.events import CaseEvent, UnknownKeys, parse_event
from roadwarden.errors import DataError, OutputError


def format_event_line(event: CaseEvent) -> str:
    """The canonical line, without its end."""
    return json.dumps(event.as_json(), ensure_ascii=False, allow_nan=False)


def parse_event_line(line: str, unknown: UnknownKeys = UnknownKeys.REFUSED) -> CaseEvent:
    """One line; raises DataError that says what is wrong, without the number of the line."""
    try:
        content = json.loads(line.strip(), object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
    except json.JSONDecodeError as exc:
        raise DataError(f"not JSON: {exc.msg} at character {exc.pos + 1}") from exc
    except (ValueError, RecursionError) as exc:
        raise DataError(f"not JSON: {exc}") from exc
    return parse_event(content, unknown)


def parse_event_lines(
    lines: Iterable[str], name: str = "events", unknown: UnknownKeys = UnknownKeys.REFUSED
) -> Iterator[tuple[int, CaseEvent]]:
    """Line numbers from 1 with their events, blank lines left out; raises DataError 'name:number: what is wrong'."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            event = parse_event_line(line, unknown)
        except DataError as exc:
            raise DataError(f"{name}:{number}: {exc}") from exc
        yield number, event


def read_event_lines(path: Path, unknown: UnknownKeys = UnknownKeys.REFUSED) -> Iterator[tuple[int, CaseEvent]]:
    """The events of a file one by one, so that a file of a whole city is never held at once."""
    try:
        with path.open("rb") as lines:
            yield from parse_event_lines(_decoded(lines, path), str(path), unknown)
    except OSError as exc:
        raise DataError(f"{path}: cannot be read: {exc.strerror or exc}") from exc


def write_event_lines(path: Path, events: Iterable[CaseEvent]) -> int:
    """Writes canonical lines in the order given; returns how many."""
    number = 0
    try:
        with path.open("w", encoding="utf-8", newline="\n") as lines:
            for number, event in enumerate(events, start=1):  # noqa: B007
                lines.write(format_event_line(event) + "\n")
    except OSError as exc:
        raise OutputError(f"{path}: cannot be written: {exc.strerror or exc}") from exc
    return number


def histories(numbered: Iterable[tuple[int, CaseEvent]], name: str = "events") -> dict[str, tuple[CaseEvent, ...]]:
    """Events by case, in the order in which the cases appear; raises DataError that names both lines of one seq.

    The same event twice counts once: messages are delivered more than once.
    """
    cases: dict[str, dict[int, tuple[int, CaseEvent]]] = {}
    for number, event in numbered:
        known = cases.setdefault(event.case, {})
        first, earlier = known.setdefault(event.seq, (number, event))
        if earlier != event:
            raise DataError(f"{name}:{number}: case {event.case} seq {event.seq} says something else in line {first}")
    return {case: tuple(event for _, event in events.values()) for case, events in cases.items()}


def _decoded(lines: Iterable[bytes], path: Path) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        try:
            yield line.removeprefix(BOM_UTF8 if number == 1 else b"").decode("utf-8")
        except UnicodeDecodeError as exc:
            raise DataError(f"{path}:{number}: not UTF-8: {exc.reason}") from exc


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key {next(name for name in names if names.count(name) > 1)!r} twice")
    return content


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")
