"""The log of uses of the test part: a number that was looked at often is no longer a test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

HEADER = """# Uses of the test part

The test part of the road pictures is for the report at the end. Every use is logged here.

| no. | date | model | what was done | what was learnt |
| --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class TestUse:
    """One row."""

    __test__ = False  # pytest takes the name for a test

    day: date
    model: str
    done: str
    learnt: str


def log_use(place: Path, use: TestUse) -> int:
    """Appends a row, with a heading where there is no log yet; gives its number."""
    text = place.read_text(encoding="utf-8") if place.is_file() else HEADER
    number = 1 + max((int(cell) for cell in map(_first_cell, text.splitlines()) if cell.isdigit()), default=0)
    cells = (str(number), use.day.isoformat(), use.model, use.done, use.learnt)
    row = "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |\n"
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(place.name + ".tmp")
    draft.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    with draft.open("a", encoding="utf-8") as handle:
        handle.write(row)
    draft.replace(place)
    return number


def _first_cell(line: str) -> str:
    return line.split("|")[1].strip() if line.startswith("|") else ""
